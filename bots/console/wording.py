"""What the console says, in plain words."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from core.casefile import Contact
from core.writing import Pattern
from identity.proof import Proof

DONE = {
    "taken": "It is yours. The bot stays silent about it.",
    "sent": "Your reply is on its way.",
    "handed-back": "The bot goes on with it.",
    "resolved": "The case is resolved.",
    "noted": "The note is kept.",
    "transferred": "Your colleague has it now.",
    "taken-over": "It is yours now, and whoever had it sees that.",
    "snoozed": "It is put off, and comes back by itself.",
    "woken": "It is back among what is to be done.",
    "reopened": "The case is open again, and yours.",
    "mood": "The mood is changed.",
    "corrected": "The category is changed, and the bot learns from it.",
    "approved": "It is done, and the customer is told so.",
    "declined": "It will not be done. Tell the customer why.",
    "carried-out": "It is done, and the customer is told so.",
    "asked-a-lead": "The leads see it under Approvals. It happens once one of them agrees.",
    "task-added": "The task stands on the case, and under Tasks.",
    "task-done": "The task is checked off.",
    "added": "The account is made. Hand the password over in person; it can be changed under one's own name above.",
    "disabled": "The account is disabled, and signed out everywhere.",
    "enabled": "The account is enabled again, as it was.",
    "role-changed": "The role is changed, from now on.",
    "email-changed": "The e-mail address is changed. The sign-in provider has to vouch for it anew.",
    "second-off": "The second factor is turned off.",
    "ended": "Signed out there.",
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
_KILO = 1_000
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def proof(found: Proof, channel: str, *, by_code: bool) -> str:
    """How sure we are of who wrote the latest message."""
    if by_code:
        return "They have entered a code that another channel of this customer showed."
    words = _PROOFS[found]
    return words.get(channel, words[""])


def vouched(found: Proof) -> str:
    """How sure we are of who wrote one message, in a word or two."""
    return {
        Proof.CLAIMED: "not vouched for",
        Proof.PLAUSIBLE: "probably theirs",
        Proof.PROVEN: "vouched for",
        Proof.CONFIRMED: "just confirmed",
    }[found]


def outcome(state: str) -> str:
    """What became of an action."""
    return {
        "waiting": "waits for approval",
        "running": "is being done",
        "done": "done",
        "refused": "refused",
        "unknown": "nobody knows whether it was done",
        "declined": "declined",
    }.get(state, state)


def hint(contacts: Sequence[Contact]) -> str:
    """Who they say they are, where nothing proves it."""
    first = contacts[0] if contacts else None
    said = (first.hint or first.display_name) if first and not first.address else ""
    if first and said == first.hint and first.channel == "web":  # the number of a session is nobody's name
        said = first.display_name
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


def day(at: datetime) -> str:
    """A day, e.g. "2 Mar 2026"."""
    return f"{at.day} {at:%b %Y}"


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
