"""A model's reply is read before it is used: no claim that something was done, no question for what is known, no
language that the customer does not read. What is wrong never reaches the customer, also where it is streamed."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from core.backends.openai_writer import OpenAIWriter
from core.backends.proofreading import Proofread, proofread
from core.backends.rules import RulesWriter
from core.errors import WriterFailed
from core.writing import Answer, Article, Brief, OpenCase, Spoken, WithFallback
from tests.twins.openai import KEY, MODEL, OpenAITwin, openai_twin

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WISHES = {
    "en": "My order K9911223 was charged twice, I want the money back.",
    "es": "Me han cobrado dos veces el pedido K9911223, quiero mi dinero.",
    "de": "Meine Bestellung K9911223 wurde doppelt berechnet, ich will mein Geld.",
    "fr": "On m'a débité deux fois pour la commande K9911223, rendez-moi mon argent.",
    "pt": "Cobraram-me duas vezes a encomenda K9911223, quero o meu dinheiro.",
    "it": "Mi avete addebitato due volte l'ordine K9911223, voglio i soldi.",
    "nl": "Mijn bestelling K9911223 is twee keer afgeschreven, ik wil mijn geld.",
}
CLAIMS = [
    ("en", "Good news! I have refunded $99 to your card."),
    ("en", "Your refund has been processed."),
    ("en", "I've gone ahead and sent a new one."),
    ("en", "We'll refund you right away."),
    ("en", "I'm refunding the $99 now."),
    ("en", "You'll receive your refund within 5 days."),
    ("en", "The duplicate charge has been reversed."),
    ("en", "I have blocked your card."),
    ("es", "Se le ha reembolsado el importe."),
    ("es", "He cancelado su pedido."),
    ("de", "Ich habe Ihnen den Betrag von 99 $ soeben erstattet."),
    ("de", "Ihre Bestellung ist storniert."),
    ("fr", "Votre remboursement a été effectué."),
    ("fr", "Je viens de vous rembourser."),
    ("pt", "O seu reembolso foi processado."),
    ("it", "Le ho rimborsato 99 $."),
    ("nl", "Ik heb u het bedrag terugbetaald."),
]
HONEST = [
    ("en", "I have noted the $99 charge and your wish for a refund."),
    ("en", "Refunds are usually processed within five days."),
    ("en", "Your money has not been refunded yet."),
    ("en", "Once it has been refunded you will see it in three days."),
    ("en", "You say the parcel was sent last week."),
    ("en", "A colleague will look into a refund for you."),
    ("en", "To reset it, hold the button for ten seconds."),
    ("en", "Has it been refunded on your statement?"),
    ("es", "He anotado que quiere un reembolso."),
    ("de", "Das Geld wurde noch nicht erstattet."),
    ("fr", "J'ai noté le double débit."),
    ("pt", "Anotei que quer o reembolso."),
    ("it", "L'importo non è ancora stato rimborsato."),
    ("nl", "Ik heb genoteerd dat u uw geld terug wilt."),
]


@pytest.fixture
async def twin() -> AsyncIterator[OpenAITwin]:
    async with openai_twin() as twin:
        yield twin


@pytest.fixture
async def model(twin: OpenAITwin) -> AsyncIterator[OpenAIWriter]:
    writer = OpenAIWriter(KEY, twin.url, MODEL, 20.0)
    yield writer
    await writer.close()


def brief(text: str = WISHES["en"], **known: Any) -> Brief:
    given: dict[str, Any] = {"channel": "web", "language": "", "languages": tuple(WISHES), "now": NOW}
    return Brief(text=text, **(given | known))


def said(reply: str, language: str = "en", **more: Any) -> Answer:
    return Answer(human_wanted=False, confidence=0.8, reply=reply, language=language, writer=MODEL, **more)


CASE = OpenCase(id=7, category="delivery", issue="the parcel is late", facts={"order_id": "…1223"})


@pytest.mark.parametrize(("language", "reply"), CLAIMS)
def test_what_nobody_did_is_never_said(language: str, reply: str) -> None:
    with pytest.raises(WriterFailed, match="said that something was done"):
        proofread(said(reply, language), brief(WISHES[language]))


@pytest.mark.parametrize(("language", "reply"), HONEST)
def test_honest_words_stay_as_they_are(language: str, reply: str) -> None:
    assert proofread(said(reply, language), brief(WISHES[language])).reply == reply


def test_what_was_done_may_be_said_again() -> None:
    refunded = brief("Thanks, what now?", cases=[replace(CASE, done=["refund $50"])])
    assert proofread(said("Your $50 have been refunded."), refunded).reply
    with pytest.raises(WriterFailed):
        proofread(said("I have refunded another $20 for you."), refunded)
    colleague = Spoken(sender="agent", text="I have replaced the kettle.", channel="web", at=NOW)
    assert proofread(said("The kettle has been replaced."), brief("What now?", said=[colleague])).reply
    article = Article(title="Returns", text="What was cancelled in time is refunded.", source="returns.md")
    assert proofread(said("It is refunded (from: Returns)."), brief("What now?", articles=[article])).reply


def test_a_case_that_goes_to_a_colleague_may_be_said_to_go_there() -> None:
    passed_on = said("I have passed this on to the billing team.")
    with pytest.raises(WriterFailed):
        proofread(passed_on, brief())
    assert proofread(replace(passed_on, human_wanted=True), brief()).reply == passed_on.reply


def test_a_question_for_what_is_known_is_left_out() -> None:
    reply = "I am sorry. What is your order number? Which device are you using?"
    read = proofread(said(reply, asks=("order_id", "device"), case=7), brief("Still nothing.", cases=[CASE]))
    assert read.reply == "I am sorry. Which device are you using?"
    assert read.asks == ("device",)


def test_one_question_for_the_known_and_the_unknown_asks_for_the_unknown_alone() -> None:
    reply = "I am sorry. Could you tell me your order number and which device you use?"
    read = proofread(said(reply, asks=("order_id", "device"), case=7), brief("Still nothing.", cases=[CASE]))
    assert read.reply == "I am sorry. Could you tell me which device you are using?"
    assert read.asks == ("device",)


@pytest.mark.parametrize(
    ("language", "question"),
    [
        ("en", "Please send me the order number."),
        ("es", "¿Cuál es su número de pedido?"),
        ("de", "Bitte nennen Sie mir Ihre Bestellnummer."),
        ("fr", "Quel est le numéro de votre commande ?"),
        ("pt", "Qual é o número da sua encomenda?"),
        ("it", "Qual è il numero del suo ordine?"),
        ("nl", "Wat is uw bestelnummer?"),
    ],
)
def test_who_asks_for_nothing_but_the_known_is_not_used(language: str, question: str) -> None:
    with pytest.raises(WriterFailed, match=r"asked for what is known \(order_id\)"):
        proofread(said(question, language), brief(WISHES[language]))


def test_a_question_that_shows_the_value_wants_it_confirmed() -> None:
    reply = "Is this still about the order number ending 1223?"
    assert proofread(said(reply, case=7), brief("Still nothing.", cases=[CASE])).reply == reply


def test_a_question_that_was_not_declared_is_counted() -> None:
    assert proofread(said("Could you tell me your order number?"), brief("It is late.")).asks == ("order_id",)


def test_with_two_open_cases_it_may_be_asked_which() -> None:
    two = brief("Any news?", cases=[CASE, replace(CASE, id=8, facts={"order_id": "…7777"})])
    assert proofread(said("Which order is it about?"), two).asks == ("order_id",)


def test_a_reply_in_a_language_that_they_do_not_read_is_not_used() -> None:
    german = "Wir haben das vermerkt. Können Sie uns mehr dazu sagen?"
    for languages in (("en", "de"), ("en",)):
        with pytest.raises(WriterFailed, match="another language"):
            proofread(said(german, "de"), brief(languages=languages))


def test_a_wish_for_a_language_and_a_change_of_it_are_followed() -> None:
    german = "Danke, das habe ich vermerkt. Wann ist das passiert?"
    assert proofread(said(german, "de"), brief("It is late.", preferences={"language": "German"})).language == "de"
    assert proofread(said(german, "de"), brief("Please write in German from now on.", language="en")).language == "de"
    assert proofread(said(german, "en"), brief(WISHES["de"], language="en")).language == "de"


async def test_what_cannot_be_used_is_not_streamed_either(twin: OpenAITwin, model: OpenAIWriter) -> None:
    heard: list[str] = []

    async def draft(answer: Answer) -> None:
        heard.append(answer.reply)

    twin.says(reply="I am sorry about that. I have refunded $99. It will be there tomorrow. Bye.", facts=[])
    given = await WithFallback(Proofread(model), RulesWriter()).answer_aloud(brief(), draft)
    assert [reply.strip() for reply in heard] == ["I am sorry about that."]
    assert "something was done" in given.fell_back
    assert "refunded" not in given.reply
    assert twin.calls == 1


async def test_a_model_that_thinks_aloud_or_rambles_or_says_nothing(twin: OpenAITwin, model: OpenAIWriter) -> None:
    sound = json.loads(twin.content)
    twin.content = f'<think>{{"reply": 1}}</think>{json.dumps(sound)}'
    assert (await model.answer(brief())).reply == sound["reply"]
    for reply in ("\u200b \u202e", "Well, " * 1_000):
        twin.says(reply=reply)
        with pytest.raises(WriterFailed, match="another shape"):
            await model.answer(brief())
    twin.says(facts=[{"slot": "plan", "value": "x" * 5_000}])
    assert not (await model.answer(brief())).facts
