"""A shop with the real engine, ledger and rules, and a clock that the test turns. No channel: messages come parsed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from core.actions import Action, Actions, Carrier
from core.backends.carrying import Company
from core.backends.ledger.sql import SqlLedger
from core.backends.ledger.sqlite import SqliteDatabase
from core.backends.rules.writer import RulesWriter
from core.channel import Limits
from core.engine import Engine
from core.house import House, Known
from core.ledger import Outgoing, Settled, Wait, line_of
from core.linking import Linking
from core.messages import InboundMessage, Raw, Voucher
from core.record import DirectoryRow, Profile
from core.writing import Writer
from identity.handles import Handle
from identity.proof import Proof
from tests.twins.memory import MemoryTwin

LABELS = {"web": "chat", "email": "email", "sms": "SMS", "voice": "phone", "slack": "Slack", "discord": "Discord"}
LIVE = {"web", "voice"}
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OFFICE = "+15550100"


def limits(channel: str) -> Limits:
    return Limits(
        inbound_bytes=65_536,
        text=100_000,
        live=channel in LIVE,
        reachable=channel != "voice",
        keywords=channel == "sms",
        answers_to_claimed=1 if channel == "email" else 0,
        file_bytes=0 if channel in {"voice", "sms"} else 15_000_000,
    )


HOUSE = House(
    secret=b"the shop's own secret",
    bot_name="Throughline",
    brand="Acme",
    languages=("en", "de"),
    call_number=OFFICE,
    channels={name: Known(label=label, limits=limits(name)) for name, label in LABELS.items()},
)


_NEW: list[bytes] = []  # a ledger in its newest shape: migrating takes its time, and is tested elsewhere


async def _new_ledger(path: Path) -> SqlLedger:
    if not _NEW and not path.exists():
        first = SqlLedger(SqliteDatabase(path))
        await first.migrate()
        await first.close()
        _NEW.append(path.read_bytes())
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_NEW[0])
    return SqlLedger(SqliteDatabase(path))


@dataclass(kw_only=True)
class Shop:
    """`hears` says something to the bot and gives what it answers; `sent` is all that ever went out."""

    ledger: SqlLedger
    engine: Engine
    memory: MemoryTwin
    now: datetime = START
    sent: list[Outgoing] = field(default_factory=list)
    _ids: "count[int]" = field(default_factory=count)

    @classmethod
    async def open(
        cls,
        folder: Path,
        *,
        writer: Writer | None = None,
        house: House = HOUSE,
        actions: Mapping[str, Action] | None = None,
        carrier: Carrier | None = None,
        ledger: SqlLedger | None = None,
    ) -> "Shop":
        """A shop whose ledger is new, unless one is given."""
        ledger = ledger or await _new_ledger(folder / "shop.db")
        memory, ids = MemoryTwin(), count()
        shop = cls(ledger=ledger, memory=memory, engine=None)  # type: ignore[arg-type]
        shop.engine = Engine(
            ledger=ledger,
            memory=memory,
            writer=writer or RulesWriter(),
            knowledge=None,
            house=house,
            linking=Linking(secret=house.secret, label=house.label, call_number=house.call_number),
            actions=Actions(
                known=actions or {},
                carrier=carrier or Company({}),
                ledger=ledger,
                now=lambda: shop.now,
                new_id=lambda: f"act{next(ids)}",
            ),
            now=lambda: shop.now,
            new_id=lambda: f"id{next(ids)}",
        )
        return shop

    async def close(self) -> None:
        await self.ledger.close()

    async def waiting(self) -> list[int]:
        """The replies that are still to be sent, also those that somebody is sending."""
        return [row.id for row in await self.ledger.left_over(now=self.now + timedelta(days=1))]

    def later(self, **time: float) -> None:
        """Lets time pass."""
        self.now += timedelta(**time)

    async def knows(self, external_id: str, name: str, *keys: str, plan: str = "", value: float = 0) -> None:
        """Puts somebody into the company's directory."""
        profile = Profile(external_id=external_id, name=name, plan=plan, value=value)
        await self.ledger.import_directory([DirectoryRow(profile=profile, keys=keys)], now=self.now)

    async def hears(self, channel: str, who: str, text: str, **more: object) -> str:
        """Somebody writes, and a second after the burst everything due is answered: the reply's text, or ""."""
        message = self.message(channel, who, text, **more)
        await self.accept(message)
        return await self.answers(line_of(message))

    async def hears_without_learning(self, channel: str, who: str, text: str) -> str:
        """As `hears`, while memory is away."""
        await self.accept(self.message(channel, who, text))
        self.later(seconds=3)
        outcome = await self.engine.take_turn(f"{channel}:{who}")
        assert isinstance(outcome, Settled)
        return (await self._collect(outcome))[0].reply.text

    async def accept(self, message: InboundMessage) -> bool:
        """A message is kept, and not yet answered."""
        return await self.engine.accept(message, Raw(body=message.text.encode(), received_at=self.now))

    async def answers(self, line: str) -> str:
        """Everything that waits on a line is answered."""
        said: list[str] = []
        while (outcome := await self.engine.take_turn(line)) is not None:
            if isinstance(outcome, Wait):
                self.now = max(self.now, outcome.until)
                continue
            said += [
                o.reply.text for o in await self._collect(outcome) if o.destination.startswith(line.partition(":")[0])
            ]
            await self.engine.learn(outcome)
        return "\n\n".join(said)

    async def _collect(self, settled: Settled) -> Sequence[Outgoing]:
        out = settled.outbox
        for row in out:
            await self.ledger.part_sent(row.id, parts=1, done=True, provider_id=f"p{row.id}", now=self.now)
        self.sent += out
        return out

    def message(self, channel: str, who: str, text: str, **more: object) -> InboundMessage:
        """A message as a channel would have parsed it; `proof`, `conversation` and the like may be given."""
        number = channel in {"sms", "voice"}
        key = f"phone:{who}" if number else f"{channel}:{who}"
        fields: dict[str, object] = {
            "external_id": f"{channel}-{next(self._ids)}",
            "handle": Handle(channel=channel, address=who, key=key),
            "proof": Proof.CONFIRMED if channel == "web" else Proof.PROVEN,
            "text": text,
            "conversation": f"with {who}",
            "route": {"to": who},
            "received_at": self.now,
        }
        return InboundMessage(**(fields | more))  # type: ignore[arg-type]


def voucher(key: str, person: str | None = None) -> Voucher:
    """Somebody's provider vouches for a key."""
    return Voucher(key=key, person=person)
