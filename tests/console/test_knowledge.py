"""Knowledge in the console: what was asked and not found, alike together, what became of it, and how articles did."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from core.accounts import AuditFilter, Role
from core.backends.ledger.schema import access_log, gap_marks
from core.erasing import Forgetting
from core.gaps import Question, grouped
from core.knowledge import Knowledge
from tests.console.office import Office, text_of
from tests.shop import START, Shop
from tests.test_playbook import CURE, FAULT, HUMAN, resolves, rows, was_cured

HERE = "/console/knowledge"
NORWAY = "Do you ship to Norway?"


async def lead(office: Office) -> httpx.AsyncClient:
    return await office.colleague("lea", Role.LEAD)


async def gaps(browser: httpx.AsyncClient, **query: str) -> list[str]:
    """What stands there, as it is read."""
    answer = await browser.get(HERE, params=query)
    assert answer.status_code == 200
    found = answer.text.split('<section class="card">')[1:]
    return [text_of(one.split("</section>")[0]) for one in found]


async def marks(browser: httpx.AsyncClient, mark: str, nth: int = 0, **query: str) -> httpx.Response:
    """Marks what stands there at this place."""
    text = (await browser.get(HERE, params=query)).text.split('<section class="card">')[nth + 1]
    turns = text.split('name="turns" value="')[1].split('"')[0]
    return await browser.post(f"{HERE}/mark", data={"turns": turns, "mark": mark})


def writes(shop: Shop, folder: Path, **articles: str) -> None:
    """The company has articles, and the bot has read them."""
    folder.mkdir(exist_ok=True)
    for name, text in articles.items():
        (folder / f"{name}.md").write_text(text)
    shop.engine = replace(shop.engine, knowledge=Knowledge(folder))


# ── what was not found ──
async def test_what_was_not_found_is_counted_with_those_alike_and_leads_to_its_cases(office: Office) -> None:
    shop = office.shop
    assert await gaps(await office.signed_in()) == []
    await shop.hears("slack", "T1/U1", NORWAY)
    shop.later(days=1)
    await shop.hears("slack", "T1/U2", "Hello, do you also ship to Norway or Iceland?")
    await shop.hears("slack", "T1/U3", "What is your return policy for opened items?")
    browser = await lead(office)
    first, second = await gaps(browser)
    assert first.startswith("Hello, do you also ship to Norway or Iceland?")
    assert "Asked 2 times by 2 customers, last 3 Mar 2026" in first
    assert NORWAY in first
    assert "Cases: 2, Customer #2 · 1, Customer #1" in first
    assert "No folder of articles is named" in first
    assert "Asked 1 time by 1 customer" in second
    assert '<a href="/console/cases/2">' in (await browser.get(HERE)).text


async def test_one_person_on_two_addresses_is_one_customer(office: Office) -> None:
    shop = office.shop
    await shop.knows("cus_1", "Ann Keller", "slack:T1/U1", "discord:42")
    await shop.hears("slack", "T1/U1", NORWAY)
    shop.later(days=30)
    await shop.hears("discord", "42", NORWAY)
    (gap,) = await gaps(await lead(office))
    assert "by 1 customer, last" in gap


async def test_what_found_something_or_was_no_question_is_no_gap(office: Office, tmp_path: Path) -> None:
    shop = office.shop
    writes(shop, tmp_path / "kb", shipping="# Shipping to Norway\n\nWe ship to Norway within five days.")
    assert "Norway within five days" in await shop.hears("slack", "T1/U1", NORWAY)
    await shop.hears("slack", "T1/U2", HUMAN)
    await shop.hears("slack", "T1/U3", "I was charged $99 twice, the order is W4829137.")
    await shop.hears("slack", "T1/U3", HUMAN)
    assert await gaps(await lead(office)) == []


async def test_a_question_that_got_no_help_and_went_to_a_person_is_a_gap_unless_something_was_offered(
    office: Office,
) -> None:
    shop = office.shop
    await shop.hears("slack", "T1/U1", "Can I pay by invoice?")  # asks for an order number, of all things
    browser = await lead(office)
    assert await gaps(browser) == []
    await shop.hears("slack", "T1/U1", HUMAN)
    (gap,) = await gaps(browser)
    assert gap.startswith("Can I pay by invoice?")
    for who in ("T1/V1", "T1/V2", "T1/V3"):
        await was_cured(shop, who)
    assert CURE in await shop.hears("slack", "T1/U9", f"{FAULT} What can I do?")
    await shop.hears("slack", "T1/U9", HUMAN)
    assert [gap.split(" Asked")[0] for gap in await gaps(browser)] == [FAULT, "Can I pay by invoice?"]


async def test_examples_name_nobody(office: Office) -> None:
    shop = office.shop
    await shop.knows("cus_1", "Ann Keller", "slack:T1/U1")
    await shop.hears("slack", "T1/U1", "Ann Keller here (ann@shop.test, +49 170 1234567): do you ship to Norway?")
    page = (await (await lead(office)).get(HERE)).text
    heading = text_of(page.split("<h3>")[1].split("</h3>")[0])
    assert "ship to Norway" in heading
    assert not [told for told in ("Ann", "Keller", "ann@shop.test", "1234567") if told in heading]


async def test_reading_it_stands_in_the_access_log(office: Office) -> None:
    await office.shop.hears("slack", "T1/U1", NORWAY)
    browser = await lead(office)
    await gaps(browser)
    logged = select(access_log.c.rows).where(access_log.c.reader == "lea").order_by(access_log.c.id.desc())
    assert (await rows(office.shop, logged))[0].rows == ["case:1"]


async def test_only_the_last_days_are_shown(office: Office) -> None:
    shop = office.shop
    await shop.hears("slack", "T1/U1", NORWAY)
    shop.later(days=8)
    browser = await lead(office)
    assert [len(await gaps(browser, days=days)) for days in ("7", "30", "x")] == [0, 1, 1]


async def test_many_are_turned_like_pages(office: Office) -> None:
    for n, letter in enumerate("abcdefghijklmnopqrstu"):
        await office.shop.hears("slack", f"T1/U{n}", f"Is there a {letter}zorb for the {letter}florp?")
        await office.shop.hears("slack", f"T1/U{n}", HUMAN)
    browser = await lead(office)
    assert [len(await gaps(browser, page=page)) for page in ("1", "2", "3", "x")] == [20, 1, 0, 20]


# ── what became of it ──
async def test_what_an_article_was_written_for_is_gone_until_it_is_asked_again(office: Office, tmp_path: Path) -> None:
    shop = office.shop
    await shop.hears("slack", "T1/U1", NORWAY)
    writes(shop, tmp_path / "kb", parking="# Parking\n\nThere is a car park behind the shop.")
    browser = await lead(office)
    assert "No article that the bot knows would answer it" in (await gaps(browser))[0]
    writes(shop, tmp_path / "kb", shipping="# Shipping abroad\n\nWe ship to Norway within five days.")
    assert "“Shipping abroad” (shipping.md) would answer it now." in (await gaps(browser))[0]
    answer = await marks(browser, "written")
    assert "Marked as written" in answer.text
    assert (await gaps(browser), len(await gaps(browser, show="written"))) == ([], 1)
    assert "Marked “written” by lea" in (await gaps(browser, show="written"))[0]
    shop.engine = replace(shop.engine, knowledge=None)
    shop.later(minutes=30)
    await shop.hears("slack", "T1/U2", NORWAY)
    (again,) = await gaps(browser)
    assert "1 of them since an article was said to be written." in again
    await marks(browser, "written")
    assert await gaps(browser) == []


async def test_what_is_not_ours_takes_those_alike_with_it_and_can_be_opened_again(office: Office) -> None:
    shop = office.shop
    await shop.hears("slack", "T1/U1", NORWAY)
    browser = await lead(office)
    await marks(browser, "not ours")
    shop.later(minutes=30)
    await shop.hears("slack", "T1/U2", NORWAY)
    assert await gaps(browser) == []
    (gap,) = await gaps(browser, show="not ours")
    assert "Asked 2 times" in gap
    await marks(browser, "open", show="not ours")
    assert len(await gaps(browser)) == 1
    audited = await shop.ledger.audited(AuditFilter(who="lea"))
    assert [line.what for line in reversed(audited) if "questions" in line.what] == [
        "mark questions as not ours",
        "open questions again",
    ]


@pytest.mark.parametrize(
    "form", [{"turns": "99", "mark": "written"}, {"turns": "x,-1", "mark": "written"}, {"turns": "1"}]
)
async def test_a_mark_on_nothing_says_so(office: Office, form: dict[str, Any]) -> None:
    await office.shop.hears("slack", "T1/U1", NORWAY)
    answer = await (await lead(office)).post(f"{HERE}/mark", data=form)
    assert (answer.status_code, "Nothing was changed" in answer.text) == (409, True)
    assert await rows(office.shop, select(gap_marks)) == []


async def test_it_goes_with_the_customer_who_asked(office: Office) -> None:
    shop = office.shop
    await shop.knows("cus_1", "Ann Keller", "slack:T1/U1")
    await shop.hears("slack", "T1/U1", NORWAY)
    browser = await lead(office)
    await marks(browser, "written")
    await Forgetting(ledger=shop.ledger, memory=shop.memory, letters=_no_letters).forget(
        "cus_1", receipt="r1", now=lambda: shop.now
    )
    assert await rows(shop, select(gap_marks)) == []
    assert await gaps(browser, show="written") == []


async def _no_letters(_addresses: object) -> int:
    return 0


async def test_knowledge_is_for_leads(office: Office) -> None:
    agent = await office.colleague("mia")
    assert (await agent.get(HERE)).status_code == 404
    assert (await agent.post(f"{HERE}/mark", data={"turns": "1", "mark": "written"})).status_code == 404


# ── articles ──
async def test_articles_are_listed_with_how_often_they_were_cited_and_how_that_ended(
    office: Office, tmp_path: Path
) -> None:
    shop = office.shop
    shipping = "# Shipping to Norway\n\nWe ship to Norway within five days."
    writes(shop, tmp_path / "kb", shipping=shipping, parking="# Parking\n\nThere is a car park.")
    await shop.hears("slack", "T1/U1", NORWAY)
    await shop.hears("slack", "T1/U2", NORWAY)
    await shop.hears("slack", "T1/U2", HUMAN)
    await resolves(shop, "Told them the price.", satisfaction=2)
    page = (await (await lead(office)).get(HERE)).text
    table = [text_of(row) for row in page.split("<tbody>")[-1].split("</tbody>")[0].split("<tr>")[1:]]
    assert table == [
        "Shipping to Norway shipping.md 2 2 0 1 1 2.0 (1)",
        "Parking parking.md 0 0 0 0 0 not",
    ]


# ── alike ──
def test_questions_are_alike_that_share_half_of_their_words() -> None:
    told = [
        "Do you ship to Norway?",
        "Is shipping to Norway possible?",
        "Do you ship to Chile by sea?",
        "Opening hours?",
    ]
    told += ["¿?", "¿?"]
    asked = [Question(turn=n, case=n, customer=f"h:{n}", text=text, at=START) for n, text in enumerate(told, start=1)]
    assert [[one.turn for one in gap.questions] for gap in grouped(asked)] == [[1, 2], [3], [4], [5, 6]]
