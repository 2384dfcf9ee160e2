"""The console's pages: templates that escape everything, and the headers that keep a page to itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.background import BackgroundTask
from starlette.responses import RedirectResponse, Response

from bots.console import wording
from core.accounts import Colleague, Role

_HERE = Path(__file__).parent
STATIC = {"console.css": "text/css; charset=utf-8", "console.js": "text/javascript; charset=utf-8"}  # media types

NAVIGATION = (  # path, what it is called, and who sees it
    ("/console", "Queue", Role.AGENT),
    ("/console/parked", "Parked", Role.LEAD),
    ("/console/audit", "Audit", Role.LEAD),
    ("/console/accounts", "Accounts", Role.ADMIN),
)

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self';"
        " frame-ancestors 'none'; base-uri 'none'"
    ),
    "cache-control": "no-store",
    # With no-referrer a browser sends `Origin: null` with its own page's forms.
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def environment() -> Environment:
    """The templates, with the console's words."""
    templates = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = (wording.ago, wording.moment, wording.tenure, wording.worked, wording.size, wording.slot)
    templates.filters |= {word.__name__: word for word in words}
    templates.globals |= {"mood_line": wording.mood_line, "mood_width": wording.mood_width, "hint": wording.hint}
    templates.globals |= {"Role": Role, "NAVIGATION": NAVIGATION}
    return templates


_TEMPLATES = environment()


def page(
    template: str, status: int = 200, headers: Mapping[str, str] | None = None, *, here: str = "", **shown: Any
) -> Response:
    """A page of the console. `here` is its path in the navigation, if it stands there."""
    body = _TEMPLATES.get_template(template).render(here=here, **shown)
    return Response(body, status, {**HEADERS, **(headers or {})}, "text/html; charset=utf-8")


def static(name: str) -> Response:
    """The style or the script, by its file name."""
    return Response((_HERE / "static" / name).read_bytes(), 200, HEADERS, STATIC[name])


def message(status: int, heading: str, text: str, agent: Colleague | None) -> Response:
    """A page that says one thing."""
    return page("message.html", status, agent=agent, heading=heading, text=text)


def go(path: str, background: BackgroundTask | None = None) -> Response:
    """Sends the browser to another page of ours; `background` runs after that."""
    return RedirectResponse(path, 303, HEADERS, background=background)


def unchanged(state: str) -> Response:
    """Nothing has happened since a page was read."""
    return Response(status_code=304, headers={**HEADERS, "etag": state})
