"""What follows a delivery that is kept: a slash command is answered at once, a pressed button is shown as pressed, the
pane of the assistant offers what we can do, and where the app was removed that is found out."""

import asyncio
import html
import logging
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import Any

import aiohttp

from channels._slack.objects import AssistantThread, Callback, Command, Delivery, Press, validated
from channels._slack.phrases import PHRASES, Hello, Phrases, language
from channels._slack.posting import Posting
from channels._slack.reading import asked_of
from channels._slack.web import Web
from core.errors import Problem
from core.greeting import of
from core.messages import Route
from core.phrases import say

log = logging.getLogger(__name__)


class Answering:
    """Answers beside the engine; nothing that a customer told depends on it."""

    def __init__(self, web: Web, posting: Posting, hello: Hello) -> None:
        self._web = web
        self._posting = posting
        self._hello = hello
        self._language = language(hello.languages)
        self._tasks: set[asyncio.Task[None]] = set()

    def at_once(self, one: Delivery) -> Mapping[str, object]:
        """What is answered in the acknowledgement, seen by who typed a command alone; nothing, for all else."""
        if not isinstance(one, Command) or one.verb not in ("help", "forget"):
            return {}
        phrases = self._phrases
        return self._private(phrases.explanation if one.verb == "help" else phrases.about_erasing)

    def begin(self, one: Delivery) -> None:
        """Does what follows a delivery, soon."""
        if isinstance(one, Press) and asked_of(one):
            self.start(self._posting.settle(one))
        elif isinstance(one, Callback) and one.kind == "assistant_thread_started":
            self.start(self._offer(one))
        elif isinstance(one, Callback) and one.kind in ("app_uninstalled", "tokens_revoked"):
            self.start(self.look_at_token())  # the event may be old, so Slack is asked

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Does something soon; what Slack refuses of it is logged."""
        task = asyncio.create_task(_tried(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def look_at_token(self) -> None:
        """Finds out whether our token is still good; if not, that is the channel's trouble."""
        with suppress(Problem):
            await self._web.call("auth.test")

    async def typing(self, route: Route) -> None:
        """Shows in a thread that an answer is written, until it is there. Raises SendProblem."""
        if "thread_ts" in route and "ephemeral" not in route:
            where = {"channel_id": route["channel"], "thread_ts": route["thread_ts"]}
            await self._web.call("assistant.threads.setStatus", where | {"status": self._phrases.writing})

    async def close(self) -> None:
        """Stops."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def _phrases(self) -> Phrases:
        return PHRASES[self._language]

    def _private(self, text: str) -> Mapping[str, object]:
        return {"response_type": "ephemeral", "text": html.escape(self._named(text), quote=False)}

    def _named(self, text: str) -> str:
        return text.format(name=self._hello.name, of=of(self._hello.brand, self._language))

    async def _offer(self, one: Callback) -> None:
        thread = validated(AssistantThread, _mapping(one.event.get("assistant_thread")))
        prompts = [
            (self._phrases.about_an_order, self._phrases.help_with_an_order),
            (self._phrases.go_on_elsewhere, self._phrases.wish_for_a_code),
            (say("to_a_person", self._language), say("wish_for_a_person", self._language)),
        ]
        await self._web.call(
            "assistant.threads.setSuggestedPrompts",
            {
                **thread.model_dump(),
                "title": self._named(self._phrases.offer),
                "prompts": [{"title": title, "message": message} for title, message in prompts],
            },
        )


async def _tried(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except (Problem, aiohttp.ClientError, OSError) as error:
        log.warning("Slack: what follows a delivery was not done: %s", str(error) or type(error).__name__)


def _mapping(found: object) -> Mapping[str, object]:
    return found if isinstance(found, Mapping) else {}
