"""What SMS and voice share: the one typed seam to the twilio library, its settings, numbers, TwiML and GSM-7."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Final
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree as ET

import aiohttp
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
from twilio.base.exceptions import TwilioException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from core.errors import Malformed, TryAgain, Undeliverable, Unverified
from core.messages import Raw

_E164: Final = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
_SHORT_CODE: Final = re.compile(r"\d{3,8}", re.ASCII)
# Twilio spells a missing caller on a keypad: ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN, UNAVAILABLE.
_NOBODY: Final = frozenset({"+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"})
LONGEST_SAY: Final = 4_096
_UNSPEAKABLE: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # by XML 1.0

_GSM: Final = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′´", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("•·", "*"),
        **dict.fromkeys("\u00a0\u2002\u2003\u2009\u202f", " "),
        **dict.fromkeys("\u200b\u2060\ufeff\u00ad", ""),
        "…": "...",
    }
)
_BORDERS: Final = (("\n\n",), ("\n",), (". ", "! ", "? ", "。", "！", "？"), (" ",))  # best first


def _account(value: str) -> str:
    if not re.fullmatch(r"AC\w+", value):
        raise ValueError("is no account SID: copy the one beginning with AC from the Twilio console")
    return value


def _own_number(value: str) -> str:
    if not (_E164.fullmatch(value) or _SHORT_CODE.fullmatch(value)):
        raise ValueError("is no telephone number: write it as +15550100, or give a short code")
    return value


def _filled(value: SecretStr) -> SecretStr:
    if not value.get_secret_value():
        raise ValueError("is empty: copy the auth token from the Twilio console")
    return value


class AccountSettings(BaseModel):
    """The Twilio account and number that customers write to and call."""

    model_config = ConfigDict(frozen=True, str_strip_whitespace=True)

    twilio_account_sid: Annotated[str, AfterValidator(_account)] = Field(
        description="The SID of your Twilio account; it begins with AC."
    )
    twilio_auth_token: Annotated[SecretStr, AfterValidator(_filled)] = Field(
        description="The auth token of that account: it signs what Twilio delivers and signs us in."
    )
    twilio_from_number: Annotated[str, AfterValidator(_own_number)] = Field(
        description="Your Twilio number in international form, for example +15550100."
    )


def is_number(address: str) -> bool:
    """Whether an address is an ordinary telephone number in E.164 form, of somebody."""
    return _E164.fullmatch(address) is not None and address not in _NOBODY


def form(raw: Raw) -> dict[str, str]:
    """The fields of a form post. Raises Malformed."""
    try:
        fields = parse_qsl(raw.body.decode(), keep_blank_values=True, errors="strict")
    except ValueError:
        raise Malformed("Twilio: the body is no form in UTF-8") from None
    return dict(fields)


class Signatures:
    """Tells what Twilio signed from what it did not."""

    def __init__(self, token: SecretStr) -> None:
        self._validator = RequestValidator(token.get_secret_value())

    def check(self, raw: Raw) -> None:
        """Raises Unverified unless the account's token signed this public URL and body."""
        signature = raw.headers.get("x-twilio-signature", "")  # the validator dies of None
        try:
            fields = form(raw)
        except Malformed as error:
            raise Unverified(str(error)) from None
        if not self._validator.validate(raw.url, fields, signature):
            raise Unverified("Twilio: the signature is missing or wrong; check TWILIO_AUTH_TOKEN and PUBLIC_BASE_URL")


class _Http(AsyncTwilioHttpClient):  # type: ignore[misc]
    """The library's own client ignores its timeout, knows no other host, and drops Retry-After."""

    def __init__(self, base: str, seconds: float) -> None:
        super().__init__(pool_connections=False)
        self._base = base.rstrip("/")
        self._limit = aiohttp.ClientTimeout(total=seconds)

    async def request(
        self,
        method: str,
        url: str,
        *,
        data: Mapping[str, str],
        headers: Mapping[str, str],
        auth: tuple[str, str],
        **_unused: object,
    ) -> Response:
        """Twilio's answer below 500, but not 429. Raises TryAgain."""
        headers = {**headers, "Authorization": aiohttp.encode_basic_auth(*auth)}
        try:
            async with (
                aiohttp.ClientSession(timeout=self._limit) as session,
                session.request(
                    method, self._at_base(url), data=data, headers=headers, allow_redirects=False
                ) as answer,
            ):
                text = await answer.text(errors="replace")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise TryAgain(f"Twilio cannot be reached ({type(error).__name__}); it is tried again") from error
        if answer.status == 429 or answer.status >= 500:  # noqa: PLR2004 - HTTP
            raise TryAgain(f"Twilio is busy ({answer.status}); it is tried again", after=_pause(answer.headers))
        return Response(answer.status, text, answer.headers)

    def _at_base(self, url: str) -> str:
        return self._base + urlsplit(url).path if self._base else url


