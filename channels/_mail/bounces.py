"""Delivery reports: which mail of ours did not arrive, and why.

Most say it in a part of their own (RFC 3464); qmail, old Exim and their likes say it in words.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from channels._mail.headers import Headers, decode, one_line, read_headers, readable
from channels._mail.parts import Part, read_parts
from core.errors import Malformed

_MOST_READ: Final = 100_000  # bytes of a part
_MOST_NAMES: Final = 5
_MOST_GROUPS: Final = 20
_LONGEST_REASON: Final = 300
_RETURNED: Final = (
    "message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global", "message/global-headers",
)  # fmt: skip
_STATUS: Final = ("message/delivery-status", "message/global-delivery-status")
_ID: Final = re.compile(r"<[!-;=?-~]{3,248}>")
_FLAGS: Final = re.IGNORECASE | re.MULTILINE
_NAMED: Final = re.compile(
    r"^[> \t]{0,8}Message-ID:[ \t]{0,8}\n?[> \t]{0,8}(<[!-;=?-~]{3,248}>)", re.IGNORECASE | re.MULTILINE
)
_CODE: Final = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_REPLY: Final = re.compile(r"(?<![\d.])([45])\d\d[ -]")
_ADDRESS: Final = re.compile(r"[<(\s]([^\s<>()@:;,\"]{1,64}@[^\s<>()@:;,\"]{1,255}\.[a-z0-9-]{2,63})", re.IGNORECASE)
_COPY: Final = re.compile(
    r"^[\s>-]{0,12}(?:below this line is a copy|this is a copy of|original message|copy of the|undelivered message)",
    _FLAGS,
)
_FAILED: Final = (
    "could not be delivered", "couldn't be delivered", "wasn't delivered", "unable to deliver",
    "wasn't able to deliver",
    "permanent error", "permanent fatal error", "delivery has failed", "delivery to the following", "undeliver",
    "returned mail", "returned to sender", "delivery failed", "delivery failure", "failure notice", "address not found",
    "unzustellbar", "nicht zugestellt", "non remis", "no se pudo entregar", "mailbox unavailable",
)  # fmt: skip
_WAITING: Final = ("delayed", "warning:", "still being", "not yet been delivered", "delay", "verzöger")


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounce:
    """One mail that did not arrive.

    `message_ids` are those that the report names, the most certain one first; whether they are ours the caller knows.
    `status` is that of RFC 3463, e.g. 5.1.1, or "". `permanent` is false while the other side still tries.
    """

    message_ids: tuple[str, ...]
    recipient: str
    status: str
    permanent: bool
    reason: str


def bounce(raw: bytes) -> Bounce | None:
    """What a mail reports as not delivered; None for every other mail. Whether it may be believed is not asked."""
    try:
        whole = read_parts(raw)
    except Malformed:
        return None
    parts = list(whole.leaves())
    groups = [group for part in parts if part.media_type in _STATUS for group in _groups(part)]
    if groups:
        return _reported(whole, parts, groups)
    return _told(whole, parts) if _is_from_a_server(whole.headers) else None


def _groups(part: Part) -> Iterator[Headers]:
    """The blocks of fields in a report: of the whole, then one of each recipient."""
    text = part.content(_MOST_READ).replace(b"\r\n", b"\n").strip()
    for block in re.split(rb"\n\s*\n", text)[:_MOST_GROUPS]:
        try:
            yield read_headers(block)
        except Malformed:
            return


def _reported(whole: Part, parts: list[Part], groups: list[Headers]) -> Bounce | None:
    actions = {"failed": True, "delayed": False}
    told = [(actions[action], group) for group in groups if (action := _word(group, "action")) in actions]
    if not told:
        return None
    permanent, group = next((one for one in told if one[0]), told[0])
    diagnosis = _value(group.first("diagnostic-code"))
    words = _words(parts)
    return Bounce(
        message_ids=_message_ids(whole, parts, words),
        recipient=_value(group.first("final-recipient") or group.first("original-recipient")).strip("<> ").lower(),
        status=_status(group.first("status")) or _status(diagnosis),
        permanent=permanent,
        reason=(diagnosis or _first_line(words))[:_LONGEST_REASON],
    )


def _told(whole: Part, parts: list[Part]) -> Bounce | None:
    """A report in words alone."""
    words = _words(parts)
    copy = _COPY.search(words)
    said = words[: copy.start()] if copy else words
    subject = readable(whole.headers.first("subject"))
    folded = f"{subject}\n{said}".casefold()
    failed = any(sign in folded for sign in _FAILED)
    if not failed and not any(sign in folded for sign in _WAITING):
        return None
    recipient = whole.headers.first("x-failed-recipients").split(",")[0].strip() or _recipient(said)
    status = _status(said)
    return Bounce(
        message_ids=_message_ids(whole, parts, words),
        recipient=recipient.lower(),
        status=status,
        permanent=failed and not status.startswith("4"),
        reason=_reason(said, recipient) or subject[:_LONGEST_REASON],
    )


def _is_from_a_server(headers: Headers) -> bool:
    author = headers.first("from").casefold()
    servers = ("mailer-daemon", "postmaster", "mail delivery", "microsoftexchange", "mailerdaemon")
    return any(server in author for server in servers) or bool(headers.first("x-failed-recipients"))


def _message_ids(whole: Part, parts: list[Part], words: str) -> tuple[str, ...]:
    returned = [_returned_headers(part) for part in parts if part.media_type in _RETURNED]
    named = [_ID.findall(headers.first("message-id")) for headers in returned]
    named += [_NAMED.findall(words)]
    named += [_ID.findall(whole.headers.first(name)) for name in ("x-original-message-id", "in-reply-to", "references")]
    return tuple(dict.fromkeys(one for found in named for one in found))[:_MOST_NAMES]


def _returned_headers(part: Part) -> Headers:
    content = part.content(_MOST_READ).replace(b"\r\n", b"\n").lstrip()
    try:
        return read_headers(content.partition(b"\n\n")[0])
    except Malformed:
        return Headers()


def _words(parts: list[Part]) -> str:
    texts = [part for part in parts if part.media_type == "text/plain"] or [
        p for p in parts if p.media_type[:5] == "text/"
    ]
    return decode(texts[0].content(_MOST_READ), texts[0].charset).replace("\r\n", "\n") if texts else ""


def _recipient(said: str) -> str:
    match = _ADDRESS.search(said)
    return match[1] if match else ""


def _reason(said: str, recipient: str) -> str:
    """What stands below the address that failed."""
    _above, _address, below = said.partition(recipient) if recipient else ("", "", said)
    return _first_line(below.lstrip(">: \t\n"))


def _first_line(text: str) -> str:
    paragraph = text.strip().partition("\n\n")[0]
    return one_line(paragraph)[:_LONGEST_REASON]


def _status(text: str) -> str:
    match = _CODE.search(text) or _REPLY.search(text)
    return (match[1] if "." in match[1] else f"{match[1]}.0.0") if match else ""


def _word(group: Headers, name: str) -> str:
    return group.first(name).strip().lower().partition(" ")[0]


def _value(field: str) -> str:
    """What follows the type, in "smtp; 550 no such user"."""
    kind, semicolon, value = field.partition(";")
    return one_line(value if semicolon and " " not in kind.strip() else field)
