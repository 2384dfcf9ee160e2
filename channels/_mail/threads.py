"""The thread of a mail as its headers tell it (RFC 5322 section 3.6.4)."""

import re
from collections.abc import Sequence
from typing import Final

from channels._mail.headers import Headers

_ID: Final = re.compile(r"<[!-;=?-~]{3,248}>")
_MOST_REFERENCES: Final = 11
_MOST_LOOKED_AT: Final = 40


def message_id(headers: Headers) -> str:
    """A mail's own Message-ID, "" where it has none that can be named."""
    return "".join(_ids(headers.first("message-id"))[:1])


def references(headers: Headers) -> str:
    """What an answer to this mail has as its References: those of the mail, and the mail. Of a long thread the first
    one and the latest."""
    earlier = _ids(headers.first("references"))
    if not earlier and len(replied := _ids(headers.first("in-reply-to"))) == 1:
        earlier = replied
    named = [*dict.fromkeys([*earlier, message_id(headers)])]
    kept = named if len(named) <= _MOST_REFERENCES else [named[0], *named[1 - _MOST_REFERENCES :]]
    return " ".join(kept).strip()


def answered(headers: Headers) -> Sequence[str]:
    """The Message-IDs that a mail says it answers, the nearest first."""
    named = [*_ids(headers.first("in-reply-to")), *reversed(_ids(headers.first("references")))]
    return list(dict.fromkeys(named))[:_MOST_LOOKED_AT]


def local_part(message_id: str) -> str:
    """What stands before the @ of a Message-ID."""
    return message_id.strip("<>").rpartition("@")[0]


def _ids(value: str) -> list[str]:
    return _ID.findall(value)
