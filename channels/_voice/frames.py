"""What is said over a socket of Twilio's ConversationRelay: JSON texts, in its words.

https://www.twilio.com/docs/voice/conversationrelay/websocket-messages
"""

import json
from typing import Annotated, Final, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

COLLEAGUE: Final = "colleague"  # to whom a call is handed over at its end
NOBODY: Final = "nobody"


class Setup(BaseModel):
    """The socket is open for a call."""

    type: Literal["setup"]
    call: str = Field(alias="callSid")
    parameters: dict[str, object] | None = Field(default=None, alias="customParameters")


class Prompt(BaseModel):
    """The caller said something; more of the same sentence is to come unless it is the `last`."""

    type: Literal["prompt"]
    words: str = Field(default="", alias="voicePrompt")
    last: bool = True


class Digit(BaseModel):
    """The caller pressed a key."""

    type: Literal["dtmf"]
    digit: str


class Interrupt(BaseModel):
    """The caller spoke against us; so much had been said."""

    type: Literal["interrupt"]
    until: str = Field(default="", alias="utteranceUntilInterrupt")


class Failure(BaseModel):
    """Twilio could not do what we told it."""

    type: Literal["error"]
    description: str = ""


Frame = Setup | Prompt | Digit | Interrupt | Failure
_FRAME: Final[TypeAdapter[Frame]] = TypeAdapter(Annotated[Frame, Field(discriminator="type")])


def read(text: str | bytes) -> Frame | None:
    """A frame; None for one that we do not know, which is passed over."""
    try:
        return _FRAME.validate_json(text)
    except ValidationError:
        return None


def text(token: str, *, language: str, last: bool) -> str:
    """Something to be said; `last` ends what is said in one go."""
    return _frame("text", token=token, last=last, lang=language, interruptible=True)


def language(name: str) -> str:
    """From now on the call is heard and spoken in another language."""
    return _frame("language", ttsLanguage=name, transcriptionLanguage=name)


def end(to: str) -> str:
    """The socket is no longer needed; the call goes on to COLLEAGUE or to NOBODY."""
    return _frame("end", handoffData=json.dumps({"to": to}))


def digits(keyed: str) -> str:
    """Keys that were pressed one after the other, as one frame."""
    return _frame("dtmf", digit=keyed)


def _frame(kind: str, **values: str | bool) -> str:
    return json.dumps({"type": kind, **values})
