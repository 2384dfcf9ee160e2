"""The offline rules in the course of a conversation: small words, other open cases, what somebody cannot give, codes,
and what only a person may answer."""

from datetime import UTC, datetime

import pytest

from core.writing import OpenCase, Spoken
from tests.writers.test_rules import SEVEN, answer, facts

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATE = OpenCase(id=3, category="delivery", issue="my parcel never came")
CHARGE = OpenCase(id=7, category="charge", issue="charged twice", facts={"amount": "$99"})
KETTLE = OpenCase(
    id=9, category="delivery", issue="it never came", facts={"product": "Zelvora kettle"}, with_human=True
)


@pytest.mark.parametrize("text", ["Thanks again!", "gracias, muy amable", "Vielen Dank nochmals", "bye", "👍"])
async def test_thanks_open_no_case_and_need_no_human(text: str) -> None:
    given = await answer(text)
    assert (given.issue, given.asks, given.human_wanted) == ("", (), False)
    assert given.confidence >= 0.9


@pytest.mark.parametrize(
    "text", ["never mind", "Never mind, forget it.", "STOP", "Laat maar", "lasci stare", "Schon gut"]
)
async def test_a_matter_taken_back_is_acknowledged_and_not_asked_about(text: str) -> None:
    given = await answer(text, cases=[LATE], asked=["order_id"])
    assert (given.case, given.asks, given.issue) == (3, (), "")
    assert given.confidence >= 0.9
    assert "?" not in given.reply


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Help", "colleague"),
        ("Hello, what can you do?", "colleague"),
        ("Are you a bot or a human?", "program"),
        ("Puede ayudarme?", "persona"),
        ("Wer sind Sie?", "Programm"),
        ("Que pouvez-vous faire ?", "personne"),
        ("O que pode fazer?", "pessoa"),
        ("Ciao, che cosa puoi fare per me?", "programma"),
        ("Wie bent u?", "programma"),
    ],
)
async def test_who_asks_what_we_are_is_told_and_nothing_is_opened(text: str, word: str) -> None:
    given = await answer(text)
    assert word in given.reply
    assert (given.issue, given.asks) == ("", ())
    assert given.confidence >= 0.9


async def test_who_asks_for_help_with_a_matter_is_helped_with_it() -> None:
    assert "order_id" in (await answer("Can you help me? I was charged $99 twice.")).asks


async def test_who_found_it_out_alone_has_it_solved() -> None:
    assert (await answer("Never mind, I found it out myself.", cases=[LATE], asked=["order_id"])).resolved


async def test_a_plain_no_is_no_thanks() -> None:
    assert "welcome" not in (await answer("no")).reply
    declined = await answer("no", cases=[LATE], asked=["order_id"])
    assert declined.asks == ()
    assert declined.confidence < 0.5


LACKING = [
    ("I don't have the number", "en"),
    ("I haven't got one", "en"),
    ("No tengo el número", "es"),
    ("ni idea", "es"),
    ("Die Nummer habe ich leider nicht", "de"),
    ("keine Ahnung", "de"),
    ("Je n'ai pas le numéro", "fr"),
    ("je ne l'ai plus", "fr"),
    ("não tenho o número", "pt"),
    ("perdi o recibo", "pt"),
    ("non ho il numero", "it"),
    ("non ce l'ho", "it"),
    ("ik heb het nummer niet", "nl"),
    ("geen idee", "nl"),
]


@pytest.mark.parametrize(("text", "language"), LACKING)
async def test_what_somebody_does_not_have_is_not_asked_again(text: str, language: str) -> None:
    given = await answer(text, language=language, cases=[LATE], asked=["order_id"])
    assert given.asks == ()
    assert given.confidence < 0.5


async def test_nor_is_it_asked_again_later_about_the_same_case() -> None:
    said = [_said("bot", "Could you tell me your order number?"), _said("customer", "I don't have it")]
    assert (await answer("it is still not here", cases=[LATE], said=said)).asks == ()
    assert (await answer("it is still not here", cases=[LATE], said=said[:1])).asks == ("order_id",)


async def test_the_same_is_not_asked_a_fourth_time() -> None:
    said = [_said("bot", "Could you tell me your order number?"), _said("customer", "any news?")]
    assert (await answer("any news?", cases=[LATE], said=said * 2)).asks == ("order_id",)
    assert (await answer("any news?", cases=[LATE], said=said * 3)).asks == ()


async def test_what_was_not_named_as_lacking_is_still_asked() -> None:
    fault = OpenCase(id=4, category="fault", issue="it is slow")
    given = await answer("there is no error code", cases=[fault], asked=["error_code", "device"])
    assert given.asks == ("device",)


def _said(sender: str, text: str) -> Spoken:
    return Spoken(sender="bot" if sender == "bot" else "customer", text=text, channel="web", at=NOW)


@pytest.mark.parametrize(
    ("text", "case"),
    [
        ("And the charge?", 7),
        ("any news about the kettle?", 9),
        ("so what now?", 9),
        ("When will somebody call me?", 9),
        ("How long is your return period?", None),
        ("Wie lange ist die Rückgabefrist?", None),
        ("I forgot my password", None),
    ],
)
async def test_which_case_is_meant_while_a_human_has_the_latest(text: str, case: int | None) -> None:
    assert (await answer(text, cases=[KETTLE, CHARGE])).case == case


async def test_another_issue_is_no_answer_to_our_question() -> None:
    text = "Also my Zelvora lamp never arrived, order W1111111."
    assert (await answer(text, cases=[CHARGE], asked=["order_id"])).case is None
    assert (await answer("W1111111, it never arrived", cases=[CHARGE], asked=["order_id"])).case == 7


