"""The grammar of TwiML, as far as calls need it: which elements stand in which, with which attributes and values.

Written from https://www.twilio.com/docs/voice/twiml, as strict as Twilio: what it does not know ends the call.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from xml.etree import ElementTree as ET


class BadTwiml(Exception):
    """What Twilio answers with an error on the line."""


_TAG: Final = r"[a-z]{2,3}-[A-Z]{2}"
_URL: Final = r"https?://\S+"
_METHOD: Final = "GET|POST"
_TRUTH: Final = "true|false"
_INPUT: Final = "none|dtmf|speech|any"
_NUMBER: Final = r"\+[1-9]\d{6,14}"
_SECONDS: Final = r"\d{1,4}"


@dataclass(frozen=True, kw_only=True)
class Element:
    """What one element may hold: attributes with the patterns of their values, other elements, and text."""

    attributes: Mapping[str, str] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    children: frozenset[str] = frozenset()
    text: str = ""  # a pattern; "" for none
    at_most: int | None = None  # children


_GRAMMAR: Final[Mapping[str, Element]] = {
    "Response": Element(children=frozenset({"Say", "Gather", "Redirect", "Hangup", "Connect", "Dial", "Enqueue"})),
    "Say": Element(attributes={"language": _TAG, "voice": r"\S+", "loop": r"\d+"}, text=r"(?s).{1,4096}"),
    "Gather": Element(
        attributes={
            "input": r"(?:dtmf|speech|dtmf speech|speech dtmf)", "action": _URL, "method": _METHOD,
            "actionOnEmptyResult": _TRUTH, "speechTimeout": r"auto|\d{1,3}", "timeout": _SECONDS,
            "numDigits": r"[1-9]\d{0,2}", "language": _TAG, "hints": r".*", "finishOnKey": r"[\d#*]?",
            "speechModel": r"\w+",
        },
        children=frozenset({"Say"}),
    ),
    "Redirect": Element(attributes={"method": _METHOD}, text=_URL),
    "Hangup": Element(),
    "Connect": Element(
        attributes={"action": _URL, "method": _METHOD}, children=frozenset({"ConversationRelay"}), at_most=1
    ),
    "ConversationRelay": Element(
        attributes={
            "url": r"wss://\S+", "welcomeGreeting": r".+", "welcomeGreetingInterruptible": _INPUT, "language": _TAG,
            "ttsLanguage": _TAG, "ttsProvider": "Google|Amazon|ElevenLabs", "voice": r"\S+",
            "transcriptionLanguage": _TAG, "transcriptionProvider": "Google|Deepgram", "speechModel": r"\S+",
            "interruptible": f"{_INPUT}|{_TRUTH}", "interruptSensitivity": "high|medium|low", "dtmfDetection": _TRUTH,
            "reportInputDuringAgentSpeech": _INPUT, "preemptible": _TRUTH, "hints": r".+", "debug": r".+",
            "intelligenceService": r"\S+", "partialPrompts": _TRUTH,
        },
        required=frozenset({"url"}),
        children=frozenset({"Language", "Parameter"}),
    ),
    "Language": Element(
        attributes={
            "code": _TAG, "ttsProvider": "Google|Amazon|ElevenLabs", "voice": r"\S+",
            "transcriptionProvider": "Google|Deepgram", "speechModel": r"\S+",
        },
        required=frozenset({"code"}),
    ),
    "Parameter": Element(attributes={"name": r"\w+", "value": r".+"}, required=frozenset({"name", "value"})),
    "Dial": Element(
        attributes={
            "action": _URL, "method": _METHOD, "answerOnBridge": _TRUTH, "callerId": _NUMBER, "timeout": _SECONDS,
            "timeLimit": _SECONDS, "hangupOnStar": _TRUTH, "record": r"[\w-]+", "sequential": _TRUTH,
        },
        children=frozenset({"Number"}),
        text=_NUMBER,
    ),
    "Number": Element(text=_NUMBER),
    "Enqueue": Element(attributes={"action": _URL, "method": _METHOD, "waitUrl": _URL}, text=r"\w+"),
}  # fmt: skip
_GOES_ELSEWHERE: Final = frozenset({"Gather", "Redirect", "Hangup", "Connect", "Dial", "Enqueue"})


def checked(body: str) -> ET.Element:
    """A document that Twilio takes. Raises BadTwiml."""
    try:
        response = ET.fromstring(body)  # noqa: S314 - our own
    except ET.ParseError as error:
        raise BadTwiml(f"no XML: {error}") from None
    if response.tag != "Response":
        raise BadTwiml(f"{response.tag} is no Response")
    _check(response)
    for verb in list(response)[:-1]:
        if verb.tag in _GOES_ELSEWHERE:  # all of ours have an action, or silence has
            raise BadTwiml(f"what follows {verb.tag} is never reached")
    return response


def _check(element: ET.Element) -> None:
    known = _GRAMMAR[element.tag]
    for name, value in element.attrib.items():
        if not re.fullmatch(known.attributes.get(name, "(?!)"), value):
            raise BadTwiml(f"{element.tag}: {name}={value!r} is unknown")
    if missing := known.required - set(element.attrib):
        raise BadTwiml(f"{element.tag}: {', '.join(sorted(missing))} is missing")
    text = (element.text or "").strip()
    if (text or (known.text and not len(element))) and not re.fullmatch(known.text or "(?!)", text):
        raise BadTwiml(f"{element.tag}: {text[:40]!r} of {len(text)} characters cannot stand here")
    for child in element:
        if child.tag not in known.children:
            raise BadTwiml(f"{child.tag} cannot stand in {element.tag}")
        if (child.tail or "").strip():
            raise BadTwiml(f"words stand after {child.tag}")
        _check(child)
    if known.at_most is not None and len(element) > known.at_most:
        raise BadTwiml(f"{element.tag} holds too much")
