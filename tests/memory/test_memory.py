"""Local mode: that Aegis' own traps are closed, what it would share, lose, keep or leave locked. The embedder needs no
network. What every memory promises is in test_contract.py."""

import asyncio
import logging
import re
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from core.backends.aegis import LIVE_ROWS, VERSION, AegisMemory, require_version
from core.backends.embedding import Vectors, WordLlamaEmbedder, fused, words_shared
from core.errors import Problem
from tests.memory.contract import ANN, BOB, CHARGE, KETTLE, MONDAY, ROUTER, lesson, note, rows, vote
from tests.twins.memory import MemoryTwin

ROOT = Path(__file__).parents[2]
PLANTED = "Quennelwhistle"

wordllama = cache(WordLlamaEmbedder)


class CountedLetters:
    """An embedder that costs nothing and finds little."""

    name = "letters-1"
    dimensions = 26

    def embed(self, texts: list[str]) -> Vectors:
        return np.array([[text.count(chr(97 + i)) for i in range(26)] for text in texts], dtype=np.float32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "memory.db"


@pytest.fixture
async def aegis(path: Path) -> AsyncIterator[AegisMemory]:
    memory = AegisMemory(path, wordllama)
    yield memory
    await memory.close()


async def test_the_twin_fails_and_waits_on_demand() -> None:
    twin = MemoryTwin()
    twin.awake.clear()
    call = asyncio.create_task(twin.recall([ANN], CHARGE, limit=1))
    twin.down = True
    twin.awake.set()
    with pytest.raises(Problem):
        await call


def everything_on_disk(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(path.parent.iterdir()))


def modes(folder: Path) -> dict[str, int]:
    return {file.name: file.stat().st_mode for file in folder.glob("*")}


def stored(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(query).fetchall()


@contextmanager
def another_process(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection of its own, which never waits for a lock and so tells at once whether there is one."""
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as db:
        yield db


def test_another_version_of_aegis_is_refused_in_one_line() -> None:
    require_version(VERSION)
    with pytest.raises(Problem, match=r"aegis-memory 2\.8\.0 is installed, 2\.7\.0 is needed"):
        require_version("2.8.0")


async def test_making_and_closing_it_opens_nothing_and_warming_opens_all(path: Path) -> None:
    memory = AegisMemory(path, wordllama)
    await memory.close()
    assert not modes(path.parent)
    await memory.warm()
    assert modes(path.parent)["memory.db"] & 0o077 == 0, "others could read it"
    await memory.close()


async def test_meaning_finds_what_shares_no_word(aegis: AegisMemory) -> None:
    await aegis.remember([note("charged twice this month", row=1), note(KETTLE, row=2), note(ROUTER, row=3)])
    hits = await aegis.recall([ANN], "I got billed two times", limit=1)
    assert rows(hits) == [(ANN, "fact", 1)]


def test_meanings_are_those_of_wordllama_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()  # which it configures when it is imported
    monkeypatch.setattr(root, "handlers", root.handlers[:])
    monkeypatch.setattr(root, "level", root.level)
    package = import_module("wordllama")
    theirs = package.WordLlama.load(cache_dir=Path(str(package.__file__)).parent, disable_download=True)
    texts = [CHARGE, KETTLE, "Ich wurde zweimal belastet, é 日本 💥", "a" * 3_000]
    assert np.array_equal(wordllama().embed(texts), theirs.embed(texts, norm=True))
    assert not wordllama().embed([""]).any()


async def test_words_find_what_has_no_meaning(aegis: AegisMemory) -> None:
    await aegis.remember([note(f"error KX-{n} on the terminal", row=n) for n in range(48210, 48220)])
    hits = await aegis.recall([ANN], "it shows KX-48213 again", limit=1)
    assert rows(hits) == [(ANN, "fact", 48213)]


async def test_it_survives_a_restart_and_so_does_the_one_vote(path: Path) -> None:
    before = AegisMemory(path, wordllama)
    await before.remember([note(CHARGE)])
    await before.learn(lesson(1, CHARGE))
    await before.vote([vote(1)])
    await before.close()
    after = AegisMemory(path, wordllama)
    await after.vote([vote(1)])
    assert rows(await after.recall([ANN], CHARGE, limit=1)) == [(ANN, "fact", 1)]
    assert [hit.effectiveness for hit in await after.suggest(CHARGE, "charge", limit=1)] == [0.5]
    await after.close()


async def test_what_another_process_learns_is_suggested_at_once(aegis: AegisMemory, path: Path) -> None:
    await aegis.learn(lesson(1, CHARGE))
    assert len(await aegis.suggest(CHARGE, "charge", limit=9)) == 1
    other = AegisMemory(path, wordllama)
    await other.learn(lesson(2, CHARGE, resolution="another way"))
    await other.vote([vote(1)])
    await other.close()
    hits = await aegis.suggest(CHARGE, "charge", limit=9)
    assert [(hit.row, hit.effectiveness) for hit in hits] == [(1, 0.5), (2, 0.0)]


async def test_a_note_in_words_that_sound_public_stays_private(aegis: AegisMemory, path: Path) -> None:
    await aegis.remember([note("The system shows my company account locked for the whole team")])
    await aegis.learn(lesson(1, "a private personal draft of a reminder"))
    assert stored(path, "SELECT namespace, user_id, scope FROM memories ORDER BY namespace") == [
        (f"handle:{ANN}", f"handle:{ANN}", "agent-private"),
        ("playbook", "playbook", "global"),
    ]


async def test_no_vector_of_a_text_or_a_query_is_cached(aegis: AegisMemory, path: Path) -> None:
    await aegis.remember([note(CHARGE)])
    await aegis.recall([ANN], "a private question", limit=1)
    await aegis.suggest("another private question", "charge", limit=1)
    assert stored(path, "SELECT count(*) FROM embedding_cache") == [(0,)]


async def test_a_handle_keeps_its_newest_rows(aegis: AegisMemory, path: Path) -> None:
    days = range(LIVE_ROWS + 20)
    notes = [note(f"visit number {day}", row=day + 1, at=MONDAY + timedelta(days=day)) for day in days]
    await aegis.remember([note(CHARGE, handle=BOB), *reversed(notes)])
    kept = {hit.row for hit in await aegis.recall([ANN], "visit number", limit=999)}
    assert kept == set(range(21, LIVE_ROWS + 21))
    assert await aegis.recall([BOB], CHARGE, limit=1)


async def test_erasing_leaves_no_byte_and_no_vector(aegis: AegisMemory, path: Path) -> None:
    planted = [
        note(f"{PLANTED} told secret {n} " + "and more " * (n % 40), row=handle * 1000 + n, handle=handle)
        for handle in range(1, 9)
        for n in range(1, 40)
    ]
    await aegis.remember(planted)
    await aegis.remember([note(f"{PLANTED} replaced", row=row.row, handle=row.handle) for row in planted[::3]])
    await aegis.recall([1, 2, 3], f"{PLANTED} asks", limit=9)
    vector = wordllama().embed([f"{PLANTED} replaced"])[0].tobytes()
    assert PLANTED.encode() in everything_on_disk(path)
    assert vector in everything_on_disk(path)
    await aegis.erase(range(1, 9))
    left = everything_on_disk(path)
    assert PLANTED.encode() not in left
    assert vector not in left
    assert b"handle:" not in left


async def test_erasing_one_leaves_the_neighbours_whole(aegis: AegisMemory, path: Path) -> None:
    for n in range(1, 60):
        await aegis.remember([note(f"{PLANTED} {n}", row=n), note(f"harmless {n}", row=n, handle=BOB)])
    await aegis.erase([ANN])
    assert PLANTED.encode() not in everything_on_disk(path)
    assert len(await aegis.recall([BOB], "harmless", limit=999)) == 59


async def test_erasing_says_so_while_another_process_still_reads_the_log(aegis: AegisMemory, path: Path) -> None:
    await aegis.remember([note(PLANTED)])
    with another_process(path) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM memories").fetchone()
        with pytest.raises(Problem, match="erase again"):
            await aegis.erase([ANN])
        reader.execute("COMMIT")
    await aegis.erase([ANN])
    assert PLANTED.encode() not in everything_on_disk(path)


async def test_clearing_empties_the_files(aegis: AegisMemory, path: Path) -> None:
    await aegis.warm()
    await aegis.clear()
    empty = len(everything_on_disk(path))
    await aegis.remember([note(f"{PLANTED} {n}", row=n) for n in range(1, 80)])
    await aegis.learn(lesson(1, PLANTED, resolution=PLANTED))
    await aegis.vote([vote(1)])
    assert len(everything_on_disk(path)) > empty
    await aegis.clear()
    assert PLANTED.encode() not in everything_on_disk(path)
    assert len(everything_on_disk(path)) == empty


async def test_after_an_error_the_file_is_not_left_locked(aegis: AegisMemory, path: Path) -> None:
    await aegis.learn(lesson(1, CHARGE))
    await aegis.vote([vote(1)])
    await aegis.vote([vote(1)])
    with another_process(path) as writer:
        writer.execute("CREATE TRIGGER full_disk BEFORE INSERT ON vote_history BEGIN SELECT RAISE(ABORT, 'full'); END")
        with pytest.raises(sqlite3.Error):
            await aegis.vote([vote(1, case=2)])
        writer.execute("DROP TRIGGER full_disk")
    assert [hit.effectiveness for hit in await aegis.suggest(CHARGE, "charge", limit=1)] == [0.5]


async def test_a_file_that_stayed_locked_too_long_is_tried_again(path: Path) -> None:
    calls: list[str] = []

    class ReleasesOnSecondCall(CountedLetters):
        def embed(self, texts: list[str]) -> Vectors:
            calls.extend(texts)
            if len(calls) == 2:
                writer.rollback()
            return super().embed(texts)

    memory = AegisMemory(path, ReleasesOnSecondCall)
    await memory.warm()
    with closing(sqlite3.connect(path, check_same_thread=False, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        await memory.remember([note(CHARGE)])
    assert calls == [CHARGE, CHARGE]
    assert stored(path, "SELECT count(*) FROM memories") == [(1,)]
    await memory.close()


async def test_three_processes_lose_nothing(path: Path) -> None:
    writers = [
        await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.memory.test_memory", str(path), n, cwd=ROOT)
        for n in "123"
    ]
    assert [await writer.wait() for writer in writers] == [0, 0, 0]
    counted = stored(path, "SELECT namespace, count(*) FROM memories GROUP BY namespace ORDER BY namespace")
    assert counted == [("handle:1", 60), ("handle:2", 60), ("handle:3", 60)]


async def write_many(path: Path, handle: int) -> None:
    memory = AegisMemory(path, CountedLetters)
    for row in range(1, 61):
        await memory.remember([note(f"note {row}", row=row, handle=handle)])
        await memory.recall([handle], "note", limit=3)
    await memory.close()


async def test_the_loop_goes_on_while_it_works(path: Path) -> None:
    released = threading.Event()

    class Slow(CountedLetters):
        def embed(self, texts: list[str]) -> Vectors:
            assert released.wait(30), "the loop stood still"
            return super().embed(texts)

    memory = AegisMemory(path, Slow)
    asyncio.get_running_loop().call_soon(released.set)
    await memory.remember([note(CHARGE)])
    await memory.close()


async def test_vectors_of_another_embedder_are_not_compared(path: Path) -> None:
    old = AegisMemory(path, CountedLetters)
    await old.remember([note(CHARGE)])
    await old.close()
    new = AegisMemory(path, wordllama)
    for refused in (new.recall([ANN], CHARGE, limit=1), new.remember([note(KETTLE)]), new.learn(lesson(1, CHARGE))):
        with pytest.raises(Problem, match=re.escape("run `python -m bots memory rebuild`")):
            await refused
    await new.clear()
    await new.remember([note(CHARGE)])
    assert await new.recall([ANN], CHARGE, limit=1)
    await new.close()


OFFLINE = """
import logging, sys
def hook(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "urllib.Request"):
        print("network:", event, args, file=sys.stderr)
        raise SystemExit(3)
sys.addaudithook(hook)
from core.backends.embedding import WordLlamaEmbedder
vectors = WordLlamaEmbedder().embed(["charged twice", "billed two times", "a red bicycle"])
assert vectors.shape == (3, 256)
assert vectors[0] @ vectors[1] > 0.4 > vectors[0] @ vectors[2]
assert not logging.getLogger().handlers, "wordllama configured our logging"
assert logging.getLogger().level == logging.WARNING
"""


async def test_who_asks_does_not_wait_for_all_that_is_yet_to_be_remembered(path: Path) -> None:
    memory = AegisMemory(path, CountedLetters)
    await memory.warm()
    told = [asyncio.create_task(memory.remember([note(f"{CHARGE} {n}", row=n)])) for n in range(1, 31)]
    await asyncio.sleep(0)
    await memory.recall([ANN], CHARGE, limit=1)
    assert sum(one.done() for one in told) < len(told) // 2
    await asyncio.gather(*told)
    assert await memory.size() == len(told)
    await memory.close()


async def test_the_embedder_needs_no_network_and_no_home(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", OFFLINE, env=environment, cwd=tmp_path)
    assert await child.wait() == 0
    assert not modes(tmp_path), "something was downloaded"


def test_rare_words_weigh_more_and_endings_do_not_count() -> None:
    scores = words_shared("my charges", ["my dog", "my cat", "my first charge", "charged"])
    assert scores[2] == max(scores)
    assert scores[3] > scores[0]
    assert all(0 <= score <= 1 for score in scores)
    assert words_shared("?!", ["my dog", ""]) == [0.0, 0.0]


def test_either_half_alone_can_bring_a_row_to_the_top() -> None:
    assert fused([0.5], [0.5]) == [0.0]
    meaning, words = [0.9, 0.2, 0.2, 0.2], [0.0, 0.0, 0.8, 0.0]
    first, second, third, fourth = fused(meaning, words)
    assert first == pytest.approx(third)
    assert second == fourth < first


if __name__ == "__main__":
    asyncio.run(write_many(Path(sys.argv[1]), int(sys.argv[2])))
