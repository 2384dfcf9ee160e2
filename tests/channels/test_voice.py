"""A telephone call end to end, over real sockets: heard, answered in step, put off, redelivered, and hung up."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from pydantic import ValidationError

from channels._markdown.speech import speakable
from channels.voice import ATTESTED, Voice, VoiceSettings
from core.messages import InboundMessage, Raw, Reply
from identity.proof import Proof
from tests.site import NOW, SAMPLES, site
from tests.twins.twilio import Answer, Call, Host, Twilio, serving
from tests.twins.twiml import BadTwiml

SETTINGS = json.loads((SAMPLES / "voice" / "settings.json").read_text()) | {"voice_mode": "gather"}
ANN = "+15550100"


class Hurried(Voice):
    """Voice that says "one moment" at once."""

    patience = 0.01


class Desk:
    """The engine's part of a call, played by the test."""

    def __init__(self, voice: Voice, host: Host) -> None:
        self.voice, self.host = voice, host

    async def hears(self) -> InboundMessage:
        return await self.host.inbox.get()

    async def answers(
        self, message: InboundMessage, text: str, *, language: str = "en", digits: int = 0, ends: bool = False
    ) -> str:
        reply = Reply(id="rep_1", route=message.route, text=text, language=language, expects_digits=digits, ends=ends)
        (wire,) = self.voice.render(reply)
        return await self.voice.send(wire)

    async def answers_next(self, text: str, *, language: str = "en", digits: int = 0, ends: bool = False) -> None:
        await self.answers(await self.hears(), text, language=language, digits=digits, ends=ends)


@pytest.fixture
async def twilio() -> AsyncIterator[Twilio]:
    async with Twilio(
        account_sid=SETTINGS["twilio_account_sid"],
        auth_token=SETTINGS["twilio_auth_token"],
        number=SETTINGS["twilio_from_number"],
    ) as twin:
        yield twin


@pytest.fixture
async def desk(twilio: Twilio, tmp_path: Path) -> AsyncIterator[Desk]:
    voice = Voice(VoiceSettings(**SETTINGS), site(tmp_path))
    host = Host(voice)
    async with serving(host.app) as twilio.deliver_to:
        yield Desk(voice, host)


@pytest.fixture
async def slow_desk(twilio: Twilio, tmp_path: Path) -> AsyncIterator[Desk]:
    voice = Hurried(VoiceSettings(**SETTINGS), site(tmp_path))
    host = Host(voice)
    async with serving(host.app) as twilio.deliver_to:
        yield Desk(voice, host)


async def opened(call: Call, desk: Desk, greeting: str = "Hello. How can I help?") -> str:
    said, _ = await asyncio.gather(call.dials(), desk.answers_next(greeting))
    return said


async def test_a_call_goes_back_and_forth_until_it_ends(twilio: Twilio, desk: Desk) -> None:
    call = twilio.calls(ANN, verstat=ATTESTED)
    dialled = asyncio.create_task(call.dials())
    opening = await desk.hears()
    assert (opening.opening, opening.text, opening.external_id) == (True, "", f"{call.sid}:0")
    await desk.answers(opening, "Hello, Ann. Is it about the charge?")
    assert await dialled == "Hello, Ann. Is it about the charge?"

    spoken = asyncio.create_task(call.says("Yes, I was charged twice."))
    first = await desk.hears()
    assert (first.opening, first.text, first.external_id) == (False, "Yes, I was charged twice.", f"{call.sid}:1")
    assert first.conversation == opening.conversation == call.sid
    await desk.answers(first, "Please key in your code.", digits=2)
    assert await spoken == "Please key in your code."

    keyed = asyncio.create_task(call.keys("4711"))
    second = await desk.hears()
    assert (second.text, second.digits, second.external_id) == ("", "47", f"{call.sid}:2")
    await desk.answers(second, "Thank you. Goodbye.", ends=True)
    assert await keyed == "Thank you. Goodbye."
    assert call.ended


