"""Proves that letters are kept in a folder while there is no relay, and shown to nobody but the newcomer."""

from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from channels.email import Email, Mailbox
from core.channel import Pages
from core.errors import Unverified
from core.messages import Raw, Reply
from tests.channels.mailroom import (
    ROUTE,
    email_channel,
)
from tests.site import NOW, site


@pytest.fixture
def email(tmp_path: Path) -> Email:
    return email_channel(tmp_path)


def newcomers(var: Path) -> Email:
    return Email(Mailbox(), replace(site(var), base_url="http://127.0.0.1:8000"))


async def test_without_a_relay_letters_are_kept_and_shown_to_the_newcomer(tmp_path: Path) -> None:
    channel = newcomers(tmp_path)
    assert isinstance(channel, Pages)
    assert channel.pages == ("/mail",)
    assert "Nothing yet" in await shown(channel)
    for number in range(2):
        route = ROUTE | {"subject": f"<i>Kettle {number}</i>"}
        [letter] = channel.render(Reply(id=f"rep_{number}", route=route, text="<script>alert()</script>"))
        assert await channel.send(letter) == letter.message_id
    files = sorted((tmp_path / "mail").iterdir())
    assert [f.suffix for f in files] == [".eml", ".eml"]
    assert message_from_bytes(files[0].read_bytes(), policy=policy.default)["To"] == "ann@shop.test"
    page = await shown(channel)
    assert "&lt;script&gt;alert()" in page
    assert "<script" not in page
    assert page.count("<h1>") == 1
    assert page.count("<article>") == 2


async def shown(channel: Email) -> str:
    ack = await channel.get(
        Raw(body=b"", received_at=NOW, path="/mail", peer="127.0.0.1", headers={"host": "localhost:8000"})
    )
    assert "default-src 'none'" in ack.headers["content-security-policy"]
    assert isinstance(ack.body, str)
    return ack.body


@pytest.mark.parametrize(
    ("peer", "headers"),
    [
        ("192.0.2.1", {"host": "localhost"}),
        ("127.0.0.1", {"host": "evil.test"}),
        ("127.0.0.1", {"host": "localhost", "x-forwarded-for": "192.0.2.1"}),
        ("", {"host": "localhost"}),
    ],
)
async def test_kept_letters_are_shown_to_nobody_else(tmp_path: Path, peer: str, headers: dict[str, str]) -> None:
    with pytest.raises(Unverified):
        await newcomers(tmp_path).get(Raw(body=b"", received_at=NOW, path="/mail", peer=peer, headers=headers))


async def test_no_kept_letter_is_shown_where_the_outside_sees_us(email: Email) -> None:
    with pytest.raises(Unverified):
        await email.get(Raw(body=b"", received_at=NOW, path="/mail", peer="127.0.0.1"))
