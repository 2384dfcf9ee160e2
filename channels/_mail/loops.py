"""Mail that no customer wrote: answering it would make a loop (RFC 3834)."""

from typing import Final

from channels._mail.headers import Headers

_MASS: Final = frozenset({"bulk", "list", "junk", "auto_reply"})
_MACHINES: Final = ("list-id", "x-autoreply", "x-autorespond")
_POSTMASTERS: Final = ("mailer-daemon@", "postmaster@")


def is_automatic(headers: Headers, media_type: str, author: str, envelope_sender: str | None) -> bool:
    """Whether a program wrote this. `envelope_sender` is None where it is not known, "" for a bounce."""
    submitted = headers.first("auto-submitted").lower().split(";")[0].split("(")[0].strip()
    return (
        envelope_sender in ("", "<>")
        or submitted not in ("", "no")
        or headers.first("precedence").strip().lower() in _MASS
        or any(headers.all(name) for name in _MACHINES)
        or media_type == "multipart/report"
        or author.startswith(_POSTMASTERS)
    )
