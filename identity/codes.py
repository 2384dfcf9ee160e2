"""Codes that carry a customer from one handle (which shows the code) to another (where it is entered)."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

LIFE = timedelta(minutes=10)
CONFIRM_WITHIN = timedelta(minutes=10)
UNDO_WITHIN = timedelta(days=30)
GRANT_LIFE = timedelta(minutes=15)
TRIES = 5  # wrong ones, of one sender in a day
A_DAY = 3
GUESSES_AN_HOUR = 1_000  # unmatched tries times live codes; beyond it six digits are too few

_CODE = re.compile(r"(?<![\w$€£.,#-])(\d{3}[ -]?\d{3}|\d{4}[ -]?\d{4})(?![\w%]|[.,-]\d)")
_PAIR = re.compile(r"(?<![\w$€£.,#-])(\d{2})(?![\w%]|[.,-]\d)")
_WORDS_AROUND = 8  # a code comes alone or nearly so; in a longer text it is some other number


def new_code(*, digits: int = 6) -> str:
    """A random code."""
    return "".join(secrets.choice("0123456789") for _ in range(digits))


def new_pair() -> str:
    """Two random digits by which the entering handle confirms a lasting link."""
    return f"{secrets.randbelow(90) + 10}"


def digest(secret: bytes, code: str) -> str:
    """What is stored of a code."""
    return hmac.new(secret, code.encode(), hashlib.sha256).hexdigest()


def find_code(text: str) -> str | None:
    """The code that a short message consists of, e.g. from "my code is 123 456"."""
    return _only(_CODE, text)


def find_pair(text: str) -> str | None:
    """The two digits that a short message consists of."""
    return _only(_PAIR, text)


def _only(pattern: re.Pattern[str], text: str) -> str | None:
    if len(text) > 120 or len(text.split()) > _WORDS_AROUND:  # noqa: PLR2004 - a short message
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


def digits_needed(*, wrong_last_hour: int, live_codes: int) -> int:
    """How long a new code must be, so that guessing stays hopeless."""
    return 8 if wrong_last_hour * live_codes > GUESSES_AN_HOUR else 6
