"""A random life of three people on the real engine and ledger: nobody ever learns a word that another one told.

The model knows what the code cannot: who really holds which address. People write with every proof, log in, move,
lose numbers, share a telephone, show and steal and guess codes, link and undo. After each step: what was recalled or
said holds no word of another person unless a code was handed over; a claimed conversation depends on itself, a
plausible one on its own handle; two directory people are never one; a retired link stays so; a code works once.
"""

import asyncio
import re
import sqlite3
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import Connection

from core.backends.ledger.people import evidence_around
from core.exporting import to_json
from core.ledger import line_of
from core.merging import NotDone, Order, Plan
from core.messages import InboundMessage
from core.record import DirectoryRow, Profile
from identity import partition
from identity.codes import GRANT_LIFE, LIFE
from identity.gate import handles_of
from identity.proof import Proof
from tests.identity.blurter import Blurter, canaries, canary
from tests.identity.world import PEOPLE, Opened, Place, Seat, Shown, Word, World
from tests.shop import Shop, voucher

settings.register_profile(
    "machine",
    max_examples=20,
    stateful_step_count=35,
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate,),  # a failure is told at once; shrinking one takes minutes
)

WISH = "Please link my other account, which code do I need?"
MAILBOX = {person: f"{person}@home.test" for person in PEOPLE}
NUMBER = {person: f"+1555010{at}" for at, person in enumerate(PEOPLE, start=1)}
HOUSEHOLD = "+15550199"
REDEEMED, JOINED, PARTED = "that code fits", "are one", "separate again"

people = st.sampled_from(PEOPLE)
channels = st.sampled_from(["slack", "discord", "email", "sms", "voice", "web"])
which = st.integers(0, 3)
forgeable = st.sampled_from(["email", "voice", "web"])
sayings = st.sampled_from(["My {} broke.", "about it: the {}", "Any news about it?", "It is solved, thank you."])


