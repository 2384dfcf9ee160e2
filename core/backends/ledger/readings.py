"""The access log: who read what of whom, and when."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta

from sqlalchemy import ColumnElement, Connection, select

from core.backends.ledger import people, whois
from core.backends.ledger.people import node_of
from core.backends.ledger.schema import access_log, cases
from core.desk import NoSuchCase
from core.merging import Side
from core.privacy import ReadingFilter, ReadingOnRecord
from identity import partition
from identity.gate import handles_of


def known_as(tx: Connection, name: str, now: datetime) -> Side:
    """The customer of an external id or channel:address. Raises NoSuchCustomer."""
    node = whois.node_named(tx, name)
    return whois.side_of(tx, node, people.evidence_around(tx, [node], now))


def name_of_case(tx: Connection, case: int, now: datetime) -> str:
    """By which name a case's customer is found: the external id, else the case's own handle. Raises NoSuchCase."""
    handle = tx.execute(select(cases.c.handle_id).where(cases.c.id == case)).scalar()
    if handle is None:
        raise NoSuchCase(f"there is no case {case}")
    persons = partition.persons(people.customer_of(tx, handle, now))
    return persons[0] if persons else whois.known(tx, node_of(handle)).name


def readings(tx: Connection, wanted: ReadingFilter, now: datetime, page: int, most: int) -> Sequence[ReadingOnRecord]:
    """A page of the log, newest first. Raises NoSuchCustomer."""
    lines = select(access_log).where(*_where(tx, wanted, now)).order_by(access_log.c.id.desc())
    rows = tx.execute(lines.limit(most).offset((page - 1) * most)).all()
    names = {handle: whois.known(tx, node_of(handle)).name for handle in {row.handle_id for row in rows}}
    return [
        ReadingOnRecord(
            at=row.at,
            reader=row.reader,
            purpose=row.purpose,
            handle=row.handle_id,
            whom="" if ":~erased " in names[row.handle_id] else names[row.handle_id],
            rows=row.rows,
        )
        for row in rows
    ]


def readers(tx: Connection, wanted: ReadingFilter, now: datetime) -> Sequence[str]:
    """Everybody whom these lines name as reader, by name."""
    named = select(access_log.c.reader).where(*_where(tx, wanted, now)).distinct().order_by(access_log.c.reader)
    return tx.execute(named).scalars().all()


def _where(tx: Connection, wanted: ReadingFilter, now: datetime) -> Iterator[ColumnElement[bool]]:
    if wanted.customer:
        node = whois.node_named(tx, wanted.customer)
        nodes = partition.customer(node, people.evidence_around(tx, [node], now))
        yield access_log.c.handle_id.in_(handles_of(nodes))
    if wanted.reader:
        yield access_log.c.reader == wanted.reader
    if wanted.day:
        begins = datetime.combine(wanted.day, time(), UTC)
        yield access_log.c.at >= begins
        yield access_log.c.at < begins + timedelta(days=1)
