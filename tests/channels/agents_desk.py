"""Colleagues in Slack for tests: the agents' channel on the twin, the console beside it, and a customer who mails."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from channels.slack import Slack
from core.calling import Calling
from core.messages import Raw
from tests.channels.slack_desk import connected, host, opened
from tests.console.office import Office
from tests.site import NOW
from tests.twins.slack import AGENTS, JSON, Posted, SlackTwin

EVE = "slack:T1ACME/U3EVE"
CUSTOMER = "ann@shop.test"
CHARGED = "I was charged $99 twice <!channel>, write to ann@shop.test. I want to talk to a human."


@dataclass(kw_only=True)
class Colleagues:
    """Everything that a test may look at. `url` is where Slack calls, where it does not come by Socket Mode."""

    office: Office
    slack: SlackTwin
    channel: Slack
    calling: Calling
    url: str = ""
    heard: list[Any] = field(default_factory=list)  # what customers said, as parsed

    async def deliver(self, raw: Raw) -> bool:
        """Stands for dispatch."""
        if message := self.channel.parse(raw):
            self.heard.append(message)
        return message is not None

    async def happens(self, payload: JSON) -> None:
        """Something happens in Slack, is acknowledged, and what follows from it is done."""
        if self.url:
            status, _ = await self.slack.calls(self.url, payload, NOW)
            assert status == 200
        else:
            await (await self.slack.emits(payload)).acked.wait()
        while following := self.channel._answering._tasks:
            await asyncio.wait(following)

    async def hired(self) -> None:
        """Eve has an account, and Slack's Eve is tied to it."""
        self.slack.users["U3EVE"] = {}
        await self.office.hires("eve")
        await self.office.shop.ledger.tie("eve", EVE, by="boss", now=self.office.shop.now)

    async def told(self) -> Posted:
        """A customer is handed over, and the channel is told."""
        await self.office.shop.hears("email", CUSTOMER, CHARGED)
        await self.calling.look()
        return await self.slack.next_post()

    async def whispered(self, payload: JSON) -> Posted:
        """What somebody alone is told when something happens."""
        await self.happens(payload)
        while not (posted := await self.slack.next_post()).user:
            pass
        return posted

    async def mailed(self) -> list[str]:
        """What colleagues' words the customer got."""
        await self.office.delivered()
        return [reply.text for reply in self.office.channels["email"].arrived if reply.sender == "agent"]

    async def assignee(self) -> str | None:
        """Who has the case; None once it is resolved."""
        queue = await self.office.shop.ledger.queue(now=self.office.shop.now)
        return next((queued.case.assignee for queued in queue), None)

    def presses(self, user: str, post: Posted, what: str) -> JSON:
        """Somebody presses the button that says this."""
        block = next(block for block in self.slack.shown[post.ts]["blocks"] if block["type"] == "actions")
        number = [button["text"]["text"] for button in block["elements"]].index(what)
        return self.slack.presses(user, self.slack.shown[post.ts], number, ts=post.ts)


@asynccontextmanager
async def at_work(office: Office, folder: Path, *, by_http: bool = False) -> AsyncIterator[Colleagues]:
    async with SlackTwin() as slack:
        way = {"slack_signing_secret": slack.signing_secret} if by_http else {"slack_app_token": slack.app_token}
        async with opened(slack, folder, None, slack_agents_channel=AGENTS, **way) as channel:
            calling = Calling(
                desk=office.desk,
                ledger=office.shop.ledger,
                rooms={"slack": channel},
                base_url=office.url,
                patience=timedelta(minutes=15),
                now=lambda: office.shop.now,
            )
            channel.join(calling.act)
            channel.room.patience = 30.0  # so that a slow machine fails no test
            one = Colleagues(office=office, slack=slack, channel=channel, calling=calling)
            if by_http:
                async with host(channel, one.deliver) as one.url:
                    yield one
            else:
                async with connected(slack, channel, one.deliver):
                    yield one


def labels(blocks: Any) -> list[str]:
    """What the buttons of a message read."""
    return [b["text"]["text"] for block in blocks if block["type"] == "actions" for b in block["elements"]]
