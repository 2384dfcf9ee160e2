"""What of a reply reached a caller: from the words that Twilio had spoken to the words that we had written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels._markdown.speech import speakable
from channels._voice.heard import Piece, heard


def pieces(*written: str, reply: str = "r1") -> list[Piece]:
    return [Piece(reply=reply, written=one, spoken=" ".join(speakable(one, "en").split())) for one in written]


@pytest.mark.parametrize(
    ("until", "written"),
    [
        ("Please unplug", "Please unplug"),
        ("please unplug it", "Please unplug it."),
        ("Please unplug it.", "Please unplug it."),
        ("Please unplug it. Then ho", "Please unplug it. Then"),
        ("Please unplug it. Then hold both buttons", "Please unplug it. Then hold both buttons."),
        ("Then hold", "Please unplug it. Then hold"),  # the last piece alone is told
        ("", ""),
        ("something else entirely", "Please unplug it. Then"),  # by its length
    ],
)
def test_words_that_were_spoken_are_found_in_what_was_written(until: str, written: str) -> None:
    assert heard(pieces("Please unplug it.", " Then hold both buttons."), until) == ("r1", written)


def test_what_sounds_otherwise_is_cut_where_it_was_stopped() -> None:
    said = pieces("Your **code** is 482913. Keep it.")
    assert heard(said, "Your code is 4, 8, 2,") == ("r1", "Your **code** is")
    assert heard(said, "Your code is 4, 8, 2, 9, 1, 3. Keep") == ("r1", "Your **code** is 482913. Keep")


def test_the_newest_reply_that_has_the_words_was_interrupted() -> None:
    said = [*pieces("I see. One moment."), *pieces("I see. Thank you.", reply="r2")]
    assert heard(said, "I see.") == ("r2", "I see.")
    assert heard(said, "I see. One") == ("r1", "I see. One")


def test_what_the_telephone_says_of_itself_is_no_reply() -> None:
    filler = Piece(reply="", written="One moment, please.", spoken="One moment, please.")
    assert heard([*pieces("Hello."), filler], "One moment") is None
    assert heard([filler], "xyz") is None
    assert heard([], "xyz") is None


@given(st.lists(st.text(max_size=40), max_size=5), st.text(max_size=60))
def test_whatever_is_told_a_beginning_of_what_was_written_comes_out(written: list[str], until: str) -> None:
    found = heard(pieces(*written), until)
    assert found is None or "".join(written).startswith(found[1])
