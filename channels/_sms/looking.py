"""What a reply costs as text messages, and what changes on its way into them."""

from collections.abc import Iterator, Sequence
from typing import Final

from channels._markdown.looking import on_plain
from channels._markdown.plain import PLAIN
from channels._markdown.tree import read
from channels._sms.alphabet import GSM, UCS2, alphabet, cheap, segments

_NAMED: Final = 6  # signs


def remarks(text: str, bodies: Sequence[str]) -> Iterator[str]:
    """For whoever writes it: first the price."""
    cost = sum(map(segments, bodies))
    yield f"{_count(len(bodies), 'text message')}, billed as {_count(cost, 'segment')}."
    yield from _changed(PLAIN.show(read(text)))
    if costly := [sign for sign in dict.fromkeys("".join(bodies)) if alphabet(sign) is not GSM]:
        room = f"a segment holds {UCS2.alone} signs instead of {GSM.alone}"
        yield f"{_signs(costly)} cannot be written in the cheap alphabet, so {room}."
    yield from on_plain(text)


def _changed(plain: str) -> Iterator[str]:
    replaced = [(sign, cheap(sign, plain=False)) for sign in dict.fromkeys(plain)]
    named = [f"{sign} becomes {to}" for sign, to in replaced if to != sign and to.strip()]
    if named:
        yield f"Written more cheaply: {', '.join(named[:_NAMED])}{', …' if len(named) > _NAMED else ''}."


def _signs(signs: Sequence[str]) -> str:
    return " ".join(signs[:_NAMED]) + (" …" if len(signs) > _NAMED else "")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
