"""The console's pages: templates that escape everything, and the headers that keep a page to itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.background import BackgroundTask
from starlette.responses import RedirectResponse, Response

from bots.console import wording
from core import attaching
from core.accounts import Colleague, Role
from core.messages import Attachment
from core.panel import Place

_HERE = Path(__file__).parent
_SCRIPT = "text/javascript; charset=utf-8"
STATIC = {"console.css": "text/css; charset=utf-8"}  # media types
STATIC |= dict.fromkeys(
    ("console.js", "theme.js", "notices.js", "keys.js", "play.js", "preview.js", "typed.js"), _SCRIPT
)
STATIC |= dict.fromkeys(("icon.svg", "icon-waiting.svg"), "image/svg+xml")

NAVIGATION = [  # path, what it is called, and who sees it
    ("/console", "Queue", Role.AGENT),
    ("/console/tasks", "Tasks", Role.AGENT),
    ("/console/approvals", "Approvals", Role.LEAD),
    ("/console/identity", "Identity", Role.LEAD),
    ("/console/privacy", "Privacy", Role.LEAD),
    ("/console/status", "Status", Role.AGENT),
    ("/console/insights", "Insights", Role.LEAD),
    ("/console/playbook", "Playbook", Role.AGENT),
    ("/console/knowledge", "Knowledge", Role.LEAD),
    ("/console/audit", "Audit", Role.LEAD),
    ("/console/accounts", "Accounts", Role.ADMIN),
]

_PLAY = ("/console/play", "Play", Role.AGENT)

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self';"
        " form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
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
    words = [wording.ago, wording.day, wording.moment, wording.tenure]
    words += [wording.worked, wording.size, wording.slot, wording.vouched, wording.outcome]
    templates.filters |= {word.__name__: word for word in words}
    templates.globals |= {"after": Place.after, "hint": wording.hint}
    templates.filters["file_name"] = attaching.plain
    templates.tests["may_be_picture"] = may_be_picture
    templates.globals |= {"most_files": attaching.MOST, "largest_file": attaching.LARGEST}
    templates.globals |= {"Role": Role, "NAVIGATION": NAVIGATION}
    return templates


def may_be_picture(file: Attachment) -> bool:
    """Whether it is worth asking for a preview; what a file says of itself decides nothing more."""
    return file.media_type.startswith("image/") or file.media_type in ("", attaching.UNKNOWN)


_TEMPLATES = environment()


def offer_play() -> None:
    """Names the stage in the navigation, where there is one."""
    if _PLAY not in NAVIGATION:
        NAVIGATION.append(_PLAY)


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


def framed(response: Response) -> Response:
    """An answer that another page of ours may show within itself."""
    policy = response.headers.get("content-security-policy", HEADERS["content-security-policy"])
    response.headers["content-security-policy"] = policy.replace("frame-ancestors 'none'", "frame-ancestors 'self'")
    response.headers["x-frame-options"] = "SAMEORIGIN"
    return response


def unchanged(state: str) -> Response:
    """Nothing has happened since a page was read."""
    return Response(status_code=304, headers={**HEADERS, "etag": state})
