"""What the gateway tells, put on record: in order, and what was missed before what is new."""

import asyncio
import json
import logging
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import Any, Final

from channels._discord.commands import register
from channels._discord.cursors import Cursors, begun, direct, on_record
from channels._discord.history import History
from channels._discord.objects import Interaction, made_at
from channels._discord.phrases import Hello
from channels._discord.posting import Posting
from channels._discord.reading import response
from channels._discord.rest import Refused, Rest
from core.channel import Deliver, Site
from core.errors import SendProblem, TryAgain
from core.messages import Raw

log = logging.getLogger(__name__)

_AT_ONCE: Final = 0.2  # seconds
_PAGE: Final = 100  # messages
_MOST_PAGES: Final = 10  # of one conversation after one absence
_TO_ACKNOWLEDGE: Final = 3.0  # seconds that Discord waits for a word on an interaction
_DEFERRED: Final = 5  # a response that shows that the answer is being worked on


class Hearing:
    """Records what is heard; Discord sends nothing twice, so each delivery is tried until it is on record."""

    def __init__(
        self, rest: Rest, cursors: Cursors, posting: Posting, deliver: Deliver, site: Site, *, pause: float
    ) -> None:
        """`pause` is how many seconds go before a further try."""
        self._rest = rest
        self._cursors = cursors
        self._posting = posting
        self._deliver = deliver
        self._now = site.now
        self._places = site.places
        self._hello = Hello(site.name, site.brand, site.languages)
        self._pause = pause
        self._bot_id = ""
        self._history = History()
        self._inbox: asyncio.Queue[tuple[Mapping[str, Any], Raw]] = asyncio.Queue()
        self._behind: dict[str, str] = {}  # conversations that are still to be caught up with, and from where
        self._on_record: frozenset[str] = frozenset()  # messages that an earlier process kept
        self._is_new = True  # what earlier processes missed is not looked up yet
        self._woken = asyncio.Event()
        self._interactions: set[asyncio.Task[None]] = set()
        self._others: set[asyncio.Task[None]] = set()
        self._start(self._others, self._record())

    async def close(self, *, patience: float) -> None:
        """Stops once what was heard is on record, or after so many seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._finish(), patience)
        left = [*self._interactions, *self._others]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def event(self, name: str, told: Mapping[str, Any]) -> None:
        """One event of the gateway."""
        match name:
            case "READY":
                self._begin(told)
            case "MESSAGE_CREATE" if self._concerns_us(told):
                self._history.said(told)
                self._put(told, message=told)
            case "MESSAGE_UPDATE" if self._concerns_us(told):
                if (was := self._history.edited(told, self._now())) is not None:
                    self._put(told, edited=told, was=was)
            case "MESSAGE_DELETE":
                self._gone(str(told.get("id")))
            case "MESSAGE_DELETE_BULK":
                for one in told.get("ids", []):
                    self._gone(str(one))
            case "INTERACTION_CREATE":
                self._start(self._interactions, self._interact(told))

    def _begin(self, ready: Mapping[str, Any]) -> None:
        """A session that was not resumed: what was said since the last one comes by no event."""
        self._bot_id = str(ready["user"]["id"])
        self._behind = dict(self._cursors.all()) | self._behind
        self._woken.set()
        self._start(self._others, self._register(str(ready["application"]["id"])))

    def _concerns_us(self, message: Mapping[str, Any]) -> bool:
        """Whether it is said to us; what others say in a server is not even looked at."""
        mentioned = (str(user.get("id")) for user in message.get("mentions", []))
        return bool(self._bot_id) and ("guild_id" not in message or self._bot_id in mentioned)

    def _gone(self, message: str) -> None:
        if found := self._history.deleted(message):
            payload, was = found
            self._put({}, deleted=payload, was=was)

    def _put(self, told: Mapping[str, Any], /, **what: object) -> None:
        self._inbox.put_nowait((told, self._raw(**what)))
        self._woken.set()

    def _raw(self, **what: object) -> Raw:
        return Raw(body=json.dumps({"bot_id": self._bot_id} | what).encode(), received_at=self._now())

    @staticmethod
    def _start(among: set[asyncio.Task[None]], work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        among.add(task)
        task.add_done_callback(among.discard)

    async def _finish(self) -> None:
        await self._inbox.join()
        await asyncio.gather(*self._interactions, return_exceptions=True)

    async def _record(self) -> None:
        while True:
            self._woken.clear()
            if self._is_new and self._bot_id:
                await self._look_up()
            while not self._inbox.empty():
                message, raw = self._inbox.get_nowait()
                await self._record_one(message, raw)
                self._inbox.task_done()
            if channel := next(iter(self._behind), ""):
                await self._rest_for(await self._catch_up(channel))
            else:
                self._on_record = frozenset()
                await self._woken.wait()

    async def _look_up(self) -> None:
        """Learns from the record where each conversation stood when the process before this one ended."""
        while self._is_new:
            try:
                places = await self._places()
            except Exception:
                log.exception("What was missed on Discord is not known; trying again in %g seconds.", self._pause)
                await asyncio.sleep(self._pause)
            else:
                self._is_new = False
                self._on_record = on_record(places)
                self._behind |= direct(places)
                self._start(self._others, self._look_up_begun(begun(places)))

    async def _look_up_begun(self, people: Mapping[str, str]) -> None:
        """Finds the direct messages that we began; who answers there is heard as well."""
        for user, message in people.items():
            with suppress(SendProblem, ValueError):
                self._behind.setdefault(await self._posting.channel_of(user), message)
        self._woken.set()

    async def _record_one(self, message: Mapping[str, Any], raw: Raw) -> None:
        channel = str(message.get("channel_id", ""))
        if channel in self._behind:
            await self._catch_up(channel)
        await self._insist(raw)
        self._note(message)

    async def _insist(self, raw: Raw) -> None:
        while True:
            try:
                await self._deliver(raw)
            except Exception:
                log.exception("A message from Discord could not be recorded; trying again in %g seconds.", self._pause)
            else:
                return
            await asyncio.sleep(self._pause)

    def _note(self, message: Mapping[str, Any]) -> None:
        """A conversation that we are behind with keeps its place."""
        channel = str(message.get("channel_id", ""))
        if channel and "guild_id" not in message and channel not in self._behind:
            self._cursors.note(channel, str(message["id"]))

    async def _catch_up(self, channel: str) -> float:
        """Fetches what was said in a conversation since it was last heard; if that fails, seconds to the next try."""
        try:
            for _ in range(_MOST_PAGES):
                found = await self._page(channel)
                for message in found:
                    self._history.said(message)
                    if str(message["id"]) not in self._on_record:
                        await self._insist(self._raw(message=message))
                    self._behind[channel] = str(message["id"])
                if len(found) < _PAGE:
                    break
        except Refused as refused:
            log.info("A conversation on Discord cannot be read any more: %s", refused)
            self._cursors.drop(channel)
            del self._behind[channel]
        except TryAgain as away:
            log.info("What was missed on Discord cannot be fetched yet: %s", away)
            self._behind[channel] = self._behind.pop(channel)
            return away.after.total_seconds() if away.after else self._pause
        else:
            self._cursors.note(channel, self._behind.pop(channel))
        return 0

    async def _page(self, channel: str) -> list[Mapping[str, Any]]:
        """The next messages, the oldest first; Discord gives the newest of them first."""
        after = self._behind[channel]
        found = await self._rest.ask("GET", f"channels/{channel}/messages", after=after, limit=str(_PAGE))
        messages = [one for one in found if isinstance(one, Mapping) and str(one.get("id", "")).isdecimal()]
        return sorted(messages, key=lambda one: int(one["id"]))

    async def _rest_for(self, seconds: float) -> None:
        """A pause, unless something new is heard."""
        if seconds:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), seconds)

    async def _register(self, application: str) -> None:
        while True:
            try:
                return await register(self._rest, application)
            except Refused as refused:
                return log.warning("The commands on Discord could not be registered: %s", refused)
            except TryAgain as away:
                await asyncio.sleep(away.after.total_seconds() if away.after else self._pause)

    async def _interact(self, told: Mapping[str, Any]) -> None:
        """Records a command or a press, and says so to Discord."""
        try:
            one = Interaction.model_validate(told)
        except ValueError:  # kept for a human
            await self._insist(self._raw(interaction=told))
        else:
            with self._posting.arriving(one.id):
                await self._insist(self._raw(interaction=told))
                await self._acknowledge(one)

    async def _acknowledge(self, one: Interaction) -> None:
        answer = response(one, self._hello)
        try:
            await self._respond(one, answer)
        except SendProblem as late:
            log.warning("A command or a button on Discord was not acknowledged in time: %s", late)
        else:
            if answer["type"] == _DEFERRED:
                self._posting.opened(one)

    async def _respond(self, one: Interaction, answer: Mapping[str, object]) -> None:
        while True:
            try:
                await self._rest.ask("POST", f"interactions/{one.id}/{one.token}/callback", answer)
            except TryAgain as away:
                if not self._in_time(one.id):
                    raise
                await asyncio.sleep(away.after.total_seconds() if away.after else min(self._pause, _AT_ONCE))
            else:
                return

    def _in_time(self, interaction: str) -> bool:
        return (self._now() - made_at(interaction)).total_seconds() < _TO_ACKNOWLEDGE
