"""Codes that carry a customer from one handle (which shows the code) to another (where it is entered)."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

SHORT, LONG = 6, 8  # digits of a code
LIFE = timedelta(minutes=10)
CONFIRM_WITHIN = timedelta(minutes=10)
UNDO_WITHIN = timedelta(days=30)
GRANT_LIFE = timedelta(minutes=15)
TRIES = 5  # wrong ones, of one sender in a day
A_DAY = 3
GUESSES_AN_HOUR = 1_000  # unmatched tries times live codes; beyond it six digits are too few

_CODE = re.compile(r"(?<![\w$€£.,#-])(\d{3}[ -]?\d{3}|\d{4}[ -]?\d{4})(?![\w%]|[.,-]\d)")
_PAIR = re.compile(r"(?<![\w$€£.,#-])(\d{2})(?![\w%]|[.,-]\d)")
_CODE_WORD = re.compile(r"\b(?:code|código|codice|pin)\b", re.IGNORECASE)
_NOISE = re.compile(r"[\s.,:;!#*\"'“”()-]+")
_SHORT = 120  # characters; a code comes alone or nearly so, in a longer text it is some other number


def new_code(*, digits: int = SHORT) -> str:
    """A random code."""
    return "".join(secrets.choice("0123456789") for _ in range(digits))


def new_pair() -> str:
    """Two random digits by which the entering handle confirms a lasting link."""
    return f"{secrets.randbelow(90) + 10}"


def digest(secret: bytes, code: str) -> str:
    """What is stored of a code."""
    return hmac.new(secret, code.encode(), hashlib.sha256).hexdigest()


def find_code(text: str) -> str | None:
    """The code that a short message brings: alone on a line, or called a code. An order number in a text is none."""
    lines = [line for line in text.splitlines() if is_bare(line)]
    return _only(_CODE, text) if lines or _CODE_WORD.search(text) else None


def find_pair(text: str) -> str | None:
    """The two digits that a message of a word or three consists of, e.g. "Yes, 42"."""
    return _only(_PAIR, text) if len(text.split()) <= 3 else None  # noqa: PLR2004


def is_bare(text: str) -> bool:
    """Whether a text is digits and nothing else."""
    return _NOISE.sub("", text).isdigit()


def _only(pattern: re.Pattern[str], text: str) -> str | None:
    if len(text) > _SHORT:
        return None
    found = {re.sub(r"\D", "", match) for match in pattern.findall(text)}
    return found.pop() if len(found) == 1 else None


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeState:
    """What is on record of one code."""

    issued_at: datetime
    used: bool


def redeemable(code: CodeState, now: datetime) -> bool:
    """Whether a code still opens anything: fresh and unused."""
    return not code.used and now - code.issued_at <= LIFE


def guessed_at(*, wrong_last_hour: int, live_codes: int) -> bool:
    """Whether so many wrong codes come in, over all senders, that six digits are too few."""
    return wrong_last_hour * live_codes > GUESSES_AN_HOUR
