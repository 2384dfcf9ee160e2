"""What browsers load: the page /chat with its script and style, and the widget that other pages load."""

import json
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import ClassVar, Final

from core.channel import Ack

_CSP: Final = (
    "default-src 'none'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "script-src 'self'; style-src 'self'"
)
_OURS: Final = {"content-security-policy": _CSP, "cache-control": "no-store", "referrer-policy": "no-referrer"}
_ANYBODYS: Final = {"cache-control": "public, max-age=300", "cross-origin-resource-policy": "cross-origin"}


class Pages:
    """Put together once, from the files beside this one."""

    paths: ClassVar[Sequence[str]] = ("/chat", "/chat.js", "/chat.css", "/chat/widget.js")

    def __init__(self, brand: str) -> None:
        style = json.dumps(_text("lines.css") + _text("widget.css"))
        widget = _text("widget.js").replace('"{style}"', style).replace('"{brand}"', json.dumps(brand))
        script = _text("words.js") + _text("visitors.js") + _text("conversation.js") + _text("panel.js")
        self._pages = {
            "/chat": Ack(
                body=_text("chat.html").replace("{brand}", escape(brand)),
                media_type="text/html; charset=utf-8",
                headers=_OURS,
            ),
            "/chat.js": Ack(body=_script(script + _text("chat.js")), media_type="text/javascript", headers=_OURS),
            "/chat.css": Ack(body=_text("lines.css") + _text("chat.css"), media_type="text/css", headers=_OURS),
            "/chat/widget.js": Ack(body=_script(script + widget), media_type="text/javascript", headers=_ANYBODYS),
        }

    def page(self, path: str) -> Ack:
        """What stands at one of `paths`."""
        return self._pages[path]


def _text(name: str) -> str:
    return files("channels").joinpath("_web", name).read_text(encoding="utf-8")


def _script(text: str) -> str:
    """A script of its own, that leaves no name behind in the page that loads it."""
    return f'(() => {{\n"use strict";\n{text}}})();\n'
