"""Forgetting: nothing of an erased customer is left in any file or comes back, nobody else loses anything, and what is
exported is all that is on record and reads back equal."""

import asyncio
import json
import random
import threading
from collections.abc import AsyncIterator, Collection
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection, select

from core.backends.aegis import AegisMemory
from core.backends.embedding import WordLlamaEmbedder
from core.backends.ledger import schema
from core.backends.ledger.sqlite import SqliteDatabase
from core.delivery import Delivery
from core.desk import Desk
from core.erasing import Forgetting, NoSuchCustomer, Receipt
from core.errors import Fenced, Malformed
from core.exporting import Export, from_json, to_json
from core.ledger import Settled
from core.merging import Order
from core.messages import Attachment, Raw
from core.queueing import Filters, WaitingRoom
from core.record import DirectoryRow, Profile
from core.writing import Answer, Brief
from identity.proof import Proof
from tests.identity.blurter import Blurter, canaries, canary
from tests.shop import Shop, voucher
from tests.test_attacks import link, shows_code
from tests.twins.channel import ChannelTwin

PLANTED = "Quennelwhistle"
CHARGED = f"I was charged $99.17 for my {PLANTED} but I downgraded to the $49 plan last week."
JOHN = ("cus_1", "John Quennelwhistle", "email:john@quennelwhistle.test", "phone:+15550142", "slack:T1/U1")
MAILBOX = "john@quennelwhistle.test"
MARY = ("cus_2", "Mary Brown", "email:mary@shop.test")
TRACES = (PLANTED, MAILBOX, "+15550142", "99.17", "cus_1", "W4829137")

wordllama = cache(WordLlamaEmbedder)


@pytest_asyncio.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """A shop with the real memory beside its ledger."""
    opened = await Shop.open(tmp_path / "var")
    memory = AegisMemory(tmp_path / "var" / "aegis.db", wordllama)
    opened.engine = replace(opened.engine, memory=memory)
    yield opened
    await memory.close()
    await opened.close()


async def forget(shop: Shop, external_id: str = "cus_1") -> Receipt:
    """As the command does."""
    receipt, _ = await forgetting(shop).forget(external_id, receipt="r1", now=lambda: shop.now)
    return receipt


def forgetting(shop: Shop) -> Forgetting:
    async def no_letters(_addresses: Collection[str]) -> int:
        return 0

    return Forgetting(ledger=shop.ledger, memory=shop.engine.memory, letters=no_letters)


def traces(folder: Path) -> set[str]:
    """What of the planted strings stands in any file."""
    on_disk = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file()).lower()
    return {trace for trace in TRACES if trace.lower().encode() in on_disk}


async def rows(shop: Shop, table: str) -> int:
    def count(tx: Connection) -> int:
        return len(tx.execute(select(schema.metadata.tables[table])).all())

    return await shop.ledger._database.read(count)


async def drawn_from(shop: Shop) -> set[int]:
    """The handles whose rows any reply may repeat."""
    replies = select(schema.outbox.c.drawn_from)
    told = await shop.ledger._database.read(lambda tx: tx.execute(replies).scalars().all())
    return {handle for handles in told for handle in handles}


async def erased(shop: Shop) -> None:
    """Waits until the rows are gone."""
    async with asyncio.timeout(10):
        while await rows(shop, "messages"):
            pass


async def a_life(shop: Shop) -> None:
    """John writes from everywhere, over months and in many words; so does Mary."""
    await shop.knows(*JOHN)
    await shop.knows(*MARY)
    for n in range(6):
        for channel, who in (("email", MAILBOX), ("sms", "+15550142"), ("slack", "T1/U1")):
            await shop.hears(channel, who, f"{CHARGED} The order is W4829137. " + f"{PLANTED} {n} " * (7 * n % 40))
            await shop.hears("email", "mary@shop.test", "My kettle is broken. " + "It whistles. " * (11 * n % 50))
        shop.later(days=3)


