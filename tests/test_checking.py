"""Checking: a mail is kept before its proof is known, and is answered as who it was found to be from, whatever happens
in between: by dispatch over real SMTP, DNS and disk.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiosmtplib
import pytest
import pytest_asyncio

from channels.email import Email
from channels.slack import Slack, SlackSettings
from core.backends.ledger.schema import metadata
from core.backends.ledger.sqlite import SqliteDatabase
from core.channel import Checked
from core.checking import Checking
from core.delivery import Delivery
from core.dispatch import Dispatch
from core.ledger import Unchecked
from core.messages import InboundMessage, Raw
from identity.proof import Proof
from tests.shop import HOUSE, Shop
from tests.site import make_channel, site
from tests.twins.channel import ChannelTwin
from tests.twins.dns import DnsTwin
from tests.twins.mail import MailRelay
from tests.twins.signing import Domain
from tests.twins.slack import SlackTwin

CHECKOUT = Path(__file__).parents[1]
SHOP = Domain(name="shop.test")
NOTHING = Raw(body=b"", received_at=Shop.now)


@pytest_asyncio.fixture
async def dns() -> AsyncIterator[DnsTwin]:
    async with DnsTwin(zone=SHOP.record() | {("_dmarc.shop.test", "TXT"): ["v=DMARC1; p=reject"]}).open() as twin:
        yield twin


async def open_shop(folder: Path) -> Shop:
    """A shop that answers at once, with the newest tables."""
    database = SqliteDatabase(folder / "shop.db")
    shop = await Shop.open(folder, house=replace(HOUSE, burst=HOUSE.burst * 0))
    await database.write(metadata.create_all)
    await database.close()
    return shop


def email_channel(folder: Path, dns: DnsTwin, relay: MailRelay) -> Email:
    channel = make_channel(
        "email",
        folder,
        mail_trusted_relays="",
        mail_dns=dns.address,
        smtp_relay_host="127.0.0.1",
        smtp_relay_port=relay.port,
        smtp_relay_starttls=False,
    )
    assert isinstance(channel, Email)
    return channel


@dataclass(kw_only=True)
class Office:
    """A shop whose mail comes in and goes out by SMTP."""

    shop: Shop
    email: Email
    dispatch: Dispatch
    relay: MailRelay
    port: int = 0

    async def mails(self, written: bytes) -> None:
        """A mail comes from the internet, by no relay of ours; returns when it is acknowledged."""
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=self.port, start_tls=False)
        async with client:
            await client.sendmail("bounce@elsewhere.test", ["support@acme.test"], written)

    async def answer(self) -> str:
        """The next mail that goes out."""
        content = (await self.relay.arrived.get()).message.get_body(("plain",))
        assert content
        return str(content.get_content())


@asynccontextmanager
async def open_office(folder: Path, dns: DnsTwin) -> AsyncIterator[Office]:
    shop = await open_shop(folder)
    async with MailRelay().open() as relay:
        email = email_channel(folder, dns, relay)
        delivery = Delivery(shop.ledger, {"email": email}, lambda: shop.now)
        dispatch = Dispatch(shop.engine, shop.ledger, delivery, {"email": email})
        listening = asyncio.create_task(email.listen(lambda raw: dispatch.deliver(email, raw)))
        office = Office(shop=shop, email=email, dispatch=dispatch, relay=relay, port=await email.started())
        try:
            yield office
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening
            await dispatch.close()
            await shop.close()


def mail(text: str, number: int = 1) -> bytes:
    head = (
        f"From: Ann Lee <ann@shop.test>\r\nTo: support@acme.test\r\nSubject: Help\r\nMessage-ID: <m{number}@shop.test>"
    )
    return f"{head}\r\n\r\n{text}\r\n".encode()


async def ann_is_waiting_for_a_refund(shop: Shop) -> None:
    await shop.knows("cus_1", "Ann Lee", "email:ann@shop.test", "phone:+15550142")
    await shop.hears("sms", "+15550142", "I was charged $49.37 twice for order W4829137")
    shop.later(hours=3)


async def test_a_checked_mail_is_greeted_and_a_forged_one_is_not(tmp_path: Path, dns: DnsTwin) -> None:
    async with open_office(tmp_path, dns) as office:
        await ann_is_waiting_for_a_refund(office.shop)
        await office.mails(SHOP.signs(mail("Any news on my refund?")))
        assert "Ann" in (greeted := await office.answer())
        assert "$49.37" in greeted
        await office.mails(SHOP.signs(mail("Any news?", 2)).replace(b"Any news", b"Hello, news"))
        refused = await office.answer()
    assert "Ann" not in refused
    assert "49.37" not in refused


async def test_a_card_number_is_kept_nowhere_and_breaks_no_signature(tmp_path: Path, dns: DnsTwin) -> None:
    async with open_office(tmp_path, dns) as office:
        await ann_is_waiting_for_a_refund(office.shop)
        await office.mails(SHOP.signs(mail("Any news on my refund? My card is 4111 1111 1111 1111")))
        assert "Ann" in await office.answer()
    assert all(b"1111 1111 1111" not in path.read_bytes() for path in tmp_path.rglob("shop.db*"))


async def test_it_is_acknowledged_before_dns_has_answered(tmp_path: Path, dns: DnsTwin) -> None:
    async with open_office(tmp_path, dns) as office:
        dns.gate.clear()
        await office.mails(SHOP.signs(mail("Any news?")))
        assert len(await office.shop.ledger.unchecked()) == 1
        assert office.relay.arrived.empty()
        dns.gate.set()
        await office.answer()
        assert await office.shop.ledger.unchecked() == []


async def test_a_mail_survives_a_process_that_dies_while_it_is_checked(tmp_path: Path, dns: DnsTwin) -> None:
    shop = await open_shop(tmp_path)
    await ann_is_waiting_for_a_refund(shop)
    await shop.close()
    dns.gate.clear()
    (tmp_path / "mail.eml").write_bytes(SHOP.signs(mail("Any news on my refund?")))
    command = [sys.executable, "-m", "tests.test_checking", str(tmp_path), str(dns.port)]
    doomed = await asyncio.create_subprocess_exec(*command, cwd=CHECKOUT)
    assert await dns.asked.get() == "_dmarc.shop.test"
    doomed.kill()
    await doomed.wait()
    dns.gate.set()
    async with open_office(tmp_path, dns) as office:
        await office.dispatch.resume()
        assert "Ann" in await office.answer()


async def keep_and_check(folder: Path, port: int) -> None:
    """What the process that dies does: it takes the mail, and waits for DNS until it is killed."""
    dns, shop = DnsTwin(port=port), await open_shop(folder)
    email = email_channel(folder, dns, MailRelay(port=1))
    dispatch = Dispatch(shop.engine, shop.ledger, Delivery(shop.ledger, {}, lambda: shop.now), {"email": email})
    await dispatch.deliver(email, Raw(body=(folder / "mail.eml").read_bytes(), received_at=shop.now))
    await asyncio.Event().wait()


# Slack, whose members' email is asked for after the message is kept.


@dataclass(kw_only=True)
class Workplace:
    """A shop that Ann has written to by mail, and where she works in our own Slack workspace."""

    shop: Shop
    twin: SlackTwin
    dispatch: Dispatch

    async def asks(self, text: str) -> str:
        """Ann writes to the bot in Slack, and is answered."""
        await (await self.twin.emits(self.twin.says("U1ANN", text))).acked.wait()
        return (await self.twin.next_post()).text


@asynccontextmanager
async def open_workplace(folder: Path) -> AsyncIterator[Workplace]:
    shop = await open_shop(folder)
    await shop.hears("email", "ann@shop.test", "I was charged $49.37 twice for order W4829137")
    shop.later(hours=3)
    async with SlackTwin() as twin:
        twin.users["U1ANN"] = {"profile": {"email": "ann@shop.test"}}
        given = {"slack_bot_token": twin.bot_token, "slack_app_token": twin.app_token, "slack_api_url": twin.api_url}
        slack = Slack(SlackSettings.model_validate(given), replace(site(folder), now=lambda: shop.now))
        dispatch = Dispatch(
            shop.engine, shop.ledger, Delivery(shop.ledger, {"slack": slack}, lambda: shop.now), {"slack": slack}
        )
        listening = asyncio.create_task(slack.listen(lambda raw: dispatch.deliver(slack, raw)))
        await twin.connections.get()
        try:
            yield Workplace(shop=shop, twin=twin, dispatch=dispatch)
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening
            await slack.close()
            await dispatch.close()
            await shop.close()


async def test_who_confirmed_their_email_in_our_workspace_is_recognised_in_slack(tmp_path: Path) -> None:
    async with open_workplace(tmp_path) as work:
        assert "$49.37" in await work.asks("Hello, any news?")
        assert work.twin.asked == ["U1ANN"]


async def test_slack_is_acknowledged_before_it_is_asked_about_the_user(tmp_path: Path) -> None:
    async with open_workplace(tmp_path) as work:
        work.twin.gate.clear()
        answered = asyncio.create_task(work.asks("Hello, any news?"))
        await work.twin.questions.get()
        [envelope] = work.twin.envelopes
        await envelope.acked.wait()
        assert len(await work.shop.ledger.unchecked()) == 1
        assert not work.twin.posted
        work.twin.gate.set()
        assert "$49.37" in await answered


async def test_a_guest_of_our_workspace_is_answered_as_themselves_alone(tmp_path: Path) -> None:
    async with open_workplace(tmp_path) as work:
        work.twin.users["U1ANN"]["is_restricted"] = True
        assert "$49.37" not in await work.asks("Hello, any news?")


async def test_a_question_that_fails_leaves_the_message_proven_and_joins_nobody(tmp_path: Path) -> None:
    async with open_workplace(tmp_path) as work:
        work.twin.fail("users.info")
        assert "$49.37" not in await work.asks("My parcel 55120 is lost")
        work.shop.later(hours=3)
        assert "55120" in await work.asks("Hello, any news?")
        assert work.twin.asked == ["U1ANN"]


async def test_a_question_that_fails_takes_nothing_back(tmp_path: Path) -> None:
    async with open_workplace(tmp_path) as work:
        await work.asks("Hello, any news?")
        work.shop.later(hours=3)
        work.twin.fail("users.info")
        assert "$49.37" in await work.asks("Hello again, any news about my refund?")


# Checking by itself.


class Judge(ChannelTwin):
    """A channel whose checks of these texts end when the test says, as it says."""

    def __init__(self, *texts: str) -> None:
        super().__init__("email")
        loop = asyncio.get_running_loop()
        self.verdicts: dict[str, asyncio.Future[Checked]] = {text: loop.create_future() for text in texts}
        self.asked: asyncio.Queue[Raw] = asyncio.Queue()

    async def check(self, message: InboundMessage, raw: Raw) -> Checked:
        self.asked.put_nowait(raw)
        return await self.verdicts[message.text]


async def accepted(shop: Shop, *texts: str, who: str = "ann@shop.test") -> list[Unchecked]:
    """So many unchecked mails of one address are kept."""
    messages = [
        shop.message("email", who, text, proof=Proof.CLAIMED, conversation=text, unchecked=True) for text in texts
    ]
    for message in messages:
        await shop.engine.accept(message, replace(NOTHING, headers={"mail-from": who}, peer="192.0.2.25"))
    return [Unchecked.of(message) for message in messages]


@dataclass
class Desk:
    """Stands for dispatch: notes the lines that are called."""

    lines: "asyncio.Queue[str]" = field(default_factory=asyncio.Queue)

    async def called(self, count: int) -> list[str]:
        return [await self.lines.get() for _ in range(count)]


@pytest_asyncio.fixture
async def checked_shop(tmp_path: Path) -> AsyncIterator[Shop]:
    shop = await open_shop(tmp_path)
    yield shop
    await shop.close()


async def test_a_check_is_given_the_message_and_how_it_arrived(checked_shop: Shop) -> None:
    [one] = await accepted(checked_shop, "first")
    channel, desk = Judge("first"), Desk()
    checking = Checking(checked_shop.ledger, {"email": channel}, desk.lines.put_nowait)
    checking.begin(one)
    checking.begin(one)
    raw = await channel.asked.get()
    assert (raw.peer, raw.headers) == ("192.0.2.25", {"mail-from": "ann@shop.test"})
    channel.verdicts["first"].set_result(Checked(proof=Proof.PROVEN))
    assert await desk.called(1) == ["email:ann@shop.test"]
    assert channel.asked.empty()
    assert await checked_shop.ledger.checked(one, None) is None
    assert await checked_shop.ledger.to_check(one) is None


async def test_mails_of_one_address_keep_their_order_and_hold_up_nobody_else(checked_shop: Shop) -> None:
    ann = await accepted(checked_shop, "first", "second")
    [ben] = await accepted(checked_shop, "third", who="ben@shop.test")
    channel, desk = Judge("first", "second", "third"), Desk()
    checking = Checking(checked_shop.ledger, {"email": channel}, desk.lines.put_nowait)
    for one in [*ann, ben]:
        checking.begin(one)
    for text in ("second", "third"):
        channel.verdicts[text].set_result(Checked(proof=Proof.PROVEN))
    assert await desk.called(1) == ["email:ben@shop.test"]
    assert await checked_shop.ledger.unchecked() == ann
    channel.verdicts["first"].set_result(Checked(proof=Proof.CLAIMED))
    assert await desk.called(2) == ["email:~first", "email:ann@shop.test"]


async def test_what_fails_or_takes_too_long_or_is_switched_off_stays_claimed(checked_shop: Shop) -> None:
    channel, desk = Judge("fails", "hangs"), Desk()
    channel.verdicts["fails"].set_exception(RuntimeError("a bug"))
    for text, channels in (("fails", {"email": channel}), ("hangs", {"email": channel}), ("off", {})):
        await accepted(checked_shop, text)
        checking = Checking(checked_shop.ledger, channels, desk.lines.put_nowait, patience=0.05)
        await checking.resume()
        assert await desk.called(1) == [f"email:~{text}"]
        await checking.close()


async def test_a_message_that_came_proven_stays_so_when_its_check_fails(checked_shop: Shop) -> None:
    channel, desk = Judge("fails"), Desk()
    channel.verdicts["fails"].set_exception(RuntimeError("a bug"))
    message = checked_shop.message("email", "ann@shop.test", "fails", vouchers=None, unchecked=True)
    await checked_shop.engine.accept(message, NOTHING)
    checking = Checking(checked_shop.ledger, {"email": channel}, desk.lines.put_nowait)
    await checking.resume()
    assert await desk.called(1) == ["email:ann@shop.test"]


async def test_it_asks_about_eight_at_once(checked_shop: Shop) -> None:
    texts = [f"m{number}" for number in range(10)]
    for text in texts:
        await accepted(checked_shop, text, who=f"{text}@shop.test")
    channel, desk = Judge(*texts), Desk()
    checking = Checking(checked_shop.ledger, {"email": channel}, desk.lines.put_nowait)
    await checking.resume()
    for _ in range(8):
        await channel.asked.get()
    await checked_shop.ledger.unchecked()  # the ledger reads in order: a ninth would have been read before
    assert channel.asked.empty()
    for text in texts:
        channel.verdicts[text].set_result(Checked(proof=Proof.PLAUSIBLE))
    assert len(await desk.called(10)) == 10


@pytest.mark.parametrize("trouble", ["drop", "slow"])
async def test_dns_that_does_not_answer_in_time_leaves_a_mail_claimed(
    tmp_path: Path, dns: DnsTwin, checked_shop: Shop, trouble: str
) -> None:
    email, desk = email_channel(tmp_path, dns, MailRelay(port=1)), Desk()
    raw = replace(NOTHING, body=SHOP.signs(mail("Any news?")))
    message = email.parse(raw)
    assert message
    await checked_shop.engine.accept(message, raw)
    if trouble == "drop":
        dns.troubles["s1._domainkey.shop.test"] = "drop"
    else:
        dns.gate.clear()
    checking = Checking(checked_shop.ledger, {"email": email}, desk.lines.put_nowait, patience=0.2)
    await checking.resume()
    assert await desk.called(1) == [f"email:~{message.conversation}"]


def _folder_and_port(arguments: Sequence[str]) -> tuple[Path, int]:
    folder, port = arguments
    return Path(folder), int(port)


if __name__ == "__main__":
    asyncio.run(keep_and_check(*_folder_and_port(sys.argv[1:])))
