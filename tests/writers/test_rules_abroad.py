"""The offline writer in its other languages: what customers did, that it is over, and what they bought."""

from datetime import UTC, datetime
from typing import Any

import pytest

from core.backends.rules import RulesWriter
from core.backends.rules.reading import Reading, read
from core.writing import Brief, OpenCase

LANGUAGES = ("en", "es", "de", "fr", "pt", "it", "nl")
OPEN = OpenCase(id=1, category="damaged", issue="it broke")


def brief(text: str, language: str, **known: Any) -> Brief:
    return Brief(text=text, channel="web", language=language, languages=LANGUAGES, now=datetime.now(UTC), **known)


def reading(text: str, language: str) -> Reading:
    return read(brief(text, language))


@pytest.mark.parametrize(
    ("language", "text", "did"),
    [
        ("de", "Die Rechnung habe ich schon geprüft.", "die Rechnung geprüft"),
        ("de", "Ich habe den Router bereits neu gestartet.", "den Router neu gestartet"),
        ("nl", "De factuur heb ik al gecontroleerd.", "de factuur gecontroleerd"),
        ("nl", "Ik heb de router al herstart.", "de router herstart"),
    ],
)
def test_what_was_done_is_told_with_what_it_was_done_to(language: str, text: str, did: str) -> None:
    assert reading(text, language).tried == (did,)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("it", "È tutto risolto, grazie"),
        ("it", "il problema si è risolto da solo"),
        ("fr", "tout est réglé maintenant"),
        ("de", "Ist alles geklärt, danke schön"),
        ("pt", "já ficou resolvido"),
        ("nl", "alles is in orde nu"),
        ("es", "todo arreglado"),
    ],
)
async def test_that_it_is_over_is_no_answer_to_what_we_asked(language: str, text: str) -> None:
    answer = await RulesWriter().answer(brief(text, language, asked=("product",), cases=[OPEN]))
    assert answer.resolved
    assert not answer.facts


@pytest.mark.parametrize("text", ["È tutto risolto?", "È stato già risolto il mio problema"])
async def test_who_asks_whether_it_is_over_does_not_say_so(text: str) -> None:
    assert not (await RulesWriter().answer(brief(text, "it", cases=[OPEN]))).resolved


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("pt", "A minha chaleira chegou partida"),
        ("es", "la silla tiene una pata rota"),
        ("it", "la lampada funziona male"),
    ],
)
def test_the_next_word_of_a_sentence_is_no_brand(language: str, text: str) -> None:
    assert not reading(text, language).facts


def test_a_brand_behind_its_noun_is_known_in_small_letters_too() -> None:
    assert reading("la cafetera zelvora no enciende", "es").values == {"product": "cafetera zelvora"}


async def test_a_wish_for_a_language_holds_until_another_is_wished_for() -> None:
    wished = brief("My parcel has still not arrived and I am waiting.", "en", preferences={"language": "de"})
    assert (await RulesWriter().answer(wished)).language == "de"
    taken_back = brief("Please write in English from now on.", "de", preferences={"language": "de"})
    assert (await RulesWriter().answer(taken_back)).language == "en"


async def test_who_asks_for_brevity_gets_it_at_once() -> None:
    answer = await RulesWriter().answer(brief("Be brief please. My lamp arrived broken.", "en"))
    assert answer.reply.startswith("Could you tell me")


@pytest.mark.parametrize(
    ("language", "text", "told"),
    [
        ("en", "Please don't call me, write me an email instead.", {"phone": "no calls", "channel": "email"}),
        ("en", "Don't phone me, ever. My order K1122335 is late.", {"phone": "no calls"}),
        ("de", "Bitte rufen Sie mich nicht an.", {"phone": "no calls"}),
        ("fr", "Ne m'appelez pas, s'il vous plaît.", {"phone": "no calls"}),
        ("en", "I tried to call you and nobody answered my calls.", {}),
    ],
)
def test_how_they_want_not_to_be_reached(language: str, text: str, told: dict[str, str]) -> None:
    heard = reading(text, language)
    assert {wish.slot: wish.value for wish in heard.preferences} == told
    assert "product" not in heard.values
