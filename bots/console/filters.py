"""What a colleague wants to see of the queue, as it stands in the page's address, and as their browser remembers it.

It is remembered in a cookie, not on the account: it is about a place of work more than about a person (a phone shows
one's own cases, the screen on the wall those that wait), and costs no row that would have to be forgotten.
"""

from collections.abc import Mapping, Sequence
from typing import get_args
from urllib.parse import parse_qsl, urlencode

from starlette.responses import Response

from core.accounts import LONGEST_NAME
from core.queueing import Filters, Tab
from core.writing import Category, Mood

COOKIE = "throughline_queue"
_REMEMBERED = 365 * 24 * 3600  # seconds
_LONGEST = 512  # characters
_MOST_FIELDS = 12
_PAGE_DIGITS = 6
FIELDS = ("tab", "channel", "mood", "vip", "category", "with", "page")


def asked(query: Mapping[str, str], channels: Sequence[str]) -> Filters:
    """What an address asks for; whatever cannot be asked for is left out."""
    number = query.get("page", "")
    is_number = number.isascii() and number.isdecimal() and len(number) <= _PAGE_DIGITS
    return Filters(
        tab=next((tab for tab in Tab if tab == query.get("tab")), Tab.ALL),
        channel=_one_of(query.get("channel", ""), channels),
        mood=_one_of(query.get("mood", ""), get_args(Mood)),
        vip=query.get("vip") == "1",
        category=_one_of(query.get("category", ""), get_args(Category)),
        holder=query.get("with", "")[: LONGEST_NAME + 1],
        page=max(int(number), 1) if is_number else 1,
    )


def _one_of(value: str, known: Sequence[str]) -> str:
    return value if value in known else ""


def address(filters: Filters, *, tab: Tab | None = None, page: int = 1) -> str:
    """The page that shows this: the same filters in another tab, or further down."""
    return f"/console?{_query(filters, tab or filters.tab, page)}"


def _query(filters: Filters, tab: Tab, page: int = 1) -> str:
    chosen = {
        "tab": tab,
        "channel": filters.channel,
        "mood": filters.mood,
        "vip": "1" if filters.vip else "",
        "category": filters.category,
        "with": filters.holder,
        "page": str(page) if page > 1 else "",
    }
    return urlencode({name: value for name, value in chosen.items() if value})


def remember(response: Response, filters: Filters, who: str, *, secure: bool) -> None:
    """Keeps what was chosen for the next visit of the same colleague in the same browser."""
    response.set_cookie(
        COOKIE,
        urlencode({"who": who, "query": _query(filters, filters.tab)}),
        max_age=_REMEMBERED,
        path="/console",
        httponly=True,
        samesite="strict",
        secure=secure,
    )


def remembered(kept: str, who: str, channels: Sequence[str]) -> Filters | None:
    """What this colleague chose last; None where somebody else did, or nobody."""
    fields = _fields(kept)
    if fields.get("who") != who:
        return None
    return asked(_fields(fields.get("query", "")), channels)


def _fields(text: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(text[:_LONGEST], max_num_fields=_MOST_FIELDS))
    except ValueError:
        return {}
