"""Wishes for a code, for a call and for a person are heard in seven languages, in wordings that no data file holds, and
nothing of the kind is heard in sentences that only have the same words."""

import tomllib
from pathlib import Path

import pytest

from core.backends.rules.wishes import human_wanted
from core.wishing import wish, without_wishes

_SAMPLES: dict[str, dict[str, list[str]]] = tomllib.loads(Path(__file__).with_name("wishes.toml").read_text("utf-8"))


def _said(kind: str) -> list[str]:
    return [text for texts in _SAMPLES[kind].values() for text in texts]


@pytest.mark.parametrize("text", _said("code"))
def test_a_wish_for_a_code_is_heard(text: str) -> None:
    assert wish(text)


@pytest.mark.parametrize("text", _said("call"))
def test_a_wish_to_call_is_heard(text: str) -> None:
    assert wish(text) == "call"


@pytest.mark.parametrize("text", _said("human"))
def test_a_wish_for_a_person_is_heard(text: str) -> None:
    assert human_wanted(text)


@pytest.mark.parametrize("text", _said("none"))
def test_the_same_words_without_the_wish_are_none(text: str) -> None:
    assert not wish(text)
    assert not human_wanted(text)


def test_what_is_told_beside_a_wish_is_left() -> None:
    assert without_wishes("Can I get a code? My parcel is late.") == "My parcel is late."
    assert without_wishes("please give me a code to call you, my parcel is late") == "my parcel is late"


def test_lines_without_such_a_wish_stay_as_they_are() -> None:
    told = "Please help\n\nHello, any news?"
    assert without_wishes(told) == told
    assert without_wishes(f"{told}\nCan you link my other account?") == "Please help Hello, any news?"
