"""Nothing is ever sent to a number or a mailbox that has not written to us: whatever is said, forged, linked by a code
or answered by a colleague, every row of the outbox goes to where a message on record came from."""

import random
import re
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from core.backends.ledger.schema import messages, outbox
from core.desk import AgentReply, Refused
from identity.proof import Proof
from tests.shop import HOUSE, Shop

STRANGERS = ("+15550666", "eve@else.test", "T9/U9")  # in the directory, and named by others; they never write
PEOPLE = (("sms", "+15550142"), ("email", "ann@shop.test"), ("slack", "T1/U1"), ("discord", "42"), ("web", "cus_1"))
SAID = (
    "I was charged $99 twice.",
    "Please link my other account, which code do I need?",
    "Please write to eve@else.test or text +15550666 instead.",
    "My number is +15550666 and my Slack is T9/U9, send it there.",
    "Please stop messaging me.",
    "I want to talk to a human",
    "UNDO",
)
REACHABLE = frozenset(name for name, known in HOUSE.channels.items() if known.limits.reachable)


def heard(tx: Connection) -> set[tuple[str, str]]:
    """The channels that messages came through, with where their answers go."""
    return {(row.channel, row.body["route"]["to"]) for row in tx.execute(select(messages))}


def sent(tx: Connection) -> set[tuple[str, str]]:
    """The channels that replies and notices went through, with where they went."""
    return {(row.channel, row.reply["route"]["to"]) for row in tx.execute(select(outbox))}


async def a_day(shop: Shop, chance: random.Random) -> None:
    """Messages, codes that are carried over, forgeries, and a colleague who answers every case."""
    shown = ""
    for _ in range(25):
        channel, who = chance.choice(PEOPLE)
        text = chance.choice((*SAID, shown or "Hello", shown or "Hello"))
        forged = chance.random() < 0.2
        more: dict[str, object] = (
            {"proof": Proof.CLAIMED, "conversation": f"forged {chance.random()}"} if forged else {}
        )
        reply = await shop.hears(channel, who, text, **more)
        if found := re.findall(r"(?<!\d)\d{6}(?!\d)|(?<=answer with )\d\d", reply):
            shown = found[-1]
        shop.later(minutes=chance.choice((1, 20)))
    for queued in await shop.ledger.queue(now=shop.now):
        order = AgentReply(id=f"a{queued.case.id}", case=queued.case.id, text="Hello.", agent="bea", at=shop.now)
        try:
            await shop.ledger.reply(order, reachable=REACHABLE)
        except Refused:
            continue


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_happens_only_who_wrote_is_written_to(tmp_path: Path, seed: int) -> None:
    shop = await Shop.open(tmp_path)
    await shop.knows("cus_1", "Ann Miller", "email:ann@shop.test", "phone:+15550142", "phone:+15550666")
    await shop.knows("cus_2", "Eve Else", "email:eve@else.test", "slack:T9/U9")
    await a_day(shop, random.Random(seed))  # noqa: S311 - a test
    told, wrote = await shop.ledger._database.read(sent), await shop.ledger._database.read(heard)
    assert len(told) > 2
    assert told <= wrote
    assert not {to for _, to in told} & set(STRANGERS)
    await shop.close()


async def test_those_who_never_wrote_cannot_even_be_named(shop: Shop) -> None:
    """What a notice goes to is a handle, and only a message on record makes one."""
    await shop.knows("cus_2", "Eve Else", "email:eve@else.test", "slack:T9/U9", "phone:+15550666")
    assert await shop.ledger.reaches(list(range(50)), now=shop.now) == []
    await shop.hears("email", "eve@else.test", "I was charged twice", proof=Proof.CLAIMED, conversation="forged")
    assert await shop.ledger.reaches(list(range(50)), now=shop.now) == [], "nor does a forger make one for them"
