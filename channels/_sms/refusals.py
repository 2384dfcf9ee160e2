"""What Twilio's error codes mean, in words for staff that name nobody: they end up in logs.

Source: https://www.twilio.com/docs/api/errors
"""

from typing import Final

from core.errors import TryAgain, Undeliverable

OPTED_OUT: Final = 21610
_A2P: Final = "register it in the Twilio console under Messaging, Regulatory Compliance"

_MEANS: Final = {
    21211: "the number does not exist",
    21408: "sending to that country is not enabled; in the Twilio console see Messaging, Settings, Geo permissions",
    21606: "TWILIO_FROM_NUMBER cannot send text messages to that number; check it",
    21608: "a trial account writes only to numbers that are verified in the Twilio console",
    OPTED_OUT: "the customer opted out with STOP",
    21612: "that number cannot be reached from TWILIO_FROM_NUMBER",
    21614: "the number takes no text messages",
    11200: "Twilio could not fetch the files from PUBLIC_BASE_URL",
    11751: "the files are too large for a text message",
    12300: "a file is of a kind that text messages do not carry",
    21617: "the message is too long",
    21620: "PUBLIC_BASE_URL is no address at which Twilio finds our files; correct it",
    21623: "the files are too many for a text message",
    21635: "the number is a landline, which takes no text messages",
    21660: "TWILIO_FROM_NUMBER does not belong to TWILIO_ACCOUNT_SID; check both",
    21712: "the number that was written to is no longer in the Messaging Service",
    30001: "too many messages were waiting at Twilio",
    30002: "the Twilio account is suspended",
    30003: "the telephone cannot be reached: switched off, or without a network",
    30004: "the message was blocked, by the customer or the network",
    30005: "the number is unknown, or no longer in service",
    30006: "the number is a landline, or its network cannot be reached",
    30007: "the message was filtered as unwanted by Twilio or the network",
    30008: "the network gave no reason",
    30010: "the message costs more than the account allows",
    30023: "the day's limit of this sender is reached at the network",
    30032: f"our toll-free number is not verified; {_A2P}",
    30034: f"our number is not registered for A2P 10DLC; {_A2P}",
    30035: f"our number's A2P 10DLC registration is not finished; {_A2P}",
    30019: "the files are too large for the network of that number",
    30410: "the network did not answer in time",
    30450: "the network holds back messages that look like fraud",
}
_PASSING: Final = {  # an operator can mend it, or time
    401: "TWILIO_ACCOUNT_SID or TWILIO_AUTH_TOKEN is wrong; check both",
    20003: "TWILIO_ACCOUNT_SID or TWILIO_AUTH_TOKEN is wrong; check both",
    20429: "too many requests at once",
    21609: "PUBLIC_BASE_URL is no address that Twilio can call; correct it",
    21611: "too many messages wait for TWILIO_FROM_NUMBER",
}


def refusal(code: int) -> TryAgain | Undeliverable:
    """What becomes of a message that Twilio did not take."""
    if code in _PASSING:
        return TryAgain(f"Twilio refuses for now: {_PASSING[code]} (error {code})")
    return Undeliverable(f"Twilio refused the message: {_meaning(code)} (error {code})", opted_out=code == OPTED_OUT)


def failure(code: int) -> str:
    """What became of a message that Twilio had taken; `code` is 0 where Twilio names none."""
    return (
        f"it did not arrive: {_meaning(code)} (error {code})" if code else "it did not arrive; Twilio gives no reason"
    )


def _meaning(code: int) -> str:
    return _MEANS.get(code, f"see twilio.com/docs/errors/{code}")
