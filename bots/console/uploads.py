"""Forms with files (multipart/form-data), read as they come in.

Of what is too large or too many the size is counted and the bytes are dropped: the form is still answered with its
words in it. Nothing is written to a disk.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from bots.console.forms import BadForm, Form, read_form
from core.attaching import LARGEST, MOST
from core.messages import Attachment

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_MULTIPART: Final = "multipart/form-data"
_MOST_PARTS: Final = 40
_LARGEST_FIELDS: Final = 262_144  # bytes of all fields that are no files
_LARGEST_FORM: Final = 200_000_000  # bytes that are read, and mostly dropped, before the form is refused unread


class FilledForm(dict[str, str]):
    """The fields of a form, each once, and the files that came with it."""

    def __init__(self, fields: Mapping[str, str], files: Sequence[Attachment] = ()) -> None:
        super().__init__(fields)
        self.files = files


def files_of(form: Form) -> Sequence[Attachment]:
    """The files that came with a form."""
    return form.files if isinstance(form, FilledForm) else ()


async def read_upload(request: Request) -> FilledForm:
    """A form of either kind. Raises BadForm."""
    return await _read(request, most=MOST)


async def read_typed(request: Request) -> Form:
    """What was typed into a form of either kind; its files are dropped. Raises BadForm."""
    return await _read(request, most=0)


async def _read(request: Request, *, most: int) -> FilledForm:
    media_type, options = parse_options_header(request.headers.get("content-type", ""))
    if media_type.decode("latin-1").lower() != _MULTIPART:
        return FilledForm(await read_form(request))
    parts, count = _Parts(most), 0
    try:
        parser = MultipartParser(options.get(b"boundary", b""), parts.callbacks())
        async for chunk in request.stream():
            count += len(chunk)
            if count > _LARGEST_FORM:
                raise BadForm(413, "The form is too large")
            parser.write(chunk)
        parser.finalize()
    except (FormParserError, ClientDisconnect, ValueError):
        raise BadForm(400, "The form cannot be read") from None
    if not parts.complete:
        raise BadForm(400, "The form cannot be read")
    return parts.form()


@dataclass(slots=True)
class _Part:
    """One field or file. `content` ends where it has grown too large, `size` does not."""

    headers: dict[bytes, bytes] = field(default_factory=dict)
    name: str = ""
    filename: str | None = None
    content: bytearray = field(default_factory=bytearray)
    size: int = 0


class _Parts:
    """What the parser finds. `most` files are kept."""

    def __init__(self, most: int) -> None:
        self.complete = False
        self._most = most
        self._found: list[_Part] = []
        self._field, self._value = b"", b""
        self._typed = 0  # bytes of all fields that are no files

    def callbacks(self) -> "MultipartCallbacks":
        """For the parser."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._content,
            "on_end": self._end,
        }

    def form(self) -> FilledForm:
        """The fields, the last of a name, and the files; a browser sends one without a name where none was chosen."""
        typed = {p.name: _text(p.content).replace("\r\n", "\n") for p in self._found if p.filename is None}
        return FilledForm(typed, [_attachment(p) for p in self._files() if p.filename or p.size])

    def _files(self) -> list[_Part]:
        return [part for part in self._found if part.filename is not None]

    def _begin(self) -> None:
        if len(self._found) >= _MOST_PARTS:
            raise BadForm(413, "The form has too many parts")
        self._found.append(_Part())

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._found[-1].headers[self._field.lower()] = self._value
        self._field, self._value = b"", b""

    def _headers_finished(self) -> None:
        part = self._found[-1]
        _, options = parse_options_header(part.headers.get(b"content-disposition", b""))
        part.name = _text(options.get(b"name", b""))
        part.filename = _filename(options[b"filename"]) if b"filename" in options else None

    def _content(self, data: bytes, start: int, end: int) -> None:
        part = self._found[-1]
        part.size += end - start
        if part.filename is None:
            self._typed += end - start
            if self._typed > _LARGEST_FIELDS:
                raise BadForm(413, "The form is too large")
        if part.filename is None or (part.size <= LARGEST and len(self._files()) <= self._most):
            part.content += data[start:end]
        else:
            part.content.clear()

    def _end(self) -> None:
        self.complete = True


def _attachment(part: _Part) -> Attachment:
    declared = _text(part.headers.get(b"content-type", b""))
    return Attachment(name=part.filename or "", media_type=declared, size=part.size, content=bytes(part.content))


def _filename(name: bytes) -> str:
    """Browsers write a quote and the ends of lines as %22, %0D and %0A, and nothing else so."""
    text = _text(name)
    for sign in ("%22", "%0D", "%0A"):
        text = text.replace(sign, unquote(sign))
    return text


def _text(found: bytes | bytearray) -> str:
    return found.decode("utf-8", "replace")
