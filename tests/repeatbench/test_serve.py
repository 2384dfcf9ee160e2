"""RepeatBench's interface to our bot, over real HTTP: every endpoint, and that nobody is answered twice or hears what
is not theirs."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import pytest

from benchmarks.repeatbench.ours import Ours
from benchmarks.repeatbench.serve import application
from bots import web

Json = dict[str, Any]

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ANN_MAIL: Json = {"address": "ann@post.test", "display_name": "Ann", "auth": "pass"}
ANN_PHONE: Json = {"address": "+15550100001", "display_name": ""}
ANN_SLACK: Json = {"address": "U1", "workspace": "T1", "display_name": "Ann"}
ANN: Json = {
    "id": "c1",
    "name": "Ann Berger",
    "handles": [
        {"channel": "email", "value": "ann@post.test", "verified": True},
        {"channel": "sms", "value": "+15550100001", "verified": True},
        {"channel": "slack", "value": "T1/U1", "verified": True},
        {"channel": "web", "value": "ann-of-acme", "verified": True},
        {"channel": "discord", "value": "77", "verified": False},
    ],
    "profile": {"plan": "Corvane", "ltv": 12.5, "tags": ["x"], "note": None},
}


@dataclass(kw_only=True)
class Harness:
    """Speaks to the bot as the benchmark does. `now` is its clock."""

    http: httpx.AsyncClient
    ids: "count[int]"
    now: datetime = START

    async def post(self, step: str, body: Mapping[str, Any], status: int = 200) -> Json:
        answer = await self.http.post(f"/rb/{step}", json=body)
        assert answer.status_code == status, answer.text
        found: Json = answer.json()
        return found

    async def resets(self, *people: Json) -> None:
        self.now = START
        await self.post("reset", {"run_id": "r", "now": self.now.isoformat()})
        await self.post("seed", {"directory": people})

    def message(self, channel: str, sender: Json, text: str, **more: Any) -> Json:
        fields = {"msg_id": f"m{next(self.ids)}", "ts": self.now.isoformat(), "to": "support", "subject": None}
        return {**fields, "channel": channel, "from": sender, "text": text, **more}

    async def ticks(self, seconds: float = 60) -> Json:
        self.now += timedelta(seconds=seconds)
        return await self.post("tick", {"now": self.now.isoformat()})

    async def says(self, channel: str, sender: Json, text: str, **more: Any) -> list[Json]:
        """A message, and a minute later a tick: all that came of both."""
        answer = await self.post("inbound", self.message(channel, sender, text, **more))
        later = await self.ticks()
        return [*answer["replies"], *later["replies"]]

    async def hears(self, channel: str, sender: Json, text: str, **more: Any) -> str:
        """As `says`: what the sender reads."""
        replies = await self.says(channel, sender, text, **more)
        assert {(r["channel"], r["to"]) for r in replies} <= {(channel, sender["address"])}
        return "\n".join(reply["text"] for reply in replies)


@pytest.fixture
async def harness() -> AsyncIterator[Harness]:
    bot = Ours()
    with web.listen("127.0.0.1", 0) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with web.serving(application(bot), listening), httpx.AsyncClient(base_url=address, timeout=30) as http:
            yield Harness(http=http, ids=count())
    await bot.close()


async def test_health_says_when_it_is_ready(harness: Harness) -> None:
    assert (await harness.http.get("/rb/health")).status_code == 200


async def test_what_was_told_by_mail_is_known_on_every_channel_of_the_directory(harness: Harness) -> None:
    await harness.resets(ANN)
    first = await harness.says("email", ANN_MAIL, "I was charged twice for order W4829137", subject="Charged twice")
    assert first[0]["asks"] == ["amount"]
    assert first[0]["visibility"] == "private"
    harness.now += timedelta(days=1)
    assert "9137" in await harness.hears("sms", ANN_PHONE, "any news about my charge?")
    assert "9137" in await harness.hears("slack", ANN_SLACK, "any news about my charge?")
    assert "9137" in await harness.hears("web", {"address": "ann-of-acme", "auth": "pass"}, "any news about my charge?")


async def test_nobody_else_hears_of_it(harness: Harness) -> None:
    await harness.resets(ANN)
    await harness.says("email", ANN_MAIL, "I was charged $49.37 twice for order W4829137", thread="t1")
    others: list[tuple[str, Json]] = [
        ("email", ANN_MAIL | {"auth": "fail"}),
        ("email", ANN_MAIL | {"auth": "none"}),
        ("email", {"address": "ann@pоst.test", "auth": "pass"}),
        ("voice", ANN_PHONE | {"auth": "none"}),
        ("slack", ANN_SLACK | {"workspace": "T2"}),
        ("discord", {"address": "77", "display_name": "Ann Berger"}),  # in the directory, and not verified
        ("web", {"address": "ann-of-acme", "auth": "none"}),
    ]
    for channel, sender in others:
        heard = await harness.hears(channel, sender, "This is Ann Berger. Any news on my charge?", thread="t1")
        assert not re.search("9137|49.37|Ann", heard), (channel, heard)


async def test_a_repeated_message_has_one_effect(harness: Harness) -> None:
    await harness.resets(ANN)
    message = harness.message("sms", ANN_PHONE, "my parcel W4829137 never arrived")
    together = await asyncio.gather(*(harness.post("inbound", message) for _ in range(4)))
    assert len([r for one in together for r in one["replies"]]) + len((await harness.ticks())["replies"]) == 1
    assert (await harness.post("inbound", message))["replies"] == []
    assert (await harness.ticks())["replies"] == []


async def test_copies_on_a_live_channel_are_answered_once(harness: Harness) -> None:
    await harness.resets(ANN)
    message = harness.message("voice", ANN_PHONE | {"auth": "pass"}, "my parcel W4829137 never arrived", thread="CA1")
    together = await asyncio.gather(*(harness.post("inbound", message) for _ in range(4)))
    assert len([reply for one in together for reply in one["replies"]]) == 1


async def test_fragments_are_answered_together(harness: Harness) -> None:
    await harness.resets(ANN)
    parts = ["hi there", "i was charged twice", "for order W4829137"]
    await asyncio.gather(*(harness.post("inbound", harness.message("slack", ANN_SLACK, part)) for part in parts))
    replies = (await harness.ticks())["replies"]
    assert [reply["asks"] for reply in replies] == [["amount"]]
    assert "9137" in replies[0]["text"]


async def test_a_message_that_came_before_the_last_tick_is_answered_at_its_own_time(harness: Harness) -> None:
    await harness.resets(ANN)
    await harness.post("inbound", harness.message("email", ANN_MAIL, "I was charged twice for order W4829137"))
    harness.now += timedelta(days=2)
    await harness.post("inbound", harness.message("sms", ANN_PHONE, "any news about my charge?"))
    first, second = (await harness.ticks())["replies"]
    assert first["channel"] == "email"
    assert "on Monday" in second["text"] or "2 days" in second["text"]


async def test_the_later_time_decides_not_the_later_arrival(harness: Harness) -> None:
    await harness.resets(ANN)
    await harness.says("slack", ANN_SLACK, "I was charged twice for order W4829137")
    newer, older = harness.now + timedelta(minutes=9), harness.now + timedelta(minutes=2)
    await harness.says("slack", ANN_SLACK, "the amount was $31.20", ts=newer.isoformat())
    await harness.says("slack", ANN_SLACK, "the amount was $49.37", ts=older.isoformat())
    harness.now += timedelta(days=1)
    heard = await harness.hears("email", ANN_MAIL, "any news about my charge?")
    assert "$31.20" in heard
    assert "49.37" not in heard


async def test_a_code_carries_a_case_over_and_two_digits_link_for_good(harness: Harness) -> None:
    await harness.resets()
    discord = {"address": "d9"}
    await harness.says("slack", ANN_SLACK, "I was charged $49.37 twice for order W4829137")
    shown = await harness.hears("slack", ANN_SLACK, "Please link my other account, which code do I need?")
    (code,) = re.findall(r"(?<!\d)(?:\d{6}|\d{8})(?!\d)", shown)
    entered = await harness.hears("discord", discord, code)
    assert "9137" in entered
    (pair,) = re.findall(r"(?<![\w.])\d\d(?![\w.]*\d)", entered.replace("49.37", ""))
    notices = await harness.says("discord", discord, pair)
    assert [(r["channel"], r["to"]) for r in notices] == [("discord", "d9"), ("slack", "U1")]
    harness.now += timedelta(days=1)
    assert "9137" in await harness.hears("discord", discord, "any news about the charge?")


async def test_a_code_can_be_keyed_in_on_the_telephone(harness: Harness) -> None:
    await harness.resets()
    await harness.says("slack", ANN_SLACK, "I was charged $49.37 twice for order W4829137")
    shown = await harness.hears("slack", ANN_SLACK, "I'm going to call")
    (code,) = re.findall(r"(?<!\d)(?:\d{6}|\d{8})(?!\d)", shown)
    caller = {"address": "+15550100009", "auth": "none"}
    assert "9137" in await harness.hears("voice", caller, "", dtmf=code, thread="CA1")
    assert "9137" not in await harness.hears("voice", caller, "hello again", thread="CA2")


async def test_what_is_asked_in_public_is_answered_in_private(harness: Harness) -> None:
    await harness.resets(ANN)
    await harness.says("email", ANN_MAIL, "I was charged $49.37 twice for order W4829137")
    mention = ANN_SLACK | {"public": True}
    (reply,) = await harness.says("slack", mention, "<@UBOT> any news on my charge?", to="C-general")
    assert (reply["to"], reply["visibility"]) == ("U1", "private")
    assert "9137" in reply["text"]


async def test_quoted_mail_is_not_the_customers_word(harness: Harness) -> None:
    await harness.resets(ANN)
    mail = "It is still broken.\n\nOn Mon, Mar 2, 2026 at 8:00 AM Tom <tom@post.test> wrote:\n> my order is W9998887\n"
    replies = await harness.says("email", ANN_MAIL, f"My Zelvora kettle arrived damaged. {mail}", subject="Kettle")
    assert replies[0]["asks"] == ["order_id"]
    assert "8887" not in replies[0]["text"]


async def test_a_handoff_tells_all_and_the_agent_answers_on_the_customers_channel(harness: Harness) -> None:
    await harness.resets(ANN)
    sender = {"address": "ann-of-acme", "auth": "pass"}
    text = "I was charged $49.37 twice for order W4829137. I want to talk to a human."
    answer = await harness.post("inbound", harness.message("web", sender, text))
    assert all(word in answer["handoff"]["text"] for word in ("Ann Berger", "W4829137", "$49.37", "Corvane"))
    assert answer["case"]["status"] == "handed_off"
    case = {"case_id": answer["case"]["id"]}
    assert (await harness.post("agent", {**case, "action": "take"}))["replies"] == []
    said = await harness.post("agent", {**case, "action": "reply", "text": "I am on it."})
    assert [(r["channel"], r["to"], r["text"]) for r in said["replies"]] == [("web", "ann-of-acme", "I am on it.")]
    assert await harness.hears("web", sender, "thank you, I am waiting") == ""
    await harness.post("agent", {**case, "action": "return"})
    harness.now += timedelta(days=1)
    assert "9137" in await harness.hears("sms", ANN_PHONE, "any news about my charge?")
    await harness.post("agent", {**case, "action": "resolve", "text": "Paid back.", "satisfaction": 5})
    harness.now += timedelta(days=1)
    assert "9137" not in await harness.hears("email", ANN_MAIL, "hello")


async def test_a_tick_tells_of_handoffs_and_cases_too(harness: Harness) -> None:
    await harness.resets(ANN)
    await harness.post("inbound", harness.message("sms", ANN_PHONE, "I want to talk to a human about order W4829137"))
    told = await harness.ticks()
    whose = {"channel": "sms", "address": "+15550100001"}
    assert [(h["channel"], h["address"]) for h in told["handoffs"]] == [("sms", "+15550100001")]
    assert [case | whose for case in told["cases"]] == told["cases"]


async def test_who_was_forgotten_comes_back_as_a_stranger(harness: Harness) -> None:
    await harness.resets(ANN)
    message = harness.message("email", ANN_MAIL, "I was charged $49.37 twice for order W4829137")
    await harness.post("inbound", message)
    harness.now += timedelta(minutes=5)  # it is answered by then, and the answer is still to be fetched
    await harness.post("inbound", harness.message("sms", ANN_PHONE, "and it is the Zelvora kettle"))
    await harness.post("forget", {"customer": "c1"})
    assert await harness.ticks() == {"replies": [], "handoffs": [], "cases": []}
    assert (await harness.post("inbound", message))["replies"] == []
    harness.now += timedelta(hours=1)
    heard = await harness.hears("email", ANN_MAIL, "Hello, any news on my charge?")
    assert heard
    assert not re.search("9137|49.37|Ann|Zelvora", heard)
    await harness.post("forget", {"customer": "c1"}, status=404)


async def test_a_reset_leaves_nothing(harness: Harness) -> None:
    await harness.resets(ANN)
    await harness.says("email", ANN_MAIL, "I was charged $49.37 twice for order W4829137")
    await harness.resets()
    assert "9137" not in await harness.hears("email", ANN_MAIL, "any news on my charge?")


@pytest.mark.parametrize(
    ("step", "body", "status"),
    [
        ("reset", "{", 400),
        ("reset", '{"run_id": "r", "now": "2026-03-02T09:00:00"}', 400),
        ("seed", '{"directory": [{"name": "Ann"}]}', 400),
        ("inbound", "[]", 400),
        ("inbound", '{"msg_id": "m", "ts": "yesterday"}', 400),
        ("tick", "{}", 400),
        ("agent", '{"case_id": "1", "action": "shout"}', 400),
        ("agent", '{"case_id": "7", "action": "take"}', 404),
        ("agent", '{"case_id": "x", "action": "return"}', 404),
        ("forget", '{"customer": "nobody"}', 404),
        ("nothing", "{}", 404),
    ],
)
async def test_errors_are_json_with_a_message(harness: Harness, step: str, body: str, status: int) -> None:
    await harness.resets(ANN)
    answer = await harness.http.post(f"/rb/{step}", content=body)
    assert answer.status_code == status
    assert answer.json()["error"]


async def test_before_a_reset_there_is_nothing_to_write_to(harness: Harness) -> None:
    await harness.post("tick", {"now": START.isoformat()}, status=404)
    assert (await harness.http.get("/rb/tick")).status_code == 405
