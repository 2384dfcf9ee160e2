"""What Slack refuses: a channel that nobody can mend from here goes down with a line that says what to do; all else is
waited for. And what `doctor` finds."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from channels._slack import examining
from channels.slack import Slack
from core.channel import Finding
from core.errors import Misconfigured, TryAgain, Undeliverable
from core.messages import Raw, Reply
from tests.channels.slack_desk import DM, Clock, Echo, connected, host, opened
from tests.site import NOW
from tests.twins.slack import SlackTwin


@pytest.fixture
async def twin() -> AsyncIterator[SlackTwin]:
    async with SlackTwin() as slack:
        yield slack


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def channel(twin: SlackTwin, clock: Clock, tmp_path: Path) -> AsyncIterator[Slack]:
    async with opened(twin, tmp_path, clock) as slack:
        yield slack


async def nobody(_raw: Raw) -> bool:
    return False


async def says(channel: Slack, text: str = "hi") -> None:
    for wire in channel.render(Reply(id="r", route=DM, text=text)):
        await channel.send(wire)


@pytest.mark.parametrize("error", ["invalid_auth", "token_revoked", "account_inactive", "missing_scope"])
async def test_an_app_token_that_is_refused_ends_the_channel(twin: SlackTwin, channel: Slack, error: str) -> None:
    twin.refuse("apps.connections.open", error)
    with pytest.raises(Misconfigured, match=rf"SLACK_APP_TOKEN: .*{error}.*connections:write"):
        await channel.listen(nobody)


@pytest.mark.parametrize("mode", ["slack_app_token", "slack_signing_secret"])
async def test_a_bot_token_that_is_refused_ends_the_channel(twin: SlackTwin, tmp_path: Path, mode: str) -> None:
    way = {mode: twin.app_token if mode == "slack_app_token" else twin.signing_secret}
    async with opened(twin, tmp_path, None, slack_bot_token="xoxb-other", **way) as slack:
        with pytest.raises(Misconfigured, match=r"SLACK_BOT_TOKEN: .*invalid_auth.*install the app again"):
            await slack.listen(nobody)


async def test_socket_mode_that_is_switched_off_ends_the_channel(twin: SlackTwin, channel: Slack) -> None:
    listening = asyncio.create_task(channel.listen(nobody))
    await twin.connections.get()
    await twin.disconnect("link_disabled")
    with pytest.raises(Misconfigured, match="SLACK_APP_TOKEN: Socket Mode is switched off"):
        await listening


async def test_too_many_connections_are_not_made_more(twin: SlackTwin, channel: Slack) -> None:
    pauses: asyncio.Queue[float] = asyncio.Queue()
    go_on = asyncio.Event()

    async def pause(seconds: float) -> None:
        pauses.put_nowait(seconds)
        await go_on.wait()

    channel.connection.pause = pause
    echo = Echo(channel)
    async with connected(twin, channel, echo.deliver, echo.answer()):
        await twin.disconnect("too_many_websockets")
        assert await pauses.get() == 30
        assert twin.opened == 1
        go_on.set()
        await twin.connections.get()
        await twin.emits(twin.says("U1ANN", "hello"))
        assert (await twin.next_post()).text == "You said: hello"


@pytest.mark.parametrize("kind", ["app_uninstalled", "tokens_revoked"])
async def test_an_app_that_was_removed_ends_the_channel(twin: SlackTwin, channel: Slack, kind: str) -> None:
    listening = asyncio.create_task(channel.listen(nobody))
    await twin.connections.get()
    twin.refuse("auth.test", "account_inactive")
    await twin.emits(twin.happens({"type": kind, "tokens": {"bot": ["U0BOT"]}}))
    with pytest.raises(Misconfigured, match=r"SLACK_BOT_TOKEN: .*account_inactive"):
        await listening


async def test_old_news_of_a_removal_ends_nothing(twin: SlackTwin, channel: Slack) -> None:
    echo = Echo(channel)
    async with connected(twin, channel, echo.deliver, echo.answer()):
        await (await twin.emits(twin.happens({"type": "app_uninstalled"}))).acked.wait()
        for asked in ("auth.test", "auth.test"):
            while await twin.called.get() != asked:
                pass
        await twin.emits(twin.says("U1ANN", "hello"))
        assert (await twin.next_post()).text == "You said: hello"


async def test_a_token_that_is_revoked_while_we_run_is_found_out_by_sending(twin: SlackTwin, channel: Slack) -> None:
    listening = asyncio.create_task(channel.listen(nobody))
    await twin.connections.get()
    twin.refuse("chat.postMessage", "token_revoked")
    with pytest.raises(Undeliverable):
        await says(channel)
    with pytest.raises(Misconfigured, match="token_revoked"):
        await listening


async def test_a_method_is_left_alone_for_as_long_as_slack_asks(twin: SlackTwin, channel: Slack, clock: Clock) -> None:
    twin.rate_limit("chat.postMessage", seconds=30)
    for seconds in (30, 20):
        with pytest.raises(TryAgain) as busy:
            await says(channel)
        assert busy.value.after == timedelta(seconds=seconds)
        clock.now = NOW + timedelta(seconds=10)
    await channel.typing(DM | {"thread_ts": "1.1"})  # another method is none of this one's business
    assert twin.posted == []
    clock.now = NOW + timedelta(seconds=30)
    await says(channel)
    assert len(twin.posted) == 1


async def test_one_connection_is_kept_for_all_that_is_sent(twin: SlackTwin, channel: Slack) -> None:
    for _ in range(3):
        await says(channel)
    assert twin.web_connections == 1


async def test_a_redelivery_over_http_changes_nothing(twin: SlackTwin, tmp_path: Path) -> None:
    async with opened(twin, tmp_path, slack_signing_secret=twin.signing_secret) as slack:
        echo, said = Echo(slack), twin.says("U1ANN", "once")
        async with host(slack, echo.deliver) as url:
            for number in ("", "1", "2"):
                again = {"x_slack_retry_num": number, "x_slack_retry_reason": "http_timeout"} if number else {}
                assert (await twin.calls(url, said, NOW, **again))[0] == 200
    assert [echo.heard.get_nowait() for _ in range(3)] == [True, False, False]


# Doctor.


def told(found: list[Finding]) -> str:
    return "\n".join(f"{finding.what} {finding.advice}" for finding in found)


async def test_doctor_finds_nothing_wrong_and_changes_nothing(twin: SlackTwin, channel: Slack) -> None:
    found = list(await channel.examine())
    assert [finding.advice for finding in found] == ["", "", ""]
    assert "throughline of Acme" in told(found)
    called = [twin.called.get_nowait() for _ in range(twin.called.qsize())]
    assert sorted(called) == ["apps.connections.open", "auth.test"]


async def test_doctor_names_the_scopes_that_are_missing(twin: SlackTwin, channel: Slack) -> None:
    twin.scopes = "chat:write,app_mentions:read"
    found = list(await channel.examine())
    assert [finding.what for finding in found if finding.fatal] == ["The bot lacks the scopes im:history, im:write"]
    for scope in ("users:read.email", "commands", "assistant:write"):
        assert f"Without the scope {scope} " in told(found)


async def test_doctor_names_each_token_that_is_refused(twin: SlackTwin, tmp_path: Path) -> None:
    async with opened(twin, tmp_path, slack_bot_token="xoxb-wrong-1", slack_app_token="xapp-wrong-2") as slack:
        found = list(await slack.examine())
    assert all(finding.fatal for finding in found)
    assert [finding.what.partition(":")[0] for finding in found] == ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"]
    assert "wrong-" not in told(found)


async def test_doctor_says_how_requests_come_in(twin: SlackTwin, tmp_path: Path) -> None:
    async with opened(twin, tmp_path, slack_signing_secret=twin.signing_secret) as slack:
        found = list(await slack.examine())
    assert "https://support.acme.test/slack/events" in told(found)
    assert twin.signing_secret not in told(found)
    assert all(not finding.advice for finding in found)


async def test_doctor_says_when_slack_is_away(twin: SlackTwin, tmp_path: Path, channel: Slack) -> None:
    for method in ("auth.test", "apps.connections.open"):
        twin.fail(method)
    found = list(await channel.examine())
    assert len(found) == 2
    assert all("SLACK_API_URL" in finding.advice and not finding.fatal for finding in found)
    nowhere = {"slack_app_token": twin.app_token, "slack_api_url": "http://127.0.0.1:1/api/"}
    async with opened(twin, tmp_path, None, **nowhere) as slack:
        assert len(await slack.examine()) == 2


async def test_doctor_does_not_wait_for_a_slack_that_is_silent(
    twin: SlackTwin, channel: Slack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examining, "PATIENCE", 0.2)
    twin.slow = {"auth.test"}
    twin.gate.clear()
    found = list(await channel.examine())
    twin.gate.set()
    assert [finding.what for finding in found] == [
        "Slack did not answer within 0.2 s",
        "Slack gives out an address for Socket Mode.",
    ]
