"""2,000 random scripts of merges, unmerges and messages in between: afterwards recall is as if there had been none.

300 of them run on the real ledger, without engine and writer: messages are accepted, turns are opened, identified and
settled, rows come out of `recall`. A town settles in once and lives through many scripts from there, each played
twice, with its merges and without, from a savepoint to its rollback. That takes some 40 ms a script, so 1,700 more, in
larger and stranger towns, run on what decides alone: identity's merging, partition and gate, over rows in a list.
Twelve scripts through the whole engine are in tests/test_merging.py.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from core.backends.ledger import inbox, merging, people, recall, turns, whois
from core.backends.ledger.migrations import migrate
from core.backends.ledger.schema import links
from core.backends.ledger.sqlite import SqliteDatabase
from core.ledger import NewFact, Settlement, Turn, line_of
from core.merging import NotDone, Order
from core.messages import InboundMessage, Raw
from core.record import Case, DirectoryRow, Fact, Profile
from identity import partition
from identity.gate import Permit, Purpose, Standing, handles_of, permit
from identity.handles import Handle
from identity.merging import Change, OneAlready, PeopleMixedUp, ToldApart, TwoAlready, changed, merge, unmerge
from identity.partition import Evidence, Link, Node, Owned, Vouched
from identity.proof import Proof

TOWNS, SCRIPTS_OF_A_TOWN = 15, 20
WITHOUT_A_LEDGER = 1_700
START, DAY = datetime(2026, 3, 2, 9, tzinfo=UTC), timedelta(days=1)

Who = tuple[str, str]  # channel and address
Customer = frozenset[Node]


@dataclass(frozen=True)
class Says:
    """Somebody writes: of something new, of nothing in particular, or of the newest issue that is known."""

    who: Who
    about: str
    at: datetime


@dataclass(frozen=True)
class Decides:
    """Two colleagues merge two, or take that back."""

    decide: Callable[[Connection, Order], object]
    a: Who
    b: Who
    at: datetime


Script = Sequence[Says | Decides]


@dataclass(frozen=True)
class Recalled:
    """What a customer is answered from, but for what we said ourselves and for the numbers of rows."""

    nodes: Customer
    said: Sequence[str]
    facts: Sequence[tuple[datetime | None, Fact]] = ()  # with the opening of their case
    cases: Sequence[Case] = ()


@dataclass
class Town:
    """Two people of the directory with two handles each, and a stranger."""

    tx: Connection
    number: int
    now: datetime = START
    homes: dict[Who, Customer] = field(default_factory=dict)
    nodes: dict[Who, Node] = field(default_factory=dict)
    joined: dict[tuple[Who, Who], tuple[str, str]] = field(default_factory=dict)
    merges: int = 0
    influenced: Customer = frozenset()  # who spoke of an issue of the other side

    @property
    def handles(self) -> list[Who]:
        n = self.number
        slack, sms = ("slack", f"T{n}/U1"), ("sms", f"+1555{n:07d}")
        return [slack, ("email", f"john{n}@shop.test"), sms, ("email", f"mary{n}@shop.test"), ("discord", f"{n}")]

    def settles_in(self) -> None:
        slack, john, phone, mary, _ = (f"{c}:{a}".replace("sms", "phone") for c, a in self.handles)
        for person, keys in (("john", (slack, john)), ("mary", (phone, mary))):
            profile = Profile(external_id=f"{person}{self.number}", name=person.capitalize())
            people.import_directory(self.tx, [DirectoryRow(profile=profile, keys=keys)], START)
        for who in self.handles:
            self.homes[who] = frozenset()
            self.says(Says(who, "something new", START))
        self.homes = {who: self.customer(who) for who in self.handles}

    # ── deeds ──
    def plays(self, script: Script) -> None:
        self.joined, self.merges, self.influenced = {}, 0, frozenset()
        for deed in script:
            self.now = deed.at
            if isinstance(deed, Says):
                self.says(deed)
            else:
                self.decides(deed)

    def decides(self, deed: Decides) -> None:
        """What is refused, since the two are one already or several people would be mixed up, is left out."""
        is_merge = deed.decide is merging.merge
        a, b = self.joined.get((deed.a, deed.b), (":".join(deed.a), ":".join(deed.b)))
        try:
            deed.decide(self.tx, Order(a=a, b=b, by="ann", second="bea", at=deed.at))
        except NotDone:
            return
        if is_merge:
            assert self.customer(deed.a) == self.customer(deed.b)
            self.joined[deed.a, deed.b] = self.newest_link()
        self.merges += is_merge

    def newest_link(self) -> tuple[str, str]:
        """What a merge joined, as its record names it: two known people, where two met."""
        row = self.tx.execute(select(links).order_by(links.c.id.desc()).limit(1)).one()
        return whois.known(self.tx, row.a).name, whois.known(self.tx, row.b).name

    def says(self, said: Says) -> None:
        message = self.message(said)
        assert inbox.accept(self.tx, message, Raw(body=b"", received_at=said.at))
        now, burst = said.at, timedelta(0)
        turn = turns.open_turn(self.tx, line_of(message), token="t", holder="", now=now, burst=burst, live=False)
        assert isinstance(turn, Turn)
        turns.settle(self.tx, self.settlement(turn, said))

    def message(self, said: Says) -> InboundMessage:
        channel, address = said.who
        key = f"phone:{address}" if channel == "sms" else f"{channel}:{address}"
        return InboundMessage(
            external_id=f"{address} {said.at}",
            handle=Handle(channel=channel, address=address, key=key),
            proof=Proof.PROVEN,
            text=f"{address} of {said.about}, {said.at:%d %b}",
            conversation=f"with {address}",
            route={"to": address},
            received_at=said.at,
        )

    def settlement(self, turn: Turn, said: Says) -> Settlement:
        known = recall.rows(self.tx, permit(turn.standing, Purpose.ANSWER))
        case = known.cases[0] if known.cases and said.about == "the newest issue" else None
        if case and f"h:{case.handle}" not in self.homes[said.who]:
            self.influenced |= self.homes[said.who]
        opens = case is None and said.about != "nothing"
        told = ["issue"] * opens + (["device"] if opens or case else ["name"])
        return Settlement(
            turn=turn,
            now=said.at,
            keeper=turn.standing.keeper,
            case=case.id if case else None,
            opens_case=opens,
            facts=[NewFact(slot=slot, value=turn.text, of_case=slot != "name") for slot in told],
        )

    # ── what is known ──
    def handle(self, who: Who) -> int:
        node = self.nodes.get(who) or self.nodes.setdefault(who, whois.node_named(self.tx, ":".join(who)))
        return int(node.removeprefix("h:"))

    def customer(self, who: Who) -> Customer:
        return people.customer_of(self.tx, self.handle(who), self.now)

    def recalls(self) -> dict[Who, Recalled]:
        nodes = {who: f"h:{self.handle(who)}" for who in self.handles}
        around = people.evidence_around(self.tx, nodes.values(), self.now)
        customers = {who: partition.customer(node, around) for who, node in nodes.items()}
        found = {customer: self.recall(customer) for customer in set(customers.values())}
        return {who: found[customer] for who, customer in customers.items()}

    def recall(self, nodes: Customer) -> Recalled:
        standing = Standing(handle=min(handles_of(nodes)), proof=Proof.PROVEN, nodes=nodes)
        rows = recall.rows(self.tx, permit(standing, Purpose.ANSWER))
        said = [line.spoken.text for line in rows.said if line.spoken.sender == "customer"]
        if nodes & self.influenced:
            return Recalled(nodes, said)
        opened = {case.id: case.told_at for case in rows.cases}
        facts = [(opened.get(fact.case or 0), replace(fact, id=0, case=None)) for fact in rows.facts]
        return Recalled(nodes, said, facts, [replace(case, id=0) for case in rows.cases])


def written(handles: Sequence[Who], homes: dict[Who, Customer], chance: random.Random) -> Script:
    """One or two merges of two customers each, taken back in any order, with messages in between and after."""
    clock = iter(START + DAY * day for day in range(1, 40))
    pairs = [pair for pair in (chance.sample(handles, 2) for _ in range(2)) if homes[pair[0]] != homes[pair[1]]]
    script: list[Says | Decides] = []

    def traffic() -> None:
        about = chance.choice(("something new", "nothing", "the newest issue"))
        script.append(Says(chance.choice(handles), about, next(clock)))

    for a, b in pairs:
        script.append(Decides(merging.merge, a, b, next(clock)))
        traffic()
    for a, b in chance.sample(pairs, len(pairs)):
        script.append(Decides(merging.unmerge, a, b, next(clock)))
    traffic()
    return script


@contextmanager
def undone(tx: Connection) -> Iterator[None]:
    savepoint = tx.begin_nested()
    yield
    savepoint.rollback()


def lives(tx: Connection, number: int) -> int:
    """The life of a town; how many merges there were."""
    town, merges = Town(tx, number), 0
    town.settles_in()
    for seed in range(number * SCRIPTS_OF_A_TOWN, (number + 1) * SCRIPTS_OF_A_TOWN):
        script = written(town.handles, town.homes, random.Random(seed))  # noqa: S311 - a script, not a secret
        with undone(tx):
            town.plays(script)
            merged = town.recalls()
        merges, influenced = merges + town.merges, town.influenced
        with undone(tx):
            town.plays([deed for deed in script if isinstance(deed, Says)])
            town.influenced = influenced
            assert town.recalls() == merged, f"seed {seed}: {script}"
    return merges


@pytest.mark.timeout(180)  # on a busy machine
async def test_after_any_script_the_ledger_recalls_as_if_nobody_had_been_merged(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "town.db")
    await database.write(migrate)
    merges = sum([await database.write(partial(lives, number=number)) for number in range(TOWNS)])
    await database.close()
    assert merges > TOWNS * SCRIPTS_OF_A_TOWN


# ── the same without a ledger ──
@dataclass(frozen=True)
class Row:
    """Something told on a handle, or a line of ours with all that it was drawn from."""

    drawn_from: frozenset[int]
    at: int


def strange_town(chance: random.Random) -> Evidence:
    """Up to nine handles of three people and of nobody, with mailboxes that two hold, and codes between some."""
    keys = [f"email:k{number}@x.test" for number in range(6)]
    owned = [
        Owned(node=f"h:{number}", key=chance.choice([*keys, "web:ann", "web:zoe"]), proven=chance.random() < 0.8)
        for number in range(1, chance.randint(4, 9))
    ]
    vouched = [
        Vouched(node=f"d:{person}", key=key, at=START, recorded_at=START, person=person)
        for person in ("ann", "ben", "cleo")
        for key in chance.sample(keys, 2)
    ]
    pairs = [chance.sample([o.node for o in owned], 2) for _ in range(chance.randint(0, 2))]
    codes = tuple(Link(a=a, b=b, number=number) for number, (a, b) in enumerate(pairs, start=1))
    return Evidence(owned=owned, vouched=vouched, links=codes)


def told(evidence: Evidence, chance: random.Random, at: int) -> list[Row]:
    """Somebody tells something, and is answered from all that may be recalled for them."""
    node = chance.choice(evidence.owned).node
    [own] = handles_of(frozenset((node,)))
    return [Row(frozenset((own,)), at), Row(allowed(node, evidence).handles, at)]


def allowed(node: Node, evidence: Evidence) -> Permit:
    [handle] = handles_of(frozenset((node,)))
    nodes = partition.customer(node, evidence)
    return permit(Standing(handle=handle, proof=Proof.PROVEN, nodes=nodes), Purpose.ANSWER)


def test_after_any_script_the_gate_admits_as_if_nobody_had_been_merged() -> None:
    merges = 0
    for seed in range(WITHOUT_A_LEDGER):
        chance = random.Random(seed)  # noqa: S311 - a script, not a secret
        never = strange_town(chance)
        rows, evidence, made = told(never, chance, 0), never, list[Link]()
        for at in range(1, 5):
            if chance.random() < 0.7 and (change := merged(evidence, chance)) and change.link:
                evidence = changed(evidence, change)
                made.append(change.link)
            rows += told(evidence, chance, at)
        for link in chance.sample(made, len(made)):
            with suppress(TwoAlready):
                evidence = changed(evidence, unmerge(link.a, link.b, evidence))
            rows += told(evidence, chance, 9)
        for node in (owned.node for owned in never.owned):
            assert partition.customer(node, evidence) == partition.customer(node, never), f"seed {seed}"
            ours = allowed(node, never).handles
            recalled = allowed(node, evidence).admit(rows)
            assert recalled == [row for row in rows if not row.drawn_from - ours], f"seed {seed}"
        merges += len(made)
    assert merges > WITHOUT_A_LEDGER


def merged(evidence: Evidence, chance: random.Random) -> Change | None:
    """A merge of any two, unless it is refused."""
    a, b = chance.sample([owned.node for owned in evidence.owned] + ["d:ann", "d:ben", "d:cleo"], 2)
    try:
        return merge(a, b, evidence, two_operators=True)
    except (OneAlready, PeopleMixedUp, ToldApart):
        return None
