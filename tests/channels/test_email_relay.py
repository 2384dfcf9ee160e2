"""Proves that letters reach a strict relay, by TLS where it is asked for, and what becomes of those that it refuses."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from channels._mail.letter import Letter
from channels.email import Email
from core.channel import Closes
from core.errors import TryAgain, Undeliverable
from core.messages import Reply
from tests.channels.mailroom import (
    ROUTE,
    certificate_of,
    relaying,
    tls_of,
    version,
)
from tests.site import NOW
from tests.twins.mail import MailRelay


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return certificate_of("127.0.0.1", tmp_path / "relay.pem")


async def test_a_strict_relay_takes_a_letter(tmp_path: Path) -> None:
    async with MailRelay().open() as relay:
        channel = relaying(tmp_path, relay)
        [letter] = channel.render(Reply(id="rep_1", route=ROUTE, text="Grüße\n.\n" + "long " * 500))
        sent = [await channel.send(letter), await channel.send(letter)]
    assert sent == [letter.message_id] * 2
    assert [c.message["Message-ID"] for c in relay.caught] == sent
    caught = relay.caught[0]
    assert caught.recipients == ["ann@shop.test"]
    assert caught.sender == "support@acme.test"
    assert caught.message["Date"].datetime == NOW
    assert version(caught.message, "plain").startswith("Grüße\n.\nlong")


async def test_an_address_in_another_alphabet_is_written_to(tmp_path: Path) -> None:
    async with MailRelay().open() as relay:
        channel = relaying(tmp_path, relay)
        [letter] = channel.render(Reply(id="rep_1", route=ROUTE | {"to": "änn@shop.test"}, text="Hi"))
        await channel.send(letter)
    assert relay.caught[0].recipients == ["änn@shop.test"]


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ({"RCPT": "450 4.2.1 Mailbox busy"}, TryAgain),
        ({"RCPT": "550 5.1.1 No such user"}, Undeliverable),
        ({"RCPT": "530 5.7.0 Authentication required"}, TryAgain),
        ({"DATA": "451 4.3.0 Try later"}, TryAgain),
        ({"DATA": "554 5.7.1 Refused as spam"}, Undeliverable),
        ({"DATA": ""}, TryAgain),
        ({"RCPT": ""}, TryAgain),
    ],
)
async def test_a_relays_refusal_says_what_happens_next(
    tmp_path: Path, answers: dict[str, str], outcome: type[Exception]
) -> None:
    async with MailRelay(answers=answers).open() as relay:
        channel = relaying(tmp_path, relay)
        [letter] = channel.render(Reply(id="rep_1", route=ROUTE, text="Hi"))
        with pytest.raises(outcome) as failure:
            await channel.send(letter)
    assert "127.0.0.1" in str(failure.value)
    assert "\n" not in str(failure.value)


async def test_a_relay_that_is_away_is_tried_again(tmp_path: Path) -> None:
    async with MailRelay().open() as relay:
        channel = relaying(tmp_path, relay)
    [letter] = channel.render(Reply(id="rep_1", route=ROUTE, text="Hi"))
    with pytest.raises(TryAgain):
        await channel.send(letter)


async def test_a_silent_relay_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channels._mail.relay._PATIENCE", 0.05)
    visitors: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _reader, writer: visitors.append(writer), "127.0.0.1", 0)
    async with silent:
        channel = relaying(tmp_path, MailRelay(port=silent.sockets[0].getsockname()[1]))
        [letter] = channel.render(Reply(id="rep_1", route=ROUTE, text="Hi"))
        with pytest.raises(TryAgain):
            await channel.send(letter)
        visitors[0].close()
        await visitors[0].wait_closed()


async def test_it_signs_in_over_tls(tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with MailRelay(user="bot", password="right", tls=tls_of(certificate)).open() as relay:
        signed_in = {"smtp_relay_starttls": True, "smtp_relay_user": "bot", "smtp_relay_password": "right"}
        channel = relaying(tmp_path, relay, **signed_in)
        [letter] = channel.render(Reply(id="rep_1", route=ROUTE, text="Hi"))
        await channel.send(letter)
        wrong = relaying(tmp_path, relay, **signed_in | {"smtp_relay_password": "wrong"})
        with pytest.raises(TryAgain, match="SMTP_RELAY_USER, SMTP_RELAY_PASSWORD") as failure:
            await wrong.send(letter)
    assert "wrong" not in str(failure.value)
    [caught] = relay.caught
    assert caught.over_tls
    assert caught.user == "bot"


async def test_no_letter_goes_out_in_the_clear_where_tls_is_asked_for(tmp_path: Path, certificate: Path) -> None:
    for tls in (None, tls_of(certificate)):  # no TLS at all, and a certificate that nobody vouches for
        async with MailRelay(tls=tls).open() as relay:
            channel = relaying(tmp_path, relay, smtp_relay_starttls=True)
            [letter] = channel.render(Reply(id="rep_1", route=ROUTE, text="Hi"))
            with pytest.raises(TryAgain, match=r"TLS|certificate"):
                await channel.send(letter)
        assert not relay.caught


def letters(channel: Email, *ids: str, **route: str) -> list[Letter]:
    return [channel.render(Reply(id=one, route=ROUTE | route, text="Hi"))[0] for one in ids]


async def test_several_letters_go_by_one_connection(tmp_path: Path) -> None:
    async with MailRelay().open() as relay:
        channel = relaying(tmp_path, relay)
        for letter in letters(channel, "rep_1", "rep_2", "rep_3"):
            await channel.send(letter)
        assert (len(relay.caught), len(relay.visits)) == (3, 1)
        assert isinstance(channel, Closes)
        await channel.close()
        await relay.visits[0].gone.wait()


async def test_letters_to_many_go_by_a_few_connections_at_once(tmp_path: Path) -> None:
    async with MailRelay().open() as relay:
        channel = relaying(tmp_path, relay)
        many = letters(channel, *(f"rep_{number}" for number in range(20)))
        await asyncio.gather(*map(channel.send, many))
        await channel.close()
    assert {c.message["Message-ID"] for c in relay.caught} == {letter.message_id for letter in many}
    assert 1 < len(relay.visits) <= 4


async def test_a_connection_that_the_relay_gave_up_is_made_anew(tmp_path: Path) -> None:
    async with MailRelay().open() as relay:
        channel = relaying(tmp_path, relay)
        first, second = letters(channel, "rep_1", "rep_2")
        await channel.send(first)
        await relay.hang_up()
        await channel.send(second)
        await channel.close()
    assert (len(relay.caught), len(relay.visits)) == (2, 2)


async def test_a_refusal_spoils_nothing_for_the_next_letter(tmp_path: Path) -> None:
    async with MailRelay(answers={"RCPT": "550 5.1.1 No such user"}).open() as relay:
        channel = relaying(tmp_path, relay)
        refused, taken = letters(channel, "rep_1", "rep_2")
        with pytest.raises(Undeliverable, match=r"550 5\.1\.1 there is no such mailbox"):
            await channel.send(refused)
        relay.answers = {}
        await channel.send(taken)
        await channel.close()
    assert [(c.message["Message-ID"], c.recipients) for c in relay.caught] == [(taken.message_id, ["ann@shop.test"])]
    assert len(relay.visits) == 1


@pytest.mark.parametrize(("broken", "maybe"), [("MAIL", False), ("RCPT", False), ("DATA", True)])
async def test_only_what_the_relay_may_have_is_flagged_as_perhaps_sent(
    tmp_path: Path, broken: str, maybe: bool
) -> None:
    async with MailRelay(answers={broken: ""}).open() as relay:
        channel = relaying(tmp_path, relay)
        [letter] = letters(channel, "rep_1")
        with pytest.raises(TryAgain) as trouble:
            await channel.send(letter)
        assert trouble.value.maybe_sent is maybe
        relay.answers = {}
        await channel.send(letter)
        await channel.close()
    assert {c.message["Message-ID"] for c in relay.caught} == {letter.message_id}
    assert len(relay.caught) == (2 if maybe else 1)


@dataclass(kw_only=True)
class ThoughtfulRelay(MailRelay):
    """Takes its time over a mail, until it is let."""

    entered: asyncio.Event = field(default_factory=asyncio.Event)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.entered.set()
        await self.may_answer.wait()
        return await super().handle_DATA(server, session, envelope)


async def test_a_connection_on_which_a_letter_was_given_up_is_not_used_again(tmp_path: Path) -> None:
    async with ThoughtfulRelay().open() as relay:
        channel = relaying(tmp_path, relay)
        first, second = letters(channel, "rep_1", "rep_2")
        given_up = asyncio.create_task(channel.send(first))
        await relay.entered.wait()
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        relay.may_answer.set()
        await channel.send(second)
        await channel.close()
    assert relay.caught[-1].message["Message-ID"] == second.message_id
    assert len(relay.visits) == 2


async def test_a_relay_that_takes_no_other_alphabets_gets_no_such_address(tmp_path: Path) -> None:
    async with MailRelay(smtp_utf8=False).open() as relay:
        channel = relaying(tmp_path, relay)
        [letter] = letters(channel, "rep_1", to="änn@shop.test")
        with pytest.raises(Undeliverable, match="SMTPUTF8"):
            await channel.send(letter)
        [by_domain] = letters(channel, "rep_2", to="ann@xn--bcher-kva.test")
        await channel.send(by_domain)
        await channel.close()
    assert [c.recipients for c in relay.caught] == [["ann@xn--bcher-kva.test"]]


async def test_a_letter_that_the_relay_finds_too_large_is_not_tried(tmp_path: Path) -> None:
    async with MailRelay(most_bytes=600).open() as relay:
        channel = relaying(tmp_path, relay)
        [letter] = letters(channel, "rep_1")
        with pytest.raises(Undeliverable, match="the relay takes 600"):
            await channel.send(letter)
        await channel.close()


async def test_port_465_speaks_tls_from_its_first_byte(
    tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with MailRelay(tls=tls_of(certificate), implicit_tls=True).open() as relay:
        monkeypatch.setattr("channels._mail.relay._IMPLICIT_TLS", relay.port)  # nobody may listen on 465 in a test
        channel = relaying(tmp_path, relay, smtp_relay_starttls=True)
        [letter] = letters(channel, "rep_1")
        with pytest.raises(TryAgain, match="certificate"):
            await channel.send(letter)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        await channel.send(letter)
        await channel.close()
    assert len(relay.caught) == 1
