"""A call heard and spoken by Twilio's Gather: one request for each step, and TwiML for each of them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol
from xml.etree import ElementTree as ET

from channels import _twilio as twilio
from channels._voice.line import Line, Speech, Step
from channels._voice.phrases import phrases, spoken, tag

_MOST_PROMPTS = 2  # repeated to somebody silent
_MOST_WAITS = 3
CODE_DIGITS = 6


class Address(Protocol):
    """Where a call's next request goes."""

    def __call__(self, step: Step, number: int, *, language: str, silences: int = 0, waits: int = 0) -> str: ...


PutThrough = Callable[[Step, Sequence[Speech]], str]


class Gathering:
    """Answers the requests of calls that are held by Gather."""

    def __init__(self, address: Address, patience: Callable[[], float], put_through: PutThrough | None) -> None:
        """`patience` gives the seconds that a request may wait for a reply, `put_through` TwiML where calls can be."""
        self._address = address
        self._patience = patience
        self._put_through = put_through

    async def answer(self, step: Step, line: Line) -> str:
        """TwiML with what is to be said, or with what to do until it is there."""
        if step.brings_message or step.waits:
            if await line.reply(step.number, self._patience()):
                return self._speak(step, line.take())
            if step.waits < _MOST_WAITS:
                return self._put_off(step, [*line.take(), phrase(step, phrases(step.language).moment)])
            return self._speak(step, [*line.take(), phrase(step, phrases(step.language).sorry, ends=True)])
        if line.unsaid:
            return self._speak(step, line.take())
        if step.silences < _MOST_PROMPTS:
            return self._speak(step, [phrase(step, phrases(step.language).again)], silences=step.silences + 1)
        return self._speak(step, [phrase(step, phrases(step.language).goodbye, ends=True)])

    def _speak(self, step: Step, speeches: Sequence[Speech], *, silences: int = 0) -> str:
        last = speeches[-1]
        if self._put_through and any(speech.hands_over for speech in speeches):
            here = replace(step, language=last.language)
            return self._put_through(here, [*speeches, phrase(here, phrases(here.language).connecting)])
        response = ET.Element("Response")
        parent = response if last.ends else ET.SubElement(response, "Gather", self._gather(step, last, silences))
        for speech in speeches:
            twilio.say(parent, speech.text, tag(speech.language))
        if last.ends:
            ET.SubElement(response, "Hangup")
        return twilio.twiml(response)

    def _gather(self, step: Step, last: Speech, silences: int) -> dict[str, str]:
        number = step.number if silences else step.number + 1
        language = step.language if silences else last.language
        return {
            "input": "dtmf speech",
            "action": self._address(step, number, language=language, silences=silences),
            "method": "POST",
            "actionOnEmptyResult": "true",
            "speechTimeout": "auto",
            "numDigits": str(last.digits or CODE_DIGITS),
            "language": tag(language),
        }

    def _put_off(self, step: Step, speeches: Sequence[Speech]) -> str:
        response = ET.Element("Response")
        for speech in speeches:
            twilio.say(response, speech.text, tag(speech.language))
        redirect = ET.SubElement(response, "Redirect", {"method": "POST"})
        redirect.text = self._address(step, step.number, language=step.language, waits=step.waits + 1)
        return twilio.twiml(response)


def phrase(step: Step, text: str, *, ends: bool = False) -> Speech:
    """Something that the telephone says of itself."""
    return Speech(call=step.call, step=step.number, text=text, language=spoken(step.language), ends=ends)
