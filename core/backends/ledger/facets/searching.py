"""Searching: see core/searching.py."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection, Table

from core.backends.ledger import searching
from core.backends.ledger.facets.base import OnDatabase
from core.backends.ledger.people import node_of
from core.backends.ledger.schema import cases, handles, messages, outbox
from core.backends.ledger.searching import AT_ONCE, FARTHEST, Said
from core.queueing import Queued
from core.searching import MOST, Found, FoundCustomer, FoundLine, Sought

T = TypeVar("T")
Look = Callable[[Connection, Sought, int], Sequence[T]]


class ForSearch(OnDatabase):
    """Searching: see core/searching.py. Every read is short, so that turns get in between."""

    async def search(self, sought: Sought, *, now: datetime) -> Found:
        heard, all_heard = await self._matching(messages, searching.heard, sought)
        told, all_told = await self._matching(outbox, searching.told, sought)
        return Found(
            customers=await self._customers(sought, now),
            cases=await self._cases(sought, now),
            lines=await self._lines([*heard, *told], sought, now),
            all_of_it=all_heard and all_told,
        )

    async def _matching(self, table: Table, look: Look[T], sought: Sought) -> tuple[list[T], bool]:
        """The newest that match, and whether all rows were looked through if need was."""
        top = await self._database.read(partial(searching.newest, table=table))
        lowest, found = max(top - FARTHEST, 0), list[T]()
        while top > lowest and len(found) < 2 * MOST:
            found += await self._database.read(partial(_looked, look, sought, top))
            top -= AT_ONCE
        return found, lowest == 0 or len(found) >= MOST

    async def _lines(self, found: Sequence[Said], sought: Sought, now: datetime) -> list[FoundLine]:
        lines: list[FoundLine] = []
        for said in sorted(found, key=lambda said: said.told_at, reverse=True):
            line = await self._database.read(partial(searching.line, said=said, sought=sought, now=now))
            lines += [line] if line else []
            if len(lines) == MOST:
                break
        return lines

    async def _cases(self, sought: Sought, now: datetime) -> list[Queued]:
        found, _ = await self._matching(cases, searching.issues, sought)
        numbers = dict.fromkeys([*([sought.number] if sought.number else []), *found])
        shown = [
            await self._database.read(partial(searching.matter, number=number, sought=sought, now=now))
            for number in list(numbers)[: 2 * MOST]
        ]
        return [one for one in shown if one][:MOST]

    async def _customers(self, sought: Sought, now: datetime) -> list[FoundCustomer]:
        handled, _ = await self._matching(handles, searching.called_so, sought)
        nodes = [*await self._listed(sought), *map(node_of, handled)]
        found: dict[int, FoundCustomer] = {}
        for node in nodes:
            one = await self._database.read(partial(searching.customer, node=node, now=now))
            if one is not None:
                found.setdefault(one.newest.case.id, one)
            if len(found) == MOST:
                break
        return list(found.values())

    async def _listed(self, sought: Sought) -> list[str]:
        """People in the directory."""
        found: list[str] = []
        last = ""
        for _ in range(FARTHEST // AT_ONCE):
            some, last = await self._database.read(partial(searching.listed_so, sought=sought, after=last))
            found += [f"d:{person}" for person in some]
            if not last or len(found) >= 2 * MOST:
                break
        return found


def _looked(look: Look[T], sought: Sought, top: int, tx: Connection) -> Sequence[T]:
    return look(tx, sought, top)
