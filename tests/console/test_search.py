"""Searching: what is found, in any script, and that nothing is shown that staff may not see with a case."""

from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, Row, Select, Text, cast, select, update

from core.backends.ledger.schema import access_log, messages, metadata
from core.record import DirectoryRow, Profile
from core.searching import excerpt, sought
from identity.proof import Proof
from tests.console.office import Office, Outline, text_of

HUMAN = "I want to speak to a human."


async def search(browser: httpx.AsyncClient, text: str) -> str:
    return (await browser.get("/console/search", params={"q": text})).text


def section(page: str, name: str) -> str:
    """What stands under a heading of the results."""
    return text_of(page.partition(f'id="{name}"')[2].partition("</section>")[0])


async def ann(office: Office) -> None:
    keys = "email:ann@shop.test", "slack:T1/U7", "phone:+15550177"
    profile = Profile(external_id="cus_7", name="Ann Köller", email="ann@shop.test", phone="+15550177")
    await office.shop.ledger.import_directory([DirectoryRow(profile=profile, keys=keys)], now=office.shop.now)
    await office.shop.hears("email", "ann@shop.test", f"My kettle makes a noise like Ωμέγα. {HUMAN}")


# ── what is found ──
@pytest.mark.parametrize(
    "text", ["ann", "ANN KÖLLER", "köller ann", "ann@shop", "cus_7", "+1 (555) 0177", "555-0177", "Ko\u0308ller"]
)
async def test_a_customer_is_found_by_name_address_and_id_and_opens_their_newest_case(
    office: Office, text: str
) -> None:
    await ann(office)
    office.shop.later(days=20)
    await office.shop.hears("slack", "T1/U7", f"My parcel W4829137 never arrived. {HUMAN}")
    await office.shop.hears("discord", "42", f"Hello. {HUMAN}", display_name="Rob")
    browser = await office.signed_in()
    page = await search(browser, text)
    assert "Ann Köller" in section(page, "customers")
    assert "(the newest of 2 cases)" in section(page, "customers")
    assert Outline(page.partition('id="customers"')[2].partition("</section>")[0]).links["Ann Köller"] == (
        "/console/cases/2"
    )
    assert "Rob" not in page


async def test_who_is_not_in_the_directory_is_found_by_the_name_that_they_gave(office: Office) -> None:
    await office.shop.hears("discord", "42", f"Hello. {HUMAN}", display_name="Rob Тихий")
    await office.shop.hears("email", "x@forged.test", f"Hello. {HUMAN}", proof=Proof.CLAIMED, conversation="mail-1")
    browser = await office.signed_in()
    assert "Rob" in section(await search(browser, "тихий"), "customers")
    assert "x@forged.test , not proven" in section(await search(browser, "forged.test"), "customers")


@pytest.mark.parametrize("text", ["#1", "1", "kettle", "KETTLE noise"])
async def test_a_case_is_found_by_its_number_and_its_issue(office: Office, text: str) -> None:
    await ann(office)
    page = await search(await office.signed_in(), text)
    assert "Case 1, Ann Köller" in section(page, "cases")


@pytest.mark.parametrize("text", ["ΩΜΈΓΑ", "ωμέγα", "noise like", "LIKE NOISE"])
async def test_what_was_said_is_found_whatever_its_case_and_script(office: Office, text: str) -> None:
    await ann(office)
    page = await search(await office.signed_in(), text)
    assert "Ann Köller" in section(page, "lines")
    assert "<mark>" in page


async def test_what_we_said_is_found_too(office: Office) -> None:
    await ann(office)
    browser = await office.signed_in()
    await browser.post("/console/cases/1/reply", data={"reply": "A new gasket is on its way."})
    page = section(await search(browser, "gasket"), "lines")
    assert "a colleague" in page
    assert "A new gasket is on its way." in page


@pytest.mark.parametrize("text", ["100%", "a_b", "\\", "%", "_%", "'; DROP TABLE cases; --"])
async def test_signs_that_mean_something_to_the_database_mean_themselves(office: Office, text: str) -> None:
    await office.shop.hears("slack", "T1/U1", f"It says 100 percent and aXb. {HUMAN}")
    browser = await office.signed_in()
    assert not section(await search(browser, text), "lines")
    await office.shop.hears("slack", "T1/U2", f"It says 100% and a_b and \\ and _% and '; DROP TABLE cases; -- {HUMAN}")
    assert "Customer #2" in section(await search(browser, text), "lines")


