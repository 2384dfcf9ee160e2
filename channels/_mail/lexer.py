"""Words, quoted strings and marks of a structured mail header (RFC 5322 section 3.2). Comments are dropped."""

import re
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

_QUOTED: Final = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"', re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)


class Token(NamedTuple):
    """A piece of a header; `text` of a quoted string is without its quotes and backslashes."""

    kind: Literal["word", "quoted", "mark"]
    text: str


def tokens(header: str, *, marks: str) -> Iterator[Token]:
    """The tokens of a header's value; each character of `marks` is one by itself.

    Raises ValueError where a quoted string or a comment does not end, or ends without having begun.
    """
    word = re.compile(rf'[^\s()"{re.escape(marks)}]+')
    at = 0
    while at < len(header):
        sign = header[at]
        if sign.isspace():
            at += 1
        elif sign == "(":
            at = _end_of_comment(header, at)
        elif sign in marks:
            yield Token("mark", sign)
            at += 1
        elif match := (_QUOTED if sign == '"' else word).match(header, at):
            yield _quoted(match[1]) if sign == '"' else Token("word", match[0])
            at = match.end()
        else:
            raise ValueError(f"a stray {sign} in a header")


def _quoted(text: str) -> Token:
    return Token("quoted", _ESCAPE.sub(r"\1", text))


def _end_of_comment(header: str, start: int) -> int:
    depth, at = 0, start
    while at < len(header):
        depth += {"(": 1, ")": -1}.get(header[at], 0)
        at += 2 if header[at] == "\\" else 1
        if not depth:
            return at
    raise ValueError("a comment in a header does not end")