async def test_no_byte_is_left_of_an_erased_customer_and_the_others_keep_theirs(shop: Shop, tmp_path: Path) -> None:
    await a_life(shop)
    assert traces(tmp_path) == set(TRACES)
    receipt = await forget(shop)
    assert traces(tmp_path) == set()
    assert {"messages", "facts", "cases", "outbox", "raw_messages", "directory"} <= receipt.erased.keys()
    shop.later(hours=2)
    assert "kettle" in await shop.hears("email", "mary@shop.test", "Hello, any news?")


async def test_files_codes_links_and_mail_that_only_claims_to_be_theirs_go_too(shop: Shop, tmp_path: Path) -> None:
    await shop.knows(*JOHN)
    await link(shop, ("slack", "T1/U1"), ("discord", "4242"))
    await shop.hears("discord", "4242", CHARGED)
    file = Attachment(name=f"{PLANTED}.txt", media_type="text/plain", size=14)
    sent = shop.message("email", MAILBOX, CHARGED, attachments=(file,), display_name="John Quennelwhistle")
    await shop.engine.accept(sent, Raw(body=PLANTED.encode(), received_at=shop.now, headers={"mail-from": MAILBOX}))
    await shop.answers(f"email:{MAILBOX}")
    await shop.hears("email", MAILBOX, "Any news?", proof=Proof.CLAIMED, conversation="<forged>")
    await shop.ledger.park("email", Raw(body=f"From: {MAILBOX.upper()}".encode(), received_at=shop.now), "two Froms")
    await shop.ledger.park("sms", Raw(body=b"From=%2B15550142", received_at=shop.now), "no MessageSid")
    await shop.ledger.park("email", Raw(body=b"From: mary@shop.test", received_at=shop.now), "two Froms")
    await shop.accept(shop.message("slack", "T1/U1", f"and my {PLANTED}"))
    await forget(shop)
    assert traces(tmp_path) == set()
    assert [await rows(shop, table) for table in ("codes", "grants", "links", "evidence", "messages")] == [0] * 5
    assert await rows(shop, "parked") == 1


async def test_what_somebody_else_was_told_under_a_code_goes_and_their_own_stays(shop: Shop, tmp_path: Path) -> None:
    await shop.knows(*JOHN)
    await shop.knows("cus_2", "Mary Brown", "discord:4242", "email:mary@shop.test")
    await shop.hears("discord", "4242", "My kettle is broken.")
    await shop.hears("slack", "T1/U1", CHARGED)
    code = await shows_code(shop, "slack", "T1/U1")
    assert "99.17" in await shop.hears("discord", "4242", code)
    await forget(shop)
    assert traces(tmp_path) == set()
    shop.later(hours=2)
    assert "kettle" in await shop.hears("email", "mary@shop.test", "Hello, any news?")


async def test_what_was_said_of_them_over_a_link_that_was_undone_goes(shop: Shop, tmp_path: Path) -> None:
    await shop.knows(*JOHN)
    await shop.hears("slack", "T1/U1", CHARGED)
    await link(shop, ("slack", "T1/U1"), ("discord", "4242"))
    shop.later(hours=2)
    assert "99.17" in await shop.hears("discord", "4242", "Hello, any news?")
    await shop.hears("discord", "4242", "My kettle is broken.")
    await shop.hears("discord", "4242", "Thank you!")
    await shop.hears("slack", "T1/U1", "UNDO")
    receipt = await forget(shop)
    assert traces(tmp_path) == set()
    assert await rows(shop, "messages")
    assert not await drawn_from(shop) & set(receipt.handles)


