"""Files that colleagues send by Slack: they arrive whole, below the text and in its thread, and only where it went."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from channels.slack import Slack
from core.errors import TryAgain, Undeliverable
from core.messages import Reply
from tests.channels.slack_desk import DM, MENTION, opened
from tests.enclosures import FILES, PDF, PNG, file
from tests.twins.slack import SlackTwin


@pytest.fixture
async def twin() -> AsyncIterator[SlackTwin]:
    async with SlackTwin() as slack:
        yield slack


@pytest.fixture
async def channel(twin: SlackTwin, tmp_path: Path) -> AsyncIterator[Slack]:
    async with opened(twin, tmp_path) as slack:
        yield slack


def reply(route: dict[str, str], text: str = "Here is your invoice.") -> Reply:
    return Reply(id="r", route=route, text=text, sender="agent", files=FILES)


async def sends(channel: Slack, route: dict[str, Any], text: str = "Here is your invoice.") -> list[str]:
    return [await channel.send(wire) for wire in channel.render(reply(route, text))]


async def test_the_files_follow_the_text_into_its_thread(twin: SlackTwin, channel: Slack) -> None:
    ids = await sends(channel, DM | {"thread_ts": "1700000000.000100"})
    (post,), (shared,) = twin.posted, twin.shared
    assert (post.channel, post.text) == (shared.channel, "Here is your invoice.") == ("DU1ANN", "Here is your invoice.")
    assert post.thread_ts == shared.thread_ts == "1700000000.000100"
    assert shared.files == {"Kettle Ö.png": PNG, "invoice 12.pdf": PDF}
    assert ids == [post.ts, "F0000"]


async def test_files_alone_need_no_text(twin: SlackTwin, channel: Slack) -> None:
    await sends(channel, DM, text="")
    assert twin.posted == []
    assert len(twin.shared) == 1


async def test_a_large_file_arrives_whole(twin: SlackTwin, channel: Slack) -> None:
    large = file("large.bin", bytes(range(256)) * 39_000, "application/octet-stream")
    for wire in channel.render(Reply(id="r", route=DM, text="", files=(large,))):
        await channel.send(wire)
    assert twin.shared[0].files == {"large.bin": large.content}


async def test_who_asked_in_public_gets_them_directly(twin: SlackTwin, channel: Slack) -> None:
    await sends(channel, MENTION)
    assert [shared.channel for shared in twin.shared] == ["DU1ANN"]


async def test_what_breaks_off_before_it_is_shown_is_tried_again_and_shown_once(
    twin: SlackTwin, channel: Slack
) -> None:
    _, files = channel.render(reply(DM))
    twin.refuse_uploads.append(503)
    with pytest.raises(TryAgain):
        await channel.send(files)
    twin.fail("files.completeUploadExternal")
    with pytest.raises(TryAgain):
        await channel.send(files)
    await channel.send(files)
    assert len(twin.shared) == 1


async def test_an_upload_that_is_refused_is_not_tried_again(twin: SlackTwin, channel: Slack) -> None:
    _, files = channel.render(reply(DM))
    twin.refuse_uploads.append(413)
    with pytest.raises(Undeliverable, match=r"an upload was refused \(413\)"):
        await channel.send(files)


async def test_an_app_without_the_scope_is_told_so(twin: SlackTwin, channel: Slack) -> None:
    twin.scopes = "chat:write"
    _, files = channel.render(reply(DM))
    with pytest.raises(Undeliverable, match="missing_scope; give the Slack app the scope"):
        await channel.send(files)


async def test_nothing_is_uploaded_to_a_stranger(twin: SlackTwin, channel: Slack) -> None:
    twin.uploads_at = "http://files.slack.com.acme.test/upload/"
    _, files = channel.render(reply(DM))
    with pytest.raises(Undeliverable, match="none of Slack's"):
        await channel.send(files)
