"""A bot at an address scores just as it does in the same process."""

from collections.abc import AsyncIterator

import pytest

from benchmarks.repeatbench.arms.channel_only import ChannelOnly
from benchmarks.repeatbench.protocol import AgentDid, NotFound
from benchmarks.repeatbench.remote import Remote
from benchmarks.repeatbench.run import play
from benchmarks.repeatbench.serve import application
from bots import web


@pytest.fixture
async def remote() -> AsyncIterator[Remote]:
    with web.listen("127.0.0.1", 0) as listening:
        async with web.serving(application(ChannelOnly()), listening):
            bot = Remote(f"http://127.0.0.1:{listening.getsockname()[1]}")
            yield bot
            await bot.close()


async def test_a_remote_bot_answers_as_it_does_here(remote: Remote) -> None:
    here, there = await play(ChannelOnly(), 1, 10, 40), await play(remote, 1, 10, 40)
    assert [(e.say.id, e.text) for e in there.exchanges] == [(e.say.id, e.text) for e in here.exchanges]


async def test_a_case_that_is_not_there_is_not_found(remote: Remote) -> None:
    with pytest.raises(NotFound):
        await remote.agent(AgentDid(case_id="none", action="take"))
