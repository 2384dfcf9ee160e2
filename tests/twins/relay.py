"""A call on Twilio's ConversationRelay: its requests, and a socket on which every frame of ours is checked.

https://www.twilio.com/docs/voice/conversationrelay. A frame that Twilio would refuse ends the test, not only the call.
"""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from xml.etree import ElementTree as ET

import aiohttp

from tests.twins.twilio import Answer, Twilio
from tests.twins.twiml import checked


class BadFrame(Exception):
    """What Twilio answers with error 64107."""


_TEXT, _TRUTH = str, bool
_FRAMES: Final[Mapping[str, Mapping[str, type]]] = {
    "text": {"token": _TEXT, "last": _TRUTH, "lang": _TEXT, "interruptible": _TRUTH, "preemptible": _TRUTH},
    "play": {"source": _TEXT, "loop": int, "interruptible": _TRUTH, "preemptible": _TRUTH},
    "sendDigits": {"digits": _TEXT},
    "language": {"ttsLanguage": _TEXT, "transcriptionLanguage": _TEXT},
    "end": {"handoffData": _TEXT},
}
_NEEDED: Final = {"text": {"token"}, "play": {"source"}, "sendDigits": {"digits"}, "language": set(), "end": set()}


@dataclass(kw_only=True)
class RelayCall:
    """One call. `answer` is what its first request was told; `languages` are those that the socket was opened for."""

    twilio: Twilio
    caller: str
    verstat: str = ""
    sid: str = ""
    token: str = ""  # signs the opening of the socket; the account's own unless a test forges it
    answer: Answer | None = None
    connect: ET.Element | None = None
    relay: ET.Element | None = None
    frames: list[dict[str, Any]] = field(default_factory=list)  # all that we sent
    languages: set[str] = field(default_factory=set)
    language: str = ""
    socket: aiohttp.ClientWebSocketResponse | None = None
    _spoken: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    _tokens: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    _ends: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    _reading: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.sid = self.sid or self.twilio.calls(self.caller).sid

    async def dials(self) -> None:
        """The call begins, and its socket is opened."""
        await self.rings()
        await self.opens()

    async def rings(self) -> Answer:
        """The call begins: the first request, whose answer names the socket."""
        more = {"StirVerstat": self.verstat} if self.verstat else {}
        delivery = self.twilio.sign("/twilio/voice", self._fields("ringing") | more)
        self.answer = await self.twilio.deliver(delivery)
        if self.answer.status == 200:
            [self.connect] = checked(self.answer.body)
            [self.relay] = self.connect
            self.languages = {one.get("code", "") for one in self.relay if one.tag == "Language"}
            self.language = self.relay.get("language", "")
        return self.answer

    async def opens(self, *, parameters: Mapping[str, str] | None = None) -> None:
        """The socket is opened, signed as its address is. Raises aiohttp.WSServerHandshakeError."""
        assert self.relay is not None
        url = self.relay.get("url", "")
        digest = hmac.new((self.token or self.twilio.auth_token).encode(), url.encode(), hashlib.sha1).digest()
        headers = {"X-Twilio-Signature": base64.b64encode(digest).decode()}
        near = url.replace(self.twilio.public.replace("https", "wss"), self.twilio.deliver_to)
        self.socket = await self.twilio._http.ws_connect(near, headers=headers)
        given = {one.get("name", ""): one.get("value", "") for one in self.relay if one.tag == "Parameter"}
        await self._send(
            "setup", sessionId=f"VX{self.sid[2:]}", accountSid=self.twilio.account_sid, parentCallSid="",
            callSid=self.sid, to=self.twilio.number, forwardedFrom="", callType="PSTN", callerName="",
            direction="inbound", callStatus="RINGING", customParameters=given if parameters is None else parameters,
            **{"from": self.caller},
        )  # fmt: skip
        self._reading = asyncio.create_task(self._read(self.socket))

    # What the caller does

    async def says(self, words: str, *, last: bool = True, language: str = "") -> None:
        """The caller says something."""
        await self._send("prompt", voicePrompt=words, lang=language or self.language, last=last)

    async def asks(self, words: str) -> str:
        """The caller says something, and hears the answer."""
        await self.says(words)
        return await self.hears()

    async def keys(self, digits: str) -> None:
        """The caller presses keys, one after the other."""
        for digit in digits:
            await self._send("dtmf", digit=digit)

    async def interrupts(self, until: str) -> None:
        """The caller speaks against what is said, at that point of it."""
        await self._send("interrupt", utteranceUntilInterrupt=until, durationUntilInterruptMs=60 * len(until))

    async def fails(self, description: str) -> None:
        """Twilio could not do what it was told."""
        await self._send("error", description=description)

    async def sends(self, text: str) -> None:
        """Something that no version of the protocol knows."""
        assert self.socket is not None
        await self.socket.send_str(text)

    async def hangs_up(self) -> None:
        """The caller is gone: the socket is closed, and the action and the status callback are told."""
        await self.drops()
        over = self._fields("completed")
        await self._act({"SessionStatus": "ended", **over})
        await self.twilio.deliver(self.twilio.sign("/twilio/voice/status", over))

    async def drops(self) -> None:
        """The socket is lost."""
        assert self.socket is not None
        await self.socket.close()
        if self._reading:
            await asyncio.wait([self._reading])

    # What the caller hears

    async def hears(self) -> str:
        """All that is said in one go."""
        return await self._of(self._spoken)

    async def hears_token(self) -> str:
        """The next words, whether or not more come in the same go."""
        return await self._of(self._tokens)

    async def ends(self) -> str:
        """What the call is told once we end the session: its TwiML, checked."""
        data = await self._of(self._ends)
        assert self.socket is not None
        await self.socket.close()
        return (await self._act({"SessionStatus": "ended", "HandoffData": data, **self._fields("in-progress")})).body

    async def goes_on_without(self, error: str = "64102") -> Answer:
        """The socket failed and the call is still there: what it is told."""
        failed = {"SessionStatus": "failed", "ErrorCode": error, "ErrorMessage": "x", **self._fields("in-progress")}
        return await self._act(failed)

    async def _of(self, queue: asyncio.Queue[str]) -> str:
        """The next of a queue, or what went wrong while it was waited for."""
        assert self._reading is not None
        waiting = asyncio.ensure_future(queue.get())
        await asyncio.wait({waiting, self._reading}, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            waiting.cancel()
            self._reading.result()
            raise BadFrame("the socket was closed, and nothing was said")
        return waiting.result()

    async def _act(self, fields: Mapping[str, str]) -> Answer:
        assert self.connect is not None
        path = self.connect.get("action", "").removeprefix(self.twilio.public)
        session = {"SessionId": f"VX{self.sid[2:]}", "SessionDuration": "12"}
        answer = await self.twilio.deliver(self.twilio.sign(path, {**session, **fields}))
        if answer.status == 200:
            checked(answer.body)
        return answer

    def _fields(self, status: str) -> dict[str, str]:
        return {"CallSid": self.sid, "AccountSid": self.twilio.account_sid, "From": self.caller,
                "Caller": self.caller, "To": self.twilio.number, "CallStatus": status, "Direction": "inbound",
                "ApiVersion": "2010-04-01"}  # fmt: skip

    async def _send(self, kind: str, **values: object) -> None:
        assert self.socket is not None
        await self.socket.send_str(json.dumps({"type": kind, **values}))

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        going: list[str] = []
        async for message in socket:
            frame = self._checked(json.loads(message.data))
            self.frames.append(frame)
            match frame["type"]:
                case "text":
                    going.append(frame["token"])
                    self._tokens.put_nowait(frame["token"])
                    if frame.get("last", False):
                        self._spoken.put_nowait("".join(going).strip())
                        going.clear()
                case "language":
                    self.language = frame["ttsLanguage"]
                case "end":
                    self._ends.put_nowait(frame.get("handoffData", ""))

    def _checked(self, frame: Any) -> dict[str, Any]:
        kind = str(frame.get("type")) if isinstance(frame, dict) else ""
        known = _FRAMES.get(kind)
        if known is None:
            raise BadFrame(f"unknown type {kind!r}")
        given = {name: value for name, value in frame.items() if name != "type"}
        if any(name not in known or type(value) is not known[name] for name, value in given.items()):
            raise BadFrame(f"a frame of wrong shape: {frame}")
        if missing := _NEEDED[kind] - set(given):
            raise BadFrame(f"{kind} without {missing}")
        if unprepared := {given.get(name) for name in ("lang", "ttsLanguage")} - {None, *self.languages}:
            raise BadFrame(f"the session was not opened for {unprepared}")
        return dict(frame)
