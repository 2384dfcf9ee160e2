"""The pages that ask who somebody is: for a password, and once that is right for a code."""

import logging
from urllib.parse import quote

from starlette.responses import Response

from bots.console.held import Held
from bots.console.pages import page
from bots.console.tries import WITHIN

log = logging.getLogger(__name__)

_WAIT = "Too many wrong tries. Try again in 15 minutes."


def for_password(
    status: int, why: str, *, to: str, name: str = "", held: Held | None = None, by_provider: bool = False
) -> Response:
    """One password field, and a name for whoever has an account. `to` is where they go on."""
    _told(status)
    hidden = held.hidden() if held else {}
    return page("login.html", status, refused=why, name=name, query=_query(to), hidden=hidden, by_provider=by_provider)


def for_code(status: int, why: str, *, ticket: str, to: str, held: Held | None = None) -> Response:
    """One field for a code."""
    _told(status)
    hidden = {"ticket": ticket, **(held.hidden() if held else {})}
    return page("code.html", status, refused=why, query=_query(to), hidden=hidden)


def to_wait(*, to: str, name: str = "", held: Held | None = None) -> Response:
    """Nobody is asked for a while."""
    response = for_password(429, _WAIT, to=to, name=name, held=held)
    response.headers["retry-after"] = str(int(WITHIN.total_seconds()))
    return response


def address(to: str) -> str:
    """The sign-in from which somebody goes on there."""
    return f"/console/login{_query(to)}"


def _query(to: str) -> str:
    return f"?next={quote(to, safe='/')}" if to != "/console" else ""


def _told(status: int) -> None:
    if status >= 400:  # noqa: PLR2004 - from there on it is a refusal
        log.warning("a sign-in to the console was answered %d", status)
