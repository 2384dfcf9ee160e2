"""What a colleague did, as the audit names it: read from the path that it was done at, which holds no customer's words.

`/console/cases/12/hand-back` is "hand back", about "case 12".
"""

import re
from collections.abc import Iterator

from starlette.requests import Request

_ROW = re.compile(r"[0-9]{1,9}")  # a row's number; a longer one may be a telephone's
_ABOUT = "audited_about"


def names(request: Request, about: str) -> None:
    """Says what a deed is about where its path does not, e.g. "receipt 5". Never what a customer said, or is called."""
    setattr(request.state, _ABOUT, about)


def deed(request: Request) -> str:
    """What was done."""
    parts = _parts(request)
    values = _values(request)
    words = [part for part, then in zip(parts, [*parts[1:], ""], strict=True) if not {part, then} & values]
    return " ".join(words or parts[:1]).replace("-", " ")


def about(request: Request) -> str:
    """What it was about; "" where only a person would be named."""
    return getattr(request.state, _ABOUT, "") or ", ".join(_rows(request))


def _rows(request: Request) -> Iterator[str]:
    values, before = _values(request), ""
    for part in _parts(request):
        if part in values and _ROW.fullmatch(part):
            yield f"{before.removesuffix('s')} {part}"
        before = part


def _parts(request: Request) -> list[str]:
    return request.url.path.removeprefix("/console/").split("/")


def _values(request: Request) -> set[str]:
    return {str(value) for value in request.path_params.values()}
