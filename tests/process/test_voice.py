"""A call over ConversationRelay into a real process, with a model that streams: what `python -m bots run` serves."""

from pathlib import Path

from tests.process.running import PUBLIC, imports, running
from tests.twins.openai import KEY, MODEL, openai_twin
from tests.twins.relay import RelayCall
from tests.twins.twilio import Twilio

ACCOUNT, TOKEN, OFFICE, JOHN = "AC" + "1" * 32, "t0ken", "+15550100", "+15550142"
REPLY = "Please unplug it for a minute. Does the light come on?"


async def test_somebody_calls_a_running_bot(tmp_path: Path) -> None:
    await imports(tmp_path, {"external_id": "cus_1", "name": "John Miller", "phone": JOHN})
    async with openai_twin() as model, Twilio(account_sid=ACCOUNT, auth_token=TOKEN, number=OFFICE) as twilio:
        model.says(reply=REPLY, confidence=0.9, facts=[], issue="The machine does not start.", category="fault")
        settings = {
            "PUBLIC_BASE_URL": PUBLIC, "TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN,
            "TWILIO_FROM_NUMBER": OFFICE, "TWILIO_API_BASE": twilio.base, "LANGUAGES": "en,de",
            "OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": model.url, "OPENAI_MODEL": MODEL,
        }  # fmt: skip
        async with running(tmp_path, **settings) as bot:
            twilio.deliver_to = bot.url
            call = RelayCall(twilio=twilio, caller=JOHN, verstat="TN-Validation-Passed-A")
            await call.dials()
            assert call.languages == {"en-US", "de-DE"}
            assert "AI assistant" in await call.hears()
            model.pauses_before = "Does the"
            await call.hears_token()
            await call.says("My coffee machine does not start any more.")
            assert (await call.hears_token()).strip() == "Please unplug it for a minute."
            model.go_on.set()
            assert await call.hears() == REPLY
            await call.hangs_up()