async def test_no_reply_calls_them_by_their_name_on_a_handle_that_was_theirs_once(shop: Shop, tmp_path: Path) -> None:
    shop.engine = replace(shop.engine, writer=Blurter())
    await shop.knows("cus_1", f"{canary(1)} Miller", "email:john@shop.test")
    await shop.knows("cus_2", f"{canary(2)} Miller", "email:mary@shop.test")
    await shop.hears("slack", "T1/U1", "My kettle broke.", vouchers=[voucher("email:john@shop.test")])
    await shop.hears("email", "mary@shop.test", "My kettle broke.")
    assert canary(1) in await shop.hears("slack", "T1/U1", "Any news?", vouchers=[voucher("email:john@shop.test")])
    shop.later(days=50)
    await shop.ledger.merge(Order(a="slack:T1/U1", b="email:mary@shop.test", by="ann", at=shop.now))
    await forget(shop)
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()).decode(errors="replace")
    assert canaries(kept) == {canary(2)}


async def test_replies_that_only_hold_the_letters_of_their_name_stay(shop: Shop) -> None:
    shop.engine = replace(shop.engine, writer=Blurter())
    await shop.knows("cus_1", "An Rose", "email:an@shop.test")
    await shop.knows("cus_2", "Mary Miller", "email:mary@shop.test")
    await shop.hears("slack", "T1/U1", "My kettle broke.", vouchers=[voucher("email:an@shop.test")])
    shop.later(days=50)
    await shop.hears("email", "mary@shop.test", "Hello")
    await shop.ledger.merge(Order(a="slack:T1/U1", b="email:mary@shop.test", by="ann", at=shop.now))
    for said in (f"The plan {canary(1)} rose.", f"{canary(2)}, can an agent help?"):
        await shop.hears("slack", "T1/U1", said)
    replies = await rows(shop, "outbox")
    await forget(shop)
    assert await rows(shop, "outbox") == replies


async def test_what_lapsed_and_would_part_them_keeps_nothing_of_what_is_theirs_now(shop: Shop, tmp_path: Path) -> None:
    """Mary's login, long ago, spoke for a mailbox that colleagues found to be John's."""
    await shop.knows(*JOHN)
    await shop.hears("web", "cus_2", "Hello", vouchers=[voucher("email:other@shop.test", "cus_2")])
    await shop.hears("email", "other@shop.test", "Hello")
    shop.later(days=50)
    await shop.hears("slack", "T1/U1", "Hello")
    await shop.ledger.merge(Order(a="slack:T1/U1", b="email:other@shop.test", by="ann", at=shop.now))
    await shop.hears("email", "other@shop.test", CHARGED)
    await forget(shop)
    assert traces(tmp_path) == set()


async def test_what_was_said_of_them_in_somebody_elses_own_case_goes(shop: Shop, tmp_path: Path) -> None:
    shop.engine = replace(shop.engine, writer=Blurter())
    await shop.knows(*JOHN)
    await shop.hears("slack", "T1/U1", f"My {canary(1)} broke.")
    await shop.hears("discord", "4242", f"My {canary(2)} broke.")
    both = Order(a="slack:T1/U1", b="discord:4242", by="ann", at=shop.now)
    await shop.ledger.merge(both)
    assert canary(1) in await shop.hears("discord", "4242", f"My {canary(3)} broke.")
    await shop.ledger.unmerge(both)
    await forget(shop)
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()).decode(errors="replace")
    assert canaries(kept) == {canary(2), canary(3)}


async def test_no_copy_is_left_where_pages_were_split(tmp_path: Path) -> None:
    folder, chance = tmp_path / "var", random.Random(5)  # noqa: S311 - the same rows every time
    database = SqliteDatabase(folder / "l.db")
    await database.write(lambda tx: tx.exec_driver_sql("CREATE TABLE said (who INT, key TEXT UNIQUE, words TEXT)"))
    for n in range(900):
        who = chance.randrange(4)
        word = "other" if who else PLANTED
        row = who, f"{word} {chance.random()} {n}", word * chance.randrange(60)
        await database.write(partial(_insert, row=row))
        if n % 3 == 0:
            await database.write(partial(_grow, row=chance.randrange(1, n + 2), by="z" * chance.randrange(600)))
    await database.write(lambda tx: tx.exec_driver_sql("DELETE FROM said WHERE who = 0"))
    assert await database.scour()
    assert traces(folder) == set()
    await database.close()


