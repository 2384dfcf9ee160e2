"""The continuity greeting: for every pair of channels, in every language, it names who comes back, from where, about
what and what was tried, in the manner of the channel. And what else code says: that an AI speaks, that a colleague
takes over, and an issue in the customer's own terms."""

import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations, product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.greeting import PHRASES, Continuity, disclosure, greet, handed_over_already, handoff, issue_label
from core.writing import ISSUE_SLOTS, PERSON_SLOTS, Category

CHANNELS = ["chat", "email", "SMS", "phone", "Slack", "Discord"]
LANGUAGES = sorted(PHRASES)
EVERY_PAIR = [*permutations(CHANNELS, 2), *((channel, channel) for channel in CHANNELS)]
EVERYWHERE = list(product(LANGUAGES, CHANNELS))
SLOTS = st.sampled_from(ISSUE_SLOTS + PERSON_SLOTS)
THURSDAY = datetime(2026, 3, 5, 15, 0, tzinfo=UTC)
FRIDAY, MONDAY = THURSDAY + timedelta(days=1), datetime(2026, 3, 9, 9, 0, tzinfo=ZoneInfo("Europe/Berlin"))
CHARGE = {"amount": "$99", "order_id": "#W4829137"}
GSM7 = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà€"
)
UNSPEAKABLE = set('()[]{}<>#*_/\\|~^"“”„«»…•=`\n')
TOLD = {
    "en": "charged after I downgraded to Basic",
    "es": "me han cobrado después de la bajada de plan",
    "de": "abgebucht, obwohl ich gekündigt habe",
    "fr": "un prélèvement après ma résiliation",
    "pt": "uma cobrança depois do cancelamento",
    "it": "un addebito dopo la disdetta",
    "nl": "geld afgeschreven na mijn opzegging",
}


def john(language: str = "en", *, channel: str = "chat", since: timedelta = timedelta(minutes=4)) -> Continuity:
    issue = issue_label("charge", TOLD[language], CHARGE, language)
    return Continuity(
        name="John", issue=issue, tried=["checked the invoice"], channel=channel, since=since, now=THURSDAY
    )


