"""The recipe's perfect interaction over a real process: John chats, is refunded, and calls; nothing is said to be done
but what the company's endpoint did. Without the model the same story ends in an honest handoff."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bots.demo.outside import AUDIENCE, ISSUER, KID, Account, Call, chatting, login
from tests.process.running import imports, running
from tests.twins.company import KEY as COMPANY_KEY
from tests.twins.company import CompanyTwin, company
from tests.twins.openai import KEY, MODEL, OpenAITwin, openai_twin

SECRET = "a key that signs logins, long enough to be one"
SID, TOKEN, NUMBER = "AC" + "1" * 32, "t0ken", "+15550100"
JOHN = {
    "external_id": "cus_1", "name": "John Miller", "email": "john@shop.test", "phone": "+15550142", "plan": "Pro",
    "since": "2023-01-15",
}  # fmt: skip
COMPLAINT = (
    "I was charged $99 instead of $49 after I downgraded last week, order W4829137. This is the THIRD time this has"
    " happened! I already checked the invoice."
)
SETTINGS = {
    "PUBLIC_BASE_URL": "",  # signatures cover where we listen
    "WEBCHAT_JWT_KEYS": f'{{"{KID}": "{SECRET}"}}',
    "WEBCHAT_JWT_ISSUER": ISSUER,
    "WEBCHAT_JWT_AUDIENCE": AUDIENCE,
    "TWILIO_ACCOUNT_SID": SID,
    "TWILIO_AUTH_TOKEN": TOKEN,
    "TWILIO_FROM_NUMBER": NUMBER,
    "VOICE_MODE": "gather",
}


@pytest.fixture
async def twin() -> AsyncIterator[CompanyTwin]:
    async with company() as twin:
        yield twin


@pytest.fixture
async def model() -> AsyncIterator[OpenAITwin]:
    async with openai_twin() as model:
        yield model


def actions_file(folder: Path, twin: CompanyTwin) -> str:
    path = folder / "actions.toml"
    entry = f'url = "{twin.url}"\nheaders = {{ Authorization = "{COMPANY_KEY}" }}\n'
    path.write_text(f"[refund]\n{entry}limit = 50\n\n[flag]\n{entry}")
    return str(path)


async def chats(url: str, *texts: str) -> list[str]:
    async with chatting(url, login(SECRET, subject=JOHN["external_id"], email=JOHN["email"])) as chat:
        return [await chat.says(text) for text in texts]


async def calls(url: str) -> str:
    async with aiohttp.ClientSession(url) as phone:
        account = Account(sid=SID, token=TOKEN, number=NUMBER)
        return await Call(phone=phone, account=account, caller=JOHN["phone"], url=f"{url}/twilio/voice").dials()


async def test_what_the_recipe_promises_is_said_and_is_true(
    tmp_path: Path, twin: CompanyTwin, model: OpenAITwin
) -> None:
    key = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": model.url, "OPENAI_MODEL": MODEL}
    await imports(tmp_path, JOHN)
    async with running(tmp_path, **SETTINGS, **key, ACTIONS_FILE=actions_file(tmp_path, twin)) as bot:
        model.says(
            actions=["refund", "flag"],
            reply="That should not have happened, and I am sorry.",
            confidence=0.9,
            issue="Charged $99 instead of $49 after I downgraded last week.",
            mood="frustrated",
            facts=[
                {"slot": "amount", "value": "$99"},
                {"slot": "amount_due", "value": "$49"},
                {"slot": "times", "value": "3"},
            ],
            tried=["checked the invoice"],
        )
        (said,) = await chats(
            bot.url, f"{COMPLAINT} Please refund the difference and make sure it never happens again."
        )
        assert "A refund of $50 has been made." in said
        assert sorted(str(done["action"]) for done in twin.done.values()) == ["flag", "refund"]
        assert model.calls == 1
        call = await calls(bot.url)
        assert model.calls == 1
    disclosure, _, rest = call.partition("Hi John")
    assert "AI assistant of Acme" in disclosure
    in_order = (
        "just chatting with us", "the $99 charge after your downgrade", "checked the invoice", "repeat", "third time",
        "years with us you deserve better", "A refund of $50 has been made", "priority", "anything else",
    )  # fmt: skip
    positions = [rest.find(words) for words in in_order]
    assert -1 not in positions, (call, positions)
    assert positions == sorted(positions), call


async def test_with_the_model_off_the_story_ends_in_an_honest_handoff(tmp_path: Path, twin: CompanyTwin) -> None:
    await imports(tmp_path, JOHN)
    async with running(tmp_path, **SETTINGS, ACTIONS_FILE=actions_file(tmp_path, twin)) as bot:
        (said,) = await chats(bot.url, COMPLAINT)
        call = await calls(bot.url)
    assert "colleague will take this over" in said
    assert not twin.attempts
    for words in ("refund", "has been made", "marked for priority"):
        assert words not in said + call
    for words in ("Hi John", "$99 charge after your downgrade", "checked the invoice", "third time", "repeat"):
        assert words in call
