"""What SMS and voice share: the account's settings, numbers, Twilio's signatures and TwiML."""

import re
from collections.abc import Iterator
from typing import Annotated, Final
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree as ET

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
from twilio.request_validator import RequestValidator

from core.errors import Malformed, Unverified
from core.messages import Raw

_E164: Final = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
_SHORT_CODE: Final = re.compile(r"\d{3,8}", re.ASCII)
# Twilio spells a missing caller on a keypad: ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN, UNAVAILABLE.
_NOBODY: Final = frozenset({"+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"})
TWILIO: Final = "https://api.twilio.com"
LONGEST_SAY: Final = 4_096
_UNSPEAKABLE: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # by XML 1.0

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


def _address(value: str) -> str:
    parts = urlsplit(value)
    if value and not (parts.scheme in ("http", "https") and parts.netloc):
        raise ValueError("is no address: begin it with https://, or leave it empty for Twilio's own")
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
    twilio_auth_token_accepted: SecretStr = Field(
        SecretStr(""), description="The other auth token, while it is changed: what it signs is accepted too."
    )
    twilio_from_number: Annotated[str, AfterValidator(_own_number)] = Field(
        description="Your Twilio number in international form, for example +15550100."
    )
    twilio_api_base: Annotated[str, AfterValidator(_address)] = Field(
        default="", description="Where Twilio's REST interface is reached; empty for Twilio's own address."
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

    def __init__(self, account: AccountSettings) -> None:
        tokens = (account.twilio_auth_token, account.twilio_auth_token_accepted)
        self._validators = [RequestValidator(token) for one in tokens if (token := one.get_secret_value())]

    def check(self, raw: Raw) -> None:
        """Raises Unverified unless the account's token signed this public URL and body."""
        signature = raw.headers.get("x-twilio-signature", "")  # the validator dies of None
        try:
            fields = form(raw)
        except Malformed as error:
            raise Unverified(str(error)) from None
        if not any(one.validate(raw.url, fields, signature) for one in self._validators):
            raise Unverified("Twilio: the signature is missing or wrong; check TWILIO_AUTH_TOKEN and PUBLIC_BASE_URL")


def say(parent: ET.Element, text: str, language: str) -> None:
    """Has `text` spoken within `parent`, in as many verbs as it takes; `language` is a tag such as en-US."""
    for piece in pieces(_UNSPEAKABLE.sub("", text), LONGEST_SAY):
        ET.SubElement(parent, "Say", {"language": language}).text = piece


def twiml(response: ET.Element) -> str:
    """The document, in ASCII: no encoding can hurt it on its way."""
    return ET.tostring(response).decode("ascii")


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
