"""What `doctor` asks Twilio about text messages. Nothing is changed there."""

from collections.abc import Iterator, Sequence
from typing import Final

from pydantic import BaseModel, ValidationError

from channels._sms.rest import Refused, Rest
from core.channel import Finding
from core.errors import TryAgain

_CREDENTIALS: Final = frozenset({401, 403, 404})  # of the account itself: wrong token, or an account that is not there
_PAGE: Final = "In the Twilio console, Phone Numbers, Manage, Active numbers, {number}"


class _Account(BaseModel):
    friendly_name: str = ""
    status: str = ""
    type: str = ""


class _Abilities(BaseModel):
    sms: bool = True
    mms: bool = True
    voice: bool = False


class _Number(BaseModel):
    sms_url: str | None = ""
    sms_method: str | None = ""
    sms_application_sid: str | None = ""
    voice_url: str | None = ""
    status_callback: str | None = ""  # of calls
    capabilities: _Abilities = _Abilities()


class _Numbers(BaseModel):
    incoming_phone_numbers: list[_Number] = []
    short_codes: list[_Number] = []


async def examined(rest: Rest, number: str, base_url: str) -> Sequence[Finding]:
    """The account, the number, and where its messages go."""
    try:
        account = _Account.model_validate(await rest.ask(f"{rest.path}.json"))
        return [*_account(account), *await _number(rest, number, base_url)]
    except Refused as refused:
        if refused.status in _CREDENTIALS:
            what = f"TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN: Twilio refuses them ({refused.status})"
            return [Finding(what, "Copy both from the front page of the Twilio console.", fatal=True)]
        return [Finding(f"{refused}", "See the account's page in the Twilio console.")]
    except TryAgain as away:
        return [Finding(str(away), "See whether TWILIO_API_BASE is right, or ask again later.")]
    except ValidationError:
        return [Finding("What answers is not Twilio's API", "Correct TWILIO_API_BASE.", fatal=True)]


def _account(account: _Account) -> Iterator[Finding]:
    if account.status != "active":
        advice = "See the account's page in the Twilio console: nothing is sent or received like this."
        yield Finding(f"The Twilio account is {account.status or 'in no known state'}", advice, fatal=True)
    else:
        yield Finding("Twilio takes the account SID and the auth token.")
    if account.type == "Trial":
        yield Finding(
            "The account is on trial: it writes only to numbers that are verified there", "Upgrade it in its console."
        )


async def _number(rest: Rest, number: str, base_url: str) -> Sequence[Finding]:
    kind, name = ("IncomingPhoneNumbers", "PhoneNumber") if number.startswith("+") else ("SMS/ShortCodes", "ShortCode")
    listed = _Numbers.model_validate(await rest.ask(f"{rest.path}/{kind}.json", **{name: number}))
    found = [*listed.incoming_phone_numbers, *listed.short_codes]
    if not found:
        what = f"TWILIO_FROM_NUMBER: {number} does not belong to this account"
        return [Finding(what, "Set one of the console's Phone Numbers, Manage, Active numbers.", fatal=True)]
    if not found[0].capabilities.sms:
        return [Finding(f"{number} cannot send or receive text messages", "Set a number that can.", fatal=True)]
    messages = _webhook(found[0], number, f"{base_url}/twilio/sms")
    return [messages, *_pictures(found[0], number), *_calls(found[0], number, f"{base_url}/twilio/voice")]


def _webhook(found: _Number, number: str, ours: str) -> Finding:
    if found.sms_application_sid:
        what = f"Messages to {number} go to a TwiML App ({found.sms_application_sid}), which stands before the number"
        return Finding(what, f"Set that app's Messaging request URL to {ours}, or take the app off the number.")
    if (found.sms_url or "") != ours:
        what = f'"A message comes in" at {number} leads to {found.sms_url or "nowhere"}'
        advice = (
            f"{_PAGE.format(number=number)}, Messaging Configuration: set it to Webhook, {ours}, HTTP POST, and save"
        )
        return Finding(what, f"{advice}; or, with a Messaging Service, there under Integration.")
    if found.sms_method != "POST":
        return Finding(f"Messages to {number} come by {found.sms_method}", f"{_PAGE.format(number=number)}: HTTP POST.")
    return Finding(f"Messages to {number} come to {ours}.")


def _pictures(found: _Number, number: str) -> Iterator[Finding]:
    if not found.capabilities.mms:
        yield Finding(f"{number} takes no pictures (MMS); whoever sends one is not heard.")


def _calls(found: _Number, number: str, ours: str) -> Iterator[Finding]:
    """Whether calls are to come here is not for text messages to say."""
    if not found.capabilities.voice:
        return
    if found.voice_url != ours:
        yield Finding(f"Calls to {number} lead to {found.voice_url or 'nowhere'}; the bot's address would be {ours}.")
    elif found.status_callback != f"{ours}/status":
        advice = f'{_PAGE.format(number=number)}, at "Call status changes" set {ours}/status, HTTP POST, and save.'
        yield Finding(f"The end of calls to {number} is not told to the bot", advice)
    else:
        yield Finding(f"Calls to {number} come to {ours}.")
