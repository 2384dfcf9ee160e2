"""The agents' channel: cases are told there, and full members of our workspace answer, each by the account that is tied
to them. Whoever else is there is told that they cannot."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

import aiohttp
from slack_sdk.errors import SlackApiError

from channels._slack import calls, threads
from channels._slack.agents_channel import AgentsChannel
from channels._slack.members import Members
from channels._slack.objects import By, Callback, Command, Delivery, Named, Press, Submission
from channels._slack.reading import CHANNEL
from channels._slack.threads import Colleague, Said
from channels._slack.web import Refused, Web
from core.channel import Finding
from core.errors import Problem, SendProblem, Undeliverable
from core.rooms import Act, Call, Deed, Done

log = logging.getLogger(__name__)

_LOOKED_BACK: Final = 100  # messages of the channel
_UNASKED: Final = (SlackApiError, Problem, aiohttp.ClientError, OSError, ValueError, KeyError)

_STRANGER: Final = (
    "Nothing was done: only full members of this workspace can act here, no guests and nobody from outside."
)
_UNKNOWN: Final = "Nothing was done: Slack did not say who you are. Try again in a moment."
_FAILED: Final = "It was not done, and the log says why. Try again, or do it at the console."
_NO_FORM: Final = "Slack did not open the form in time. Press again, or resolve it at the console."
_NO_CUSTOMERS: Final = "This is the agents' channel; nobody is a customer here. Write to me directly."
_SENT: Final = "Sent to the customer."

_STATES: Final[Mapping[str, calls.State]] = {
    "take": "taken",
    "reply": "taken",
    "hand_back": "with the bot",
    "resolve": "resolved",
}
Start = Callable[[Coroutine[Any, Any, None]], None]


class Room:
    """One channel, or none where the setting is empty. `start` does something soon."""

    def __init__(self, web: Web, members: Members, channel: str, now: Callable[[], datetime], start: Start) -> None:
        self.channel = channel
        self.patience = 2.0  # seconds in which Slack says who somebody is; it gives us three to take a delivery
        self._web = web
        self._members = members
        self._about = AgentsChannel(web, channel, now)
        self._start = start
        self._act: Act | None = None

    def join(self, act: Act) -> None:
        """Is given who acts for colleagues."""
        self._act = act

    def has(self, one: Delivery) -> bool:
        """Whether something happens here."""
        return bool(self.channel) and one.where == self.channel

    async def call(self, call: Call) -> str:
        """Tells of a case, once however often it is tried; the post's id. Raises TryAgain or Undeliverable."""
        if why := await self._about.refusal():
            raise Undeliverable(why)
        ts = await self._told_as(call.id)
        if not ts:
            answer = await self._web.call("chat.postMessage", {"channel": self.channel, **calls.message(call)})
            ts = str(answer["ts"])
        return f"{self.channel}:{ts}"

    async def findings(self) -> Sequence[Finding]:
        """Whether cases can be told here. Raises TryAgain."""
        return await self._about.findings() if self.channel else []

    async def follow(self, one: Delivery) -> Mapping[str, object]:
        """Does what is asked for here; returns what is answered at once. What a colleague writes to a customer is on
        record when it returns; everything else follows. Raises Malformed, and what keeping it raises."""
        match one:
            case Callback():
                await self._hear(one)
            case Press():
                self._start(self._pressed(one))
            case Submission():
                self._start(self._resolve(one))
            case Command():
                return {"response_type": "ephemeral", "text": _NO_CUSTOMERS}
        return {}

    async def _hear(self, one: Callback) -> None:
        if one.is_ext_shared_channel:
            self._about.doubt()
        said = threads.said(one)
        if said is None:
            return
        if why := await self._why_not(said.who):
            self._start(self._whisper(said.who, said.thread, why))
            return
        if said.remark:
            self._start(self._whisper(said.who, said.thread, said.remark))
        if said.text:
            await self._send(said)

    async def _send(self, said: Said) -> None:
        deed = self._deed(said.who, said.thread, "reply", text=said.text, id=f"{self.channel}-{said.ts}")
        done = await self._acting(deed)
        if done.by:
            self._start(self._tick(said))
            self._start(self._show(deed, said.thread, done.by))
        if done.line:
            self._start(self._whisper(said.who, said.thread, done.line))

    async def _pressed(self, press: Press) -> None:
        what = calls.deed_of(press.button.action_id)
        who, ts = _who(press.user, press.team, press.enterprise), press.container.message_ts
        if what is None:
            return
        if why := await self._why_not(who):
            await self._whisper(who, ts, why)
            return
        if what == "resolve":
            await self._ask_how(press, who)
        else:
            await self._do(self._deed(who, ts, what), who, ts)

    async def _ask_how(self, press: Press, who: Colleague) -> None:
        ts = press.container.message_ts
        try:
            shown = {"trigger_id": press.trigger_id, "view": calls.form(f"{self.channel}:{ts}")}
            await self._web.call("views.open", shown)
        except SendProblem as problem:
            log.warning("%s", problem)
            await self._whisper(who, ts, _NO_FORM)

    async def _resolve(self, one: Submission) -> None:
        who, ts = _who(one.user, one.team, one.enterprise), one.view.private_metadata.partition(":")[2]
        if one.view.callback_id != calls.RESOLVING:
            return
        if why := await self._why_not(who):
            await self._whisper(who, ts, why)
            return
        values = {block: {key: e.value for key, e in typed.items()} for block, typed in one.view.state.values.items()}
        await self._do(self._deed(who, ts, "resolve", text=calls.resolution(values)), who, ts)

    async def _do(self, deed: Deed, who: Colleague, ts: str) -> None:
        try:
            done = await self._acting(deed)
        except Exception:
            log.exception("what a colleague asked for in Slack was not done")
            await self._whisper(who, ts, _FAILED)
            return
        if done.line:
            await self._whisper(who, ts, done.line)
        if done.by:
            await self._show(deed, ts, done.by)

    async def _why_not(self, who: Colleague) -> str:
        """Why somebody may not act here at this moment; "" where they may."""
        try:
            async with asyncio.timeout(self.patience):
                if why := await self._about.refusal():
                    return why
                return "" if await self._members.is_full(who.home, who.user) else _STRANGER
        except _UNASKED as trouble:
            log.warning("Slack did not say who somebody is: %s", type(trouble).__name__)
            return _UNKNOWN

    async def _told_as(self, call: str) -> str:
        """The `ts` of the post that an earlier try left; "" where there is none, or where we may not look."""
        try:
            asked = {"channel": self.channel, "limit": str(_LOOKED_BACK), "include_all_metadata": "true"}
            answer = await self._web.ask("conversations.history", asked)
        except Refused as refusal:
            log.warning("%s", refusal)
            return ""
        return next((str(post["ts"]) for post in answer.get("messages") or () if calls.is_of(post, call)), "")

    async def _show(self, deed: Deed, ts: str, by: str) -> None:
        """Shows under a post how its case stands now. Raises SendProblem."""
        only = {"channel": self.channel, "oldest": ts, "latest": ts, "inclusive": "true", "limit": "1"}
        answer = await self._web.ask("conversations.history", only)
        for post in answer.get("messages") or ():
            blocks = calls.standing(post.get("blocks") or (), _STATES[deed.what], by)
            if blocks and post.get("ts") == ts:
                now = {"channel": self.channel, "ts": ts, "text": post["text"], "blocks": blocks}
                await self._web.call("chat.update", now)

    async def _tick(self, said: Said) -> None:
        """Marks a line as sent. Raises SendProblem."""
        mark = {"channel": self.channel, "timestamp": said.ts, "name": "white_check_mark"}
        try:
            await self._web.call("reactions.add", mark)
        except Refused as refusal:
            if refusal.error != "already_reacted":
                await self._whisper(said.who, said.thread, _SENT)

    async def _whisper(self, who: Colleague, thread: str, text: str) -> None:
        """Says something to somebody alone. Raises SendProblem."""
        there = {"channel": self.channel, "user": who.user, "thread_ts": thread}
        await self._web.call("chat.postEphemeral", there | {"text": calls.escaped(text)})

    async def _acting(self, deed: Deed) -> Done:
        return await self._act(deed) if self._act else Done(line=_FAILED)

    def _deed(
        self,
        who: Colleague,
        ts: str,
        what: Literal["take", "hand_back", "reply", "resolve"],
        text: str = "",
        id: str = "",  # noqa: A002 - the reply's
    ) -> Deed:
        return Deed(room=CHANNEL, post=f"{self.channel}:{ts}", key=who.key, what=what, text=text, id=id)


def _who(user: By, team: Named | None, enterprise: Named | None) -> Colleague:
    home = enterprise.id if enterprise else user.team_id or (team.id if team else "")
    return Colleague(home, user.id)
