"""Many wordings as one pattern that is quick to search with.

`re` tries the branches of a choice one after the other, for every word of a text. Here wordings that begin alike share
their first letters, so that a word leads past most of them at once. Which wording matches first stays the same: only
such as exclude each other, by beginning with different letters, are ever reordered.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import chain

_REPEATED = r"(?:[*+?]\??|\{[\d,]+\}\??)?"
_PIECE = re.compile(
    rf"\(\?:|\((?:\?(?:<?[=!]|P<\w+>))?|\){_REPEATED}|\||(?:\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.){_REPEATED}", re.DOTALL
)
_Pieces = Sequence[str]


def any_of(wordings: Iterable[str]) -> str:
    """A pattern that finds what the first of these finds that fits; where there are none it finds nothing.
    It minds case: no IGNORECASE. Raises re.error."""
    branches = [branch for wording in wordings for branch in _choices(_PIECE.findall(wording))]
    return _tree(branches) if branches else "(?!)"


def _spelled_out(pieces: _Pieces) -> list[_Pieces]:
    """A wording that begins with a choice, once for each of what it chooses from: "(?:my|our) order"."""
    if not pieces or pieces[0] != "(?:":
        return [pieces]
    end = _end_of_group(pieces)
    if pieces[end] != ")":  # repeated
        return [pieces]
    return [branch for choice in _choices(pieces[1:end]) for branch in _spelled_out([*choice, *pieces[end + 1 :]])]


def _end_of_group(pieces: _Pieces) -> int:
    depth = 0
    for at, piece in enumerate(pieces):
        depth += piece.startswith("(") - piece.startswith(")")
        if not depth:
            return at
    raise re.error(f"a group is not closed in {''.join(pieces)}")


def _choices(pieces: _Pieces) -> list[_Pieces]:
    """What stands between the bars that are in no group."""
    found: list[list[str]] = [[]]
    depth = 0
    for piece in pieces:
        depth += piece.startswith("(") - piece.startswith(")")
        if piece == "|" and not depth:
            found.append([])
        else:
            found[-1].append(piece)
    return list(found)


def _tree(branches: Sequence[_Pieces]) -> str:
    """Branches of the same first letter are put together up to the next that begins with none."""
    if len(branches) == 1:
        return "".join(branches[0])
    parts: list[str] = []
    by_letter: dict[str, list[_Pieces]] = {}
    for branch in chain.from_iterable(map(_spelled_out, branches)):
        if branch and branch[0].isalnum():
            by_letter.setdefault(branch[0], []).append(branch[1:])
        else:
            parts += [letter + _tree(rests) for letter, rests in by_letter.items()] + ["".join(branch)]
            by_letter.clear()
    parts += [letter + _tree(rests) for letter, rests in by_letter.items()]
    return parts[0] if len(parts) == 1 else f"(?:{'|'.join(dict.fromkeys(parts))})"
