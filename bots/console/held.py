"""What somebody typed while their session ran out: it goes with them through the sign-in, and comes back to be sent.

It is kept nowhere but in the pages between. Passwords and codes are not carried along. Where it may lead is a page of
the console and nowhere else.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

from starlette.requests import Request

from bots.console.forms import Form

_PATH, _FIELD = "held-path", "held."
_OWN = re.compile(r"/console(/[\w.~%@:+-]+)*", re.ASCII)
_NOT_BACK = ("/console/login", "/console/logout", "/console/static")
_UP = {".", ".."}
_LONGEST_PLACE = 2_000
_SECRET = re.compile(r"password|secret|token|code|sealed")
_HIDDEN = re.compile(r"(.*_)?id|run|version|state|.")  # what the page set and nobody typed
_LONG = 60  # signs; more is written in a box


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One field of a form that comes back; `kind` is hidden, password, line or box."""

    name: str
    value: str
    kind: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A form that was not done: where it goes, and its fields; secret ones are empty."""

    path: str
    fields: Mapping[str, str]

    def hidden(self) -> Mapping[str, str]:
        """The fields that carry it through the sign-in."""
        return {_PATH: self.path, **{f"{_FIELD}{name}": value for name, value in self.fields.items()}}

    def shown(self) -> Sequence[Field]:
        """The fields to look over."""
        return [Field(name=name, value=value, kind=_kind(name, value)) for name, value in self.fields.items()]

    def deed(self) -> str:
        """What was to be done, as the path has it."""
        return unquote(self.path.rpartition("/")[2]).replace("-", " ")

    def page(self) -> str:
        """The page that it was typed on, more or less."""
        return self.path.rpartition("/")[0] or self.path


def held(request: Request, form: Form) -> Held | None:
    """What a request would have done."""
    path = quote(request.url.path)
    fields = {name: "" if _SECRET.search(name) else value for name, value in form.items()}
    return Held(path=path, fields=fields) if is_own(path) else None


def carried(form: Form) -> Held | None:
    """What came along with a sign-in."""
    path = form.get(_PATH, "")
    fields = {name.removeprefix(_FIELD): value for name, value in form.items() if name.startswith(_FIELD)}
    return Held(path=path, fields=fields) if is_own(path) else None


def is_own(path: str) -> bool:
    """Whether a path is one of the console's, other than signing in and out."""
    up = _UP & set(unquote(path).split("/"))
    return bool(_OWN.fullmatch(path)) and not up and not path.startswith(_NOT_BACK)


def place(given: str) -> str:
    """Where to go after signing in: what was asked for, if that is ours."""
    path, _, query = given.partition("?")
    fits = len(given) <= _LONGEST_PLACE and query.isascii() and (query.isprintable() or not query)
    return given if fits and is_own(path) else "/console"


def asked(request: Request) -> str:
    """The page that a request asked for, as `place` takes it."""
    query = f"?{request.url.query}" if request.url.query else ""
    return place(f"{quote(request.url.path)}{query}")


def _kind(name: str, value: str) -> str:
    if _SECRET.search(name):
        return "password"
    if _HIDDEN.fullmatch(name):
        return "hidden"
    return "box" if len(value) > _LONG or "\n" in value else "line"
