"""The turnstile: so many turns at a time, and who waits for somebody outside is not counted."""

import asyncio

from core.turnstile import Turnstile, aside


class Turn:
    """A turn that works, waits for somebody outside when it is told to, and ends when it may."""

    def __init__(self, turnstile: Turnstile) -> None:
        self.works, self.is_outside, self.back = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.goes_out, self.answered, self.may_end = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.task = asyncio.create_task(self._take(turnstile))

    async def _take(self, turnstile: Turnstile) -> None:
        async with turnstile.passed():
            self.works.set()
            await self.goes_out.wait()
            async with aside():
                self.is_outside.set()
                await self.answered.wait()
            self.back.set()
            await self.may_end.wait()


async def settled() -> None:
    """Whatever can go on has gone on."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_one_at_a_time_but_for_those_who_wait_outside() -> None:
    turnstile = Turnstile(1)
    first, second = Turn(turnstile), Turn(turnstile)
    await first.works.wait()
    await settled()
    assert not second.works.is_set()

    first.goes_out.set()
    await second.works.wait()
    first.answered.set()
    await settled()
    assert not first.back.is_set()

    second.goes_out.set()
    await first.back.wait()
    first.may_end.set()
    second.answered.set()
    second.may_end.set()
    await asyncio.gather(first.task, second.task)


async def test_a_turn_that_is_cancelled_outside_leaves_the_room_as_it_was() -> None:
    turnstile = Turnstile(1)
    gone, working, waiting = (Turn(turnstile) for _ in range(3))
    gone.goes_out.set()
    await working.works.wait()
    gone.task.cancel()
    await settled()
    assert not waiting.works.is_set()
    working.task.cancel()
    await waiting.works.wait()
    await settled()
    another = Turn(turnstile)
    await settled()
    assert not another.works.is_set()
    for turn in (waiting, another):
        turn.task.cancel()
    await asyncio.gather(*(turn.task for turn in (gone, working, waiting, another)), return_exceptions=True)


async def test_beside_a_turnstile_nobody_stands_in_anybodys_way() -> None:
    async with aside():
        pass