async def test_a_code_may_be_keyed_in_whenever_the_caller_is_asked(twilio: Twilio, desk: Desk) -> None:
    call = twilio.calls(ANN)
    await opened(call, desk)
    await asyncio.gather(call.keys("482913"), desk.answers_next("Thank you."))


async def test_an_attested_number_stays_proven_for_the_whole_call(twilio: Twilio, desk: Desk) -> None:
    call = twilio.calls(ANN, verstat=ATTESTED)
    await opened(call, desk)
    await call.stays_silent()
    for answer in (call.says("Sorry, I was away"), call.keys("1")):
        spoken = asyncio.create_task(answer)
        message = await desk.hears()
        assert message.proof is Proof.PROVEN
        await desk.answers(message, "And what else?")
        await spoken


@pytest.mark.parametrize("verstat", ["", "TN-Validation-Passed-B", "TN-Validation-Failed-A", f"{ATTESTED}-Diverted"])
async def test_any_other_attestation_proves_nothing_at_any_step(verstat: str, twilio: Twilio, desk: Desk) -> None:
    call = twilio.calls(ANN, verstat=verstat)
    await opened(call, desk)
    spoken = asyncio.create_task(call.says("Read me my address"))
    message = await desk.hears()
    assert message.proof is Proof.CLAIMED
    await desk.answers(message, "No.")
    await spoken


async def test_a_proof_cannot_be_carried_into_another_call(twilio: Twilio, desk: Desk) -> None:
    honest, forged = twilio.calls(ANN, verstat=ATTESTED), twilio.calls(ANN)
    await opened(honest, desk)
    await opened(forged, desk)
    forged.gather = honest.gather
    spoken = asyncio.create_task(forged.says("It is me, Ann"))
    message = await desk.hears()
    assert (message.conversation, message.proof) == (forged.sid, Proof.CLAIMED)
    await desk.answers(message, "Hello.")
    await spoken


@pytest.mark.parametrize(
    ("trust", "verstat", "caller", "proof"),
    [
        ("callerid", "", ANN, Proof.PROVEN),
        ("callerid", "", "anonymous", Proof.CLAIMED),
        ("code", ATTESTED, ANN, Proof.CLAIMED),
        ("attested", ATTESTED, "+266696687", Proof.CLAIMED),
    ],
)
def test_the_operator_says_what_proves_a_caller(
    trust: str, verstat: str, caller: str, proof: Proof, tmp_path: Path
) -> None:
    voice = Voice(VoiceSettings(**SETTINGS | {"voice_trust": trust}), site(tmp_path))
    body = urlencode({"CallSid": "CA1", "From": caller, "StirVerstat": verstat}).encode()
    message = voice.parse(Raw(body=body, received_at=NOW, path="/twilio/voice"))
    assert message is not None
    assert message.proof is proof


GRADES = [f"TN-Validation-{outcome}-{grade}" for outcome in ("Passed", "Failed") for grade in "ABC"]
UNATTESTED = [grade for grade in GRADES if grade != ATTESTED] + [
    *(f"{grade}-{how}" for grade in GRADES for how in ("Diverted", "Passthrough")),
    "No-TN-Validation",
    "",
    ATTESTED.lower(),
    f" {ATTESTED}",
    f"{ATTESTED},{ATTESTED}",
    "TN-Validation-Passed",
    "something new",
]


def called_with(verstat: str | None, trust: str, var: Path) -> Proof:
    voice = Voice(VoiceSettings(**SETTINGS | {"voice_trust": trust}), site(var))
    fields = {"CallSid": "CA1", "From": ANN} | ({} if verstat is None else {"StirVerstat": verstat})
    message = voice.parse(Raw(body=urlencode(fields).encode(), received_at=NOW, path="/twilio/voice"))
    assert message is not None
    return message.proof