BARE = [
    (["order_id"], "482913", {"order_id": "482913"}),
    (["order_id"], "1234 5678", {"order_id": "12345678"}),
    (["order_id", "amount"], "482913", {"order_id": "482913"}),
    (["order_id", "amount"], "99", {"amount": "99"}),
    (["error_code", "device"], "482913", {"error_code": "482913"}),
    (["error_code", "device"], "Fritzbox 7590", {"device": "Fritzbox 7590"}),
    (["error_code", "device"], "Sonatra 4410", {"device": "Sonatra 4410"}),
    (["device"], "yes I restarted it already", {}),
    (["product"], "sorry, it is W4829138", {"order_id": "W4829138"}),
]


@pytest.mark.parametrize(("asked", "text", "told"), BARE)
async def test_bare_answers(asked: list[str], text: str, told: dict[str, str]) -> None:
    assert facts(await answer(text, asked=asked)) == told


@pytest.mark.parametrize(
    ("text", "urgency"),
    [
        ("I want to die", "critical"),
        ("Ich will nicht mehr leben", "critical"),
        ("Delete all my data", "medium"),
        ("Löschen Sie bitte alle meine Daten", "medium"),
        ("I will sue you, my lawyer will call you", "medium"),
        ("Vi denuncio, sentirete il mio avvocato", "medium"),
    ],
)
async def test_what_only_a_person_may_answer(text: str, urgency: str) -> None:
    given = await answer(text, cases=[LATE], asked=["order_id"])
    assert given.human_wanted
    assert given.urgency == urgency
    assert (given.asks, "?" in given.reply) == ((), False)


async def test_how_to_delete_data_is_an_ordinary_question() -> None:
    assert not (await answer("How do I delete my data?")).human_wanted


CODES = [
    "Please link my other account, which code do I need?",
    "I'm going to call you",
    "Quiero vincular mi otra cuenta, ¿qué código necesito?",
    "Les voy a llamar",
    "Ich möchte mein Konto verknüpfen, welchen Code brauche ich?",
    "Ich rufe Sie gleich an",
    "Je voudrais relier mon autre compte, de quel code ai-je besoin ?",
    "Je vais vous appeler",
    "Quero vincular a minha outra conta, de que código preciso?",
    "Vou ligar para vocês",
    "Vorrei collegare il mio altro account, quale codice mi serve?",
    "Vi chiamo tra poco",
    "Ik wil mijn andere account koppelen, welke code heb ik nodig?",
    "Ik ga jullie bellen",
]


@pytest.mark.parametrize("text", CODES)
async def test_who_wants_a_code_or_to_call_opens_no_case(text: str) -> None:
    given = await answer(text, cases=[CHARGE], asked=["order_id"])
    assert (given.case, given.issue, given.asks, given.human_wanted) == (None, "", (), False)
    assert given.confidence >= 0.9


async def test_an_issue_beside_the_wish_to_call_is_an_issue() -> None:
    given = await answer("My parcel never arrived, can I call you?")
    assert (given.category, given.asks) == ("delivery", ("order_id",))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Sprechen Sie Deutsch?", "de"),
        ("Do you speak German?", "de"),
        ("Parlez-vous français ?", "fr"),
        ("Spreekt u Nederlands?", "nl"),
        ("My English dictionary never arrived", "en"),
        ("I would rather pay per year than per month", "en"),
    ],
)
async def test_the_language_asked_for(text: str, language: str) -> None:
    given = await answer(text, language="en", languages=SEVEN)
    assert given.language == language
    assert given.confidence >= 0.5


async def test_a_language_that_we_do_not_speak_changes_nothing() -> None:
    assert (await answer("Sprechen Sie Deutsch?", languages=("en", "fr"))).language == "en"


async def test_what_is_back_after_it_was_solved_is_not_asked_again() -> None:
    before = ["Zelvora kettle from order …9137 arrived damaged; solved"]
    assert (await answer("Sorry, my kettle is damaged again.", remembered=before)).asks == ()
    assert (await answer("Sorry, my kettle is damaged.", remembered=before)).asks == ("order_id", "product")


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("The courier says he delivered it yesterday but there is nothing at my door", "delivery"),
        ("You sent me the blue one but I ordered red", "delivery"),
        ("You've withdrawn the subscription fee twice in March", "charge"),
        ("The mirror has a crack across the corner", "damaged"),
        ("The thermostat shows a wrong temperature", "fault"),
        ("What is the difference between Basic and Pro?", "plan"),
        ("My two step code never arrives", "account"),
        ("Are you planning to support Linux?", "feature"),
        ("Le vase est arrivé en mille morceaux", "damaged"),
        ("Mijn printer doet het niet meer", "fault"),
        ("O pacote chegou partido", "damaged"),
        ("Il pacco è arrivato rotto", "damaged"),
    ],
)
async def test_the_kind_of_issue_in_other_words(text: str, category: str) -> None:
    assert (await answer(text)).category == category


async def test_a_general_question_is_not_taken_for_the_askers_own_trouble() -> None:
    assert (await answer("Do you ship to Canada?")).asks == ()
    assert (await answer("Why was I charged twice?")).asks == ("order_id", "amount")


@pytest.mark.parametrize(
    "text", ["Where can I file a complaint?", "Can I get a second time slot?", "¿Dónde puedo poner una queja?"]
)
async def test_a_calm_question_is_neutral(text: str) -> None:
    assert (await answer(text)).mood == "neutral"
