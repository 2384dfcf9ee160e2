"""What a permit may read. Every query here names the permit's handles; nothing else is reachable."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Table,
    bindparam,
    cast,
    func,
    literal,
    literal_column,
    select,
    union_all,
)

from core.backends.ledger.dialects import handed_in, listed
from core.backends.ledger.prepared import Prepared, at_once
from core.backends.ledger.schema import cases, directory, facts, handles, messages, outbox
from core.history import Tally
from core.memory import Hit, Note
from core.record import Case, Fact, Profile, Rows, Utterance
from core.writing import Spoken
from identity.gate import Permit
from identity.proof import Proof

_CASES = 12
_LATELY_CLOSED = 3
_FACTS = 200
_LINES = 12


# Statements of a turn are built once: building one takes as long as running it.
_PERMITTED = listed("handles")
_OPEN: list[ColumnElement[str]] = [literal_column("'open'"), literal_column("'handed_off'")]
_OPEN_CASES = Prepared(
    select(cases)
    .where(cases.c.handle_id.in_(_PERMITTED), cases.c.status.in_(_OPEN))
    .order_by(cases.c.updated_at.desc(), cases.c.id.desc())
    .limit(_CASES)
)
_CLOSED_CASES = Prepared(
    select(cases)
    .where(
        cases.c.handle_id.in_(_PERMITTED),
        cases.c.status == "resolved",
        cases.c.resolved_at > bindparam("after", type_=cases.c.resolved_at.type),
    )
    .order_by(cases.c.resolved_at.desc(), cases.c.id.desc())
    .limit(_LATELY_CLOSED)
)
OF_A_FACT = ("id", "handle_id", "case_id", "slot", "value", "proof", "told_at", "message_id")
_FACTS_HERE = (
    select(*(facts.c[name] for name in OF_A_FACT))
    .where(facts.c.handle_id.in_(_PERMITTED), facts.c.superseded_at.is_(None))
    .order_by(facts.c.told_at.desc(), facts.c.id.desc())
    .limit(_FACTS)
)
_OF_THE_PERSON = Prepared(_FACTS_HERE.where(facts.c.case_id.is_(None)))
_OF_CASES = Prepared(_FACTS_HERE.where(facts.c.case_id.in_(listed("cases"))))
# Of each handle the newest, from the end of its index: sorting the rows of all handles would read every one of them.
_EACH = handed_in("handles")


def _newest(table: Table, at: str, *columns: str, limit: int, **only: str) -> Prepared:
    own = table.alias()
    where = [
        own.c.handle_id == cast(_EACH.c.value, BigInteger),
        own.c[at].is_not(None),
        *(own.c[name] == only[name] for name in only),
    ]
    ids = select(own.c.id).where(*where).order_by(own.c[at].desc(), own.c.id.desc()).limit(limit)
    newest = select(*(table.c[name] for name in columns)).join(_EACH, table.c.id.in_(ids))
    return Prepared(newest.order_by(table.c[at].desc(), table.c.id.desc()).limit(limit))


_HEARD = _newest(messages, "told_at", "handle_id", "told_at", "text", "channel", limit=_LINES, state="answered")
_TOLD = _newest(
    outbox, "created_at", "handle_id", "created_at", "drawn_from", "sender", "text", "channel", limit=_LINES
)
_LAST_CLOSED = _newest(cases, "resolved_at", *cases.c.keys(), limit=1, status="resolved")
# Both are answered by an index alone. The words stand as they do in the index, or it is not used.
_TALLIES = Prepared(
    union_all(
        select(facts.c.handle_id, facts.c.value.label("kind"), func.count().label("cases"))
        .where(
            facts.c.handle_id.in_(_PERMITTED),
            facts.c.slot == literal_column("'category'"),
            facts.c.superseded_at.is_(None),
        )
        .group_by(facts.c.handle_id, facts.c.value),
        select(cases.c.handle_id, literal(""), func.count())
        .where(cases.c.handle_id.in_(_PERMITTED), cases.c.status == "resolved")
        .group_by(cases.c.handle_id),
    )
)
_TELLING = ("issue", "tried", "done")
_CLOSED_AMONG = Prepared(select(cases).where(cases.c.id.in_(listed("cases")), cases.c.status == "resolved"))
_TOLD_IN = Prepared(
    select(facts.c.case_id, facts.c.slot, facts.c.value)
    .join(cases, cases.c.id == facts.c.case_id)
    .where(
        cases.c.id.in_(listed("cases")),
        facts.c.handle_id == cases.c.handle_id,
        facts.c.superseded_at.is_(None),
        facts.c.slot.in_(_TELLING),
    )
    .order_by(facts.c.id)
)
_CASES_OF_FACTS = Prepared(
    select(facts.c.id, facts.c.case_id).where(facts.c.id.in_(listed("facts")), facts.c.case_id.is_not(None))
)
_SPOKEN = Prepared(
    select(handles.c.language)
    .where(handles.c.id.in_(_PERMITTED), handles.c.language != literal_column("''"))
    .order_by(handles.c.answered_at.desc().nulls_last())
    .limit(1)
)
_PERSON = Prepared(select(directory).where(directory.c.external_id == bindparam("person")))


def rows(tx: Connection, permit: Permit, closed_after: datetime | None = None) -> Rows:
    """The current rows on a permit's handles, newest first, and the person's profile."""
    permitted = {"handles": sorted(permit.handles)}
    with at_once(tx):
        opened, ended = _OPEN_CASES.ask(tx, **permitted), _LAST_CLOSED.ask(tx, **permitted)
        lately = _CLOSED_CASES.ask(tx, **permitted, after=closed_after) if closed_after else list
        of_person, spoken = _OF_THE_PERSON.ask(tx, **permitted), _SPOKEN.ask(tx, **permitted)
        heard, told = _HEARD.ask(tx, **permitted), _TOLD.ask(tx, **permitted)
        tallied = _TALLIES.ask(tx, **permitted)
        person = _PERSON.ask(tx, person=permit.person) if permit.person else list
    known, closed = (permit.admit(map(case_of, found())) for found in (opened, lately))
    last = _last(permit, ended())
    of_cases = _OF_CASES.all(tx, **permitted, cases=[case.id for case in (*known, *closed, *filter(None, [last]))])
    found = map(fact_of, (*of_person(), *of_cases))
    return Rows(
        cases=known,
        closed=closed,
        facts=permit.admit(sorted(found, key=lambda fact: (fact.told_at, fact.id), reverse=True)),
        said=permit.admit(_said(heard(), told())),
        profile=next(map(_profile_of, person()), None),
        tallies=_tallies(permit, tallied()),
        last_closed=last,
        language=next((row.language for row in spoken()), ""),
    )


def tallies(tx: Connection, permit: Permit) -> list[Tally]:
    """How many cases of which kind there were on a permit's handles."""
    return _tallies(permit, _TALLIES.all(tx, handles=sorted(permit.handles)))