@pytest.mark.parametrize("verstat", [*UNATTESTED, None])
def test_of_all_values_only_full_attestation_proves_a_caller(verstat: str | None, tmp_path: Path) -> None:
    assert called_with(verstat, "attested", tmp_path) is Proof.CLAIMED
    assert called_with(verstat, "callerid", tmp_path) is Proof.PROVEN
    assert called_with(verstat, "code", tmp_path) is Proof.CLAIMED


def test_full_attestation_proves_a_caller_unless_only_codes_are_trusted(tmp_path: Path) -> None:
    proofs = [called_with(ATTESTED, trust, tmp_path) for trust in ("attested", "callerid", "code")]
    assert proofs == [Proof.PROVEN, Proof.PROVEN, Proof.CLAIMED]


async def test_silence_is_asked_about_twice_and_then_the_line_is_closed(twilio: Twilio, desk: Desk) -> None:
    call = twilio.calls(ANN)
    await opened(call, desk)
    for _ in range(2):
        assert "did not hear" in await call.stays_silent()
        assert not call.ended
    assert "Goodbye" in await call.stays_silent()
    assert call.ended
    assert desk.host.inbox.empty(), "the engine is not troubled by silence"


async def test_speaking_after_a_silence_is_the_next_step(twilio: Twilio, desk: Desk) -> None:
    call = twilio.calls(ANN)
    await opened(call, desk)
    await call.stays_silent()
    spoken = asyncio.create_task(call.says("Here I am"))
    message = await desk.hears()
    assert message.external_id == f"{call.sid}:1"
    await desk.answers(message, "Good.")
    await spoken
    assert "did not hear" in await call.stays_silent(), "and silence is counted anew"


async def test_a_slow_reply_is_waited_for_politely(twilio: Twilio, slow_desk: Desk) -> None:
    call = twilio.calls(ANN, verstat=ATTESTED)
    assert await call.dials() == "One moment, please."
    message = await slow_desk.hears()
    await slow_desk.answers(message, "Hello at last.")
    assert await call.holds_on() == "Hello at last."
    await call.says("Never mind")
    assert (await slow_desk.hears()).proof is Proof.PROVEN, "the proof survived the wait"


async def test_what_is_there_is_spoken_before_a_wait(twilio: Twilio, slow_desk: Desk) -> None:
    call = twilio.calls(ANN)
    await call.dials()
    opening = await slow_desk.hears()
    await slow_desk.answers(opening, "Hello.")
    await call.holds_on()
    await slow_desk.answers(opening, "A colleague has read your case.")
    assert await call.says("And?") == "A colleague has read your case. One moment, please."
    await slow_desk.answers_next("It is solved.")
    assert await call.holds_on() == "It is solved."


async def test_a_reply_that_never_comes_ends_the_call_honestly(twilio: Twilio, slow_desk: Desk) -> None:
    call = twilio.calls(ANN)
    said = [await call.dials(), *[await call.holds_on() for _ in range(3)]]
    assert said[:3] == ["One moment, please."] * 3
    assert "is kept" in said[3]
    assert call.ended
    assert slow_desk.host.inbox.qsize() == 1


async def test_a_reply_to_an_ended_call_is_no_error(twilio: Twilio, desk: Desk) -> None:
    call = twilio.calls(ANN)
    dialled = asyncio.create_task(call.dials())
    message = await desk.hears()
    await desk.answers(message, "Goodbye.", ends=True)
    await dialled
    assert (await call.hangs_up()).status == 204
    assert await desk.answers(message, "One more thing.")


async def test_what_nobody_waited_for_is_spoken_first_at_the_next_step(twilio: Twilio, desk: Desk) -> None:
    call = twilio.calls(ANN)
    dialled = asyncio.create_task(call.dials())
    opening = await desk.hears()
    await desk.answers(opening, "Hello.")
    await dialled
    await desk.answers(opening, "A colleague has read your case.")
    said, _ = await asyncio.gather(call.says("And?"), desk.answers_next("The refund is on its way."))
    assert said == "A colleague has read your case. The refund is on its way."


