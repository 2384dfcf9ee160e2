"""Forms: where they may come from, and what stands in them."""

from collections.abc import Mapping
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request

_LARGEST = 262_144  # bytes
_MOST_FIELDS = 24

Form = Mapping[str, str]


class BadForm(Exception):
    """A POST is not a form of ours; `status` is what it is answered."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def is_same_origin(headers: Mapping[str, str], base_url: str) -> bool:
    """Whether a POST comes from our own page. Every browser says so; what says nothing is refused."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is None and origin is None:
        return False
    ours = {_authority(base_url), headers.get("host")}
    return site in (None, "same-origin") and (origin is None or _authority(origin) in ours)


def _authority(url: str) -> str:
    return url.partition("://")[2].partition("/")[0]


async def read_form(request: Request, *, most_bytes: int = _LARGEST, most_fields: int = _MOST_FIELDS) -> Form:
    """The fields of a form, each once. Raises BadForm."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most_bytes:
                raise BadForm(413, "The form is too large")
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=most_fields)
    except (ValueError, ClientDisconnect):
        raise BadForm(400, "The form cannot be read") from None
    return {name: values[-1].replace("\r\n", "\n") for name, values in fields.items()}