def _insert(tx: Connection, *, row: tuple[int, str, str]) -> None:
    tx.exec_driver_sql("INSERT INTO said VALUES (?, ?, ?)", row)


def _grow(tx: Connection, *, row: int, by: str) -> None:
    tx.exec_driver_sql("UPDATE said SET words = words || ? WHERE rowid = ?", (by, row))


async def test_what_they_said_under_somebody_elses_code_goes(shop: Shop, tmp_path: Path) -> None:
    await shop.knows(*JOHN)
    await shop.hears("discord", "4242", "My kettle is broken.")
    await shop.hears("email", MAILBOX, await shows_code(shop, "discord", "4242"), route={"to": MAILBOX})
    await shop.hears("email", MAILBOX, "It is from last week.", route={"to": MAILBOX})
    await forget(shop)
    assert traces(tmp_path) == set()


async def test_whoever_has_the_number_now_keeps_what_they_said(shop: Shop) -> None:
    await shop.knows(*JOHN)
    await shop.hears("sms", "+15550142", CHARGED)
    shop.later(days=60)
    await shop.hears("sms", "+15550142", "My kettle is broken.")
    await forget(shop)
    shop.later(hours=2)
    assert await rows(shop, "messages") == 1


async def test_a_phone_that_the_directory_took_away_and_one_that_two_share_are_erased(
    shop: Shop, tmp_path: Path
) -> None:
    await shop.knows(*JOHN)
    await shop.knows("cus_2", "Mary Miller", "phone:+15550142", "email:mary@shop.test")
    await shop.hears("sms", "+15550142", CHARGED)
    await shop.hears("slack", "T1/U1", CHARGED)
    await shop.knows(*JOHN[:4])
    await forget(shop)
    assert PLANTED not in traces(tmp_path)
    shop.later(hours=2)
    assert "$99" not in await shop.hears("email", "mary@shop.test", "Hello, any news?")


async def test_neither_a_redelivery_nor_an_older_message_brings_them_back(shop: Shop, tmp_path: Path) -> None:
    await shop.knows(*JOHN)
    told = shop.message("sms", "+15550142", CHARGED)
    assert await shop.accept(told)
    await shop.answers("sms:+15550142")
    written = shop.now
    shop.later(hours=1)
    await forget(shop)
    shop.later(hours=1)
    again = replace(told, received_at=shop.now)  # a text carries no time of its own
    unheard = shop.message("email", MAILBOX, CHARGED, sent_at=written)
    assert [await shop.accept(again), await shop.accept(unheard)] == [False, False]
    assert traces(tmp_path) == set()


async def test_whoever_writes_anew_is_a_new_customer(shop: Shop) -> None:
    await shop.knows(*JOHN)
    await shop.hears("slack", "T1/U1", CHARGED)
    await forget(shop)
    shop.later(hours=2)
    reply = await shop.hears("slack", "T1/U1", "Hello, any news?")
    assert reply
    assert not {"John", "$99", "plan"} & set(reply.split())
    with pytest.raises(NoSuchCustomer, match="cus_1"):
        await forget(shop)


async def test_the_directory_takes_them_in_again_only_when_it_is_told_to(shop: Shop) -> None:
    await shop.knows(*JOHN)
    await forget(shop)
    shop.later(hours=1)
    await shop.knows(*JOHN)
    await shop.knows("cus_9", "Johnny", "slack:T1/U1")
    await shop.hears("slack", "T1/U1", CHARGED)
    shop.later(hours=2)
    assert "John" not in await shop.hears("slack", "T1/U1", "Hello, any news?")
    row = DirectoryRow(profile=Profile(external_id=JOHN[0], name=JOHN[1]), keys=JOHN[2:])
    assert await shop.ledger.import_directory([row], now=shop.now) == 0
    assert await shop.ledger.import_directory([row], now=shop.now, restore=True) == 1
    shop.later(hours=2)
    assert "John" in await shop.hears("slack", "T1/U1", "Hello, any news?")