def folded(text: str) -> str:
    """Without accents and capitals, which SMS and the beginning of a sentence may change."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("previous", "channel"), EVERY_PAIR)
def test_nobody_has_to_repeat_anything(language: str, previous: str, channel: str) -> None:
    for since in (timedelta(minutes=4), timedelta(days=3), timedelta(days=30)):
        greeting = greet(john(language, channel=previous, since=since), language, channel)
        assert_complete(greeting, language)
        assert_in_manner(greeting, channel)
        if channel not in ("phone", "SMS"):
            assert john(language).issue in greeting


def assert_complete(greeting: str, language: str) -> None:
    for needed in ("John", "$99", "9137", "checked the invoice", folded(PHRASES[language].again)):
        assert folded(needed) in folded(greeting)
    assert "  " not in greeting
    assert "{" not in greeting


def assert_in_manner(greeting: str, channel: str) -> None:
    if channel == "phone":
        assert not UNSPEAKABLE & set(greeting)
    if channel == "SMS":
        assert set(greeting) <= GSM7
        assert len(greeting) <= 306, "more than two segments"


@pytest.mark.parametrize(("language", "channel"), EVERYWHERE)
def test_it_says_where_they_come_from(language: str, channel: str) -> None:
    greetings = [greet(john(language, channel=previous), language, channel) for previous in CHANNELS]
    assert len(set(greetings)) == len(CHANNELS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_label_has_its_language_and_circumstance(language: str) -> None:
    label = issue_label("charge", TOLD[language], CHARGE, language)
    assert label.endswith(PHRASES[language].issue["order"].format(last="9137"))
    assert any(circumstance in label for circumstance in PHRASES[language].circumstances)


def test_the_story_of_john() -> None:
    assert greet(john(), "en", "chat") == (
        "Hi John, you were just chatting with us about the $99 charge after your downgrade (order ending in 9137)."
        " You already checked the invoice; no need to repeat anything."
    )
    assert greet(john(), "en", "phone") == (
        "Hi John, you were just chatting with us about the $99 charge after your downgrade, order ending in 9137."
        " You already checked the invoice; no need to repeat anything."
    )
    assert greet(john(channel="phone"), "en", "email") == (
        "Hi John,\n\nYou were just on the phone with us about the $99 charge after your downgrade"
        " (order ending in 9137). You already checked the invoice; no need to repeat anything."
    )


@pytest.mark.parametrize(
    ("since", "said"),
    [
        (timedelta(minutes=59), "you were just chatting with us about"),
        (timedelta(hours=2), "you were chatting with us earlier today about"),
        (timedelta(hours=16), "you were chatting with us yesterday about"),
        (timedelta(days=1), "you were chatting with us yesterday about"),
        (timedelta(days=3), "you were chatting with us on Monday about"),
        (timedelta(days=7), "you were chatting with us a week ago about"),
        (timedelta(days=22), "you were chatting with us 3 weeks ago about"),
        (timedelta(days=95), "you were chatting with us 3 months ago about"),
    ],
)
def test_how_long_ago(since: timedelta, said: str) -> None:
    assert said in greet(john(since=since), "en", "chat")


def test_without_a_name_it_greets_all_the_same() -> None:
    greeting = greet(replace(john(), name=""), "en", "chat")
    assert greeting.startswith("Hi, you were just chatting with us about the $99 charge")


def test_without_anything_tried_it_claims_nothing() -> None:
    for tried in ([], [" "]):
        greeting = greet(replace(john(), tried=tried), "en", "chat")
        assert greeting.endswith("(order ending in 9137). There is no need to repeat anything.")


def test_several_things_tried_are_listed_and_on_sms_the_last() -> None:
    tried = replace(john(), tried=["waited", "checked the invoice", "restarted the app", "asked the bank."])
    expected = "You already checked the invoice, restarted the app and asked the bank; no need"
    assert expected in greet(tried, "en", "chat")
    assert "You already asked the bank; no need" in greet(tried, "en", "SMS")


def test_an_unknown_language_is_answered_in_english_and_a_region_is_no_language() -> None:
    assert greet(john(), "fi", "chat") == greet(john(), "en", "chat")
    assert greet(john("de"), "de-AT", "chat") == greet(john("de"), "de", "chat")


@pytest.mark.parametrize("name", ["Łucja", "Андрей"])
def test_a_name_in_another_alphabet_is_kept_on_sms(name: str) -> None:
    assert name in greet(replace(john(), name=name), "en", "SMS")


ALL_SLOTS = CHARGE | {
    "product": "Zelvora kettle",
    "error_code": "KX-48213",
    "device": "Pixel 8",
    "plan": "Corvane",
}


@pytest.mark.parametrize(
    ("category", "facts", "label"),
    [
        ("charge", {"amount": "$99"}, "the $99 charge"),
        ("charge", {"order_id": "W 4829 137"}, "the charge (order ending in 9137)"),
        ("delivery", ALL_SLOTS, "the delivery of your Zelvora kettle (order ending in 9137)"),
        ("delivery", CHARGE, "the delivery (order ending in 9137)"),
        ("damaged", ALL_SLOTS, "your damaged Zelvora kettle (order ending in 9137)"),
        ("fault", {"error_code": "KX-48213", "device": "Pixel 8"}, "error KX-48213 on your Pixel 8"),
        ("fault", {"error_code": "KX-48213", "product": "Zelvora kettle"}, "error KX-48213 on your Zelvora kettle"),
        ("fault", {"error_code": "KX-48213"}, "error KX-48213"),
        ("plan", {"plan": "Corvane"}, "the Corvane plan"),
        ("charge", {"plan": "Corvane", "amount": " "}, "“My bill is odd”"),
        ("fault", {"device": "Pixel 8"}, "the error on your Pixel 8"),
        ("plan", {"plan": "Corvane plan", "amount": "$31.20"}, "the Corvane plan ($31.20)"),
        ("plan", {"amount": "$31.20"}, "your plan ($31.20)"),
        ("charge", {"product": "Zelvora kettle"}, "the charge (Zelvora kettle)"),
        ("other", {"error_code": "KX-48213"}, "“My bill is odd” (KX-48213)"),
        ("account", ALL_SLOTS, "“My bill is odd” (order ending in 9137)"),
    ],
)
def test_an_issue_in_the_customers_terms(category: Category, facts: Mapping[str, str], label: str) -> None:
    assert issue_label(category, "My bill is odd.", facts, "en") == label


@pytest.mark.parametrize(
    ("told", "label"),
    [
        ("charged $99 after I downgraded", "the $99 charge after your downgrade"),
        ("I cancelled last week and you charged me", "the $99 charge after your cancellation"),
        ("charged again despite my cancellation", "the $99 charge after your cancellation"),
        ("$99 taken after the renewal", "the $99 charge after the renewal"),
        ("I never upgraded and see $99", "the $99 charge"),
        ("please get this cancelled, I want to downgrade", "the $99 charge"),
        ("charged twice", "the $99 charge"),
    ],
)
def test_a_circumstance_is_only_what_they_said_has_happened(told: str, label: str) -> None:
    assert issue_label("charge", told, {"amount": "$99"}, "en") == label


def test_only_a_charge_has_a_circumstance() -> None:
    assert issue_label("plan", "after I downgraded", {"plan": "Corvane"}, "en") == "the Corvane plan"


def test_own_words_are_quoted_short_masked_and_without_markup() -> None:
    label = issue_label("other", "**Order** #W4829137 for ann@shop.test <@U1>\nis [late](x) " + "very " * 40, {}, "en")
    assert label.startswith("“Order …9137 for ••• @U1 is late(x) very very")
    assert label.endswith("very…”")
    assert len(label) <= 103
    assert issue_label("other", " \n", {}, "de") == "Ihre Anfrage"


LINKS = [
    "https://evil.test/pay",
    "HTTP://EVIL.TEST",
    "http:/evil.test",
    "www.evil.test",
    "evil.test",
    "evil.test/path?a=b#c",
    "pay.evil.test:8443",
    "evil。test/path",
    "evil․test",
    "ev**il.te**st",
    "evil.\u200btest",
    "<https://evil.test|evil>",
    "[here](https://evil.test)",
    "javascript:evil(1)",
    "tg://resolve?domain=evil",
    "mailto:evil@evil.test",
    "evil@evil.test",
    "xn--evil-1ra.xn--p1ai/evil",
    "203.0.113.9/evil",
]
LINKED = ("evil", "203.0", "://", "www", "mailto")


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("channel", CHANNELS)
def test_no_link_of_theirs_is_said_in_our_name(link: str, channel: str) -> None:
    told = f"I paid at {link} first"
    for category in ("other", "delivery", "fault"):
        facts = {"product": f"kettle {link}", "device": f"phone {link}", "error_code": "KX-48213"}
        issue = issue_label(category, told, facts, "en")
        known = replace(john(), issue=issue, tried=[link, f"opened {link} twice"])
        greeting = greet(known, "en", channel)
        assert not [sign for sign in LINKED if sign in greeting.casefold()]
        assert "opened" in greeting


def test_the_words_around_a_link_are_kept() -> None:
    assert issue_label("other", "I paid (evil.test) at https://evil.test/pay first.", {}, "en") == "“I paid at first”"
    assert issue_label("delivery", "", {"product": "Zelvora kettle evil.test/x"}, "en") == (
        "the delivery of your Zelvora kettle"
    )
    assert issue_label("fault", "", {"error_code": "KX-48213", "device": "evil.test"}, "en") == "error KX-48213"


@pytest.mark.parametrize("told", ["and then it.", "version 2.0 costs $49.37, e.g. 1.299,00 €", "it took 3.5 h :("])
def test_full_stops_and_numbers_are_no_links(told: str) -> None:
    assert issue_label("other", told, {}, "en") == f"“{told.rstrip('.')}”"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("told", ["https://evil.test", "<www.evil.test> !", "(evil.test/x)", "ann@shop.test"])
def test_where_nothing_else_was_said_it_is_their_last_message(language: str, told: str) -> None:
    wordless = PHRASES[language].issue["wordless"]
    assert issue_label("other", told, {}, language) == wordless
    assert wordless != PHRASES[language].issue["unknown"]
    assert wordless in greet(replace(john(language), issue=wordless, tried=[told]), language, "chat")


def test_what_was_tried_with_nothing_but_a_link_was_not_tried() -> None:
    greeting = greet(replace(john(), tried=["checked the invoice", "https://evil.test"]), "en", "SMS")
    assert "You already checked the invoice; no need" in greeting


def test_a_voice_says_a_masked_number_in_words() -> None:
    issue = issue_label("other", "where is order #W4829137, call +1 555 010 0199", {}, "en")
    spoken = greet(replace(john(), issue=issue), "en", "phone")
    assert "about where is order ending in 9137, call." in spoken


@given(words=st.text(), tried=st.text(), language=st.sampled_from(LANGUAGES), facts=st.dictionaries(SLOTS, st.text()))
def test_whatever_they_wrote_can_be_spoken_and_stays_on_its_line(
    words: str, tried: str, language: str, facts: dict[str, str]
) -> None:
    issue = issue_label("charge", words, facts, language)
    known = replace(john(language), issue=issue, tried=[tried])
    assert not UNSPEAKABLE & set(greet(known, language, "phone"))
    assert greet(known, language, "email").count("\n") == 2
    assert len(greet(known, language, "SMS")) < 480


@pytest.mark.parametrize(("language", "channel"), EVERYWHERE)
def test_an_ai_says_that_it_is_one(language: str, channel: str) -> None:
    said = disclosure("Throughline", "Acme", language, channel)
    assert "Throughline" in said
    assert "Acme" in said
    assert any(sign in said for sign in ("AI", "IA", "KI", "intelligen"))
    assert said.count(".") == 1
    if channel == "SMS":
        assert len(said) <= 60
        assert set(said) <= GSM7
    assert "{" not in disclosure("Throughline", "", language, channel)


@pytest.mark.parametrize(("language", "channel"), EVERYWHERE)
def test_a_handoff_is_honest_about_who_is_there(language: str, channel: str) -> None:
    there, away = handoff(language, channel), handoff(language, channel, back=MONDAY, now=FRIDAY)
    kept = folded(PHRASES[language].handoff["kept"])
    for sentence in (there, away):
        assert folded(sentence).endswith(kept)
        assert_in_manner(sentence, channel)
    assert not any(c.isdigit() for c in there), "no time is promised"
    assert "09:00" in away
    assert "CET" in away
    assert folded(PHRASES[language].coming[2]) in folded(away)
    for n, moment in enumerate((MONDAY - timedelta(hours=1), MONDAY - timedelta(hours=10))):
        said = handoff(language, channel, back=MONDAY, now=moment)
        assert folded(PHRASES[language].coming[n]) in folded(said)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_colleague_has_is_only_added_to(language: str) -> None:
    assert handed_over_already(language)
    assert handed_over_already(language) != handed_over_already("en") or language == "en"


def test_every_language_has_every_phrase() -> None:
    english = PHRASES["en"]
    for phrases in PHRASES.values():
        assert phrases.last.keys() == english.last.keys()
        assert phrases.issue.keys() == english.issue.keys()
        assert phrases.disclosure.keys() == english.disclosure.keys()
        assert phrases.handoff.keys() == english.handoff.keys()
        assert len(phrases.circumstances) == len(english.circumstances)
        assert len(phrases.weekdays) == 7
