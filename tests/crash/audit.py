"""What stands on record after a scene, beside what its provider has."""

import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from core.backends.ledger.database import open_database
from core.backends.ledger.schema import action_runs, cases, facts, messages, outbox


@dataclass(frozen=True, kw_only=True)
class Outside:
    """What the provider has: the words of each message of ours, as often as its customer got them; the external ids of
    what customers said, None where they are not known; requests that the company got, by their id."""

    got: Sequence[str]
    said: int | None
    asked: Sequence[str] = ()
    as_heard: Callable[[str], str] = str  # how the words of a reply arrive there


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What is on record."""

    said: int  # messages
    unanswered: int
    replies: Sequence[tuple[str, str, bool, str]]  # words, state, flagged, error
    facts: Counter[tuple[Any, ...]]
    runs: Sequence[tuple[str, str]]  # action, state
    cases: Sequence[str]  # how each stands
    memory: Counter[str] = field(default_factory=Counter)  # in the end

    @property
    def told(self) -> Counter[str]:
        """The facts as memory words them."""
        return Counter(f"{slot}: {value}" for *_, slot, value in self.facts.elements())


@dataclass(kw_only=True)
class Verdict:
    """What one kill did. Anything in `problems` is a promise that was broken."""

    lost: int = 0
    duplicates: int = 0  # silent ones
    flagged: int = 0  # copies that are flagged, and actions and replies that staff are told of
    problems: list[str] = field(default_factory=list)

    def told(self) -> Mapping[str, Any]:
        """As JSON."""
        return asdict(self)


def remembered(file: Path) -> Counter[str]:
    """The rows of a memory as it stands, without their numbers and times: facts as `slot: value`."""
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as memory:
        rows = memory.execute("SELECT content FROM memories WHERE is_deprecated = 0").fetchall()
        return Counter(str(content).partition("\n")[0] for (content,) in rows)
    return Counter()  # it is not there yet


async def kept(address: str) -> Kept:
    """Reads the record."""
    database = open_database(address)
    try:
        return await database.read(_read)
    finally:
        await database.close()


def _read(tx: Connection) -> Kept:
    said = tx.execute(select(messages.c.state)).scalars().all()
    rows = tx.execute(select(outbox).order_by(outbox.c.id)).all()
    current = select(facts.c.handle_id, facts.c.case_id, facts.c.slot, facts.c.value)
    runs = tx.execute(select(action_runs.c.action, action_runs.c.state)).all()
    return Kept(
        said=len(said),
        unanswered=sum(state in ("waiting", "unchecked") for state in said),
        replies=[(row.reply["text"], row.state, row.maybe_twice, row.error) for row in rows],
        facts=Counter(tuple(row) for row in tx.execute(current.where(facts.c.superseded_at.is_(None)))),
        runs=[(run.action, run.state) for run in runs],
        cases=tx.execute(select(cases.c.status).order_by(cases.c.id)).scalars().all(),
    )


def key(text: str) -> str:
    """What is left of a text on every channel."""
    return re.sub(r"\W+", "", text).lower()


def weigh(outside: Outside, inside: Kept, usual: Kept | None) -> Verdict:
    """Compares what is outside with what is inside, and that with what a scene leaves in which nobody died."""
    verdict = Verdict()
    said = inside.said if outside.said is None else outside.said
    if inside.said != said or inside.unanswered:
        verdict.lost += max(said - inside.said, 0) + inside.unanswered
        verdict.problems.append(f"{said} messages were said, {inside.said} are on record")
    _weigh_replies(outside, inside, verdict)
    for what, count in inside.facts.items():
        if count > 1:
            verdict.problems.append(f"a fact stands {count} times: {what}")
    if usual and len(inside.cases) > len(usual.cases):  # mails that were taken up together may make one of two
        verdict.problems.append(f"cases are {inside.cases}, and would be {usual.cases}")
    if usual and (gone := {what[2] for what in usual.facts} - {what[2] for what in inside.facts}):
        verdict.lost += not any(state == "unknown" for _, state in inside.runs)
        verdict.problems += [f"what was told of {gone} is not on record"] * verdict.lost
    for one, count in Counter(outside.asked).items():
        if count > 1:
            verdict.problems.append(f"the company was asked {count} times with the key {one}")
    if len(set(outside.asked)) > len(inside.runs):
        verdict.problems.append(f"the company was asked for {len(set(outside.asked))}, on record are {inside.runs}")
    verdict.flagged += sum(state == "unknown" for _, state in inside.runs)
    return verdict


def _weigh_replies(outside: Outside, inside: Kept, verdict: Verdict) -> None:
    got = Counter(key(text) for text in outside.got)
    heard = [(key(outside.as_heard(text)), state, flagged) for text, state, flagged, _ in inside.replies]
    for words in {words for words, *_ in heard}:
        rows = [row for row in heard if row[0] == words]
        sent, flagged = sum(row[1] == "sent" for row in rows), sum(row[2] for row in rows)
        told = sum(row[1] == "parked" for row in rows)  # staff are told
        copies = got.pop(words, 0) - sent - min(told, max(got[words] - sent, 0))
        verdict.flagged += min(max(copies, 0), flagged) + told
        if copies > flagged:
            verdict.duplicates += copies - flagged
            verdict.problems.append(f"silently {copies - flagged} more of: {words[:60]}")
        if copies < 0:
            verdict.lost -= copies
            verdict.problems.append(f"on record as sent, and nobody got: {words[:60]}")
    for words, count in got.items():
        verdict.duplicates += count
        verdict.problems.append(f"{count} times sent, and nowhere on record: {words[:60]}")
