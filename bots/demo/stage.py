"""The transcript: who said what, on which channel, as it happens."""

import shutil
import sys
import textwrap
from collections.abc import Sequence

_WIDEST = 100
_LABEL, _NAME = 9, 11
_COLOURS = {"chat": "36", "phone": "33", "email": "35", "console": "32"}


def scene(title: str) -> None:
    """A new part of the story."""
    _write(f"\n{_coloured(f'── {title} '.ljust(_width(), '─'), '1')}\n\n")


def note(text: str) -> None:
    """What happens, where nobody speaks."""
    _write("\n".join(_coloured(line, "2") for line in textwrap.wrap(text, _width())) + "\n\n")


def line(channel: str, speaker: str, text: str) -> None:
    """Something that was said, or shown, on a channel."""
    label = f"{channel:<{_LABEL}}{speaker:<{_NAME}} "
    indent = " " * (_LABEL + _NAME + 1)
    said = [words for part in text.splitlines() for words in textwrap.wrap(part, _width() - len(indent))]
    first, *others = said or ["(silence)"]
    _write("\n".join([_coloured(label, _COLOURS[channel]) + first, *(indent + words for words in others)]) + "\n\n")


def panel(heading: str, lines: Sequence[str]) -> None:
    """A section of a page that an agent reads."""
    _write(_coloured(f"{'console':<{_LABEL}}{heading}", _COLOURS["console"]) + "\n")
    for shown in lines:
        _write(textwrap.fill(shown, _width(), initial_indent=" " * (_LABEL + 2), subsequent_indent=" " * (_LABEL + 4)))
        _write("\n")
    _write("\n")


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _width() -> int:
    return min(shutil.get_terminal_size().columns, _WIDEST)


def _coloured(text: str, colour: str) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m" if sys.stdout.isatty() else text
