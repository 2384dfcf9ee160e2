"""TwiML that hands a call on: to our socket, to a colleague's telephone, or to nobody."""

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET

from channels import _twilio as twilio
from channels._voice.line import Speech
from channels._voice.phrases import tag


def connect(socket: str, *, after: str, languages: Sequence[str], parameters: Mapping[str, str]) -> str:
    """The call goes on over a socket of ours; `after` is asked what then. The first language is the one to begin in."""
    response = ET.Element("Response")
    outer = ET.SubElement(response, "Connect", {"action": after, "method": "POST"})
    relay = {
        "url": socket,
        "language": tag(languages[0]),
        "interruptible": "any",
        "reportInputDuringAgentSpeech": "any",
        "dtmfDetection": "true",
    }
    inner = ET.SubElement(outer, "ConversationRelay", relay)
    for code in dict.fromkeys(map(tag, languages)):
        ET.SubElement(inner, "Language", {"code": code})
    for name, value in parameters.items():
        ET.SubElement(inner, "Parameter", {"name": name, "value": value})
    return twilio.twiml(response)


def dial(number: str, speeches: Sequence[Speech] = (), *, after: str) -> str:
    """The call is put through to a telephone, after something was said; `after` is told whether somebody answered."""
    response = ET.Element("Response")
    for speech in speeches:
        twilio.say(response, speech.text, tag(speech.language))
    ET.SubElement(response, "Dial", {"action": after, "method": "POST", "answerOnBridge": "true"}).text = number
    return twilio.twiml(response)


def hang_up(text: str = "", language: str = "en") -> str:
    """The call ends, after something was said."""
    response = ET.Element("Response")
    twilio.say(response, text, tag(language))
    ET.SubElement(response, "Hangup")
    return twilio.twiml(response)
