"""Proves that letters reach a strict relay, by TLS where it is asked for, and what becomes of those that it refuses."""

import asyncio
from pathlib import Path

import pytest

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
