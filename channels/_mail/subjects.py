"""Subjects: what mail programs put in front of an answer's, in their languages."""

import re
from typing import Final

from channels._mail.headers import one_line

_MOST_SUBJECT: Final = 200
_ANSWERS: Final = (
    "re", "res", "ref", "réf", "aw", "antw", "sv", "svar", "vs", "vá", "r", "rif", "odp", "odg", "ynt", "yan",
    "atb", "bls", "απ", "σχετ", "отв", "ответ", "на", "відп", "רד", "תגובה", "השב", "رد", "回复", "回復", "回覆",
    "答复", "答覆", "返信", "답장", "회신", "ตอบ",
)  # fmt: skip
# "Re:", and with a count "Re[2]:", "Re(2):", "Re^2:"
_ANSWER: Final = re.compile(
    rf"(?:(?:{'|'.join(_ANSWERS)})\s?(?:\[\d{{1,3}}\]|\(\d{{1,3}}\)|\^\d{{1,3}})?\s?[:：]\s{{0,3}}){{1,20}}",
    re.IGNORECASE,
)


def bare_subject(subject: str) -> str:
    """A subject without the "Re:" in front, on one line."""
    said = one_line(subject)
    match = _ANSWER.match(said)
    return said[match.end() if match else 0 :][:_MOST_SUBJECT]


def is_reply(subject: str) -> bool:
    """Whether a subject says that the mail is an answer."""
    return _ANSWER.match(one_line(subject)) is not None
