"""A reply -> the bytes of a mail, written by hand so that the same reply always gives the same bytes."""

import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.utils import format_datetime, formataddr
from typing import Final

from channels._mail.author import ascii_domain
from channels._mail.enclosing import enclosed
from channels._mail.headers import one_line
from channels._mail.seal import Seal, short_name
from channels._mail.subjects import bare_subject
from channels._mail.threads import local_part
from channels._markdown.html import page
from channels._markdown.plain import PLAIN
from channels._markdown.tree import read
from core.messages import Reply

# All of them but reports of failure, which we want.
_SILENCED: Final = "DR, RN, NRN, OOF, AutoReply"


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """One mail to one mailbox: complete but for its Date, which is that of the sending."""

    sender: str
    recipient: str
    message_id: str
    content: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Letterhead:
    """Who writes our letters. `threads` seals conversations, into reply addresses and into our Message-IDs, which
    `letters` seals, so that the thread of an answer is known from its headers alone.
    """

    brand: str
    local: str
    domain: str
    threads: Seal
    letters: Seal

    def compose(self, reply: Reply) -> Letter:
        """The mail for a reply."""
        route, name, said = reply.route, short_name(reply.id), read(reply.text)
        tag, boundary, mixed = self._tag(route), f"={name}=", f"={name}=files="
        message_id = f"<{self.letters.close(name)}{'.' if tag else ''}{tag}@{self.domain}>"
        head = self._headers(reply, message_id, self._mailbox(tag)) | {"MIME-Version": "1.0"}
        lines = [f"{field}: {value}" for field, value in head.items() if value]
        body = [f'Content-Type: multipart/alternative; boundary="{boundary}"', "", f"--{boundary}"]
        body += [_part("plain", PLAIN.show(said)), f"--{boundary}"]
        body += [_part("html", page(said, reply.language)), f"--{boundary}--", ""]
        if reply.files:
            lines += [f'Content-Type: multipart/mixed; boundary="{mixed}"', ""]
        lines += enclosed(body, reply.files, mixed) if reply.files else body
        content = "\n".join(lines).replace("\n", "\r\n").encode()
        return Letter(sender=self._mailbox(), recipient=route["to"], message_id=message_id, content=content)

    def notice(self, *, message_id: str, to: str, subject: str, text: str) -> Letter:
        """A mail that we write by ourselves, in plain text, with no way to answer a customer."""
        head = {
            "From": _author(one_line(self.brand), self._mailbox()),
            "To": one_line(to),
            "Subject": Header(one_line(subject), maxlinelen=76, header_name="Subject").encode(),
            "Message-ID": message_id,
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": _SILENCED,
            "MIME-Version": "1.0",
        }
        lines = [f"{field}: {value}" for field, value in head.items()] + [_part("plain", text)]
        content = "\n".join(lines).replace("\n", "\r\n").encode()
        return Letter(sender=self._mailbox(), recipient=to, message_id=message_id, content=content)

    def is_ours(self, message_id: str) -> bool:
        """Whether a Message-ID is of a letter of ours."""
        return self.letters.open(local_part(message_id).partition(".")[0]) is not None

    def thread_of(self, recipients: str, answered: Sequence[str], author: str) -> str | None:
        """The conversation sealed for this author into one of these addresses, which are separated by commas, or into
        one of the Message-IDs that are answered."""
        tags = [address.partition("@")[0].partition("+")[2] for address in recipients.split(",")]
        tags += [local_part(message_id).partition(".")[2] for message_id in answered if self.is_ours(message_id)]
        return next((thread for tag in tags if (thread := self.threads.open(tag, author))), None)

    def receives(self, address: str) -> bool:
        """Whether an address is ours, with or without a tag."""
        local, _at, domain = address.lower().rpartition("@")
        return (local.partition("+")[0], ascii_domain(domain)) == (self.local, self.domain)

    def _mailbox(self, tag: str = "") -> str:
        return f"{self.local}{'+' if tag else ''}{tag}@{self.domain}"

    def _tag(self, route: Mapping[str, str]) -> str:
        thread = route.get("token", "")
        return self.threads.close(thread, route["to"]) if thread else ""

    def _headers(self, reply: Reply, message_id: str, mailbox: str) -> dict[str, str]:
        route, automatic = reply.route, reply.sender == "bot"
        ours = _author(one_line(self.brand), mailbox)
        return {
            "From": ours,
            "Reply-To": ours,
            "To": one_line(route["to"]),
            "Subject": Header(self._subject(route), maxlinelen=76, header_name="Subject").encode(),
            "Message-ID": message_id,
            "In-Reply-To": one_line(route.get("in_reply_to", "")),
            "References": one_line(route.get("references", "")).replace(" ", "\n "),
            "Auto-Submitted": "auto-replied" if automatic else "",
            "X-Auto-Response-Suppress": _SILENCED if automatic else "",
        }

    def _subject(self, route: Mapping[str, str]) -> str:
        return "Re: " + (bare_subject(route.get("subject", "")) or one_line(self.brand))


def dated(letter: Letter, now: datetime) -> bytes:
    """The letter as it is sent now."""
    return b"Date: " + format_datetime(now).encode() + b"\r\n" + letter.content


def _author(name: str, mailbox: str) -> str:
    """A name and its address; what is not ASCII in encoded words of at most 75 letters."""
    if name.isascii():
        return formataddr((name, mailbox))
    return f"{Header(name, 'utf-8', maxlinelen=75, header_name='Reply-To').encode()} <{mailbox}>"


def _part(subtype: str, text: str) -> str:
    body = binascii.b2a_qp(text.encode("utf-8", "replace"), istext=True).decode("ascii")
    return f"Content-Type: text/{subtype}; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n{body}"