def _tallies(permit: Permit, counted: Sequence[Row[Any]]) -> list[Tally]:
    return permit.admit([Tally(handle=row.handle_id, kind=row.kind, cases=row.cases) for row in counted])


def last_closed(tx: Connection, permit: Permit) -> Case | None:
    """The case that was closed last, whenever that was."""
    return _last(permit, _LAST_CLOSED.all(tx, handles=sorted(permit.handles)))


def _last(permit: Permit, closed: Sequence[Row[Any]]) -> Case | None:
    return next(iter(permit.admit(map(case_of, closed))), None)


def case_of(row: Row[Any]) -> Case:
    """The case of a row."""
    return Case(
        id=row.id,
        handle=row.handle_id,
        status=row.status,
        told_at=row.opened_at,
        updated_at=row.updated_at,
        last_handle=row.last_handle_id,
        last_channel=row.last_channel,
        contacts=row.contacts,
        reason=row.reason,
        handed_off_at=row.handed_off_at,
        assignee=row.assignee,
        taken_at=row.taken_at,
        snoozed_until=row.snoozed_until,
        resolution=row.resolution,
        resolved_at=row.resolved_at,
        rating_asked_at=row.rating_asked_at,
        satisfaction=row.satisfaction,
    )


def fact_of(row: Row[Any]) -> Fact:
    """The fact of a row."""
    return Fact(
        id=row.id,
        handle=row.handle_id,
        case=row.case_id,
        slot=row.slot,
        value=row.value,
        proof=Proof(row.proof),
        told_at=row.told_at,
        message=row.message_id,
    )


def note_of(row: Row[Any]) -> Note:
    """A fact as memory keeps it."""
    text = f"{row.slot}: {row.value}"
    return Note(handle=row.handle_id, kind="fact", row=row.id, text=text, told_at=row.told_at)


def _said(heard: Sequence[Row[Any]], told: Sequence[Row[Any]]) -> list[Utterance]:
    lines = [
        Utterance(
            handle=row.handle_id,
            told_at=row.told_at,
            drawn_from=frozenset((row.handle_id,)),
            spoken=Spoken(sender="customer", text=row.text, channel=row.channel, at=row.told_at),
        )
        for row in heard
        if row.text
    ]
    lines += [
        Utterance(
            handle=row.handle_id,
            told_at=row.created_at,
            drawn_from=frozenset(row.drawn_from),
            spoken=Spoken(sender=row.sender, text=row.text, channel=row.channel, at=row.created_at),
        )
        for row in told
    ]
    ours_last = sorted(lines, key=lambda line: (line.told_at, line.spoken.sender != "customer"), reverse=True)
    return ours_last[:_LINES]