async def test_a_phone_that_was_shared_with_somebody_forgotten_is_whose_it_is_verified_to_be_afterwards(
    shop: Shop,
) -> None:
    await shop.knows(*JOHN)
    await shop.knows("cus_2", "Mary Miller", "phone:+15550142", "email:mary@shop.test")
    await forget(shop)
    await shop.knows("cus_2", "Mary Miller", "phone:+15550142", "email:mary@shop.test")
    await shop.hears("email", "mary@shop.test", "My kettle is broken.")
    shop.later(hours=2)
    assert "kettle" not in await shop.hears("sms", "+15550142", "Hello, any news?")
    profile = Profile(external_id="cus_2", name="Mary Miller")
    row = DirectoryRow(profile=profile, keys=["phone:+15550142", "email:mary@shop.test"], verified_at=shop.now)
    await shop.ledger.import_directory([row], now=shop.now)
    shop.later(hours=2)
    assert "kettle" in await shop.hears("sms", "+15550142", "Hello again, is there any news?")


async def test_a_turn_in_flight_is_fenced_off_and_writes_nothing(shop: Shop, tmp_path: Path) -> None:
    await shop.knows(*JOHN)
    await shop.accept(shop.message("slack", "T1/U1", CHARGED))
    shop.later(seconds=3)
    thinking, erased = asyncio.Event(), asyncio.Event()
    writer = shop.engine.writer

    class Slow:
        async def answer(self, brief: Brief) -> Answer:
            thinking.set()
            await erased.wait()
            return await writer.answer(brief)

    turn = asyncio.create_task(replace(shop.engine, writer=Slow()).take_turn("slack:T1/U1"))
    await thinking.wait()
    await forget(shop)
    erased.set()
    with pytest.raises(Fenced):
        await turn
    assert await shop.engine.take_turn("slack:T1/U1") is None
    assert traces(tmp_path) == set()


async def test_a_reply_that_waits_for_its_provider_is_never_sent(shop: Shop) -> None:
    await shop.knows(*JOHN)
    await shop.accept(shop.message("slack", "T1/U1", CHARGED))
    shop.later(seconds=3)
    settled = await shop.engine.take_turn("slack:T1/U1")
    assert isinstance(settled, Settled)
    await shop.accept(shop.message("slack", "T1/U2", "My kettle is broken."))
    shop.later(seconds=3)
    other = await shop.engine.take_turn("slack:T1/U2")
    assert isinstance(other, Settled)
    await forget(shop)
    channel = ChannelTwin("slack")
    delivery = Delivery(shop.ledger, {"slack": channel}, lambda: shop.now)
    delivery.post([*settled.outbox, *(replace(row, destination=settled.outbox[0].destination) for row in other.outbox)])
    await channel.said()
    assert channel.sent == [row.reply for row in other.outbox]
    await delivery.close()


async def test_it_waits_for_whoever_reads_an_old_snapshot(shop: Shop, tmp_path: Path) -> None:
    await shop.knows(*JOHN)
    await shop.hears("slack", "T1/U1", CHARGED)
    other = SqliteDatabase(tmp_path / "var" / "shop.db")
    reading, done = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def slow(tx: Connection) -> None:
        tx.execute(select(schema.messages)).all()
        loop.call_soon_threadsafe(reading.set)
        done.wait()

    reader = asyncio.create_task(other.read(slow))
    await reading.wait()
    erasing = asyncio.create_task(forget(shop))
    await erased(shop)
    assert not erasing.done()
    done.set()
    await asyncio.gather(reader, erasing)
    await other.close()
    assert traces(tmp_path) == set()


