"""What the console says, in plain words."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from core.casefile import Contact
from core.sentiment import HEIGHTS
from core.writing import Pattern
from identity.proof import Proof

DONE = {
    "taken": "It is yours. The bot stays silent about it.",
    "sent": "Your reply is on its way.",
    "handed-back": "The bot goes on with it.",
    "resolved": "The case is resolved.",
    "corrected": "The category is changed, and the bot learns from it.",
    "approved": "It is done, and the customer is told so.",
    "declined": "It will not be done. Tell the customer why.",
    "added": "The account is made. Hand the password over in person; it can be changed under one's own name above.",
    "disabled": "The account is disabled, and signed out everywhere.",
    "changed": "Your password is changed. You are signed out everywhere else.",
}

# By proof, then by channel; "" stands for every other channel.
_PROOFS: dict[Proof, dict[str, str]] = {
    Proof.CLAIMED: {
        "": "Nobody vouches for who wrote this.",
        "email": "The mail is not vouched for by its sender's domain: anybody could have written it.",
        "voice": "The carrier does not vouch for the caller's number: anybody could be calling.",
        "web": "An anonymous chat: nobody has signed in.",
    },
    Proof.PLAUSIBLE: {
        "": "Probably the owner of the address, which nothing on record confirms or two people share.",
        "email": "The mail is signed by its sender's domain, which names no rule against forgery.",
        "sms": "The number is real, but not known to us, or two people share it.",
        "voice": "The carrier vouches for the number, but it is not known to us, or two people share it.",
    },
    Proof.PROVEN: {
        "": "The channel vouches for the account.",
        "email": "The sender's domain vouches for the mail.",
        "sms": "The number is known and the carrier vouches for it.",
        "voice": "The number is known and the carrier vouches for it.",
    },
    Proof.CONFIRMED: {
        "": "They have just shown a fresh code.",
        "web": "They are signed in on the company's site.",
    },
}
_STEP, _RISE, _EDGE = 24, 10, 5  # of the drawing of moods, in pixels
_KILO = 1_000
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def proof(found: Proof, channel: str, *, by_code: bool) -> str:
    """How sure we are of who wrote the latest message."""
    if by_code:
        return "They have entered a code that another channel of this customer showed."
    words = _PROOFS[found]
    return words.get(channel, words[""])


def hint(contacts: Sequence[Contact]) -> str:
    """Who they say they are, where nothing proves it."""
    first = contacts[0] if contacts else None
    said = (first.hint or first.display_name) if first and not first.address else ""
    return f"They say they are {said}, not proven." if said else ""


def ago(since: datetime, now: datetime) -> str:
    """How long it has been, e.g. "5 min", "3 h", "2 days"."""
    gone = now - since
    if gone < _MINUTE:
        return "just now"
    if gone < _HOUR:
        return f"{gone // _MINUTE} min"
    if gone < 2 * _DAY:
        return f"{gone // _HOUR} h"
    return f"{gone // _DAY} days"


def moment(at: datetime) -> str:
    """A moment, e.g. "2 Mar 2026, 09:05 UTC"."""
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def tenure(since: str, now: datetime) -> str:
    """How long somebody has been a customer, e.g. "14 months"; "" where the directory does not tell."""
    try:
        began = date.fromisoformat(since)
    except ValueError:
        return ""
    months = (now.year - began.year) * 12 + now.month - began.month - (now.day < began.day)
    return "1 month" if months == 1 else f"{max(months, 0)} months"


def worked(pattern: Pattern) -> str:
    """How well a resolution did."""
    return f"worked in {pattern.helped} of {pattern.votes}" if pattern.votes else "not tried yet"


def size(count: int) -> str:
    """A number of bytes."""
    return f"{count} bytes" if count < _KILO else f"{count / _KILO:,.0f} kB"


def slot(name: str) -> str:
    """A slot as a label, e.g. "Order id"."""
    return name.replace("_", " ").capitalize()


def mood_line(moods: Sequence[str]) -> str:
    """The points of a line that falls as the mood does, for an SVG of 40 pixels height."""
    heights = [HEIGHTS.get(mood, HEIGHTS["neutral"]) for mood in moods]
    top = max(HEIGHTS.values())
    return " ".join(f"{_EDGE + n * _STEP},{_EDGE + (top - height) * _RISE}" for n, height in enumerate(heights))


def mood_width(moods: Sequence[str]) -> int:
    """How wide that drawing is, in pixels."""
    return 2 * _EDGE + (len(moods) - 1) * _STEP
