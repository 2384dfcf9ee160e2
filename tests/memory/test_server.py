"""Server mode: that every defect of the real server is worked around, that nothing of a customer is left in its
database when they are forgotten, and that what cannot be done is said in one line and never claimed."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import cache

import httpx
import psycopg
import pytest

from core.backends import aegis_server as aegis_server_memory
from core.backends.aegis_calls import Away, Calls
from core.backends.aegis_client import LIVE_ROWS
from core.backends.aegis_server import AegisServerMemory
from core.backends.embedding import WordLlamaEmbedder
from core.errors import Problem
from core.memory import CannotErase
from tests.memory.contract import ANN, BOB, CHARGE, KETTLE, MONDAY, lesson, note, rows, vote
from tests.twins.aegis_server import KEY, SECRET, AegisServerTwin, aegis_server

PLANTED = "Quennelwhistle"

wordllama = cache(WordLlamaEmbedder)


@pytest.fixture
async def twin() -> AsyncIterator[AegisServerTwin]:
    async with aegis_server() as server:
        yield server


def connected(twin: AegisServerTwin, *, database: bool = True, patience: float = 30.0) -> AegisServerMemory:
    calls = Calls(twin.url, KEY, patience=patience)
    url = twin.database_url if database else ""
    return AegisServerMemory(twin.url, KEY, database_url=url, embedder=wordllama, calls=calls)


@pytest.fixture
async def memory(twin: AegisServerTwin) -> AsyncIterator[AegisServerMemory]:
    opened = connected(twin)
    yield opened
    await opened.close()


@pytest.fixture
async def blind(twin: AegisServerTwin) -> AsyncIterator[AegisServerMemory]:
    """A memory that does not know the server's database."""
    opened = connected(twin, database=False)
    yield opened
    await opened.close()


async def sql(twin: AegisServerTwin, query: str) -> list[tuple[object, ...]]:
    async with await psycopg.AsyncConnection.connect(twin.database_url, autocommit=True) as db:
        done = await db.execute(query)
        return await done.fetchall() if done.description else []


async def test_the_twin_has_the_defects_of_the_real_one(twin: AegisServerTwin) -> None:
    body = {"content": CHARGE, "namespace": "n", "agent_id": "a", "user_id": "u"}
    async with httpx.AsyncClient(base_url=twin.url, headers={"Authorization": f"Bearer {KEY}"}) as client:
        first = (await client.post("/memories/add", json=body)).json()["id"]
        patch = [{"type": "update", "memory_id": first, "metadata_patch": {"a": 1}}]
        assert (await client.post("/memories/ace/delta", json={"operations": patch})).json()["results"][0]["success"]
        assert (await client.get(f"/memories/{first}")).json()["metadata"] == {}
        drop = [{"type": "deprecate", "memory_id": first}]
        await client.post("/memories/ace/delta", json={"operations": drop})
        assert (await client.post("/memories/add", json=body)).json()["id"] == first, "the dead row"
        for method, path in (("DELETE", f"/memories/{first}"), ("POST", "/memories/ace/playbook")):
            assert (await client.request(method, path)).status_code == 500
            with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
                await client.get(f"/memories/{first}")
        for wrong in ({"top_k": 101, "min_score": 0}, {"top_k": 9, "min_score": -1}):
            assert (await client.post("/memories/query", json={"query": "?", **body, **wrong})).status_code == 422


async def test_no_question_of_a_customer_gets_to_the_server(twin: AegisServerTwin, memory: AegisServerMemory) -> None:
    await memory.remember([note(CHARGE)])
    await memory.learn(lesson(1, CHARGE))
    assert await memory.recall([ANN], f"{PLANTED} was charged", limit=9)
    assert await memory.suggest(f"{PLANTED} was charged", None, limit=9)
    assert PLANTED not in str(twin.asked)
    assert PLANTED not in await twin.kept()


