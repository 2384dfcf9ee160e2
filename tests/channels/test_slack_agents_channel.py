"""Which channel of Slack's cases are told in: one that is ours alone and that the bot is in; and what `doctor` says."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from core.channel import Finding
from core.errors import Undeliverable
from core.rooms import Call
from tests.channels.agents_desk import Colleagues, at_work
from tests.channels.slack_desk import opened
from tests.console.office import opened as console
from tests.shop import Shop
from tests.twins.slack import AGENTS, JSON, SlackTwin

CALL = Call(
    id="7-1-1", case=7, title="Ann · it leaks", packet="Known: order W1", url="https://bot.test/console/cases/7"
)


@pytest_asyncio.fixture
async def staff(shop: Shop, tmp_path: Path) -> AsyncIterator[Colleagues]:
    async with console(shop) as office, at_work(office, tmp_path) as colleagues:
        yield colleagues


UNFIT: dict[str, tuple[JSON, str]] = {
    "shared with another company": ({"is_shared": True, "is_ext_shared": True}, "shared outside"),
    "about to be": ({"is_pending_ext_shared": True}, "shared outside"),
    "shared with who knows whom": ({"is_shared": True}, "shared outside"),
    "the whole workspace's": ({"is_general": True}, "whole workspace"),
    "archived": ({"is_archived": True}, "archived"),
    "without the bot": ({"is_member": False, "is_private": False}, "/invite"),
    "private and without the bot": ({"is_member": False}, "/invite"),
    "a direct message": ({"is_im": True}, "no channel"),
}


@pytest.mark.parametrize("kind", UNFIT)
async def test_a_channel_that_is_not_ours_alone_is_told_nothing(staff: Colleagues, kind: str) -> None:
    staff.slack.channels[AGENTS], why = UNFIT[kind]
    with pytest.raises(Undeliverable, match=f"SLACK_AGENTS_CHANNEL: .*{why}"):
        await staff.channel.call(CALL)
    assert staff.slack.posted == []
    assert any(why in f"{finding.what} {finding.advice}" for finding in await _wrong(staff))


async def _wrong(staff: Colleagues) -> list[Finding]:
    return [finding for finding in await staff.channel.examine() if finding.advice]


@pytest.mark.parametrize("flag", ["is_ext_shared", "is_shared", "is_member"])
async def test_what_slack_leaves_out_counts_against_the_channel(staff: Colleagues, flag: str) -> None:
    staff.slack.left_out = flag
    with pytest.raises(Undeliverable):
        await staff.channel.call(CALL)


async def test_a_channel_that_is_shared_later_is_noticed_by_what_is_said_in_it(staff: Colleagues) -> None:
    await staff.hired()
    post = await staff.told()
    staff.slack.channels[AGENTS] = {"is_shared": True, "is_ext_shared": True}
    said = staff.slack.answers("U3EVE", "Hello.", post.ts) | {"is_ext_shared_channel": True}
    assert "shared outside" in (await staff.whispered(said)).text
    assert await staff.mailed() == []
    with pytest.raises(Undeliverable):
        await staff.channel.call(CALL)


async def test_a_channel_shared_within_our_organisation_will_do(staff: Colleagues) -> None:
    staff.slack.channels[AGENTS] = {"is_shared": True, "is_org_shared": True}
    await staff.channel.call(CALL)
    assert len(staff.slack.posted) == 1


async def test_doctor_looks_at_the_channel(staff: Colleagues) -> None:
    assert "the bot lacks the scopes groups:history, groups:read, reactions:write" in (await _wrong(staff))[0].what
    staff.slack.scopes += ",groups:history,groups:read,reactions:write"
    assert await _wrong(staff) == []
    staff.slack.channels[AGENTS] = {"is_private": False}
    assert {"everybody in the workspace can read it", "channels:history, channels:read"} == {
        part
        for part in ("everybody in the workspace can read it", "channels:history, channels:read")
        if part in str(await _wrong(staff))
    }
    staff.slack.refuse("conversations.info", "missing_scope")
    assert "groups:read" in str(await _wrong(staff))


async def test_without_the_setting_there_is_no_room(tmp_path: Path) -> None:
    async with SlackTwin() as slack, opened(slack, tmp_path) as channel:
        assert not channel.has_room
        assert [finding.what for finding in await channel.examine() if "channel" in finding.what] == []
