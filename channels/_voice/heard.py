"""How much of what we wrote a caller heard before speaking against it. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """Something that was said in one go: a part of a reply as it is written, and as it sounds."""

    reply: str  # its id; "" for what the telephone said of itself
    written: str
    spoken: str


def heard(pieces: Sequence[Piece], until: str) -> tuple[str, str] | None:
    """The reply that was interrupted, and what was heard of it as it is written; None when it was no reply.

    `until` is what was spoken in the end, from the beginning of a piece or from somewhere within.
    """
    replies = list(dict.fromkeys(piece.reply for piece in reversed(pieces)))
    for reply in replies:
        of_it = [piece for piece in pieces if piece.reply == reply]
        end = _end(" ".join(piece.spoken for piece in of_it), until)
        if end is not None:
            return (reply, _written(of_it, end)) if reply else None
    newest = next(filter(None, replies), "")
    of_it = [piece for piece in pieces if piece.reply == newest]
    return (newest, _written(of_it, len(until))) if newest else None


def _end(spoken: str, until: str) -> int | None:
    """Where `until` ends in what was spoken; punctuation and capitals aside, which come back otherwise."""
    signs = [(sound, at) for at, sign in enumerate(spoken) for sound in _bare(sign)]
    wanted = _bare(until)
    found = "".join(sign for sign, _ in signs).find(wanted)
    if found < 0:
        return None
    return signs[found + len(wanted) - 1][1] + 1 if wanted else 0


def _written(pieces: Sequence[Piece], end: int) -> str:
    text = ""
    for piece in pieces:
        if end < len(piece.spoken):
            return (text + _begun(piece, piece.spoken[:end])).rstrip() if end > 0 else text.rstrip()
        text, end = text + piece.written, end - len(piece.spoken) - 1
    return text.rstrip()


def _begun(piece: Piece, spoken: str) -> str:
    """As many words of a piece as were heard in full; by their share where it sounds otherwise than it is written."""
    words = list(re.finditer(r"\S+", piece.written))
    whole, said = piece.spoken.split(), spoken.split()
    in_full = len(said) if said and _bare(said[-1]) == _bare(whole[len(said) - 1]) else len(said) - 1
    number = in_full if len(words) == len(whole) else in_full * len(words) // len(whole)
    return piece.written[: words[number - 1].end()] if number > 0 else ""


def _bare(text: str) -> str:
    return "".join(sign for sign in text.casefold() if sign.isalnum())