async def test_a_note_in_words_that_sound_public_stays_private(
    twin: AegisServerTwin, memory: AegisServerMemory
) -> None:
    await memory.remember([note("The system shows my company account locked for the whole team")])
    await memory.learn(lesson(1, "a private personal draft of a reminder"))
    assert await sql(twin, "SELECT namespace, user_id, agent_id, scope FROM memories ORDER BY namespace") == [
        ("throughline:handle:1", "throughline:handle:1", "throughline:handle:1", "agent-private"),
        ("throughline:playbook:1", "throughline:playbook:1", "support", "global"),
    ]


@pytest.mark.parametrize("database", [True, False])
async def test_what_was_taken_back_can_be_told_again(twin: AegisServerTwin, database: bool) -> None:
    memory = connected(twin, database=database)
    for _ in range(2):
        await memory.remember([note(CHARGE)])
        assert rows(await memory.recall([ANN], CHARGE, limit=9)) == [(ANN, "fact", 1)]
        await memory.retract([note(CHARGE)])
        assert not await memory.recall([ANN], CHARGE, limit=9)
    await memory.close()


async def test_what_is_told_again_in_the_same_words_is_not_added(
    twin: AegisServerTwin, memory: AegisServerMemory
) -> None:
    for _ in range(3):
        await memory.remember([note(CHARGE)])
        await memory.learn(lesson(1, CHARGE))
    assert await sql(twin, "SELECT count(*) FROM memories") == [(2,)]


async def test_what_was_replaced_leaves_the_server(twin: AegisServerTwin, memory: AegisServerMemory) -> None:
    await memory.remember([note(f"{PLANTED} lives near the harbour")])
    await memory.remember([note("moved to the mountains")])
    await memory.learn(lesson(1, f"{PLANTED} patterns"))
    await memory.learn(lesson(1, "worded anew"))
    await memory.unlearn([1])
    assert PLANTED not in await twin.kept()
    assert await sql(twin, "SELECT count(*) FROM memories") == [(1,)]


async def test_a_handle_keeps_its_newest_rows(memory: AegisServerMemory, twin: AegisServerTwin) -> None:
    days = range(LIVE_ROWS + 20)
    notes = [note(f"visit number {day}", row=day + 1, at=MONDAY + timedelta(days=day)) for day in days]
    await memory.remember(notes[: LIVE_ROWS - 5])
    await memory.remember([note(CHARGE, handle=BOB), *reversed(notes[LIVE_ROWS - 5 :])])
    kept = {hit.row for hit in await memory.recall([ANN], "visit number", limit=999)}
    assert kept == set(range(21, LIVE_ROWS + 21))
    assert await memory.size() == LIVE_ROWS + 1


async def test_rows_that_two_processes_told_at_once_are_one(twin: AegisServerTwin, memory: AegisServerMemory) -> None:
    other = connected(twin)
    twin.trouble = "hangs"
    telling = [asyncio.create_task(one.remember([note(CHARGE)])) for one in (memory, other)]
    await twin.hanging.wait()
    twin.trouble = ""
    twin.released.set()
    await asyncio.gather(*telling)
    assert rows(await memory.recall([ANN], CHARGE, limit=9)) == [(ANN, "fact", 1)]
    await other.close()


async def test_a_large_playbook_is_offered_whole(memory: AegisServerMemory) -> None:
    many = range(1, 161)
    for row in many:
        await memory.learn(lesson(row, f"error KX-{row} on the terminal", category="fault"))
    for row in (1, 99, 160):
        assert (await memory.suggest(f"it shows KX-{row}", "fault", limit=1))[0].row == row


async def test_whoever_stops_waiting_does_not_stop_the_playbook(
    twin: AegisServerTwin, memory: AegisServerMemory
) -> None:
    await memory.learn(lesson(1, CHARGE))
    before = len(twin.asked)
    twin.trouble = "hangs"
    asking = asyncio.create_task(memory.suggest(CHARGE, None, limit=1))
    await twin.hanging.wait()
    asking.cancel()
    await asyncio.wait([asking])
    twin.trouble = ""
    twin.released.set()
    assert await memory.suggest(CHARGE, None, limit=1)
    assert len(twin.asked) == before + 8, "each part was asked for once"


