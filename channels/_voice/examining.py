"""What `doctor` asks Twilio about calls. Nothing is changed there."""

from collections.abc import Sequence
from typing import Final

import aiohttp
from pydantic import BaseModel, ValidationError

from channels._twilio import TWILIO, AccountSettings
from core.channel import Finding

_CREDENTIALS: Final = frozenset({401, 403, 404})  # of the account itself: wrong token, or an account that is not there
_PATIENCE: Final = aiohttp.ClientTimeout(total=8)
_AWAY: Final = "See whether this machine reaches it and TWILIO_API_BASE is right, or ask again later."


class _Number(BaseModel):
    voice_url: str | None = ""


class _Numbers(BaseModel):
    incoming_phone_numbers: list[_Number]


async def examined(account: AccountSettings, ours: str) -> Sequence[Finding]:
    """Whether Twilio takes the credentials, and whether calls come to `ours`."""
    token, number = account.twilio_auth_token.get_secret_value(), account.twilio_from_number
    signed = {"Authorization": aiohttp.encode_basic_auth(account.twilio_account_sid, token)}
    base = account.twilio_api_base.rstrip("/") or TWILIO
    numbers = f"{base}/2010-04-01/Accounts/{account.twilio_account_sid}/IncomingPhoneNumbers.json"
    try:
        async with (
            aiohttp.ClientSession(timeout=_PATIENCE, headers=signed) as session,
            session.get(numbers, params={"PhoneNumber": number}, allow_redirects=False) as answer,
        ):
            return _found(answer.status, await answer.read(), number, ours)
    except (aiohttp.ClientError, TimeoutError) as away:
        return [Finding(f"Twilio cannot be reached ({type(away).__name__})", _AWAY)]


def _found(status: int, body: bytes, number: str, ours: str) -> Sequence[Finding]:
    if status in _CREDENTIALS:
        what = f"TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN: Twilio refuses them ({status})"
        return [Finding(what, "Copy both from the front page of the Twilio console.", fatal=True)]
    try:
        listed = _Numbers.model_validate_json(body).incoming_phone_numbers
    except ValidationError:
        return [Finding(f"Twilio answered {status}, and not as it should", _AWAY)]
    if any(one.voice_url == ours for one in listed):
        return [Finding(f"Twilio takes the account SID and the auth token; calls to {number} come to {ours}.")]
    advice = f"In the Twilio console, at {number}, Voice Configuration: set it to Webhook, {ours}, HTTP POST, and save."
    return [Finding(f'"A call comes in" at {number} does not lead to the bot', advice)]
