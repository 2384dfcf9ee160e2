"""Evidence gives one partition in whatever order it arrives: every order of six pieces, and 24 orders on the ledger."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from core.backends.ledger.people import customer_of
from core.backends.ledger.schema import handles
from identity.gate import handles_of
from identity.partition import Evidence, Link, Owned, Vouched, customer, persons
from tests.shop import START, Shop, voucher

T0 = datetime(2026, 1, 1, tzinfo=UTC)
PHONE, MAIL, OTHER = "phone:+15550142", "email:john@shop.test", "email:mary@shop.test"
Piece = Owned | Vouched | Link | frozenset[str]


def listed(person: str, key: str, *, day: int = 0) -> Vouched:
    at = T0 + timedelta(days=day)
    return Vouched(node=f"d:{person}", key=key, at=at, recorded_at=at, person=person)


def said_by(node: str, key: str, person: str | None = None) -> Vouched:
    return Vouched(node=node, key=key, at=T0, recorded_at=T0, person=person)


def handle(number: int, key: str, *, proven: bool = True, epoch: int = 1, silent: int = 0) -> Owned:
    silent_from = T0 + timedelta(days=silent) if silent else None
    return Owned(node=f"h:{number}", key=key, proven=proven, epoch=epoch, silent_from=silent_from)


SETS: dict[str, list[Piece]] = {
    "a household phone": [
        handle(1, PHONE),
        handle(2, MAIL),
        handle(3, OTHER),
        listed("j", PHONE),
        listed("m", PHONE),
        listed("j", MAIL),
    ],
    "two people and a link between them": [
        handle(1, MAIL),
        handle(2, OTHER),
        listed("j", MAIL),
        listed("m", OTHER),
        Link(a="h:1", b="h:2"),
        Link(a="d:j", b="d:m", two_operators=True),
    ],
    "a chain that two logins end": [
        handle(1, "web:u1"),
        handle(2, "web:u2"),
        handle(3, "slack:T/U"),
        Link(a="h:1", b="h:3"),
        Link(a="h:2", b="h:3"),
        said_by("h:1", MAIL, "u1"),
    ],
    "a number that was reissued": [
        handle(1, PHONE),
        handle(2, PHONE, epoch=2, silent=10),
        handle(3, MAIL),
        listed("j", PHONE),
        listed("j", MAIL),
        listed("m", PHONE, day=60),
    ],
    "a workspace, a cut and a code": [
        handle(1, "slack:T/U"),
        handle(2, MAIL),
        handle(3, "discord:42"),
        said_by("h:1", MAIL),
        Link(a="h:1", b="h:3"),
        frozenset({"h:1", "h:2"}),
    ],
}


def evidence_of(pieces: tuple[Piece, ...]) -> Evidence:
    return Evidence(
        owned=[piece for piece in pieces if isinstance(piece, Owned)],
        vouched=[piece for piece in pieces if isinstance(piece, Vouched)],
        links=[piece for piece in pieces if isinstance(piece, Link)],
        cuts=frozenset(piece for piece in pieces if isinstance(piece, frozenset)),
    )


@pytest.mark.parametrize("story", SETS)
def test_every_order_of_six_pieces_gives_one_partition(story: str) -> None:
    nodes = sorted({piece.node for piece in SETS[story] if isinstance(piece, Owned)})
    outcomes = {tuple(customer(node, evidence_of(order)) for node in nodes) for order in permutations(SETS[story])}
    [wholes] = outcomes
    assert all(len(persons(whole)) <= 1 for whole in wholes) or "two people" in story


Event = Callable[[Shop], Awaitable[object]]
EVENTS: dict[str, Event] = {
    "listed": lambda shop: shop.knows("cus_1", "John Miller", PHONE, MAIL),
    "texts": lambda shop: shop.hears("sms", "+15550142", "Hello"),
    "writes": lambda shop: shop.hears("email", "john@shop.test", "Hello"),
    "signs in": lambda shop: shop.hears("web", "cus_1", "Hello", vouchers=(voucher(OTHER, "cus_1"),)),
}


def partition_of(tx: Connection) -> frozenset[frozenset[str]]:
    """Who is one with whom, by address."""
    address = {row.id: f"{row.channel}:{row.address}" for row in tx.execute(select(handles))}
    wholes = (customer_of(tx, one, START) for one in address)
    return frozenset(frozenset(address[one] for one in handles_of(whole)) for whole in wholes)


async def test_four_events_in_any_order_leave_one_partition_on_the_ledger(tmp_path: Path) -> None:
    outcomes = set()
    for number, order in enumerate(permutations(EVENTS)):
        shop = await Shop.open(tmp_path / str(number))
        for name in order:
            await EVENTS[name](shop)
        outcomes.add(await shop.ledger._database.read(partition_of))
        await shop.close()
    assert outcomes == {frozenset({frozenset({"sms:+15550142", "email:john@shop.test", "web:cus_1"})})}