async def test_a_playbook_that_grows_old_is_used_until_there_is_a_newer(
    twin: AegisServerTwin, memory: AegisServerMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aegis_server_memory, "_FRESH", -1.0)
    await memory.learn(lesson(1, CHARGE))
    assert [hit.row for hit in await memory.suggest(CHARGE, None, limit=9)] == [1]
    other = connected(twin)
    await other.learn(lesson(2, CHARGE, resolution="another way"))
    await other.close()
    twin.trouble = "hangs"
    assert [hit.row for hit in await memory.suggest(CHARGE, None, limit=9)] == [1]
    await twin.hanging.wait()
    twin.trouble = ""
    twin.released.set()
    async with asyncio.timeout(30):
        while len(await memory.suggest(CHARGE, None, limit=9)) < 2:
            pass


async def test_after_a_500_the_next_call_gets_through(twin: AegisServerTwin, memory: AegisServerMemory) -> None:
    await memory.remember([note(CHARGE)])
    twin.trouble = "fails"
    with pytest.raises(Away, match=r"failed \(500\)"):
        await memory.recall([ANN], CHARGE, limit=1)
    twin.trouble = ""
    assert await memory.recall([ANN], CHARGE, limit=1)


async def test_a_busy_server_is_left_alone_for_as_long_as_it_asks(
    twin: AegisServerTwin, memory: AegisServerMemory
) -> None:
    await memory.recall([ANN], CHARGE, limit=1)
    twin.a_minute = 1
    with pytest.raises(
        Away, match=r"takes no more requests for \d+ s \(429\); raise its RATE_LIMIT_PER_MINUTE"
    ) as busy:
        await memory.recall([ANN], CHARGE, limit=1)
    assert busy.value.after
    asked = len(twin.asked)
    with pytest.raises(Away, match="429"):
        await memory.remember([note(CHARGE)])
    assert len(twin.asked) == asked


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ("fails", r"failed \(500\)"),
        ("hangs", r"does not answer \(ReadTimeout\)"),
        ("is nonsense", "answers what Aegis would not"),
        ("refuses", r"refuses AEGIS_API_KEY \(401\)"),
    ],
)
async def test_each_trouble_is_one_line_without_the_key(twin: AegisServerTwin, trouble: str, said: str) -> None:
    memory = connected(twin, patience=0.2)
    twin.trouble = trouble
    for call in (memory.remember([note(CHARGE)]), memory.recall([ANN], CHARGE, limit=1), memory.vote([vote(1)])):
        with pytest.raises(Away, match=said) as problem:
            await call
        assert KEY not in str(problem.value)
        assert "\n" not in str(problem.value)
    await memory.close()


async def test_a_server_that_is_not_there_is_away() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    memory = AegisServerMemory(f"http://127.0.0.1:{port}", KEY, embedder=wordllama)
    with pytest.raises(Away, match=rf"127\.0\.0\.1:{port} does not answer \(ConnectError\)"):
        await memory.recall([ANN], CHARGE, limit=1)
    await memory.close()


async def test_what_its_policy_refuses_is_told_and_the_rest_is_kept(memory: AegisServerMemory) -> None:
    notes = [note(CHARGE), note(f"my password is {SECRET}123", row=2), note(KETTLE, row=3)]
    with pytest.raises(Problem, match="refuses 1 rows by its CONTENT_POLICY") as problem:
        await memory.remember(notes)
    assert not isinstance(problem.value, Away), "it would be told again for ever"
    assert SECRET not in str(problem.value)
    assert {hit.row for hit in await memory.recall([ANN], CHARGE, limit=9)} == {1, 3}


async def test_very_long_notes_are_cut_where_an_embedder_ends(twin: AegisServerTwin, memory: AegisServerMemory) -> None:
    for _ in range(2):
        await memory.remember([note("charged twice " * 10_000)])
    ((length, count),) = await sql(twin, "SELECT max(length(content)), count(*) FROM memories")
    assert (length, count) == (pytest.approx(4_050, abs=20), 1)


