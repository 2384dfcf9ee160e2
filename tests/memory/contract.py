"""What every memory promises, whatever is behind it. Inherit from MemoryContract and give it a `memory`."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from core.memory import Hit, Lesson, Memory, Note, Vote
from core.writing import Category

ANN, BOB = 1, 2
MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CHARGE = "charged 99 dollars after the downgrade"
KETTLE = "the Zelvora kettle arrived broken"
ROUTER = "the router blinks red every evening"


def note(
    text: str, *, row: int = 1, handle: int = ANN, kind: Literal["fact", "case"] = "fact", at: datetime = MONDAY
) -> Note:
    return Note(handle=handle, kind=kind, row=row, text=text, told_at=at)


def lesson(row: int, issue: str, *, category: Category = "charge", resolution: str = "refund the second one") -> Lesson:
    return Lesson(row=row, category=category, issue=issue, resolution=resolution)


def vote(row: int, *, case: int = 1, handle: int = ANN, helpful: bool = True) -> Vote:
    return Vote(row=row, case=case, handle=handle, helpful=helpful)


def rows(hits: Sequence[Hit]) -> list[tuple[int, str, int]]:
    return [(hit.handle, hit.kind, hit.row) for hit in hits]


class MemoryContract:
    async def test_what_was_told_comes_back_as_a_pointer_to_its_row(self, memory: Memory) -> None:
        await memory.remember([note(CHARGE, row=7, kind="case")])
        assert rows(await memory.recall([ANN], "why was I charged", limit=5)) == [(ANN, "case", 7)]

    async def test_the_nearest_comes_first_and_no_more_than_asked_for(self, memory: Memory) -> None:
        await memory.remember([note(CHARGE, row=1), note(KETTLE, row=2), note(ROUTER, row=3)])
        first, second = await memory.recall([ANN], "my kettle is broken", limit=2)
        assert first.row == 2
        assert first.score > second.score

    async def test_nobody_hears_what_another_told_not_even_in_the_same_words(self, memory: Memory) -> None:
        await memory.remember([note(CHARGE, row=1), note(CHARGE, row=2, handle=BOB)])
        assert rows(await memory.recall([ANN], CHARGE, limit=9)) == [(ANN, "fact", 1)]
        assert rows(await memory.recall([BOB], CHARGE, limit=9)) == [(BOB, "fact", 2)]

    async def test_several_handles_are_asked_together_and_each_once(self, memory: Memory) -> None:
        await memory.remember([note(CHARGE, row=1), note(KETTLE, row=2, handle=BOB)])
        hits = await memory.recall([ANN, BOB, ANN], "kettle", limit=9)
        assert rows(hits) == [(BOB, "fact", 2), (ANN, "fact", 1)]

    async def test_the_same_words_of_two_rows_are_two_memories(self, memory: Memory) -> None:
        await memory.remember([note(CHARGE, row=1), note(CHARGE, row=2), note(CHARGE, row=1, kind="case")])
        hits = await memory.recall([ANN], CHARGE, limit=9)
        assert sorted(rows(hits)) == [(ANN, "case", 1), (ANN, "fact", 1), (ANN, "fact", 2)]

    async def test_a_row_told_anew_replaces_what_it_was(self, memory: Memory) -> None:
        await memory.remember([note("lives near the harbour"), note("likes tea", row=2)])
        await memory.remember([note("moved to the mountains", at=MONDAY + timedelta(days=1))])
        hits = await memory.recall([ANN], "moved to the mountains", limit=9)
        assert rows(hits) == [(ANN, "fact", 1), (ANN, "fact", 2)]

    async def test_telling_the_same_again_changes_nothing(self, memory: Memory) -> None:
        await memory.remember([note(CHARGE)])
        await memory.remember([note(CHARGE)])
        assert rows(await memory.recall([ANN], CHARGE, limit=9)) == [(ANN, "fact", 1)]

    async def test_what_was_taken_back_is_not_recalled(self, memory: Memory) -> None:
        await memory.remember([note(CHARGE), note(KETTLE, row=2), note(CHARGE, handle=BOB)])
        await memory.retract([note("worded otherwise by now"), note("never told", row=77)])
        assert rows(await memory.recall([ANN, BOB], CHARGE, limit=9)) == [(BOB, "fact", 1), (ANN, "fact", 2)]

    @pytest.mark.parametrize("query", ["", " \n\t"])
    async def test_nothing_asked_is_nothing_recalled(self, memory: Memory, query: str) -> None:
        await memory.remember([note(CHARGE)])
        await memory.learn(lesson(1, CHARGE))
        assert not await memory.recall([ANN], query, limit=9)
        assert not await memory.recall([], CHARGE, limit=9)
        assert not await memory.recall([ANN], CHARGE, limit=0)
        assert not await memory.suggest(query, "charge", limit=9)
        assert not await memory.suggest(CHARGE, "charge", limit=0)

    async def test_strangest_signs_are_no_trouble(self, memory: Memory) -> None:
        await memory.remember([note("'); DROP TABLE memories; -- \x00 💥\nsecond line")])
        assert len(await memory.recall([ANN], "?! 💥 \x00 ' \" %", limit=9)) == 1

    async def test_a_handle_that_is_none_is_refused(self, memory: Memory) -> None:
        with pytest.raises(ValueError, match="no handle"):
            await memory.remember([note(CHARGE, handle=0)])
        with pytest.raises(ValueError, match="no handle"):
            await memory.recall([0], CHARGE, limit=9)
        with pytest.raises(ValueError, match="no handle"):
            await memory.erase([-1])

    async def test_an_erased_handle_is_forgotten_and_nobody_else(self, memory: Memory) -> None:
        await memory.remember([note(CHARGE), note(CHARGE, handle=BOB)])
        await memory.erase([ANN])
        assert rows(await memory.recall([ANN, BOB], CHARGE, limit=9)) == [(BOB, "fact", 1)]

    async def test_a_cleared_memory_knows_nothing_and_learns_again(self, memory: Memory) -> None:
        await memory.remember([note(CHARGE)])
        await memory.learn(lesson(1, CHARGE))
        await memory.vote([vote(1)])
        await memory.clear()
        assert not await memory.recall([ANN], CHARGE, limit=9)
        assert not await memory.suggest(CHARGE, "charge", limit=9)
        await memory.remember([note(KETTLE)])
        await memory.learn(lesson(1, CHARGE))
        assert await memory.recall([ANN], KETTLE, limit=9)
        assert [hit.effectiveness for hit in await memory.suggest(CHARGE, "charge", limit=9)] == [0.0]

    async def test_a_new_pattern_is_found_before_anybody_voted(self, memory: Memory) -> None:
        await memory.learn(lesson(4, "charged twice for one order"))
        (hit,) = await memory.suggest("I was charged twice", "charge", limit=3)
        assert (hit.row, hit.effectiveness) == (4, 0.0)

    async def test_patterns_of_other_categories_and_other_issues_are_not_offered(self, memory: Memory) -> None:
        await memory.learn(lesson(1, "charged twice for one order", category="plan"))
        await memory.learn(lesson(2, "gift card unknown at checkout"))
        assert not await memory.suggest("I was charged twice", "charge", limit=3)
        assert [hit.row for hit in await memory.suggest("I was charged twice", None, limit=3)] == [1]

    async def test_what_helped_rises_and_what_hurt_sinks(self, memory: Memory) -> None:
        for row in (1, 2, 3):
            await memory.learn(lesson(row, "charged twice for one order", resolution=f"way {row}"))
        await memory.vote([vote(2), vote(1, helpful=False)])
        hits = await memory.suggest("charged twice", "charge", limit=3)
        assert [(hit.row, hit.effectiveness) for hit in hits] == [(2, 0.5), (3, 0.0), (1, -0.5)]

    async def test_a_case_has_one_vote_on_a_pattern_the_newest(self, memory: Memory) -> None:
        await memory.learn(lesson(1, CHARGE))
        for helpful in (False, True, True):
            await memory.vote([vote(1, helpful=helpful)])
        assert [hit.effectiveness for hit in await memory.suggest(CHARGE, "charge", limit=1)] == [0.5]
        await memory.vote([vote(1, case=2)])
        assert [hit.effectiveness for hit in await memory.suggest(CHARGE, "charge", limit=1)] == [pytest.approx(2 / 3)]

    async def test_the_votes_of_an_erased_handle_are_taken_back(self, memory: Memory) -> None:
        await memory.learn(lesson(1, CHARGE))
        await memory.vote([vote(1), vote(1, case=2, handle=12, helpful=False)])
        await memory.erase([ANN])
        assert [hit.effectiveness for hit in await memory.suggest(CHARGE, "charge", limit=1)] == [-0.5]

    async def test_a_vote_needs_a_voter_and_a_pattern(self, memory: Memory) -> None:
        with pytest.raises(ValueError, match="no handle"):
            await memory.vote([vote(1, handle=0)])
        await memory.vote([])
        await memory.vote([vote(99)])
        await memory.learn(lesson(99, CHARGE))
        assert [hit.effectiveness for hit in await memory.suggest(CHARGE, "charge", limit=1)] == [0.0]

    async def test_what_is_unlearnt_is_offered_no_more_until_it_is_learnt_again(self, memory: Memory) -> None:
        for row in (1, 2):
            await memory.learn(lesson(row, CHARGE, resolution=f"way {row}"))
            await memory.vote([vote(row)])
        await memory.unlearn([1, 7])
        await memory.unlearn([])
        await memory.vote([vote(1, case=2)])
        assert [hit.row for hit in await memory.suggest(CHARGE, "charge", limit=3)] == [2]
        await memory.learn(lesson(1, CHARGE, resolution="way 1"))
        found = {hit.row: hit.effectiveness for hit in await memory.suggest(CHARGE, "charge", limit=3)}
        assert found == {1: 0.0, 2: 0.5}

    async def test_a_pattern_worded_anew_keeps_its_votes(self, memory: Memory) -> None:
        await memory.learn(lesson(1, "charged twice", category="other"))
        await memory.vote([vote(1)])
        await memory.learn(lesson(1, "charged two times for one order"))
        hits = await memory.suggest("charged two times", "charge", limit=3)
        assert [(hit.row, hit.effectiveness) for hit in hits] == [(1, 0.5)]
        await memory.vote([vote(1, helpful=False)])
        assert [hit.effectiveness for hit in await memory.suggest("charged two", "charge", limit=3)] == [-0.5]
        assert not await memory.suggest("charged two times", "other", limit=3)