class Identity(RuleBasedStateMachine):
    """See the module."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = TemporaryDirectory()
        self.writer = Blurter()
        self.shop = self.runner.run(Shop.open(Path(self.folder.name), writer=self.writer))
        self.record = sqlite3.connect(f"file:{self.folder.name}/shop.db?mode=ro", uri=True)
        self.world = World()
        self.shown: list[Shown] = []
        self.pairs: dict[tuple[Place, str], tuple[str, Place]] = {}
        self.places: dict[int, Place] = {}
        self.retired: set[int] = set()
        self.apart: set[frozenset[int]] = set()
        self.names = {person: canary(number) for number, person in enumerate(PEOPLE)}
        self.source = Place("", "")  # whose memory the last turn drew on
        self.delivered: list[tuple[InboundMessage, int]] = []
        self.receipts: list[set[int]] = []
        self.forgotten: set[str] = set()
        self.buried: set[str] = set()  # addresses that were a forgotten one's
        self.erased: set[str] = set()
        for person in PEOPLE:
            for address in (*_fixed(person).values(), MAILBOX[person], NUMBER[person]):
                self.world.holders[address] = {person}
            self.world.words[self.names[person]] = Word(frozenset({person}))
        self.world.holders[HOUSEHOLD] = {"ann"}

    def teardown(self) -> None:
        self.runner.run(self.shop.close())
        self.record.close()
        self.runner.close()
        self.folder.cleanup()

    # ── what people and the company do ──
    @initialize(listed=st.sets(people), signed_in=people)
    def everybody_is_a_customer(self, listed: set[str], signed_in: str) -> None:
        for person in sorted(listed):
            self._import(person, {MAILBOX[person], NUMBER[person]})
        self.somebody_writes(signed_in, "web", "My {} broke.", False, 0)
        for person in PEOPLE:
            for channel in ("email", "sms"):
                self.somebody_writes(person, channel, "My {} broke.", False, 0)

    @rule(person=people, mail=st.booleans(), phone=st.booleans(), slack=st.booleans())
    def the_company_imports(self, person: str, mail: bool, phone: bool, slack: bool) -> None:
        wanted = {"email": mail, "phone": phone, "slack": slack}
        held = {a for a in {*self.world.held_by(person), f"T1/{person}"} if wanted[_kind(a)]}
        self._import(person, held | (self.world.listed[person] & {HOUSEHOLD}))

    def _settled(self, address: str, person: str) -> bool:
        """Held since the start: of a number that was reissued in silence the directory hears nothing."""
        return self.world.holders[address] == {person} and not self.world.generation.get(address)

    def _import(self, person: str, held: set[str], *, restore: bool = False) -> None:
        """A row of the directory; of who was forgotten, and of keys that were theirs, nothing comes back by it."""
        keys = [f"{_kind(address)}:{address}" for address in sorted(held)]
        profile = Profile(external_id=f"cus_{person}", name=f"{self.names[person].capitalize()} Smith")
        row = DirectoryRow(profile=profile, keys=keys)
        self.runner.run(self.shop.ledger.import_directory([row], now=self.shop.now, restore=restore))
        if restore:
            self.forgotten.discard(person)
            self.buried -= held
        if person not in self.forgotten:
            self.world.listed[person] = held - (self.buried - self.world.listed[person])

    @rule(person=people, to=people, taken_first=st.booleans(), phone=st.booleans())
    def an_address_is_given_to_somebody_else(self, person: str, to: str, taken_first: bool, phone: bool) -> None:
        address = NUMBER[person] if phone else MAILBOX[person]
        if person == to or not self._settled(address, person) or self.forgotten & {person, to}:
            return
        if address not in self.world.listed[person]:
            self._import(person, self.world.listed[person] | {address})
        moves = [(person, self.world.listed[person] - {address}), (to, self.world.listed[to] | {address})]
        for who, held in moves if taken_first else reversed(moves):
            self._import(who, held)
        self.world.hand_over(address, to)

    @rule(person=people, to=people)
    def a_number_is_reissued(self, person: str, to: str) -> None:
        """In silence, after it was heard from: the directory is right about first contacts, and in newer rows."""
        self.shop.later(days=46)
        if self._heard_since_verified(NUMBER[person]) and len(self.world.holders[NUMBER[person]]) == 1:
            self.world.hand_over(NUMBER[person], to)

    def _heard_since_verified(self, number: str) -> bool:
        key = (f"phone:{number}",)
        [(heard_at,)] = self.record.execute("select max(heard_at) from handles where key=?", key)
        current = "select max(at) from evidence where key=? and source='directory' and retired_at is null"
        [(verified_at,)] = self.record.execute(current, key)
        return heard_at is not None and (verified_at is None or verified_at <= heard_at)

    @rule(person=st.sampled_from(PEOPLE[1:]))
    def somebody_moves_in(self, person: str) -> None:
        self.world.holders[HOUSEHOLD].add(person)
        for one in sorted(self.world.holders[HOUSEHOLD]):
            self._import(one, self.world.listed[one] | {HOUSEHOLD})

    @rule(person=people)
    def somebody_is_forgotten(self, person: str) -> None:
        """Rows, memory and all, as the command does; then everything of theirs is delivered once more, in vain."""
        if f"cus_{person}" not in self._directory():
            self._import(person, self.world.held_by(person), restore=True)
        addresses = self.runner.run(self.shop.ledger.addresses(f"cus_{person}", now=self.shop.now))
        whole = self.runner.run(self.shop.ledger._database.read(self._customer_of(f"d:cus_{person}")))
        before = self._directory()
        erase = self.shop.ledger.erase(f"cus_{person}", receipt=f"r{len(self.receipts)}", now=self.shop.now)
        gone = set(self.runner.run(erase).handles)
        self.receipts.append(gone)
        self.runner.run(self.shop.memory.erase(sorted(gone)))
        assert handles_of(whole) <= gone, "a handle of theirs was left"
        self.buried |= set(addresses)
        self._forgets(gone, before - self._directory())
        for message, handle in self.delivered:
            if handle in gone:
                assert not self.runner.run(self.shop.accept(message)), "an erased message came back"

    def _forgets(self, gone: set[int], people: set[str]) -> None:
        """What the world looks like without some handles, and without these people of the directory."""
        erased = {text for text, word in self.world.words.items() if word.place in self._places_of(gone)}
        for person in PEOPLE:
            if f"cus_{person}" in people:
                erased.add(self.names[person])
                self.forgotten.add(person)
                self.world.listed[person] = set()
                # Nobody of a household is defended whom the directory does not name; see docs/security.md.
                self.world.holders[HOUSEHOLD].discard(person)
                self.names[person] = canary(len(self.world.words))
                self.world.words[self.names[person]] = Word(frozenset({person}))
        self.erased |= erased
        self.world.forget(self._places_of(gone), self._links())
        self.world.opened = {k: o for k, o in self.world.opened.items() if not {k[0], o.shown_by} & gone}
        self.retired &= self._links()
        self.apart = {pair for pair in self.apart if not pair & gone}
        self.places = {handle: place for handle, place in self.places.items() if handle not in gone}

    def _places_of(self, gone: set[int]) -> set[Place]:
        """But for places where an epoch that nobody could tell to be theirs is left."""
        left = {place for handle, place in self.places.items() if handle not in gone}
        return {place for handle, place in self.places.items() if handle in gone} - left

    def _directory(self) -> set[str]:
        return {row[0] for row in self.record.execute("select external_id from directory")}

    def _customer_of(self, node: str) -> Callable[[Connection], frozenset[str]]:
        return lambda tx: partition.customer(node, evidence_around(tx, [node], self.shop.now))

    @precondition(lambda self: self.forgotten)
    @rule(restored=st.booleans())
    def the_company_imports_who_was_forgotten(self, restored: bool) -> None:
        person = min(self.forgotten)
        self._import(person, self.world.held_by(person), restore=restored)
        assert (f"cus_{person}" in self._directory()) == restored

    @rule(minutes=st.sampled_from([1, 5, 11, 16, 90, 26 * 60, 46 * 24 * 60]))
    def time_passes(self, minutes: int) -> None:
        self.shop.later(minutes=minutes)

    @rule(person=people, channel=channels, saying=sayings, weak=st.booleans(), which=which)
    def somebody_writes(self, person: str, channel: str, saying: str, weak: bool, which: int) -> None:
        seat = self._seat(person, channel, weak=weak and channel == "email", which=which)
        if seat:
            self._tells(seat, saying)

    @precondition(lambda self: self.places)
    @rule(which=st.integers(0, 30), weak=st.booleans(), saying=sayings)
    def whoever_has_an_address_comes_back(self, which: int, weak: bool, saying: str) -> None:
        heard = [place for place in self.world.heard if not place.claimed and self.world.holders[place.address]]
        place = heard[which % len(heard)]
        seat = self._at(max(self.world.holders[place.address]), place, weak=weak and place.channel == "email")
        self._tells(seat, saying)

    @rule(person=people, victim=people, channel=forgeable, saying=sayings)
    def somebody_forges(self, person: str, victim: str, channel: str, saying: str) -> None:
        self._tells(_forged(person, victim, channel), saying)

    @rule(person=people, channel=channels, forged=st.booleans(), which=which)
    def somebody_asks_for_a_code(self, person: str, channel: str, forged: bool, which: int) -> None:
        seat = self._seat(person, channel, which=which)
        if forged and channel in {"email", "voice", "web"}:
            seat = _forged(person, PEOPLE[0], channel)
        if seat:
            found = re.findall(r"(?<![\d+])\d{6}(?!\d)", self._says(seat, WISH))
            self.shown += [Shown(code, seat, self._note_handle(seat), self.shop.now) for code in found[-1:]]

    @precondition(lambda self: self.shown)
    @rule(person=people, channel=channels, back=st.integers(1, 3), forged=st.booleans())
    def somebody_enters_a_code(self, person: str, channel: str, back: int, forged: bool) -> None:
        shown = self.shown[-min(back, len(self.shown))]
        seat = self._seat(person, channel)
        if forged and channel in {"email", "voice", "web"}:
            seat = _forged(person, PEOPLE[0], channel)
        if seat:
            self._enters(seat, shown)

    @rule(person=people, channel=channels, thief=people, there=channels, confirmed=st.booleans())
    def a_code_is_carried_over(self, person: str, channel: str, thief: str, there: str, confirmed: bool) -> None:
        self.somebody_asks_for_a_code(person, channel, False, 0)
        seat = self._seat(thief, there)
        if self.shown and seat:
            self._enters(seat, self.shown[-1])
            if confirmed and (seat.place, seat.conversation) in self.pairs:
                self._confirms(seat, wrong=False)

    @precondition(lambda self: self.pairs)
    @rule(which=st.integers(0, 5), wrong=st.booleans())
    def somebody_confirms(self, which: int, wrong: bool) -> None:
        place, conversation = sorted(self.pairs, key=str)[which % len(self.pairs)]
        if self.world.place(place.channel, place.address) == place:
            self._confirms(Seat(place, Proof.PROVEN, min(self.world.tokens(place)), conversation), wrong=wrong)

    def _confirms(self, seat: Seat, *, wrong: bool) -> None:
        pair, source = self.pairs[seat.place, seat.conversation]
        before = self._links()
        reply = self._says(seat, f"{10 + (int(pair) - 9) % 90}" if wrong else pair)
        assert not (wrong and JOINED in reply)
        if JOINED in reply:
            [made] = self._links() - before
            self.world.links[made] = (source, seat.place)

    @rule(person=people, channel=channels)
    def somebody_guesses(self, person: str, channel: str) -> None:
        live = {shown.code for shown in self.shown}
        guess = next(code for code in ("111111", "222222", "333333", "444444") if code not in live)
        seat = self._seat(person, channel)
        if seat:
            assert REDEEMED not in self._says(seat, guess)

    @precondition(lambda self: self.world.links)
    @rule(which=st.integers(0, 5), first=st.booleans())
    def somebody_undoes(self, which: int, first: bool) -> None:
        """One side of a link that stands; which link is taken back is the newest one of theirs."""
        sides = list(self.world.links.values())[which % len(self.world.links)]
        place = sides[0] if first else sides[1]
        if place.claimed or self.world.place(place.channel, place.address) != place:
            return
        standing = self._links("retired_at is null")
        if PARTED in self._says(Seat(place, Proof.PROVEN, min(self.world.tokens(place)), "undoing"), "undo"):
            [gone] = standing - self._links("retired_at is null")
            self.retired.add(gone)
            del self.world.links[gone]
            pair = self._ends(gone)
            self.world.close(pair, pair)

    @precondition(lambda self: len(self.places) > 1)
    @rule(one=st.integers(0, 20), other=st.integers(0, 20))
    def colleagues_merge(self, one: int, other: int) -> None:
        a, b = (self._addressed()[at % len(self._addressed())] for at in (one, other))
        if a != b and self._decided(self.shop.ledger.merge, a, b):
            whole = partition.customer(f"h:{self._handle(a)}", self._evidence())
            self.apart = {pair for pair in self.apart if not pair <= handles_of(whole)}  # their word ends it
            made = self._links("kind like 'operator%' and retired_at is null") - self.world.links.keys()
            self.world.links |= dict.fromkeys(made, (a, b))

    @precondition(lambda self: len(self.places) > 1)
    @rule(one=st.integers(0, 20), other=st.integers(0, 20))
    def colleagues_unmerge(self, one: int, other: int) -> None:
        a, b = (self._addressed()[at % len(self._addressed())] for at in (one, other))
        if a != b and (plan := self._decided(self.shop.ledger.unmerge, a, b)):
            self.world.close({self._handle(a), *plan.a.ids}, {self._handle(b), *plan.b.ids})
            gone = self.world.links.keys() - self._links("retired_at is null")
            self.world.links = {link: ends for link, ends in self.world.links.items() if link not in gone}
            self.retired |= gone
            self.apart.add(frozenset((self._handle(a), self._handle(b))))

    # ── how it is done ──
    def _addressed(self) -> list[Place]:
        """The places that colleagues can name: those of today, in the order in which they were heard from."""
        places = dict.fromkeys(place for place in self.places.values() if not place.claimed)
        return [p for p in places if self.world.place(p.channel, p.address) == p] or list(self.places.values())[:1]

    def _decided(self, decide: Callable[[Order], Coroutine[Any, Any, Plan]], a: Place, b: Place) -> Plan | None:
        names = [f"{place.channel}:{place.address}" for place in (a, b)]
        order = Order(a=names[0], b=names[1], by="kim", second="lee", at=self.shop.now)
        try:
            return self.runner.run(decide(order))
        except NotDone:
            return None

    def _evidence(self) -> partition.Evidence:
        nodes = [f"h:{handle}" for handle in self.places]
        return self.runner.run(self.shop.ledger._database.read(lambda tx: evidence_around(tx, nodes, self.shop.now)))

    def _handle(self, place: Place) -> int:
        where = (place.channel, place.address)
        [(handle,)] = self.record.execute("select max(id) from handles where channel=? and address=?", where)
        return int(handle)

    def _seat(self, person: str, channel: str, *, weak: bool = False, which: int = 0) -> Seat | None:
        """Where this person writes from on a channel, be it an address that was somebody else's before."""
        kind = {"email": "email", "sms": "phone", "voice": "phone"}.get(channel)
        held = sorted(a for a, who in self.world.holders.items() if person in who and kind == _kind(a))
        where = held[which % len(held)] if held else _fixed(person).get(channel)
        if where is None:
            return None
        return self._at(person, Place(channel, where), weak=weak)

    def _at(self, person: str, place: Place, *, weak: bool) -> Seat:
        """A person at an address that is theirs today."""
        proof = Proof.CONFIRMED if place.channel == "web" else Proof.PLAUSIBLE if weak else Proof.PROVEN
        return Seat(self.world.place(place.channel, place.address), proof, person, f"with {person}{weak}")

    def _tells(self, seat: Seat, saying: str) -> None:
        word = canary(len(self.world.words))
        reply = self._says(seat, saying.format(word), vouchers=self._vouchers(seat))
        assert word not in reply or "{}" in saying
        source = self.source
        self.world.words[word] = Word(frozenset(self.world.tokens(source)), source)

    def _vouchers(self, seat: Seat) -> tuple[Any, ...]:
        """What a login or a workspace truly says of this person."""
        held = sorted(self.world.held_by(seat.who))
        if seat.place.claimed or seat.place.channel not in {"web", "slack"}:
            return ()
        person = f"cus_{seat.who}" if seat.place.channel == "web" else None
        return tuple(voucher(f"{_kind(a)}:{a}", person) for a in held if person or "@" in a)

    def _opened(self, handle: int, seat: Seat, now: datetime) -> Opened | None:
        """What a code that was entered in this conversation still gives it."""
        opened = self.world.opened.get((handle, seat.conversation))
        return opened if opened and now - opened.since < GRANT_LIFE else None

    def _proof(self, seat: Seat) -> Proof:
        """The proof that a message has at the very best."""
        place, world = seat.place, self.world
        joined = any(place in link for link in world.links.values())
        same_number = replace(place, channel="voice"), replace(place, channel="sms"), place
        heard = any(one in world.heard for one in same_number)
        known = heard or joined or any(place.address in keys for keys in world.listed.values())
        vouched = any(place.address in (MAILBOX[p], NUMBER[p]) for p in PEOPLE)  # a login may have spoken for it
        if place.channel in {"sms", "voice"} and not place.claimed and not (known or vouched):
            return min(seat.proof, Proof.PLAUSIBLE)
        return min(seat.proof, Proof.PLAUSIBLE) if world.shared(place.address) else seat.proof

    def _says(self, seat: Seat, text: str, **more: object) -> str:
        """One turn, and the check that nothing came out of it that this seat may not hear."""
        at_best, began = self._proof(seat), self.shop.now
        mark, self.writer.given = len(self.shop.sent), set()
        address = seat.place.address.removeprefix("~").partition(" by ")[0]
        fields = {"proof": seat.proof, "conversation": seat.conversation} | more
        message = self.shop.message(seat.place.channel, address, text, **fields)
        self.runner.run(self.shop.accept(message))
        reply = self.runner.run(self.shop.answers(line_of(message)))
        handle = self._note_handle(seat)
        opened = self._opened(handle, seat, began)
        self.source = opened.source if opened else seat.place
        if REDEEMED not in reply:
            told = self.writer.given | (canaries(reply) - canaries(text))
            self._check(told, self.source, opened.proof if opened else at_best)
        elsewhere = [o.reply.text for o in self.shop.sent[mark:] if o.reply.text not in reply]
        assert not canaries(" ".join(elsewhere)), "a notice tells what was said"
        self.delivered.append((message, handle))
        self.world.heard[seat.place] = self.shop.now
        return reply

    def _check(self, heard: set[str], source: Place, proof: Proof) -> None:
        for word in heard & self.world.words.keys():
            known = self.world.words[word]
            assert self.world.may_hear(known, source, proof), f"{known} was told at {source} ({proof.name})"

    def _enters(self, seat: Seat, shown: Shown) -> None:
        source, proof = shown.seat.place, self._proof(shown.seat)
        reply = self._says(seat, shown.code)
        if REDEEMED not in reply:
            return
        assert not shown.used, "a code worked twice"
        assert self.shop.now - shown.at <= LIFE + timedelta(seconds=10), "a code worked too late"
        assert seat.place != source
        shown.used = True
        opened = Opened(source, shown.handle, proof, self.shop.now)
        self.world.opened[self._note_handle(seat), seat.conversation] = opened
        self._check(self.writer.given | canaries(reply), source, proof)
        asked = re.findall(r"answer with (\d\d)", reply)
        if asked:
            assert not self.world.shared(seat.place.address)
            assert not self.world.shared(source.address)
            assert seat.proof is not Proof.CLAIMED
            self.pairs[seat.place, seat.conversation] = (asked[0], source)

    def _note_handle(self, seat: Seat) -> int:
        address = f"~{seat.conversation}" if seat.place.claimed else seat.place.address
        where = (seat.place.channel, address)
        [(handle,)] = self.record.execute("select max(id) from handles where channel=? and address=?", where)
        assert self.places.setdefault(handle, seat.place) == seat.place, "a new owner came to an old handle"
        return int(handle)

    def _ends(self, link: int) -> set[int]:
        [ends] = self.record.execute("select a, b from links where id=?", (link,))
        return set(handles_of(frozenset(ends)))

    def _links(self, condition: str = "true") -> set[int]:
        return {row[0] for row in self.record.execute(f"select id from links where {condition}")}  # noqa: S608

    # ── what always holds ──
    @invariant()
    def nobody_is_joined_with_somebody_else(self) -> None:
        around = self._evidence()
        for handle, place in self.places.items():
            whole = partition.customer(f"h:{handle}", around)
            mine = self.world.one_with(place)
            agreed = any(link in self.world.links for link in self._links("kind = 'operators'"))
            assert agreed or len(partition.people(whole, around)) <= 1
            assert f"h:{handle}" in whole
            assert not any(pair <= handles_of(whole) for pair in self.apart), "told apart, and one again"
            for other in handles_of(whole) & self.places.keys():
                assert self.world.tokens(self.places[other]) & mine, f"{self.places[other]} is one with {place}"

    @invariant()
    def a_retired_link_stays_so(self) -> None:
        assert self.retired.isdisjoint(self._links("retired_at is null"))

    @precondition(lambda self: self.erased)
    @invariant()
    def what_was_erased_is_nowhere(self) -> None:
        deliveries = [row[0].decode() for row in self.record.execute("select body from raw_messages")]
        left = canaries("\n".join([*self.record.iterdump(), *deliveries, repr(self.shop.memory._notes)]))
        assert not left & self.erased, "an erased word is on record"
        for external_id in sorted(self._directory()):
            export = self.runner.run(self.shop.ledger.export(external_id, reader="kim", now=self.shop.now))
            assert not canaries(to_json(export)) & self.erased, "an erased word is in an export"


def _kind(address: str) -> str:
    return "email" if "@" in address else "phone" if address.startswith("+") else "slack"


def _fixed(person: str) -> dict[str, str]:
    """The addresses that never change hands."""
    return {"slack": f"T1/{person}", "discord": f"{person}42", "web": f"cus_{person}"}


def _forged(person: str, victim: str, channel: str) -> Seat:
    address = {"email": MAILBOX[victim], "voice": NUMBER[victim], "web": f"cus_{victim}"}[channel]
    conversation = f"{channel} by {person} as {victim}"
    return Seat(Place(channel, f"~{address} by {person}"), Proof.CLAIMED, person, conversation)


TestIdentity = Identity.TestCase
TestIdentity.settings = settings.get_profile("machine")