def episodes(tx: Connection, permit: Permit, hits: Sequence[Hit]) -> list[str]:
    """One line for each closed case that memory points at and the permit admits."""
    ids = list(dict.fromkeys(_cases_of(tx, hits)))
    found = {case.id: case for case in permit.admit(map(case_of, _CLOSED_AMONG.all(tx, cases=ids)))}
    told = _told_in(tx, found.values())
    return [_line(found[case], told[case]) for case in ids if case in found]


def _cases_of(tx: Connection, hits: Sequence[Hit]) -> Iterator[int]:
    """The cases of hits, in their order: of a fact, the case that it was told in."""
    told = [hit.row for hit in hits if hit.kind == "fact"]
    of_fact = {row.id: row.case_id for row in _CASES_OF_FACTS.all(tx, facts=told)} if told else {}
    for hit in hits:
        if hit.kind == "case":
            yield hit.row
        elif hit.row in of_fact:
            yield of_fact[hit.row]


def summary(tx: Connection, case: Case) -> str:
    """A closed case in one line: when, what, what was tried and done, and how it ended."""
    return summaries(tx, [case])[case.id]


def summaries(tx: Connection, found: Collection[Case]) -> Mapping[int, str]:
    """Cases in one line each."""
    told = _told_in(tx, found)
    return {case.id: _line(case, told[case.id]) for case in found}


def _told_in(tx: Connection, found: Collection[Case]) -> Mapping[int, Sequence[tuple[str, str]]]:
    """The slots and values that were told in cases, each on its case's own handle, oldest first."""
    told: dict[int, list[tuple[str, str]]] = {case.id: [] for case in found}
    for row in _TOLD_IN.all(tx, cases=list(told)) if told else ():
        told[row.case_id].append((row.slot, row.value))
    return told


def _line(case: Case, told: Sequence[tuple[str, str]]) -> str:
    values = {slot: [value for name, value in told if name == slot] for slot in _TELLING}
    issue = next(iter(values["issue"]), "an issue").rstrip(".")
    more = [f"{slot.capitalize()}: {'; '.join(values[slot])}." for slot in ("tried", "done") if values[slot]]
    ended = [f"Resolved: {case.resolution}"] if case.resolution else []
    return " ".join([f"{case.told_at:%Y-%m-%d}: {issue}.", *more, *ended])


def profile(tx: Connection, external_id: str) -> Profile | None:
    """A person as the directory knows them."""
    return next(map(_profile_of, _PERSON.all(tx, person=external_id)), None)


def _profile_of(row: Row[Any]) -> Profile:
    return Profile(
        external_id=row.external_id,
        name=row.name,
        plan=row.plan,
        value=row.value,
        since=row.since,
        language=row.language,
        email=row.email,
        phone=row.phone,
    )


def case_note(tx: Connection, case_id: int) -> Note:
    """A closed case as memory keeps it."""
    case = case_of(tx.execute(select(cases).where(cases.c.id == case_id)).one())
    return Note(handle=case.handle, kind="case", row=case.id, text=summary(tx, case), told_at=case.updated_at)


def fact_notes(tx: Connection, case_id: int) -> list[Note]:
    """The current facts of a case, on its own handle, as memory keeps them while it is open.

    Once it is closed, `case_note` stands for them; what was told on another handle stays, since it may part from it.
    """
    own = facts.c.case_id == case_id, facts.c.superseded_at.is_(None), facts.c.handle_id == cases.c.handle_id
    query = select(facts).join(cases, cases.c.id == facts.c.case_id).where(*own).order_by(facts.c.id)
    return [note_of(row) for row in tx.execute(query)]


def closed_cases(tx: Connection) -> list[Note]:
    """Every closed case, as memory keeps it."""
    ids = tx.execute(select(cases.c.id).where(cases.c.status == "resolved").order_by(cases.c.id)).scalars().all()
    return [case_note(tx, case_id) for case_id in ids]


def notes_after(tx: Connection, last: int, limit: int) -> list[Note]:
    """The next current facts after a row, but for those that a closed case's summary stands for."""
    stood_for = (
        select(cases.c.id)
        .where(cases.c.id == facts.c.case_id, cases.c.handle_id == facts.c.handle_id, cases.c.status == "resolved")
        .exists()
    )
    kept = facts.c.id > last, facts.c.superseded_at.is_(None), ~stood_for
    return [note_of(row) for row in tx.execute(select(facts).where(*kept).order_by(facts.c.id).limit(limit))]
