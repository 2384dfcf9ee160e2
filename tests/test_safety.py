"""What may leave us and what may be kept."""

import pytest

from core.consent import wish
from core.safety import only_known_links, without_cards

HOSTS = {"acme.test"}


@pytest.mark.parametrize("known", ["https://acme.test/help", "https://www.acme.test", "[help](https://acme.test/a)"])
def test_a_link_to_a_known_host_stays(known: str) -> None:
    assert only_known_links(f"See {known} now", HOSTS) == f"See {known} now"


@pytest.mark.parametrize(
    "bad",
    [
        "http://acme.test",
        "https://acme.test.evil.test",
        "https://evilacme.test",
        "https://acme.test@evil.test",
        "https://user@acme.test",
        "javascript://acme.test/%0aalert(1)",
        "data://x",
        "www.evil.test/login",
        "ftp://acme.test",
    ],
)
def test_any_other_link_goes_and_its_words_stay(bad: str) -> None:
    assert bad not in only_known_links(f"See {bad} now", HOSTS)
    assert only_known_links(f"[our page]({bad})", HOSTS).startswith("our page")


def test_pictures_go() -> None:
    assert only_known_links("![logo](https://acme.test/x.png) hello", HOSTS) == "logo hello"


@pytest.mark.parametrize("card", ["4111 1111 1111 1111", "5500-0000-0000-0004", "378282246310005", "4111111111111111"])
def test_a_card_is_never_kept(card: str) -> None:
    kept = without_cards(f"my card {card}, thanks")
    assert card not in kept
    assert f"****{card[-4:]}" in kept


@pytest.mark.parametrize(
    "other", ["W4829137", "4111 1111 1111 1112", "order 123456789012", "+1 555 010 0142", "1" * 16]
)
def test_other_numbers_are(other: str) -> None:
    assert other in without_cards(f"it is {other}, thanks")


@pytest.mark.parametrize(
    "text", ["STOP", "stop.", "Stop all", "UNSUBSCRIBE", "cancel", "END", "quit", "revoke", "OptOut"]
)
def test_keywords_count_where_the_channel_has_them(text: str) -> None:
    assert wish(text, keywords=True) == "stop"
    assert wish(text, keywords=False) is None


@pytest.mark.parametrize(
    "text",
    [
        "Please stop texting me.",
        "Don't contact me again",
        "I want to unsubscribe",
        "Schreiben Sie mir bitte nicht mehr",
        "Arrêtez de m'écrire",
        "Por favor, dejen de escribirme",
    ],
)
def test_a_plain_wish_counts_everywhere(text: str) -> None:
    assert wish(text, keywords=False) == "stop"


@pytest.mark.parametrize(
    "text",
    [
        "I want to cancel my order",
        "When does it end?",
        "The app won't stop crashing",
        "Don't email me the code",
        "help me",
    ],
)
def test_an_ordinary_message_is_none(text: str) -> None:
    assert wish(text, keywords=True) is None


def test_start_and_help() -> None:
    assert wish("START", keywords=True) == "start"
    assert wish("help", keywords=True) == "help"


def test_the_mark_between_the_parts_of_a_mail_is_no_card() -> None:
    mark = "===============3921165313121529053=="
    assert without_cards(f'boundary="{mark}"') == f'boundary="{mark}"'
    assert "3921165313121529053" not in without_cards("my card is 3921165313121529053")
    for told in ("Body=4111111111111111&From=x", "== 4111111111111111 ==", "==4111111111111111=="):
        assert "4111111111111111" not in without_cards(told)