async def test_what_is_searched_for_is_bounded_and_odd_input_breaks_nothing(office: Office) -> None:
    await ann(office)
    browser = await office.signed_in()
    assert "That is too short" in await search(browser, "a")
    assert "Type a name" in await search(browser, "   ")
    for odd in (
        "x" * 100_000,
        "\x00\x00ab",
        "9" * 80,
        "#٣",
        "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    ):
        assert (await browser.get("/console/search", params={"q": odd[:3_000]})).status_code == 200
    for n in range(12):
        await office.shop.hears("slack", f"T1/U{n}", f"My kettle is broken. {HUMAN}")
    page = await search(browser, "kettle")
    assert page.partition('id="lines"')[2].count("<li>") == 10
    assert "The newest 10 are shown" in section(page, "lines")


# ── what is not ──
async def test_a_code_that_was_shown_is_found_by_nobody(office: Office) -> None:
    await ann(office)
    shown = await office.shop.hears("email", "ann@shop.test", "Please link my other account, which code do I need?")
    code = "".join(sign for sign in shown if sign.isdigit())[:6]
    page = await search(await office.signed_in(), code)
    assert "Nothing was found" in page or not section(page, "lines")


async def test_a_line_is_shown_with_no_case_of_somebody_else(office: Office) -> None:
    """What was said on a handle that was parted from its customer since belongs to the case of that handle."""
    await ann(office)
    await office.shop.hears("discord", "42", f"The word is xylophone. {HUMAN}", display_name="Rob")
    browser = await office.signed_in()
    both = {"a": "discord:42", "b": "email:ann@shop.test"}
    await browser.post("/console/cases/1/identity/merge", data=both)
    assert "Ann Köller" in section(await search(browser, "xylophone"), "lines")
    await browser.post("/console/cases/1/identity/unmerge", data=both)
    page = section(await search(browser, "xylophone"), "lines")
    assert "Rob" in page
    assert "Ann" not in page


async def test_a_line_that_is_on_record_with_a_case_of_somebody_else_is_shown_with_its_own(office: Office) -> None:
    await ann(office)
    await office.shop.hears("discord", "42", f"The word is xylophone. {HUMAN}", display_name="Rob")
    astray = update(messages).where(messages.c.text.contains("xylophone")).values(case_id=1)
    await office.shop.ledger._database.write(lambda tx: tx.execute(astray))
    page = section(await search(await office.signed_in(), "xylophone"), "lines")
    assert "Rob" in page
    assert "Ann" not in page


async def test_what_was_shown_is_in_the_access_log_and_what_was_searched_for_is_nowhere(office: Office) -> None:
    await ann(office)
    eve = await office.colleague("eve")
    before = await readings(office)
    await search(eve, "kettle zzyzx")
    assert await readings(office) == before, "nothing was shown"
    await search(eve, "noise kettle")
    rows = (await readings(office))[len(before) :]
    assert ["case:1"] in rows
    assert any(row[0].startswith("said:1:") for row in rows)
    for table in metadata.sorted_tables:
        for column in table.c:
            query = select(table).where(cast(column, Text).contains("zzyzx"))
            assert await office.shop.ledger._database.read(partial(_first, query)) is None, column


def _first(query: Select[Any], tx: Connection) -> Row[Any] | None:
    return tx.execute(query).first()


async def readings(office: Office) -> list[list[str]]:
    query = select(access_log.c.rows).where(access_log.c.reader == "eve").order_by(access_log.c.id)
    return list(await office.shop.ledger._database.read(lambda tx: tx.execute(query).scalars().all()))


async def test_who_was_forgotten_is_found_no_more(office: Office) -> None:
    await ann(office)
    browser = await office.signed_in()
    await office.shop.ledger.erase("cus_7", receipt="r1", now=office.shop.now + timedelta(seconds=1))
    for text in ("köller", "ann@shop.test", "kettle", "#1", "cus_7"):
        page = await search(browser, text)
        assert "Köller" not in page.replace(text, ""), text
        assert not section(page, "lines")


# ── words and excerpts ──
def test_an_excerpt_shows_the_words_as_they_were_written() -> None:
    assert excerpt("Die Straße ist lang", sought("STRASSE").words) == ("Die ", "Straße", " ist lang")  # type: ignore[union-attr]
    assert excerpt("x" * 500, ["zz"])[0] == "x" * 180
    before, found, after = excerpt("a" * 300 + "needle" + "b" * 300, ["needle"])
    assert (len(before), found, len(after)) == (60, "needle", 120)


@pytest.mark.parametrize("text", ["", " ", "a", "\x00"])
def test_too_little_is_not_searched_for(text: str) -> None:
    assert sought(text) is None


@pytest.mark.parametrize("text", ["ab", "7", "%", "水", "я", "a b"])
def test_a_sign_that_is_a_word_is_enough(text: str) -> None:
    assert sought(text) is not None
