"""What is written to the log. Nothing in it is about a customer: neither who they are nor what they said.

Our own lines name no one, by the rule of the house. An exception's text may repeat what it was given, so only its kinds
and its places are written; and what a library says may hold anything, so only where it spoke. A line that is written
while a message is handled carries its correlation id: at its end for people, as a field for programs.
"""

import logging
import sys
import traceback
from collections.abc import Iterator
from copy import copy
from types import TracebackType
from typing import Literal, TextIO

from core.observing import here

_NOISY = (
    "aiosmtpd", "alembic", "discord", "httpx", "mail.log", "procrastinate", "slack_bolt", "slack_sdk", "uvicorn",
)  # fmt: skip
_OURS = frozenset({"bots", "channels", "core", "identity", "throughline", "__main__"})
_FOREIGN = "%s has something to say at %s:%d"
_FOR_PEOPLE = "%(asctime)s %(levelname)-7s %(message)s"

Caught = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def discreet(record: logging.LogRecord) -> logging.LogRecord:
    """A record that names nobody."""
    line = copy(record)
    line.exc_text = None  # what another handler made of the exception
    if record.name.partition(".")[0] not in _OURS:
        line.msg, line.args = _FOREIGN, (record.name, record.filename, record.lineno)
    return line


class Discreet(logging.Formatter):
    """Lines for people, which name nobody."""

    def format(self, record: logging.LogRecord) -> str:
        line, of = discreet(record), here()
        if of is not None:
            line.msg, line.args = "%s [%s]", (line.getMessage(), of.id)
        return super().format(line)

    def formatException(self, ei: Caught) -> str:  # noqa: N802 - the library's name
        return "\n".join(places(ei[1])) if ei[1] else ""


def places(error: BaseException) -> Iterator[str]:
    """The kinds and places of an exception and of those that led to it, the newest first."""
    caught: BaseException | None = error
    while caught:
        yield type(caught).__qualname__
        for frame in traceback.extract_tb(caught.__traceback__):
            yield f"  {frame.filename}:{frame.lineno} in {frame.name}"
        caught = caught.__cause__ or caught.__context__


def to(stream: TextIO = sys.stderr, form: Literal["text", "json"] = "text") -> None:
    """Sends everything from INFO up there, of libraries from WARNING up, in place of where it went before."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Discreet(_FOR_PEOPLE) if form == "text" else _for_programs())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _for_programs() -> logging.Formatter:
    from bots.json_logs import Lines  # noqa: PLC0415 - takes 0.1 s to load

    return Lines()
