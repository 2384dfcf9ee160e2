"""What a text costs: segments are counted as networks do, nothing costs more than it must, and the budget is kept."""

import pytest

from channels._sms.alphabet import GSM, UCS2, alphabet, segments
from channels._sms.wording import LONGEST, bodies, note
from core.backends.rules.wishes import human_wanted
from core.messages import Reply

LANGUAGES = ("en", "de", "es", "fr", "it", "nl", "pt")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 158 + "€", 1),
        ("a" * 159 + "€", 2),
        ("a" * 152 + "€" + "a" * 151, 2),  # the euro has no room for its second half and begins the next segment
        ("a" * 152 + "€" + "a" * 152, 3),
        ("a" * 151 + "€" + "a" * 153, 2),
        ("é" * 160, 1),
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("ж" * 134, 2),
        ("ж" * 135, 3),
        ("ç" + "a" * 69, 1),
        ("ç" + "a" * 70, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 66, 2),  # 33 pairs in each; the 67th unit stays empty
        ("😀" * 67, 3),
        ("a" + "😀" * 66, 2),
        ("a" + "😀" * 67, 3),
    ],
)
def test_segments_are_counted(text: str, count: int) -> None:
    assert segments(text) == count


@pytest.mark.parametrize("letter", "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà\n\r^{}\\[~]|€\f")
def test_these_are_in_gsm_7(letter: str) -> None:
    assert alphabet(letter) is GSM


@pytest.mark.parametrize("letter", "çáíóúâêîôûãõÀÁЖ漢😀`’“–…\u00a0\tÿœ")
def test_these_are_not(letter: str) -> None:
    assert alphabet(letter) is UCS2


def says(text: str, **more: str) -> Reply:
    return Reply(id="rep_1", route={}, text=text, **more)  # type: ignore[arg-type]


def test_one_curly_quote_does_not_double_the_price() -> None:
    (body,) = bodies(says("It’s “fine” – " + "x" * 140), 10)
    assert segments(body) == 1


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("budget", [4, 7, 10])
@pytest.mark.parametrize(
    "sentence", ["This is a sentence of a long story.", "Ça, c’est une phrase.", "Это предложение.", "€{}[]~ 😀|x."]
)
def test_a_longer_reply_of_the_bot_is_cut_at_a_sentence_and_says_so(language: str, budget: int, sentence: str) -> None:
    story = " ".join(f"{n}: {sentence}" for n in range(400))
    (body,) = bodies(says(story, language=language), budget)
    told, _, ending = body.rpartition("\n\n")
    assert ending == note(language)
    assert told.endswith(".")
    assert budget - 1 <= segments(body) <= budget
    assert len(body.encode("utf-16-le")) // 2 <= LONGEST


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_customer_is_told_to_answer_calls_a_person_and_costs_no_ucs_2(language: str) -> None:
    said = note(language)
    (word,) = [word for word in said.replace(".", " ").split() if word.isupper() and len(word) > 3]
    assert human_wanted(word)
    assert alphabet(said) is GSM
    assert len(said) < 110


def test_a_reply_within_the_budget_is_whole() -> None:
    story = "x " * 760
    assert bodies(says(story), 10) == [story.strip()]
    assert segments(story.strip()) == 10


def test_a_code_is_never_cut_off() -> None:
    story = "A sentence. " * 200
    assert "".join(bodies(says(f"{story} Your code is 482913.", secret="482913"), 4)).endswith("482913.")


def test_a_colleague_may_write_more_and_keeps_pictures() -> None:
    story = "A sentence of a colleague. 🎉 " * 100
    written = bodies(says(story, sender="agent"), 4)
    assert len(written) > 1
    assert " ".join(written) == story.strip()
