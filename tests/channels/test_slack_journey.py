"""Journeys on Slack: the real engine, ledger and delivery behind the channel, and Slack on real sockets.

Proved: a code that /throughline gives opens the same conversation by email, a person is called by a button, who wants
to be forgotten gets a colleague and is not erased, and what was corrected is answered as corrected.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from core.delivery import Delivery
from core.dispatch import Dispatch
from core.messages import Raw
from tests.channels.slack_desk import connected, opened
from tests.shop import HOUSE, Shop
from tests.twins.slack import CHANNEL, JSON, Posted, SlackTwin


@dataclass(kw_only=True)
class Desk:
    """Everything that a test may look at."""

    shop: Shop
    slack: SlackTwin

    async def hears(self, payload: JSON) -> Posted:
        """What the bot posts when something happens."""
        await self.happens(payload)
        return await self.slack.next_post()

    async def happens(self, payload: JSON) -> None:
        """Something happens, and is on record."""
        await (await self.slack.emits(payload)).acked.wait()

    async def cases(self) -> list[str]:
        """How the cases in the colleagues' queue stand."""
        return [queued.case.status for queued in await self.shop.ledger.queue(now=self.shop.now)]


@asynccontextmanager
async def desk(folder: Path, *, burst: timedelta = timedelta(0)) -> AsyncIterator[Desk]:
    shop = await Shop.open(folder, house=replace(HOUSE, burst=burst))
    async with SlackTwin() as slack, opened(slack, folder) as channel:
        delivery = Delivery(shop.ledger, {"slack": channel}, lambda: shop.now)
        dispatch = Dispatch(
            replace(shop.engine, typing=delivery.shows_typing), shop.ledger, delivery, {"slack": channel}
        )

        async def deliver(raw: Raw) -> bool:
            return await dispatch.deliver(channel, raw)

        async with connected(slack, channel, deliver):
            yield Desk(shop=shop, slack=slack)
        await dispatch.close()
    await shop.close()


async def test_a_code_from_slack_opens_the_conversation_by_email(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.hears(at.slack.says("U1ANN", "I was charged $49.37 twice, order W4829137."))
        shown = await at.hears(at.slack.commands("U1ANN", "link"))
        code = re.search(r"\d{6}", shown.text)
        assert code
        assert (shown.channel, shown.user) == (CHANNEL, "U1ANN")
        greeted = await at.shop.hears("email", "ann@shop.test", f"My code is {code[0]}")
    assert "Slack" in greeted


async def test_a_person_is_called_by_a_button(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        first = await at.hears(at.slack.mentions("U1ANN", "My kettle leaks."))
        assert (first.channel, first.user) == (CHANNEL, "U1ANN")
        called = await at.hears(at.slack.presses("U1ANN", first.arguments, ts=first.ts))
        settled = await at.slack.replaced.get()
        assert (called.channel, called.user) == (CHANNEL, "U1ANN")
        assert "colleague" in called.text
        assert "Talk to a person" in str(settled["blocks"][-1])
        assert await at.cases() == ["handed_off"]


async def test_who_wants_to_be_forgotten_gets_a_colleague_and_is_not_erased(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.hears(at.slack.says("U1ANN", "My kettle leaks."))
        envelope = await at.slack.emits(at.slack.commands("U1ANN", "forget", channel="DU1ANN"))
        answer = await at.slack.next_post()
        assert envelope.answer
        assert "nothing is erased" in envelope.answer["text"]
        assert answer.user == "U1ANN"
        assert "handed_off" in await at.cases()
        assert "kettle" in str(await at.shop.ledger.transcript("slack", "DU1ANN"))


async def test_what_is_corrected_while_it_waits_is_answered_once_as_corrected(tmp_path: Path) -> None:
    async with desk(tmp_path, burst=timedelta(seconds=2)) as at:
        said = at.slack.says("U1ANN", "My kettle leaks.")
        await at.happens(said)
        await at.happens(at.slack.edits(said, "I was charged $49.37 twice."))
        at.shop.later(seconds=5)
        answer = await at.slack.next_post()
        assert "order number" in answer.text
        assert len(at.slack.posted) == 1


async def test_files_are_named_and_nothing_is_fetched(tmp_path: Path) -> None:
    hidden: list[dict[str, Any]] = [{"id": "F2", "name": None, "file_access": "check_file_info"}]
    files = [
        {"id": "F1", "name": "invoice.pdf", "mimetype": "application/pdf", "size": 9, "url_private": "https://x.test"}
    ]
    async with desk(tmp_path) as at:
        answer = await at.hears(at.slack.says("U1ANN", "", subtype="file_share", files=files + hidden))
    assert "invoice.pdf" in answer.text
