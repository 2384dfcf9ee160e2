"""What a caller hears while the model still writes: the first sentence at once, no word twice, and on record what was
heard. Over real sockets: a model that streams, a telephone, and the web server between them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.messages import Reply
from tests.channels.switchboard import Switchboard, switchboard
from tests.channels.test_voice_relay import settled, with_patience
from tests.twins.openai import OpenAITwin, openai_twin
from tests.twins.relay import RelayCall

ASKED = "My coffee machine does not start any more."
FIRST, SECOND, THIRD = "Please unplug it for a minute.", "Then hold both buttons.", "Does the light come on?"
REPLY = f"{FIRST} {SECOND} {THIRD}"


@pytest.fixture
async def model() -> AsyncIterator[OpenAITwin]:
    async with openai_twin() as model:
        model.says(reply=REPLY, confidence=0.9, issue="The coffee machine does not start.", category="fault", facts=[])
        yield model


@pytest.fixture
async def board(tmp_path: Path, model: OpenAITwin) -> AsyncIterator[Switchboard]:
    async with switchboard(tmp_path, model=model, kind=with_patience()) as board:
        yield board


async def greeted(board: Switchboard) -> RelayCall:
    call = board.call()
    await call.dials()
    await call.hears()
    await call.hears_token()
    return call


async def last_line(board: Switchboard, call: RelayCall) -> str:
    await settled(board)
    return [line.text for line in await board.lines(call) if line.sender == "bot"][-1]


async def test_the_first_sentence_is_spoken_while_the_model_writes_the_second(
    board: Switchboard, model: OpenAITwin
) -> None:
    model.pauses_before = "Then hold"
    call = await greeted(board)
    await call.says(ASKED)
    assert (await call.hears_token()).strip() == FIRST
    assert not model.go_on.is_set()
    model.go_on.set()
    assert await call.hears() == REPLY
    assert await last_line(board, call) == REPLY
    assert model.calls == 1


async def test_a_model_that_takes_its_time_is_bridged(board: Switchboard, model: OpenAITwin) -> None:
    model.pauses_before = "Please unplug"
    call = await greeted(board)
    board.hurry(call, filler=0.01)
    await call.says(ASKED)
    assert await call.hears() == "One moment, please."
    model.go_on.set()
    assert await call.hears() == REPLY
    assert await last_line(board, call) == REPLY


async def test_a_reply_that_never_comes_ends_the_call_honestly(board: Switchboard, model: OpenAITwin) -> None:
    model.trouble = "hangs"
    call = await greeted(board)
    board.hurry(call, filler=0.01, again=0.01)
    await call.says(ASKED)
    assert [await call.hears() for _ in range(3)] == ["One moment, please."] * 3
    assert "everything you told me is kept" in (await call.hears()).lower()
    assert "<Hangup" in await call.ends()


@pytest.mark.parametrize(
    "decided", [{"human_wanted": True}, {"confidence": 0.2}, {"actions": ["refund"]}], ids=lambda d: next(iter(d))
)
async def test_nothing_is_spoken_before_its_time_where_more_than_words_is_decided(
    board: Switchboard, model: OpenAITwin, decided: dict[str, object]
) -> None:
    model.says(reply=REPLY, **({"confidence": 0.9} | decided))
    model.pauses_before = '"asks"'
    call = await greeted(board)
    await call.says(ASKED)
    await model.paused.wait()
    assert call._tokens.empty()
    model.go_on.set()
    assert (await call.hears()).startswith(REPLY)
    assert "colleague" in await last_line(board, call)


async def test_nothing_is_spoken_before_the_disclosure(board: Switchboard, model: OpenAITwin) -> None:
    call = await greeted(board)
    board.shop.later(days=2)
    assert (await call.asks(ASKED)).startswith("This is Throughline, an AI assistant of Acme.")
    assert "stream" not in model.requests[-1]


async def test_an_action_s_outcome_is_said_by_code_after_the_model_s_words(
    board: Switchboard, model: OpenAITwin
) -> None:
    call = await greeted(board)
    model.says(reply=FIRST, human_wanted=False, confidence=0.9, category="charge", mood="angry", urgency="high")
    assert await call.asks(ASKED) == FIRST


async def test_links_that_we_do_not_vouch_for_are_not_spoken(board: Switchboard, model: OpenAITwin) -> None:
    model.says(reply="Look at [our page. Really](https://evil.test/x). Or at www.evil.test for more. Good?", facts=[])
    call = await greeted(board)
    assert await call.asks(ASKED) == "Look at our page. Really. Or at for more. Good?"
    assert "evil" not in str(call.frames)


# Somebody speaks against it


async def test_what_was_heard_of_a_whole_reply_stands_on_record(board: Switchboard) -> None:
    call = await greeted(board)
    await call.asks(ASKED)
    await settled(board)
    await call.interrupts(f"{FIRST} Then hold")
    await call.asks("Which buttons?")
    said = [line.text for line in await board.lines(call) if line.sender == "bot"]
    assert said[1:] == [f"{FIRST} Then hold…", REPLY]


async def test_speaking_against_it_stops_the_model(board: Switchboard, model: OpenAITwin) -> None:
    model.pauses_before = "Does the light"
    call = await greeted(board)
    await call.says(ASKED)
    await call.hears_token()
    await call.hears_token()
    await call.interrupts("Please unplug it")
    async with asyncio.timeout(10):
        await model.left_alone.wait()
    model.pauses_before = ""
    model.says(reply="I am listening.", confidence=0.9, facts=[], issue="")
    await call.says("No, wait, it is the kettle.")
    assert (await call.hears()).endswith("I am listening.")
    await settled(board)
    said = [(line.sender, line.text) for line in await board.lines(call)][2:]
    assert said == [
        ("customer", ASKED),
        ("bot", "Please unplug it…"),
        ("customer", "No, wait, it is the kettle."),
        ("bot", "I am listening."),
    ]
    assert THIRD not in str(call.frames)


async def test_a_reply_that_was_interrupted_is_never_gone_on_with(board: Switchboard) -> None:
    call = await greeted(board)
    await call.asks(ASKED)
    await settled(board)
    reply = (await board.lines(call))[-1]
    await call.interrupts(FIRST)
    await call.asks("Which buttons?")
    await settled(board)
    late = Reply(id=reply.id, route={"call": call.sid, "step": "1"}, text=f"{REPLY} And one thing more.")
    await board.voice.begin(late)
    for wire in board.voice.render(late):
        await board.voice.send(wire)
    await call.asks("Still there?")
    assert "one thing more" not in str(call.frames)


async def test_the_model_is_told_what_was_heard_and_no_more(board: Switchboard, model: OpenAITwin) -> None:
    call = await greeted(board)
    await call.asks(ASKED)
    await settled(board)
    await call.interrupts(FIRST)
    await call.asks("And then?")
    told = str(model.requests[-1]["messages"])
    assert FIRST in told
    assert "hold both buttons" not in told


async def test_speaking_against_the_filler_changes_nothing(board: Switchboard, model: OpenAITwin) -> None:
    model.pauses_before = "Please unplug"
    call = await greeted(board)
    board.hurry(call, filler=0.01)
    await call.says(ASKED)
    await call.hears()
    await call.interrupts("One mom")
    model.go_on.set()
    assert await call.hears() == REPLY
    assert await last_line(board, call) == REPLY


async def test_hanging_up_while_the_model_writes_leaves_a_settled_turn(board: Switchboard, model: OpenAITwin) -> None:
    model.pauses_before = "Then hold"
    call = await greeted(board)
    await call.says(ASKED)
    await call.hears_token()
    await call.hangs_up()
    model.go_on.set()
    assert await last_line(board, call) == REPLY
    assert await board.shop.ledger.open_lines() == []


# When the model fails


async def test_a_model_that_breaks_off_is_owned_and_the_rules_go_on(board: Switchboard, model: OpenAITwin) -> None:
    model.breaks_before = "Then hold"
    call = await greeted(board)
    answer = await call.asks(ASKED)
    assert answer.startswith(f"{FIRST} Sorry, let me put that differently. ")
    assert await last_line(board, call) == answer
    assert answer.count(FIRST) == 1


async def test_a_model_that_breaks_off_before_it_said_anything_is_not_noticed(
    board: Switchboard, model: OpenAITwin
) -> None:
    model.breaks_before = "Please unplug"
    call = await greeted(board)
    answer = await call.asks(ASKED)
    assert "Sorry, let me" not in answer
    assert answer


async def test_a_turn_that_fails_after_its_first_words_is_not_begun_again(
    board: Switchboard, model: OpenAITwin, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle, failures = board.shop.ledger.settle, [OSError("disk")]
    call = await greeted(board)

    async def fails_once(settlement: object) -> object:
        if failures:
            raise failures.pop()
        return await settle(settlement)  # type: ignore[arg-type]

    monkeypatch.setattr(board.shop.ledger, "settle", fails_once)
    answer = await call.asks(ASKED)
    assert answer.startswith(f"{FIRST} {SECOND}")
    assert answer.count(FIRST) == 1
    assert "a colleague will read it" in answer
    assert await last_line(board, call) == answer


async def test_a_server_that_does_not_stream_is_as_good(board: Switchboard, model: OpenAITwin) -> None:
    model.trouble = "in one go"
    call = await greeted(board)
    assert await call.asks(ASKED) == REPLY