async def test_an_erasure_that_was_cut_off_is_finished_later(shop: Shop, tmp_path: Path) -> None:
    await shop.knows(*JOHN)
    await shop.hears("slack", "T1/U1", CHARGED)
    await shop.ledger.erase("cus_1", receipt="r1", now=shop.now)
    assert traces(tmp_path)
    await forgetting(shop).go_on(lambda: shop.now)
    assert traces(tmp_path) == set()
    assert not await shop.ledger.unfinished()


async def test_a_pattern_stays_redacted_and_who_read_what_stays_without_the_what(shop: Shop, tmp_path: Path) -> None:
    await shop.knows(*JOHN)
    await shop.hears("slack", "T1/U1", CHARGED)
    desk = Desk(
        ledger=shop.ledger,
        memory=shop.engine.memory,
        house=shop.engine.house,
        actions=shop.engine.actions,
        post=lambda _rows: None,
        now=lambda: shop.now,
        new_id=lambda: "d1",
    )
    room = WaitingRoom(ledger=shop.ledger, now=lambda: shop.now)
    (queued,) = await room.shown(await room.page(Filters(), "eve"), Filters(), "eve")
    learnt = await desk.resolve(queued.case.id, "eve", "Refunded the difference to John Quennelwhistle.")
    assert learnt.lessons
    await desk.learn(learnt)
    readings = await rows(shop, "access_log")
    await forget(shop)
    assert traces(tmp_path) == set()
    (kept,) = await shop.ledger.all_lessons()
    assert "Refunded the difference" in kept.resolution
    assert await rows(shop, "access_log") == readings > 0
    assert not (await room.page(Filters(), "eve")).cases


async def test_an_export_has_everything_says_who_read_it_and_reads_back_equal(shop: Shop) -> None:
    await a_life(shop)
    await shop.hears("slack", "T1/U1", "I am on the Pro plan.")
    await shop.hears("slack", "T1/U1", "I am on the Team plan.")
    exported = await shop.ledger.export("cus_1", reader="eve", now=shop.now)
    text = to_json(exported)
    assert from_json(text) == exported
    assert exported.profile
    assert exported.profile.name == "John Quennelwhistle"
    assert {handle["channel"] for handle in exported.handles} == {"email", "sms", "slack"}
    amount = next(fact for fact in exported.facts if fact["slot"] == "amount")
    assert amount["proof"] == "proven"
    assert PLANTED in amount["message"]["text"]  # type: ignore[index]
    assert any(fact["superseded_at"] for fact in exported.facts)
    assert len(exported.messages) == 20
    assert all((exported.replies, exported.cases, exported.evidence))
    assert {"answer", "export"} <= {str(entry["purpose"]) for entry in exported.access_log}
    assert "kettle" not in text
    assert json.loads(text)["external_id"] == "cus_1"
    with pytest.raises(NoSuchCustomer):
        await shop.ledger.export("cus_7", reader="eve", now=shop.now)
    with pytest.raises(Malformed):
        from_json("{}")


def the_same(export: Export) -> tuple[object, ...]:
    """What of an export does not depend on the numbers of rows and on who read it."""
    facts = [tuple(fact[n] for n in ("slot", "value", "proof", "told_at", "superseded_at")) for fact in export.facts]
    cases = [tuple(case[n] for n in ("status", "opened_at", "resolution", "contacts")) for case in export.cases]
    held = [(handle["channel"], handle["address"]) for handle in export.handles]
    return export.profile, facts, cases, held


async def test_an_export_is_taken_in_again_as_an_equal_profile_once_and_only_if_that_is_wanted(shop: Shop) -> None:
    await a_life(shop)
    await shop.hears("slack", "T1/U1", "I am on the Team plan. I prefer email.")
    before = await shop.ledger.export("cus_1", reader="eve", now=shop.now)
    assert await shop.ledger.take_in(before, now=shop.now, restore=False) == 0
    await forget(shop)
    shop.later(days=1)
    assert await shop.ledger.take_in(before, now=shop.now, restore=False) == 0
    with pytest.raises(NoSuchCustomer):
        await shop.ledger.export("cus_1", reader="eve", now=shop.now)
    assert await shop.ledger.take_in(from_json(to_json(before)), now=shop.now, restore=True) == len(before.facts)
    assert the_same(await shop.ledger.export("cus_1", reader="eve", now=shop.now)) == the_same(before)


