"""Many wordings as one pattern: it finds the very same as wordings that are tried one after the other."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.alternatives import any_of

PIECES = ["a", "b", "ab", "ba", "é", "7", "'", r"\.", r"\w*", r"\s+", "[ab]", "b?", "a{1,2}", "(?!b)"]
GROUPS = ["(?:a|ab|b)", "(?:a |)", "(?:(?:a|b)b|a)", "(?:b|a)?", r"(?:a\W|\w)*", "(?:a|(?:b|))", "(?:x)"]
WORDINGS = st.lists(st.lists(st.sampled_from([*PIECES, *GROUPS]), max_size=4).map("".join), min_size=1, max_size=7)
TEXTS = st.text("abé7' .x", max_size=20)


@given(WORDINGS, TEXTS)
def test_it_finds_what_they_find_one_after_the_other(wordings: list[str], text: str) -> None:
    for edges in (r"(?:{})", r"(?<!\w)(?:{})(?!\w)"):
        together, in_turn = edges.format(any_of(wordings)), edges.format("|".join(wordings))
        assert [m.span() for m in re.finditer(together, text)] == [m.span() for m in re.finditer(in_turn, text)]


def test_wordings_that_begin_alike_share_their_letters() -> None:
    assert any_of(["(?:my|mine) own", "mist", "our"]) == "(?:m(?:y own|i(?:ne own|st))|our)"


def test_no_wordings_find_nothing() -> None:
    assert re.search(any_of([]), "anything") is None


def test_a_group_that_is_not_closed_is_told() -> None:
    with pytest.raises(re.error, match=r"not closed in \(\?:order"):
        any_of(["parcel", "(?:order"])
