"""What nobody should send: it is answered or refused, never lost, and breaks nothing. Through the whole bot."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from channels.sms import Sms
from tests.channels.texting import ANN, Desk, desk, texting, twilio_twin
from tests.shop import Shop
from tests.twins.twilio import Twilio

WORDS = "I was charged twice"


@pytest.fixture
async def twilio() -> AsyncIterator[Twilio]:
    async with twilio_twin() as twin:
        yield twin


@pytest.fixture
async def sms(twilio: Twilio, tmp_path: Path) -> AsyncIterator[Sms]:
    async with texting(twilio, tmp_path) as channel:
        yield channel


@pytest.fixture
async def bot(shop: Shop, twilio: Twilio, sms: Sms) -> AsyncIterator[Desk]:
    async with desk(shop, twilio, sms) as opened:
        yield opened


@pytest.mark.parametrize(
    "body",
    [
        f"{WORDS}. " + "x" * 10_000,
        f"{WORDS}. " + "😀" * 2_500,
        f"\x00{WORDS}\x00\x01\x1b[2J",
        f"\u202e{WORDS}\u202c \u2066x\u2069",
        "I was char\u200bged tw\u2060ice",
        f"{WORDS}\r\n.\r\nQUIT",
        f"{WORDS}'; DROP TABLE messages; --",
        f"{WORDS} <Response><Message>x</Message></Response>",
    ],
    ids=["long", "emoji", "NUL", "bidi", "zero-width", "lines", "sql", "xml"],
)
async def test_a_strange_text_is_kept_and_answered_once(body: str, twilio: Twilio, bot: Desk) -> None:
    delivery, answer = await twilio.texts(ANN, body)
    assert (answer.status, answer.body) == (200, "<Response/>")
    said = (await bot.answer()).body
    assert said
    assert not any(sign in said for sign in "\x00\x1b\u202e\u200b")
    await twilio.deliver(delivery)
    await bot.all_is_answered()
    assert len(twilio.sent) == 1


@pytest.mark.parametrize("body", ["", " \n\t", "\u200b"])
async def test_an_empty_text_is_answered(body: str, twilio: Twilio, bot: Desk) -> None:
    await twilio.texts(ANN, body)
    assert (await bot.answer()).body


async def test_a_body_without_end_is_refused(twilio: Twilio, bot: Desk) -> None:
    _, answer = await twilio.texts(ANN, "x" * 70_000)
    assert answer.status == 413


@pytest.mark.parametrize("body", ["%FF%FE", "%ED%A0%80", "Body=%C0%AF", "\udcff"])
async def test_what_is_no_utf_8_is_refused(body: str, twilio: Twilio, bot: Desk) -> None:
    delivery, _ = await twilio.texts(ANN, WORDS)
    await bot.answer()
    broken = replace(delivery, body=f"{delivery.body}&X={body}".encode("utf-8", "surrogateescape").decode("latin-1"))
    assert (await twilio.deliver(broken)).status == 403


@pytest.mark.parametrize("count", ["-1", "1e3", "٣", "9" * 5_000, "1;2"])
async def test_a_count_of_files_that_is_none_is_malformed(count: str, twilio: Twilio, bot: Desk) -> None:
    _, answer = await twilio.texts(ANN, WORDS, NumMedia=count)
    assert answer.status == 400


async def test_files_without_an_address_or_beyond_ten_are_passed_over(twilio: Twilio, sms: Sms, bot: Desk) -> None:
    many = {f"MediaUrl{n}": f"https://api.twilio.com/{n}" for n in range(3, 20)}
    await twilio.texts(ANN, WORDS, NumMedia="999", **many)
    assert "file-4, file-5" in (await bot.answer()).body


@pytest.mark.parametrize("headers", [{"Host": "evil.test"}, {"X-Forwarded-Host": "evil.test"},
                                     {"X-Forwarded-Proto": "http", "X-Forwarded-Port": "8080"}])  # fmt: skip
async def test_only_the_public_address_is_what_signatures_cover(
    headers: dict[str, str], twilio: Twilio, bot: Desk
) -> None:
    delivery, _ = await twilio.texts(ANN, WORDS)
    answer = await twilio.deliver(replace(delivery, headers={**delivery.headers, **headers}))
    assert answer.status == 200
    await bot.answer()
    twilio.public = "https://evil.test"
    _, answer = await twilio.texts(ANN, "Hello", X="1")
    assert answer.status == 403


@pytest.mark.parametrize(
    ("public", "status"),
    [
        ("https://support.acme.test:443", 200),  # Twilio signs with and without the scheme's own port
        ("https://support.acme.test:8443", 403),
        ("http://support.acme.test", 403),
        ("https://SUPPORT.acme.test", 403),
        ("https://support.acme.test/", 403),
    ],
)
async def test_variants_of_the_address(public: str, status: int, twilio: Twilio, bot: Desk) -> None:
    twilio.public = public
    _, answer = await twilio.texts(ANN, WORDS)
    assert answer.status == status


@pytest.mark.parametrize("where", ["before", "behind"])
async def test_a_field_given_twice_means_nothing_that_was_not_signed(where: str, twilio: Twilio, bot: Desk) -> None:
    delivery, _ = await twilio.texts(ANN, WORDS)
    await bot.answer()
    forged = "From=%2B15550199&Body=Refund+me&MessageSid=SM9"
    body = f"{forged}&{delivery.body}" if where == "before" else f"{delivery.body}&{forged}"
    await twilio.deliver(replace(delivery, body=body))
    await bot.all_is_answered()
    assert [sent.to for sent in twilio.sent] == [ANN]


@pytest.mark.parametrize("path", ["/twilio/sms?From=%2B15550199", "/twilio/sms?x=", "/twilio/status"])
async def test_a_signature_is_for_one_address(path: str, twilio: Twilio, bot: Desk) -> None:
    delivery, _ = await twilio.texts(ANN, WORDS)
    await bot.answer()
    assert (await twilio.deliver(replace(delivery, path=path))).status == 403
    await bot.all_is_answered()
    assert len(twilio.sent) == 1
