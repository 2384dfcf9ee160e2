"""Files that colleagues send along: how many, how large, what they are called, and what a channel takes of them."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from core import pictures
from core.channel import Limits
from core.errors import Problem
from core.messages import Attachment

MOST: Final = 5  # files with one reply
LARGEST: Final = 10_000_000  # bytes of one
UNKNOWN: Final = "application/octet-stream"
_LONGEST_NAME: Final = 100  # characters
_LONGEST_ENDING: Final = 12
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})  # of these are the signs that turn a line around
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,60}")


class Unattachable(Problem):
    """A file cannot go with a reply; the message tells a colleague why."""


def plain(name: str) -> str:
    """A file's name in one line, without a path, and without signs that are not seen or turn what is around them."""
    last = re.split(r"[/\\]", name)[-1]
    seen = "".join(" " if sign.isspace() else sign for sign in last if sign.isspace() or _is_seen(sign))
    return _shortened(" ".join(seen.split()).lstrip(".~ ")) or "file"


def _is_seen(sign: str) -> bool:
    return unicodedata.category(sign) not in _UNSEEN


def _shortened(name: str) -> str:
    stem, dot, ending = name.rpartition(".")
    if len(name) <= _LONGEST_NAME or not dot or len(ending) > _LONGEST_ENDING:
        return name[:_LONGEST_NAME]
    return f"{stem[: _LONGEST_NAME - len(ending) - 1]}.{ending}"


def checked(files: Sequence[Attachment]) -> tuple[Attachment, ...]:
    """The files as they are sent: plainly named, and pictures only where their bytes say so. Raises Unattachable."""
    if len(files) > MOST:
        raise Unattachable(f"{len(files)} files are too many; at most {MOST} can go with a reply")
    named = tuple(_named(file) for file in files)
    for file in named:
        if not file.size:
            raise Unattachable(f'"{file.name}" is empty')
        if file.size > LARGEST:
            raise Unattachable(f'"{file.name}" has {size(file.size)}; a file may have at most {size(LARGEST)}')
    return named


def _named(file: Attachment) -> Attachment:
    said = file.media_type.partition(";")[0].strip().lower()
    kept = (
        said if _MEDIA_TYPE.fullmatch(said) and not said.startswith(("image/", "multipart/", "message/")) else UNKNOWN
    )
    return replace(file, name=plain(file.name), media_type=pictures.media_type(file.content) or kept)


def refuse_unfit(files: Sequence[Attachment], label: str, limits: Limits) -> None:
    """Raises Unattachable where the channel of this name does not take these files."""
    together = sum(file.size for file in files)
    if files and not limits.file_bytes:
        raise Unattachable(f"files cannot be sent by {label}")
    if unfit := [file.name for file in files if limits.file_types and file.media_type not in limits.file_types]:
        raise Unattachable(f'"{unfit[0]}" is of a kind that cannot be sent by {label}')
    if together > limits.file_bytes:
        most = size(limits.file_bytes)
        raise Unattachable(f"the files have {size(together)} together; by {label} at most {most} can be sent at once")


def size(count: int) -> str:
    """Bytes as people say them, e.g. "10 MB"."""
    for unit, worth in (("MB", 1_000_000), ("kB", 1_000)):
        if count >= worth:
            return f"{count / worth:.1f}".removesuffix(".0") + f" {unit}"
    return f"{count} bytes"