async def test_what_nobody_waited_for_breaks_a_silence(twilio: Twilio, desk: Desk) -> None:
    call = twilio.calls(ANN)
    dialled = asyncio.create_task(call.dials())
    opening = await desk.hears()
    await desk.answers(opening, "Hello.")
    await dialled
    await desk.answers(opening, "A colleague has read your case.")
    assert await call.stays_silent() == "A colleague has read your case."
    assert "did not hear" in await call.stays_silent()


async def test_a_redelivered_step_gets_the_same_answer_and_is_one_message(twilio: Twilio, desk: Desk) -> None:
    call = twilio.calls(ANN)
    await opened(call, desk)
    spoken = asyncio.create_task(call.says("I was charged twice"))
    message = await desk.hears()
    assert call.last is not None
    again = asyncio.create_task(twilio.deliver(call.last))
    await desk.answers(message, "Which order?")
    said, meanwhile, later = await spoken, await again, await twilio.deliver(call.last)
    assert said == "Which order?"
    assert meanwhile == later
    assert twilio.calls(ANN).obeys(later) == "Which order?"
    assert desk.host.inbox.empty()


async def test_nothing_is_left_of_a_call_that_ended(twilio: Twilio, slow_desk: Desk) -> None:
    call = twilio.calls(ANN)
    await call.dials()
    await slow_desk.answers(await slow_desk.hears(), "Hello.")
    await call.holds_on()
    assert call.last is not None
    assert "Hello." in (await twilio.deliver(call.last)).body
    await call.hangs_up()
    assert "Hello." not in (await twilio.deliver(call.last)).body


async def test_nothing_is_left_of_a_call_that_was_silent_for_long(twilio: Twilio, tmp_path: Path) -> None:
    now = [NOW]
    voice = Hurried(VoiceSettings(**SETTINGS), replace(site(tmp_path), now=lambda: now[0]))
    host = Host(voice)
    async with serving(host.app) as twilio.deliver_to:
        desk = Desk(voice, host)
        lost, next_one = twilio.calls(ANN), twilio.calls("+15550101")
        await lost.dials()
        await desk.answers(await desk.hears(), "Hello.")
        now[0] += timedelta(minutes=16)
        await next_one.dials()
        assert await lost.holds_on() == "One moment, please."


async def test_a_call_is_held_in_the_language_of_its_replies(twilio: Twilio, desk: Desk) -> None:
    call = twilio.calls(ANN)
    await asyncio.gather(call.dials(), desk.answers_next("Guten Tag!", language="de"))
    assert call.gather is not None
    assert call.gather.get("language") == "de-DE"
    assert {say.get("language") for say in call.gather} == {"de-DE"}
    assert "nichts gehört" in await call.stays_silent()
    assert call.gather.get("language") == "de-DE"


async def test_a_language_without_phrases_of_ours_is_still_listened_for(twilio: Twilio, desk: Desk) -> None:
    call = twilio.calls(ANN)
    await asyncio.gather(call.dials(), desk.answers_next("God dag!", language="sv"))
    assert "did not hear" in await call.stays_silent()
    assert call.gather is not None
    assert call.gather.get("language") == "sv-SE"
    assert call.gather[0].get("language") == "en-US"


async def test_markup_in_a_reply_is_spoken_not_obeyed(twilio: Twilio, desk: Desk) -> None:
    call = twilio.calls(ANN)
    said = await opened(call, desk, "Tom & Co </Say><Hangup/>\x00\x0b\ud800 said “hi” 😀")
    assert said == "Tom and Co /Say Hangup/ said hi"
    assert not call.ended


async def test_a_long_reply_is_spoken_whole(twilio: Twilio, desk: Desk) -> None:
    story = " ".join(f"This is sentence x{'x' * (n % 7)} of a long story." for n in range(300))
    assert await opened(twilio.calls(ANN), desk, story) == story


