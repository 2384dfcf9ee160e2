"""A reply -> the bytes of a mail, written by hand so that the same reply always gives the same bytes."""

import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.header import Header
from email.utils import formataddr
from typing import Final

from channels._mail.headers import one_line
from channels._mail.seal import Seal, short_name
from channels._markdown.html import page
from channels._markdown.plain import PLAIN
from channels._markdown.tree import read
from core.messages import Reply

_MOST_SUBJECT: Final = 200
_REPLIED: Final = re.compile(r"(?:(?:re|aw|sv|antw|rif|odp|vs)\s?:\s{0,3}){1,20}", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """One mail to one mailbox: complete but for its Date, which is that of the sending."""

    sender: str
    recipient: str
    message_id: str
    content: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Letterhead:
    """Who writes our letters. `threads` seals conversations into reply addresses, `letters` our Message-IDs."""

    brand: str
    local: str
    domain: str
    threads: Seal
    letters: Seal

    def compose(self, reply: Reply) -> Letter:
        """The mail for a reply."""
        route, name, said = reply.route, short_name(reply.id), read(reply.text)
        message_id = f"<{self.letters.close(name)}@{self.domain}>"
        boundary = f"={name}="
        head = self._headers(reply, message_id) | {
            "MIME-Version": "1.0",
            "Content-Type": f'multipart/alternative; boundary="{boundary}"',
        }
        lines = [f"{field}: {value}" for field, value in head.items() if value]
        lines += ["", f"--{boundary}", _part("plain", PLAIN.show(said)), f"--{boundary}"]
        lines += [_part("html", page(said, reply.language)), f"--{boundary}--", ""]
        content = "\n".join(lines).replace("\n", "\r\n").encode()
        return Letter(sender=self._mailbox(), recipient=route["to"], message_id=message_id, content=content)

    def is_ours(self, message_id: str) -> bool:
        """Whether a Message-ID is of a letter of ours."""
        return self.letters.open(message_id.strip("<>").partition("@")[0]) is not None

    def thread_of(self, recipients: str, author: str) -> str | None:
        """The conversation sealed for this author into one of these addresses, which are separated by commas."""
        tags = (address.partition("@")[0].partition("+")[2] for address in recipients.split(","))
        return next((thread for tag in tags if (thread := self.threads.open(tag, author))), None)

    def receives(self, address: str) -> bool:
        """Whether an address is ours, with or without a tag."""
        local, _at, domain = address.lower().rpartition("@")
        return (local.partition("+")[0], domain) == (self.local, self.domain)

    def _mailbox(self, tag: str = "") -> str:
        return f"{self.local}{'+' if tag else ''}{tag}@{self.domain}"

    def _headers(self, reply: Reply, message_id: str) -> dict[str, str]:
        route, thread = reply.route, reply.route.get("token", "")
        tag = self.threads.close(thread, route["to"]) if thread else ""
        ours = formataddr((one_line(self.brand), self._mailbox(tag)))
        return {
            "From": ours,
            "Reply-To": ours,
            "To": one_line(route["to"]),
            "Subject": Header(self._subject(route), maxlinelen=76, header_name="Subject").encode(),
            "Message-ID": message_id,
            "In-Reply-To": one_line(route.get("in_reply_to", "")),
            "References": one_line(route.get("references", "")).replace(" ", "\n "),
            "Auto-Submitted": "auto-replied" if reply.sender == "bot" else "",
        }

    def _subject(self, route: Mapping[str, str]) -> str:
        return "Re: " + (bare_subject(route.get("subject", "")) or one_line(self.brand))


def bare_subject(subject: str) -> str:
    """A subject without the "Re:" in front, on one line."""
    said = one_line(subject)
    match = _REPLIED.match(said)
    return said[match.end() if match else 0 :][:_MOST_SUBJECT]


def is_reply(subject: str) -> bool:
    """Whether a subject says that the mail is an answer."""
    return _REPLIED.match(one_line(subject)) is not None


def _part(subtype: str, text: str) -> str:
    body = binascii.b2a_qp(text.encode("utf-8", "replace"), istext=True).decode("ascii")
    return f"Content-Type: text/{subtype}; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n{body}"
