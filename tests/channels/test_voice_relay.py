"""A call over ConversationRelay, end to end over real sockets: the door, the talk, the keypad, silence, and the end."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from channels._voice.conversation import Patience
from channels.voice import Voice, VoiceSettings
from core.backends.ledger import inbox
from core.backends.ledger.schema import messages
from core.messages import InboundMessage, Raw
from tests.channels.switchboard import ANN, Switchboard, switchboard
from tests.twins.openai import openai_twin
from tests.twins.relay import BadFrame, RelayCall
from tests.twins.twilio import PUBLIC
from tests.twins.twiml import checked

COMPLAINT = "I was charged $99 instead of $49 after I downgraded, order W4829137."
COLLEAGUE = "+15550177"


def with_patience(**seconds: float) -> type[Voice]:
    """Voice that waits for nothing, but for what a test is about."""

    class Patient(Voice):
        waits = Patience(**{"filler": 50, "again": 50, "silence": 50, "digits": 50, "sign": 0} | seconds)  # type: ignore[arg-type]

    return Patient


@pytest.fixture
async def board(tmp_path: Path) -> AsyncIterator[Switchboard]:
    async with switchboard(tmp_path, kind=with_patience()) as board:
        yield board


async def greeted(board: Switchboard, **how: str) -> RelayCall:
    """A call whose greeting was heard."""
    call = board.call(**how)
    await call.dials()
    await call.hears()
    return call


async def bot_lines(board: Switchboard, call: RelayCall) -> list[str]:
    return [line.text for line in await board.lines(call) if line.sender == "bot"]


async def test_a_call_goes_back_and_forth(board: Switchboard) -> None:
    call = board.call()
    await call.dials()
    greeting = await call.hears()
    assert greeting.startswith("This is Throughline, an AI assistant of Acme.")
    assert greeting.endswith("How can I help you?")
    answer = await call.asks(COMPLAINT)
    assert "9, 1, 3, 7" in answer or "$99" in answer
    said = [(line.sender, line.text) for line in await board.lines(call)]
    assert ("customer", COMPLAINT) in said
    assert len(await bot_lines(board, call)) == 2


async def test_only_whom_the_carrier_vouches_for_is_greeted_as_who_they_are(board: Switchboard) -> None:
    await board.shop.knows("cus_1", "Ann Miller", f"phone:{ANN}")
    await board.shop.hears("sms", ANN, COMPLAINT)
    for verstat, known in (("TN-Validation-Passed-A", True), ("TN-Validation-Passed-B", False), ("", False)):
        call = board.call(verstat=verstat)
        await call.dials()
        greeting = await call.hears()
        assert ("Ann" in greeting and "$99" in greeting) is known
        answer = await call.asks("What is the state of it?")
        assert known or ("$99" not in answer and "Ann" not in answer)
        await call.hangs_up()


@pytest.mark.parametrize("nobody", ["", "anonymous", "Restricted", "+266696687", "+86282452253", "sip:ann@evil.test"])
async def test_callers_without_a_number_are_nobody_and_not_one_another(board: Switchboard, nobody: str) -> None:
    first = await greeted(board, caller=nobody)
    await first.asks(COMPLAINT)
    await first.hangs_up()
    second = board.call(nobody)
    await second.dials()
    assert "$99" not in await second.hears()
    assert "$99" not in await second.asks("What did I tell you?")


# The door


async def test_a_socket_that_twilio_did_not_sign_is_refused(board: Switchboard) -> None:
    call = board.call()
    await call.rings()
    call.token = "somebody else's"
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await call.opens()
    assert refused.value.status == 403
    async with aiohttp.ClientSession() as anybody:
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await anybody.ws_connect(f"{board.twilio.deliver_to}/twilio/relay")


async def test_a_socket_serves_a_call_that_began_here_once_and_no_other(board: Switchboard) -> None:
    call = await greeted(board)
    again, unseen, guessed = (board.call() for _ in range(3))
    again.sid = call.sid
    await guessed.rings()
    guessed_parameters = {"ticket": "0" * 64}
    for stranger, given in ((again, None), (unseen, None), (guessed, guessed_parameters)):
        stranger.relay, stranger.languages = stranger.relay or call.relay, call.languages
        await stranger.opens(parameters=given)
        with pytest.raises(BadFrame, match="closed"):
            await stranger.hears()
    assert await call.asks("It is about my kettle.")


async def test_a_call_whose_socket_ended_gets_no_second_one(board: Switchboard) -> None:
    call = await greeted(board)
    await call.drops()
    await call.opens()
    with pytest.raises(BadFrame, match="closed"):
        await call.hears()


async def test_frames_that_make_no_sense_are_passed_over(board: Switchboard) -> None:
    call = await greeted(board)
    for nonsense in ("", "{", "[]", '"x"', "\x00", '{"type":"video"}', '{"type":"prompt","voicePrompt":7}', "{}"):
        await call.sends(nonsense)
    await call.fails("64107: Invalid message")
    await call.says("")
    assert call.socket is not None
    await call.socket.send_bytes(b"\xff\xfe")
    assert await call.asks("It is about my kettle.")


async def test_a_frame_as_long_as_a_book_closes_the_socket(board: Switchboard) -> None:
    call = await greeted(board)
    await call.says("word " * 20_000)
    with pytest.raises(BadFrame, match="closed"):
        await call.hears()


async def test_who_cannot_be_kept_is_told_so(board: Switchboard, monkeypatch: pytest.MonkeyPatch) -> None:
    call = await greeted(board)

    async def full(_message: InboundMessage, _raw: Raw) -> bool:
        raise OperationalError("INSERT", {}, Exception("disk full"))

    monkeypatch.setattr(board.shop.ledger, "accept", full)
    assert "I cannot answer right now" in await call.asks("It is about my kettle.")
    assert "<Hangup" in await call.ends()


# The talk


async def test_a_sentence_that_comes_in_pieces_is_one_message(board: Switchboard) -> None:
    call = await greeted(board)
    await call.says("I was charged", last=False)
    await call.says("I was charged twice", last=False)
    await call.says("for my order.", last=True)
    await call.hears()
    assert "I was charged twice for my order." in [line.text for line in await board.lines(call)]


async def test_the_language_is_switched_with_the_customer_s(board: Switchboard) -> None:
    call = await greeted(board)
    assert call.language == "en-US"
    await call.asks("Guten Tag, ich wurde doppelt belastet, meine Bestellung ist W4829137.")
    assert call.language == "de-DE"
    switches = [frame for frame in call.frames if frame["type"] == "language"]
    assert switches == [{"type": "language", "ttsLanguage": "de-DE", "transcriptionLanguage": "de-DE"}]
    assert call.frames.index(switches[0]) < len(call.frames) - 1


async def test_codes_and_order_numbers_are_spelled(board: Switchboard) -> None:
    call = await greeted(board)
    await call.asks(COMPLAINT)
    answer = await call.asks("Please link my other account, which code do I need?")
    assert "Your code is" in answer
    assert re.search(r"code is \d, \d, \d, \d, \d, \d\.", answer)


async def test_somebody_silent_is_asked_twice_and_then_the_call_ends(tmp_path: Path) -> None:
    async with switchboard(tmp_path, kind=with_patience(silence=0.01)) as board:
        call = await greeted(board)
        said = [await call.hears() for _ in range(3)]
        assert ["did not hear" in words for words in said] == [True, True, False]
        assert "Goodbye" in said[2]
        assert await call.ends() == "<Response><Hangup /></Response>"


async def test_a_call_that_ends_is_not_ended_before_all_is_spoken(tmp_path: Path) -> None:
    async with switchboard(tmp_path, kind=with_patience(silence=0.01, sign=0.001)) as board:
        call = board.call()
        await call.dials()
        began = asyncio.get_running_loop().time()
        await call.ends()
        spoken = sum(len(frame["token"]) for frame in call.frames if frame["type"] == "text")
        assert asyncio.get_running_loop().time() - began >= spoken * 0.001


async def test_who_hangs_up_in_the_middle_of_a_turn_is_still_heard(board: Switchboard) -> None:
    call = await greeted(board)
    line = board.voice._lines.find(call.sid)
    await call.says(COMPLAINT)
    await call.hangs_up()
    while line and line.relay == "open":  # noqa: ASYNC110 - nobody tells when a socket was read to its end
        await asyncio.sleep(0)
    await settled(board)
    assert COMPLAINT in [line.text for line in await board.lines(call)]
    assert await board.shop.ledger.open_lines() == []
    [reply] = await board.shop.ledger.undelivered()
    assert "ended before this was said" in reply.error


async def settled(board: Switchboard) -> None:
    """Waits until no turn is being taken and nothing is being sent."""
    while tasks := [*board.dispatch._serving.values(), *board.delivery._tasks]:
        await asyncio.wait(tasks)


async def test_a_long_call_is_not_forgotten_for_the_next_one(board: Switchboard) -> None:
    call = await greeted(board)
    board.shop.later(minutes=40)
    await board.call("+15550155").rings()
    assert await call.asks("It is about my kettle.")


# The keypad


async def test_keys_are_gathered_to_a_code(board: Switchboard) -> None:
    call = await greeted(board)
    await call.keys("112233")
    assert "does not open anything" in await call.hears()
    await call.keys("44*5566#")
    assert await call.hears()
    digits = [message.digits for message in await heard_digits(board, call)]
    assert digits == ["112233", "5566"]


async def test_keys_that_stop_coming_are_taken_as_they_are(tmp_path: Path) -> None:
    async with switchboard(tmp_path, kind=with_patience(digits=0.02)) as board:
        call = await greeted(board)
        await call.keys("77")
        await call.hears()
        assert [message.digits for message in await heard_digits(board, call)] == ["77"]


async def test_as_many_keys_are_awaited_as_were_asked_for(board: Switchboard) -> None:
    shown = await board.shop.hears("sms", ANN, "Please link my other account, which code do I need?")
    code = "".join(sign for sign in shown if sign.isdecimal())[:6]
    call = await greeted(board, caller="+15550155")
    await call.keys(code)
    question = await call.hears()
    pair = "".join(sign for sign in question if sign.isdecimal())[-2:]
    await call.keys(pair)
    assert "one" in await call.hears()
    assert [message.digits for message in await heard_digits(board, call)] == [code, pair]


async def heard_digits(board: Switchboard, call: RelayCall) -> list[InboundMessage]:
    """The messages of a call in which something was keyed in."""
    rows = await board.shop.ledger._database.read(
        lambda tx: tx.execute(select(messages).where(messages.c.conversation == call.sid).order_by(messages.c.id)).all()
    )
    return [message for row in rows if (message := inbox.read(row)).digits]


# To a colleague


async def test_a_call_is_put_through_with_the_case_before_a_colleague(tmp_path: Path) -> None:
    async with switchboard(tmp_path, kind=with_patience(), handoff_number=COLLEAGUE) as board:
        call = await greeted(board)
        assert "colleague" in await call.asks(COMPLAINT + " I want to talk to a human being, please.")
        assert await call.hears() == "I am putting you through now."
        [waiting] = await board.shop.ledger.queue(now=board.shop.now)
        assert "charged $99" in waiting.issue
        twiml = await call.ends()
        assert f">{COLLEAGUE}</Dial>" in twiml
        refused = await after_dial(board, call, "no-answer")
        assert "nobody could take your call" in refused
        assert await after_dial(board, call, "completed") == "<Response><Hangup /></Response>"


async def after_dial(board: Switchboard, call: RelayCall, status: str) -> str:
    fields = {"CallSid": call.sid, "From": call.caller, "CallStatus": "in-progress", "DialCallStatus": status}
    path = f"/twilio/voice?after=dial&lang=en&case={status}"
    return (await board.twilio.deliver(board.twilio.sign(path, fields))).body


async def test_by_gather_a_call_is_put_through_too(tmp_path: Path) -> None:
    async with switchboard(tmp_path, voice_mode="gather", handoff_number=COLLEAGUE) as board:
        call = board.twilio.calls(ANN)
        await call.dials()
        fields = {"CallSid": call.sid, "From": ANN}
        wish = fields | {"SpeechResult": "Ich möchte mit einem Menschen sprechen, bitte."}
        answer = await board.twilio.deliver(board.twilio.sign("/twilio/voice?step=1&lang=de", wish))
        *_, said, dialled = checked(answer.body)
        assert (said.text, dialled.text) == ("Ich verbinde Sie jetzt.", COLLEAGUE)
        assert await board.shop.ledger.queue(now=board.shop.now)
        after = board.twilio.sign(dialled.attrib["action"].removeprefix(PUBLIC), fields | {"DialCallStatus": "busy"})
        assert "niemand" in (await board.twilio.deliver(after)).body


async def test_without_a_number_the_call_goes_on(board: Switchboard) -> None:
    call = await greeted(board)
    await call.asks(COMPLAINT)
    assert "colleague" in await call.asks("I want to talk to a human being, please.")
    assert await call.asks("My kettle is broken, too.")
    assert all(frame["type"] != "end" for frame in call.frames)


async def test_nobody_but_us_has_a_call_put_through(board: Switchboard) -> None:
    call = await greeted(board)
    await call.drops()
    fields = {"CallSid": call.sid, "From": ANN, "CallStatus": "in-progress", "HandoffData": '{"to": "colleague"}'}
    answer = await board.twilio.deliver(board.twilio.sign("/twilio/voice?after=relay", fields))
    assert "<Dial" not in answer.body


def test_a_number_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match="is no telephone number"):
        VoiceSettings(
            twilio_account_sid="AC1", twilio_auth_token="x", twilio_from_number="+15550190", handoff_number="the office"
        )


# When the socket fails


async def test_a_call_whose_socket_never_opens_goes_on_by_gather(board: Switchboard) -> None:
    call = board.call()
    await call.rings()
    answer = await call.goes_on_without()
    assert "<Gather" in answer.body
    assert "How can I help you?" in answer.body


async def test_a_call_whose_socket_is_lost_goes_on_by_gather_as_who_they_were(board: Switchboard) -> None:
    await board.shop.knows("cus_1", "Ann Miller", f"phone:{ANN}")
    call = await greeted(board)
    await call.asks(COMPLAINT)
    await call.drops()
    answer = await call.goes_on_without()
    gather = board.twilio.calls(ANN)
    gather.sid = call.sid
    assert "did not hear" in gather.obeys(answer)
    assert "colleague" in await gather.says("What did you note of my order?")
    assert [line.text for line in await board.lines(call)][-2] == "What did you note of my order?"


async def test_a_call_that_a_new_start_knows_nothing_of_goes_on_by_gather(board: Switchboard) -> None:
    await board.shop.knows("cus_1", "Ann Miller", f"phone:{ANN}")
    call = await greeted(board)
    await call.asks(COMPLAINT)
    await call.drops()
    board.voice._lines.drop(call.sid)
    gather = board.twilio.calls(ANN)
    gather.sid = call.sid
    assert "did not hear" in gather.obeys(await call.goes_on_without())
    assert "colleague" in await gather.says("What did you note of my order?")
    assert [line.text for line in await board.lines(call)][-2] == "What did you note of my order?"


async def test_a_reply_that_is_awaited_when_the_socket_is_lost_is_spoken_by_gather(tmp_path: Path) -> None:
    async with openai_twin() as model, switchboard(tmp_path, model=model, kind=with_patience()) as board:
        model.says(reply="Please unplug it.", confidence=0.9, facts=[], issue="")
        model.pauses_before = "Please unplug"
        call = await greeted(board)
        await call.says("My kettle does not start.")
        await model.paused.wait()
        await call.drops()
        waiting = asyncio.create_task(call.goes_on_without())
        await until_lost(board, call)
        model.go_on.set()
        assert "Please unplug it." in (await waiting).body


async def until_lost(board: Switchboard, call: RelayCall) -> None:
    while (line := board.voice._lines.find(call.sid)) and line.relay != "lost":  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0)


async def test_the_twin_refuses_what_twilio_would_refuse(board: Switchboard) -> None:
    call = await greeted(board)
    bad: tuple[Any, ...] = (
        {"type": "speech", "token": "x"}, {"type": "text"}, {"type": "text", "token": 1}, {"type": "end", "to": "x"},
        {"type": "text", "token": "x", "last": "true"}, {"type": "language", "ttsLanguage": "sv-SE"}, [], "x",
    )  # fmt: skip
    for frame in bad:
        with pytest.raises(BadFrame):
            call._checked(frame)