def _pause(headers: Mapping[str, str]) -> timedelta | None:
    seconds = headers.get("Retry-After", "")
    return timedelta(seconds=int(seconds)) if re.fullmatch(r"\d{1,5}", seconds, re.ASCII) else None


# https://www.twilio.com/docs/api/errors, in words that name nobody: they end up in logs.
_REFUSALS: Final = {
    21211: "the number does not exist",
    21408: "sending to that country is not enabled in the Twilio console",
    21606: "TWILIO_FROM_NUMBER cannot send messages; check it",
    21610: "the customer opted out with STOP",
    21612: "that number cannot be reached from TWILIO_FROM_NUMBER",
    21614: "the number takes no text messages",
    21617: "the message is too long",
    21660: "TWILIO_FROM_NUMBER does not belong to TWILIO_ACCOUNT_SID; check both",
}
_PASSING: Final = {  # an operator can mend it, or time
    401: "TWILIO_ACCOUNT_SID or TWILIO_AUTH_TOKEN is wrong; check both",
    20003: "TWILIO_ACCOUNT_SID or TWILIO_AUTH_TOKEN is wrong; check both",
    21611: "too many messages wait for TWILIO_FROM_NUMBER",
}


class Rest:
    """Twilio's REST interface, as far as it is used. `base` replaces https://api.twilio.com; `seconds` per request."""

    def __init__(self, account: AccountSettings, *, base: str, seconds: float) -> None:
        self._client = Client(
            account.twilio_account_sid,
            account.twilio_auth_token.get_secret_value(),
            http_client=_Http(base, seconds),
        )

    async def text(self, *, to: str, sender: str, body: str) -> str:
        """Sends one message and returns its SID; `sender` is a number or the SID of a Messaging Service.

        Raises TryAgain or Undeliverable.
        """
        kind = "messaging_service_sid" if sender.startswith("MG") else "from_"
        try:
            message = await self._client.messages.create_async(to=to, body=body, **{kind: sender})
            sid = message.sid
        except TwilioException as error:
            raise _refusal(error) from error
        except (ValueError, AttributeError) as error:  # a success whose body is no JSON object
            raise TryAgain("Twilio gave an unreadable answer; it is tried again") from error
        if not isinstance(sid, str):
            raise TryAgain("Twilio answered without a message SID; it is tried again")
        return sid


def _refusal(error: TwilioException) -> TryAgain | Undeliverable:
    code = getattr(error, "code", 0)
    if code in _PASSING:
        return TryAgain(f"Twilio refuses for now: {_PASSING[code]} (error {code})")
    return Undeliverable(f"Twilio refused the message: {_REFUSALS.get(code, 'see its documentation')} (error {code})")


def say(parent: ET.Element, text: str, language: str) -> None:
    """Has `text` spoken within `parent`, in as many verbs as it takes; `language` is a tag such as en-US."""
    for piece in pieces(_UNSPEAKABLE.sub("", text), LONGEST_SAY):
        ET.SubElement(parent, "Say", {"language": language}).text = piece


def twiml(response: ET.Element) -> str:
    """The document, in ASCII: no encoding can hurt it on its way."""
    return ET.tostring(response).decode("ascii")


def gsm(text: str) -> str:
    """`text` with typographic quotes, dashes, dots and spaces in their GSM-7 form: otherwise a message costs double."""
    return text.translate(_GSM)


def pieces(text: str, limit: int) -> Iterator[str]:
    """`text` in parts of at most `limit` characters, cut between paragraphs, lines, sentences or words."""
    while len(text) > limit:
        cut = _border(text, limit)
        yield text[:cut].rstrip()
        text = text[cut:].lstrip()
    if text:
        yield text


def _border(text: str, limit: int) -> int:
    for borders in _BORDERS:
        cut = max(text.rfind(border, limit // 2, limit) + len(border) for border in borders)
        if cut > limit // 2:
            return cut
    return limit
