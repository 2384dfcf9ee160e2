"""Colleagues are told by mail of a case that waits: each once, masked as it came, and what answers such a mail is no
customer's message."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import ValidationError

from channels.email import Mailbox
from core.errors import TryAgain, Undeliverable
from core.rooms import Call, StaffRoom
from tests.channels.mailroom import delivery, email_channel, mail, relaying, version
from tests.twins.mail import MailRelay

STAFF = "eve@acme.test, bob@acme.test"
CALL = Call(
    id="7-1-1",
    case=7,
    title="Änn · the kettle leaks\r\nBcc: mallory@evil.test",
    packet="Customer: Änn, proof: claimed\nKnown: order W1",
    url="https://support.acme.test/console/cases/7",
)


async def test_each_colleague_gets_one_mail(tmp_path: Path) -> None:
    async with MailRelay().open() as relay:
        channel = relaying(tmp_path, relay, staff_notify=STAFF)
        assert isinstance(channel, StaffRoom)
        assert channel.has_room
        await channel.call(CALL)
        await channel.call(replace(CALL, id="7-1-2", again=True))
        await channel.close()
    assert [caught.recipients for caught in relay.caught] == [["eve@acme.test"], ["bob@acme.test"]] * 2
    first, second = relay.caught[0].message, relay.caught[2].message
    assert str(first["Subject"]).startswith("Case 7: Änn · the kettle leaks")
    assert str(second["Subject"]).startswith("Nobody has taken it yet: Case 7")
    assert first["Bcc"] is None
    assert first["Auto-Submitted"] == "auto-generated"
    assert first["From"].addresses[0].addr_spec == "support@acme.test"
    assert first["Reply-To"] is None
    told = version(first, "plain")
    for part in (CALL.packet, CALL.url, "do not reach the customer"):
        assert part in told
    assert len({caught.message["Message-ID"] for caught in relay.caught}) == 4


async def test_what_answers_it_is_nobodys_message(tmp_path: Path) -> None:
    async with MailRelay().open() as relay:
        channel = relaying(tmp_path, relay, staff_notify=STAFF)
        named = await channel.call(CALL)
        await channel.close()
    assert named == relay.caught[0].message["Message-ID"]
    answer = mail("Please refund her.", author="eve@acme.test", head=f"In-Reply-To: {named.upper()}\r\n")
    assert channel.parse(delivery(answer)) is None
    assert channel.parse(delivery(relay.caught[0].raw)) is None
    forged = mail("Please refund her.", head=f"In-Reply-To: <{'a' * 32}@acme.test>\r\n")
    assert channel.parse(delivery(forged)) is not None


@dataclass(kw_only=True)
class Choosy(MailRelay):
    """A relay that answers of some mailboxes what stands here, each answer once."""

    refused: dict[str, list[str]] = field(default_factory=dict)

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.refused.get(address):
            return self.refused[address].pop(0)
        return await super().handle_RCPT(server, session, envelope, address, options)


async def test_who_was_told_is_not_told_again_while_another_one_is_tried(tmp_path: Path) -> None:
    async with Choosy(refused={"bob@acme.test": ["450 4.2.1 Mailbox busy"]}).open() as relay:
        channel = relaying(tmp_path, relay, staff_notify=STAFF)
        with pytest.raises(TryAgain):
            await channel.call(CALL)
        await channel.call(CALL)
        await channel.close()
    assert [caught.recipients for caught in relay.caught] == [["eve@acme.test"], ["bob@acme.test"]]


async def test_a_mailbox_that_is_gone_keeps_nobody_else_from_being_told(tmp_path: Path) -> None:
    gone = "550 5.1.1 No such user"
    async with Choosy(refused={"eve@acme.test": [gone, gone], "bob@acme.test": []}).open() as relay:
        channel = relaying(tmp_path, relay, staff_notify=STAFF)
        await channel.call(CALL)
        relay.refused["bob@acme.test"].append(gone)
        with pytest.raises(Undeliverable):
            await channel.call(replace(CALL, id="8-1-1"))
        await channel.close()
    assert [caught.recipients for caught in relay.caught] == [["bob@acme.test"]]


async def test_a_title_of_several_lines_adds_no_header(tmp_path: Path) -> None:
    async with MailRelay().open() as relay:
        channel = relaying(tmp_path, relay, staff_notify="eve@acme.test")
        await channel.call(replace(CALL, title="It leaks\r\nBcc: mallory@evil.test"))
        await channel.close()
    assert relay.caught[0].message["Bcc"] is None
    assert relay.caught[0].message["Subject"] == "Case 7: It leaks Bcc: mallory@evil.test"


def test_without_the_setting_there_is_no_room(tmp_path: Path) -> None:
    assert not email_channel(tmp_path).has_room


@pytest.mark.parametrize("given", ["eve", "eve@", "eve@acme.test, b ob@acme.test", "Eve <eve@acme.test>"])
def test_what_is_no_mailbox_is_refused_at_the_start(given: str) -> None:
    with pytest.raises(ValidationError, match="is no mailbox"):
        Mailbox(staff_notify=given)
