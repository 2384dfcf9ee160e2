"""What a login or a workspace vouches for joins while it is repeated, and 45 days longer; what lapsed comes back when
it is said again; who has another address now leaves the old one at once. Codes and the directory do not lapse."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from core.backends.ledger.people import customer_of
from core.backends.ledger.schema import handles
from core.merging import Order
from core.messages import Voucher
from identity.gate import handles_of
from identity.handles import SILENCE
from identity.partition import Evidence, Link, Owned, Vouched, as_of, customer, shared_keys
from tests.shop import Shop, voucher

T0 = datetime(2026, 1, 1, tzinfo=UTC)
DAY, MOMENT = timedelta(days=1), timedelta(microseconds=1)
MAIL, PHONE = "email:ann@shop.test", "phone:+15550142"

# ── as a pure function ──
ANNS_MAIL, ANNS_SLACK = Owned(node="h:1", key=MAIL, proven=True), Owned(node="h:2", key="slack:T1/U1", proven=True)
BY_SLACK = Vouched(node="h:2", key=MAIL, at=T0, recorded_at=T0, heard_at=T0)


def wholes(evidence: Evidence) -> dict[str, frozenset[str]]:
    return {owned.node: customer(owned.node, evidence) for owned in evidence.owned}


def test_a_voucher_joins_for_45_days_after_it_was_last_heard() -> None:
    evidence = Evidence(owned=[ANNS_MAIL, ANNS_SLACK], vouched=[BY_SLACK])
    assert customer("h:1", as_of(T0 + SILENCE, evidence)) == {"h:1", "h:2"}
    lapsed = as_of(T0 + SILENCE + MOMENT, evidence)
    assert customer("h:1", lapsed) == {"h:1"}
    heard_again = replace(BY_SLACK, heard_at=T0 + 60 * DAY)
    assert customer("h:1", as_of(T0 + 61 * DAY, replace(lapsed, lapsed=[heard_again]))) == {"h:1", "h:2"}


def test_the_directory_and_codes_do_not_lapse() -> None:
    listed = Vouched(node="d:ann", key=MAIL, at=T0, recorded_at=T0, person="ann")
    evidence = Evidence(owned=[ANNS_MAIL, ANNS_SLACK], vouched=[listed], links=[Link(a="h:1", b="h:2")])
    assert customer("h:1", as_of(T0 + 4_000 * DAY, evidence)) == {"h:1", "h:2", "d:ann"}


def test_that_a_key_is_two_peoples_does_not_lapse() -> None:
    """Else the household's telephone would become the one's who signed in last, with what the other one told."""
    logins = [Owned(node=f"h:{n}", key=f"web:u{n}", proven=True) for n in (1, 2)]
    anns = Vouched(node="h:1", key=PHONE, at=T0, recorded_at=T0, heard_at=T0, person="u1")
    bens = replace(anns, node="h:2", person="u2", heard_at=T0 + 60 * DAY)
    evidence = Evidence(owned=[*logins, Owned(node="h:3", key=PHONE, proven=True)], vouched=[anns, bens])
    later = as_of(T0 + 61 * DAY, evidence)
    assert later.lapsed == (anns,)
    assert shared_keys(later) == {PHONE}
    assert customer("h:3", later) == {"h:3"}


NODES, KEYS = [f"h:{n}" for n in range(5)], [f"email:k{n}@x.test" for n in range(3)]
moments = st.integers(0, 200).map(lambda days: T0 + days * DAY)
vouchers = st.builds(
    Vouched,
    node=st.sampled_from(NODES),
    key=st.sampled_from(KEYS),
    at=st.just(T0),
    recorded_at=st.just(T0),
    heard_at=st.none() | moments,
    person=st.none() | st.sampled_from("ab"),
)
evidences = st.builds(
    Evidence,
    owned=st.lists(
        st.builds(Owned, node=st.sampled_from(NODES), key=st.sampled_from(KEYS), proven=st.booleans()),
        max_size=5,
        unique_by=lambda owned: owned.node,
    ),
    vouched=st.lists(vouchers, max_size=5),
    links=st.lists(st.builds(Link, a=st.sampled_from(NODES), b=st.sampled_from(NODES)), max_size=2),
)


@given(evidences, moments, moments)
def test_only_the_moment_decides_and_not_what_lapsed_before(evidence: Evidence, then: datetime, now: datetime) -> None:
    assert wholes(as_of(now, as_of(then, evidence))) == wholes(as_of(now, evidence))


@given(evidences, moments)
def test_what_lapsed_joins_as_little_as_what_was_never_said(evidence: Evidence, now: datetime) -> None:
    standing = as_of(now, evidence)
    never_said = replace(evidence, vouched=[v for v in evidence.vouched if v.holds(now)])
    assume(shared_keys(standing) == shared_keys(never_said))
    assert wholes(standing) == wholes(never_said)


@given(evidences, moments)
def test_a_key_that_was_two_peoples_joins_nobody_for_ever(evidence: Evidence, now: datetime) -> None:
    assert shared_keys(as_of(now, evidence)) == shared_keys(evidence)


@given(evidences, moments)
def test_hearing_all_of_it_again_brings_all_of_it_back(evidence: Evidence, now: datetime) -> None:
    standing = as_of(now, evidence)
    again = replace(standing, lapsed=[replace(v, heard_at=now) for v in standing.lapsed])
    assert wholes(as_of(now, again)) == wholes(evidence)


# ── on the ledger ──
@pytest_asyncio.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    opened = await Shop.open(tmp_path)
    yield opened
    await opened.close()


async def joined(shop: Shop, name: str) -> set[str]:
    """The handles that are one customer with channel:address now, but for itself."""

    def read(tx: Connection) -> set[str]:
        named = {row.id: f"{row.channel}:{row.address}" for row in tx.execute(select(handles).order_by(handles.c.id))}
        [*_, newest] = [one for one, its_name in named.items() if its_name == name]
        return {named[one] for one in handles_of(customer_of(tx, newest, shop.now)) if one != newest}

    return await shop.ledger._database.read(read)


SPEAKERS = [("web", "u1", voucher(MAIL, "u1")), ("slack", "T1/U1", voucher(MAIL))]


@pytest.mark.parametrize(("channel", "who", "word"), SPEAKERS)
async def test_a_link_lapses_and_comes_back_when_it_is_said_again(
    shop: Shop, channel: str, who: str, word: Voucher
) -> None:
    await shop.hears("email", "ann@shop.test", "I was charged $49.37 twice for order W4829137")
    assert "$49.37" in await shop.hears(channel, who, "Hello, any news?", vouchers=(word,))
    shop.later(days=44)
    assert await joined(shop, f"{channel}:{who}") == {"email:ann@shop.test"}
    shop.later(days=2)
    assert not await joined(shop, f"{channel}:{who}")
    assert not await joined(shop, "email:ann@shop.test")
    assert "$49.37" in await shop.hears(channel, who, "Hello, any news?", vouchers=(word,))
    assert await joined(shop, "email:ann@shop.test") == {f"{channel}:{who}"}


async def test_what_lapsed_is_not_told_to_who_writes_next(shop: Shop) -> None:
    await shop.hears("email", "ann@shop.test", "I was charged $49.37 twice for order W4829137")
    await shop.hears("slack", "T1/U1", "Hello", vouchers=(voucher(MAIL),))
    shop.later(days=46)
    assert "$49.37" not in await shop.hears("slack", "T1/U1", "Hello, any news?", vouchers=None)


async def test_each_hearing_prolongs_it(shop: Shop) -> None:
    await shop.hears("email", "ann@shop.test", "Hello")
    for _ in range(4):
        await shop.hears("slack", "T1/U1", "Hello", vouchers=(voucher(MAIL),))
        shop.later(days=40)
        assert await joined(shop, "slack:T1/U1") == {"email:ann@shop.test"}


async def test_no_news_neither_ends_nor_prolongs_it(shop: Shop) -> None:
    await shop.hears("email", "ann@shop.test", "Hello")
    await shop.hears("slack", "T1/U1", "Hello", vouchers=(voucher(MAIL),))
    shop.later(days=30)
    await shop.hears("slack", "T1/U1", "Slack is slow today", vouchers=None)
    assert await joined(shop, "slack:T1/U1") == {"email:ann@shop.test"}
    shop.later(days=16)
    assert not await joined(shop, "slack:T1/U1")


async def test_the_newest_news_of_a_burst_counts(shop: Shop) -> None:
    await shop.hears("email", "ann@shop.test", "Hello")
    await shop.accept(shop.message("slack", "T1/U1", "I have", vouchers=(voucher(MAIL),)))
    await shop.hears("slack", "T1/U1", "a question", vouchers=None)
    assert await joined(shop, "slack:T1/U1") == {"email:ann@shop.test"}


async def test_another_confirmed_address_ends_the_old_one_at_once(shop: Shop) -> None:
    await shop.hears("email", "ann@shop.test", "I was charged $49.37 twice for order W4829137")
    await shop.hears("slack", "T1/U1", "Hello", vouchers=(voucher(MAIL),))
    shop.later(hours=3)
    told = await shop.hears("slack", "T1/U1", "Any news?", vouchers=(voucher("email:ann.lee@shop.test"),))
    assert "$49.37" not in told
    assert not await joined(shop, "slack:T1/U1")
    await shop.hears("email", "ann.lee@shop.test", "Hello")
    assert await joined(shop, "slack:T1/U1") == {"email:ann.lee@shop.test"}


async def test_an_address_that_is_confirmed_no_more_ends_at_once(shop: Shop) -> None:
    await shop.hears("email", "ann@shop.test", "Hello")
    await shop.hears("slack", "T1/U1", "Hello", vouchers=(voucher(MAIL),))
    await shop.hears("slack", "T1/U1", "I am a guest now", vouchers=())
    assert not await joined(shop, "slack:T1/U1")


async def test_an_old_word_that_is_repeated_does_not_speak_for_a_number_s_next_owner(shop: Shop) -> None:
    """Repeating refreshes how long it holds, not when the number was verified."""
    await shop.hears("web", "u1", "Hello", vouchers=(voucher(PHONE, "u1"),))
    for _ in range(2):
        await shop.hears("sms", "+15550142", "Hello")
    assert await joined(shop, "web:u1") == {"sms:+15550142"}
    shop.later(days=60)
    await shop.hears("web", "u1", "Hello", vouchers=(voucher(PHONE, "u1"),))
    for text in ("I have just got this number", "Hello?"):
        await shop.hears("sms", "+15550142", text)
    assert await joined(shop, "sms:+15550142") == set()


async def test_a_household_phone_does_not_become_the_last_one_s(shop: Shop) -> None:
    for _ in range(2):
        await shop.hears("sms", "+15550142", "Hello")
    for who in ("u1", "u2"):
        await shop.hears("web", who, "Hello", vouchers=(voucher(PHONE, who),))
    shop.later(days=40)
    await shop.hears("sms", "+15550142", "Hello")
    shop.later(days=6)
    await shop.hears("web", "u2", "Hello", vouchers=(voucher(PHONE, "u2"),))
    assert not await joined(shop, "sms:+15550142")


async def test_an_operator_s_word_does_not_lapse(shop: Shop) -> None:
    for channel, who in (("email", "ann@shop.test"), ("slack", "T1/U1")):
        await shop.hears(channel, who, "Hello")
    shop.later(hours=1)
    await shop.ledger.merge(Order(a="email:ann@shop.test", b="slack:T1/U1", by="kim", at=shop.now))
    shop.later(days=1_000)
    assert await joined(shop, "slack:T1/U1") == {"email:ann@shop.test"}


async def test_what_lapsed_is_forgotten_with_its_customer_all_the_same(shop: Shop) -> None:
    """Else it would come back with the next sign-in."""
    await shop.knows("u1", "Ann Lee")
    await shop.hears("email", "ann@shop.test", "I was charged $49.37 twice for order W4829137")
    await shop.hears("web", "u1", "Hello", vouchers=(voucher(MAIL, "u1"),))
    shop.later(days=60)
    await shop.ledger.erase("u1", receipt="r1", now=shop.now)
    shop.later(days=1)
    assert "$49.37" not in await shop.hears("web", "u1", "Hello, any news?", vouchers=(voucher(MAIL, "u1"),))
    assert "$49.37" not in await shop.hears("email", "ann@shop.test", "Hello, any news?")


async def test_the_directory_knows_a_slack_user_by_workspace_and_user(shop: Shop) -> None:
    await shop.knows("cus_1", "Ann Lee", MAIL, "slack:T1/U1")
    await shop.hears("email", "ann@shop.test", "I was charged $49.37 twice for order W4829137")
    shop.later(days=100)
    assert "$49.37" in await shop.hears("slack", "T1/U1", "Hello, any news?")
    assert await joined(shop, "slack:T1/U1") == {"email:ann@shop.test"}
    assert "$49.37" not in await shop.hears("slack", "T2/U1", "Hello, any news?")
    assert not await joined(shop, "slack:T2/U1")