async def test_what_twilio_did_not_sign_is_refused(twilio: Twilio, desk: Desk) -> None:
    call = twilio.calls(ANN)
    await opened(call, desk)
    assert call.last is not None
    forgeries = (
        replace(call.last, headers={}),
        replace(call.last, path="/twilio/voice?step=1"),
        replace(call.last, path="/twilio/voice/status"),
        replace(call.last, body=call.last.body.replace("5550100", "5550101")),
    )
    for forgery in forgeries:
        assert (await twilio.deliver(forgery)).status == 403, forgery


@pytest.mark.parametrize("path", ["/twilio/voice", "/twilio/voice/status"])
async def test_a_signed_request_about_no_call_is_malformed(path: str, twilio: Twilio, desk: Desk) -> None:
    assert (await twilio.deliver(twilio.sign(path, {"From": ANN}))).status == 400


async def test_a_progress_event_ends_nothing(twilio: Twilio, slow_desk: Desk) -> None:
    call = twilio.calls(ANN)
    await call.dials()
    await slow_desk.answers(await slow_desk.hears(), "Hello.")
    fields = {"CallSid": call.sid, "From": ANN, "CallStatus": "in-progress"}
    answer = await twilio.deliver(twilio.sign("/twilio/voice/status", fields))
    assert (answer.status, answer.body) == (204, "")
    assert await call.holds_on() == "Hello."


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Your code is **482913**.", "Your code is 4, 8, 2, 9, 1, 3."),
        ("Order #4829 and A4829", "Order number 4, 8, 2, 9 and A 4, 8, 2, 9"),
        ("Order #2024 came in 2024", "Order number 2, 0, 2, 4 came in 2024"),
        ("Order …9137 is late", "Order ending in 9, 1, 3, 7 is late"),
        ("I noted order ending …9137.", "I noted order ending in 9, 1, 3, 7."),
        ("We refunded $1500, 1500 EUR, 1500 dollars, 12000.50 and €1200", None),
        ("On 02.03.2026, 2026-03-02 at 10:3000", None),
        ("Call +15550190", "Call +1, 5, 5, 5, 0, 1, 9, 0"),
        ("See [our page](https://acme.test/help) or `help`", "See our page or help"),
        ("Try this:\n- restart it\n- wait", "Try this:\n\nrestart it.\nwait."),
        ("We have •••", "We have"),
    ],
)
def test_what_is_written_is_made_speakable(written: str, spoken: str | None) -> None:
    assert speakable(written, "en") == (written if spoken is None else spoken)


def test_endings_are_spoken_in_the_reply_s_language() -> None:
    assert speakable("Bestellung mit der Endung …9137", "de") == "Bestellung mit den Endziffern 9, 1, 3, 7"
    assert speakable("Bestellung …9137", "de-AT") == "Bestellung mit den Endziffern 9, 1, 3, 7"


def test_a_wrong_trust_names_the_choices() -> None:
    with pytest.raises(ValidationError, match="'attested', 'callerid' or 'code'"):
        VoiceSettings(**SETTINGS | {"voice_trust": "everybody"})


def test_the_twin_refuses_what_twilio_would_refuse(twilio: Twilio) -> None:
    bad = (
        "<Response><Play>x</Play></Response>",
        '<Response><Say lang="en">x</Say></Response>',
        "<Response><Say></Say></Response>",
        '<Response><Gather action="/relative"/></Response>',
        "<Response><Redirect>https://elsewhere.test/</Redirect></Response>",
        '<Response><Gather action="https://support.acme.test/x"/><Hangup/></Response>',
        "<Twiml/>",
    )
    for body in bad:
        with pytest.raises(BadTwiml):
            twilio.calls(ANN).obeys(Answer(status=200, media_type="text/xml", body=body, headers={}))
    with pytest.raises(BadTwiml):
        twilio.calls(ANN).obeys(Answer(status=500, media_type="text/xml", body="<Response/>", headers={}))
