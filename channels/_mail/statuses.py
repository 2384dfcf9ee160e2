"""What a mail server's status codes (RFC 3463) say, in our words: a server's own may repeat the mail."""

import re
from typing import Final

_STATUS: Final = re.compile(r"[245]\.(\d{1,3}\.\d{1,3})\b")
_STATUSES: Final = {
    "1.0": "something is wrong with the address",
    "1.1": "there is no such mailbox",
    "1.2": "there is no such host",
    "1.3": "the address is no address",
    "1.6": "the mailbox has moved",
    "1.10": "the recipient's domain takes no mail",
    "2.1": "the mailbox is switched off",
    "2.2": "the mailbox is full",
    "2.3": "the mail is too large for this mailbox",
    "3.4": "the mail is too large",
    "4.1": "the recipient's server does not answer",
    "4.4": "the recipient's domain says of no server where its mail goes",
    "4.6": "the mail went in a circle",
    "4.7": "the recipient's server could not be reached in days",
    "5.1": "a command was not understood",
    "5.3": "too many recipients",
    "6.7": "the address is in an alphabet that a server on the way does not know",
    "7.0": "its policy forbids it",
    "7.1": "its policy forbids it",
    "7.20": "no DKIM signature of ours holds",
    "7.23": "SPF does not name the server that sent it",
    "7.25": "the server that sent it has no name in reverse DNS",
    "7.26": "neither SPF nor DKIM hold, and DMARC wants one of them",
    "7.27": "the sender's domain takes no mail",
}


def meaning(answer: str) -> str:
    """The status that an answer begins with, and what it says for most mails; "" where there is none."""
    found = _STATUS.match(answer)
    return f"{found[0]} {_STATUSES.get(found[1], '')}".strip() if found else ""