async def test_whoever_has_the_number_now_is_told_nothing_of_an_export_that_is_taken_in_again(shop: Shop) -> None:
    await shop.knows(*JOHN)
    await shop.hears("sms", "+15550142", f"{CHARGED} The order is W4829137.")
    before = await shop.ledger.export("cus_1", reader="eve", now=shop.now)
    await forget(shop)
    shop.later(days=1)
    await shop.hears("sms", "+15550142", "My kettle is broken.")
    assert await shop.ledger.take_in(before, now=shop.now, restore=True) == 0
    assert await rows(shop, "handles") == 2
    shop.later(days=1)
    assert "9137" not in await shop.hears("sms", "+15550142", "Which order do you have of me?")


async def test_half_an_export_is_refused_whole(shop: Shop) -> None:
    await a_life(shop)
    whole = await shop.ledger.export("cus_1", reader="eve", now=shop.now)
    await forget(shop)
    halves: tuple[dict[str, Any], ...] = (
        {"facts": [{"slot": "plan"}]},
        {"handles": [{"channel": "sms"}]},
        {"cases": [{}]},
    )
    for broken in halves:
        with pytest.raises(Malformed):
            await shop.ledger.take_in(replace(whole, **broken), now=shop.now, restore=True)
    with pytest.raises(NoSuchCustomer):
        await shop.ledger.export("cus_1", reader="eve", now=shop.now)


# ── who is in no directory ──
async def test_who_is_only_an_address_is_forgotten_by_it_and_the_others_keep_theirs(shop: Shop, tmp_path: Path) -> None:
    await shop.knows(*MARY)
    await shop.hears("email", MAILBOX, f"{CHARGED} The order is W4829137.")
    await shop.hears("email", "mary@shop.test", "My kettle is broken.")
    await shop.hears("email", MAILBOX, "Any news?", proof=Proof.CLAIMED, conversation="<Forged>")
    receipt = await forget(shop, f"email:{MAILBOX.upper()}")
    assert traces(tmp_path) == set()
    assert receipt.erased["messages"] == 2
    assert "directory" not in receipt.erased
    shop.later(hours=2)
    assert "kettle" in await shop.hears("email", "mary@shop.test", "Hello, any news?")


async def test_a_message_that_only_claims_an_address_is_forgotten_without_its_owner(shop: Shop) -> None:
    await shop.knows(*JOHN)
    await shop.hears("email", MAILBOX, CHARGED)
    await shop.hears("email", MAILBOX, "Any news?", proof=Proof.CLAIMED, conversation="<Forged>")
    await forget(shop, "email:~<Forged>")
    assert await rows(shop, "messages") == 1
    assert (await shop.ledger.export("cus_1", reader="eve", now=shop.now)).profile is not None


async def test_nothing_is_left_of_who_was_merged_decided_about_and_written_about(shop: Shop, tmp_path: Path) -> None:
    await shop.knows(*JOHN)
    await shop.hears("slack", "T1/U1", CHARGED, display_name=JOHN[1])
    await shop.hears("discord", "4242", "Hello", display_name=JOHN[1])
    pair = Order(a="slack:T1/U1", b="discord:4242", by="ann", at=shop.now)
    await shop.ledger.dismiss(pair)
    await shop.ledger.merge(pair)
    await shop.ledger.unmerge(pair)
    await forget(shop)
    assert not {"cus_1", "99.17"} & traces(tmp_path)
    assert await rows(shop, "decisions") == 0
