"""The process is killed at the boundaries of a turn, and nothing is lost nor silently doubled. All points and channels,
on both databases: `make crash`."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.crash.audit import Kept, Outside, weigh
from tests.crash.house import Fuse, Template, template
from tests.crash.kills import Kill, kill
from tests.crash.matrix import table
from tests.crash.nursery import Nursery, nursery
from tests.crash.points import boundaries
from tests.crash.several import several

pytestmark = pytest.mark.slow

AT_ONCE = 3
BOUNDARIES = (
    "ledger.accept before", "ledger.accept within", "ledger.accept after", "ledger.checked within",
    "ledger.open_turn within", "ledger.open_turn after", "ledger.recall after", "writer.answer before",
    "writer.answer after", "ledger.settle within", "ledger.settle after", "delivery.post after", "ledger.claim within",
    "ledger.claim after", "slack.send before", "slack.send after", "ledger.part_sent within", "ledger.part_sent after",
    "memory.remember before", "memory.remember after", "engine.learn after",
)  # fmt: skip
OF_A_CODE = [Fuse(f"ledger.settle {when}", which) for which in (1, 2, 3) for when in ("within", "after")]
ON_POSTGRES = ("ledger.accept after", "ledger.settle within", "slack.send after", "ledger.part_sent within")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened() -> AsyncIterator[Nursery]:
    async with nursery() as one:
        yield one


async def killed(nursery: Nursery, start: Template, scene: str, *fuses: Fuse) -> list[Kill]:
    room = asyncio.Semaphore(AT_ONCE)

    async def one(fuse: Fuse) -> Kill:
        async with room:
            return await kill(nursery, start, scene, fuse)

    return await asyncio.gather(*(one(fuse) for fuse in fuses))


@pytest.mark.timeout(120)
@pytest.mark.asyncio(loop_scope="module")
async def test_at_every_boundary_on_sqlite(opened: Nursery, tmp_path: Path) -> None:
    kills = await killed(
        opened, await template(opened, tmp_path / "t", postgres=False), "slack", *map(Fuse, BOUNDARIES)
    )
    assert [one.fuses[0].point for one in kills if not one.reached] == []
    assert [one.verdict.problems for one in kills if one.verdict.problems] == [], table("sqlite", kills)
    assert sum(one.verdict.flagged for one in kills) == 0, "Slack can be asked: nothing stays in doubt"


@pytest.mark.timeout(120)
@pytest.mark.asyncio(loop_scope="module")
async def test_on_postgres(opened: Nursery, tmp_path: Path) -> None:
    kills = await killed(
        opened, await template(opened, tmp_path / "t", postgres=True), "slack", *map(Fuse, ON_POSTGRES)
    )
    assert all(one.reached for one in kills)
    assert [one.verdict.problems for one in kills if one.verdict.problems] == [], table("postgres", kills)


@pytest.mark.timeout(120)
@pytest.mark.asyncio(loop_scope="module")
async def test_two_workers_that_die_never_answer_a_customer_at_the_same_time(opened: Nursery, tmp_path: Path) -> None:
    start = await template(opened, tmp_path / "t", postgres=True)
    done = await several(opened, start, customers=6, points=("writer.answer after", "sms.send after"))
    assert not done.problems, done.problems
    assert (done.kills, done.overlaps, done.lost, done.duplicates) == (2, 0, 0, 0)


@pytest.mark.timeout(120)
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("postgres", [False, True], ids=["sqlite", "postgres"])
async def test_what_memory_did_not_learn_it_learns_by_itself(opened: Nursery, tmp_path: Path, postgres: bool) -> None:
    start = await template(opened, tmp_path / "t", postgres=postgres)
    usual = (await kill(opened, start, "slack", remembers=True)).kept
    assert usual
    assert usual.memory.total() > 0
    for point in ("ledger.settle after", "memory.remember before"):
        one = await kill(opened, start, "slack", Fuse(point), usual=usual, remembers=True)
        assert (one.reached, one.verdict.problems) == (True, [])


@pytest.mark.timeout(120)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_code_opens_once_whenever_the_process_dies(opened: Nursery, tmp_path: Path) -> None:
    start = await template(opened, tmp_path / "t", postgres=False)
    kills = await killed(opened, start, "link", *OF_A_CODE)
    assert all(one.reached for one in kills)
    assert [one.verdict.problems for one in kills if one.verdict.problems] == [], table("sqlite", kills)


def test_a_method_of_a_port_is_a_point_by_itself() -> None:
    names = {boundary.name for boundary in boundaries()}
    assert {"ledger.settle", "memory.remember", "writer.answer", "carrier.carry_out", "voice.send"} <= names


def test_what_is_lost_and_what_is_doubled_is_seen() -> None:
    """A harness that sees nothing would always be content."""
    said = Kept(said=1, unanswered=0, replies=[("Hi.", "sent", False, "")], facts=Counter(), runs=[], cases=[])
    assert not weigh(Outside(got=["Hi."], said=1), said, None).problems
    assert weigh(Outside(got=["Hi.", "*Hi*"], said=1), said, None).duplicates == 1
    assert weigh(Outside(got=[], said=1), said, None).lost == 1
    assert weigh(Outside(got=["Hi."], said=2), said, None).lost == 1
    assert weigh(Outside(got=["Hi.", "Who?"], said=1), said, None).duplicates == 1
    in_doubt = Kept(said=1, unanswered=0, replies=[("Hi.", "sent", True, "")], facts=Counter(), runs=[], cases=[])
    twice = weigh(Outside(got=["Hi.", "Hi."], said=1), in_doubt, None)
    assert (twice.duplicates, twice.flagged) == (0, 1)