# ── forgetting ──
async def test_erasing_leaves_nothing_in_any_table(twin: AegisServerTwin, memory: AegisServerMemory) -> None:
    await memory.learn(lesson(1, CHARGE))
    for handle in (ANN, BOB):
        await memory.remember([note(f"{PLANTED} {handle} says {n}", row=n, handle=handle) for n in range(1, 30)])
        await memory.retract([note("", row=1, handle=handle)])
        await memory.vote([vote(1, case=handle, handle=handle)])
    for table in ("session_progress", "feature_tracker", "ace_runs", "interaction_events"):
        await sql(twin, f"INSERT INTO {table} VALUES ('throughline:handle:1', '{PLANTED} 1 elsewhere')")  # noqa: S608
    (vector,) = (await sql(twin, "SELECT embedding::text FROM memories WHERE content LIKE '%1 says 7%'"))[0]
    assert str(vector) in await twin.kept()
    await memory.erase([ANN])
    kept = await twin.kept()
    for trace in (f"{PLANTED} 1", "handle:1,", "handle:1 ", str(vector)):
        assert trace not in kept
    assert len(await memory.recall([BOB], PLANTED, limit=99)) == 28
    assert [hit.effectiveness for hit in await memory.suggest(CHARGE, "charge", limit=1)] == [0.5]


async def test_what_others_keep_on_that_server_is_theirs(twin: AegisServerTwin, memory: AegisServerMemory) -> None:
    insert = "INSERT INTO memories SELECT 'x', project_id, user_id, agent_id, 'handle:1', memory_type, content, 'y',"
    await memory.remember([note(CHARGE)])
    await sql(twin, f"{insert} embedding, metadata, scope FROM memories")
    await memory.erase([ANN])
    await memory.clear()
    assert await sql(twin, "SELECT namespace FROM memories") == [("handle:1",)]


@pytest.mark.parametrize("handles", [[], [ANN]])
async def test_without_the_database_nothing_is_erased_and_that_is_said(
    twin: AegisServerTwin, blind: AegisServerMemory, handles: list[int]
) -> None:
    await blind.remember([note(PLANTED)])
    with pytest.raises(CannotErase, match=r"nothing was erased: .* set AEGIS_DATABASE_URL to its PostgreSQL database"):
        await blind.erase(handles)
    assert PLANTED in await twin.kept()


async def test_a_database_that_does_not_let_us_is_refused_beforehand(twin: AegisServerTwin) -> None:
    await sql(twin, "ALTER TABLE memory_events RENAME TO events_of_memory")
    memory = connected(twin)
    with pytest.raises(CannotErase, match="memory_events is not there, or its rows may not be deleted; nothing was"):
        await memory.erase([])
    await memory.close()


async def test_a_database_that_is_away_is_said_without_its_password(twin: AegisServerTwin) -> None:
    url = "postgresql://aegis:hush-hush@127.0.0.1:1/aegis"
    memory = AegisServerMemory(twin.url, KEY, database_url=url, embedder=wordllama)
    with pytest.raises(CannotErase, match="AEGIS_DATABASE_URL: the database of the Aegis server fails") as problem:
        await memory.erase([])
    assert "hush" not in str(problem.value)
    with pytest.raises(Away):
        await memory.erase([ANN])
    await memory.close()


# ── without the database ──
async def test_without_the_database_all_but_erasing_goes_on(twin: AegisServerTwin, blind: AegisServerMemory) -> None:
    await blind.remember([note(CHARGE), note(KETTLE, row=2)])
    await blind.learn(lesson(1, CHARGE))
    await blind.vote([vote(1)])
    assert [hit.effectiveness for hit in await blind.suggest(CHARGE, None, limit=1)] == [0.5]
    with pytest.raises(Problem, match="set AEGIS_DATABASE_URL"):
        await blind.size()
    await blind.clear()
    assert not await blind.recall([ANN], CHARGE, limit=9)
    assert not await blind.suggest(CHARGE, None, limit=9)
    await blind.remember([note(CHARGE)])
    assert rows(await blind.recall([ANN], CHARGE, limit=9)) == [(ANN, "fact", 1)]
