"""A call on a socket of ours: what is heard becomes messages, replies become speech, and nobody is left in silence."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Final

from channels._markdown.speech import speakable
from channels._voice import frames
from channels._voice.gathering import CODE_DIGITS
from channels._voice.heard import Piece, heard
from channels._voice.line import Line, Speech
from channels._voice.phrases import phrases, spoken, tag
from core.channel import Ears, Socket
from core.messages import Interruption, Raw, Reply

log = logging.getLogger(__name__)

_MOST_PROMPTS: Final = 2  # repeated to somebody silent
_REMEMBERED: Final = 60  # pieces of speech that may still be playing


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Seconds that are waited, and that speech takes."""

    filler: float = 1.5  # for a reply, before "one moment" is said
    again: float = 12.0  # before it is said again
    fillers: int = 3  # after which we give up
    silence: float = 8.0  # of the caller, once all was spoken
    digits: float = 4.0  # for the next key
    sign: float = 0.07  # to speak one character


class Conversation:
    """One call, from the opening of its socket to the end of it."""

    def __init__(
        self,
        call: str,
        line: Line,
        socket: Socket,
        ears: Ears,
        *,
        delivery: Callable[[Line, str], Raw],
        patience: Patience,
        dials: bool,
    ) -> None:
        """`delivery` makes a frame a delivery at the line's present step; `dials`: calls can be put through."""
        self._call, self._line, self._socket, self._ears = call, line, socket, ears
        self._delivery = delivery
        self._patience = patience
        self._dials = dials
        self._timer: asyncio.Task[None] | None = None
        self._keypad: asyncio.Task[None] | None = None
        self._keyed = ""
        self._digits = CODE_DIGITS
        self._sentence: list[str] = []  # what was said so far of a sentence that goes on
        self._pieces: list[Piece] = []
        self._said = ("", "")  # the reply that is being said: its id, and as much of its text as was said
        self._cut: set[str] = set()  # replies that were interrupted
        self._language = line.language
        self._spoken_until = 0.0
        self._over = False  # it is being ended

    async def run(self) -> None:
        """Says what waits, and listens until the socket is closed."""
        if self._line.awaits_reply:
            self._expect_reply()
        try:
            for speech in self._line.take():
                await self.say(speech)
            while (text := await self._socket.receive()) is not None:
                await self._take(text)
        finally:
            for task in (self._timer, self._keypad):
                if task:
                    task.cancel()

    # What is heard

    async def _take(self, text: str) -> None:
        match frames.read(text):
            case frames.Prompt() as prompt:
                await self._hear(prompt)
            case frames.Digit() as key:
                await self._press(key.digit)
            case frames.Interrupt() as interrupt:
                await self._stop(interrupt.until)
            case frames.Failure() as failure:
                log.warning("Twilio could not do what it was told in a call: %s", failure.description[:200])
            case _:
                log.info("a frame of a call that we do not know is passed over")

    async def _hear(self, prompt: frames.Prompt) -> None:
        words = prompt.words.strip()
        if self._sentence and words.casefold().startswith(self._sentence[-1].casefold()):
            self._sentence.pop()  # the same again, and more of it
        self._sentence += [words] if words else []
        self._listen()
        if not prompt.last or not self._sentence:
            self._expect_caller()
        else:
            said, self._sentence, self._keyed = " ".join(self._sentence), [], ""
            await self._tell(prompt.model_copy(update={"words": said}).model_dump_json(by_alias=True))

    async def _press(self, key: str) -> None:
        self._listen()
        if self._keypad:
            self._keypad.cancel()
        if key == "*":
            self._keyed = ""
        elif key.isdecimal():
            self._keyed += key
        if self._keyed and (key == "#" or len(self._keyed) >= self._digits):
            await self._enter()
        elif self._keyed:
            self._keypad = asyncio.create_task(self._after(self._patience.digits, self._enter))

    async def _enter(self) -> None:
        keyed, self._keyed = self._keyed, ""
        await self._tell(frames.digits(keyed))

    async def _tell(self, frame: str) -> None:
        """A message: kept when this returns. Who cannot be kept is told so."""
        self._line.number += 1
        self._expect_reply()
        try:
            await self._ears.hear(self._delivery(self._line, frame))
        except Exception:
            log.exception("what a caller said could not be kept")
            await self._leave(phrases(self._language).sorry, to=frames.NOBODY)

    async def _stop(self, until: str) -> None:
        self._spoken_until = 0.0
        found, self._pieces = heard(self._pieces, until), []
        if found is None or found[0] in self._cut:
            return
        reply, text = found
        self._cut.add(reply)
        one = Interruption(channel="voice", conversation=self._call, reply=reply, heard=text)
        await self._ears.interrupted(one)

    # What is said

    async def begin(self, reply: Reply) -> None:
        """Says what is new in the beginning of a reply."""
        if reply.id not in self._cut:
            self._listen()
            await self._speak(reply.id, reply.text, reply.language, last=False)

    async def say(self, speech: Speech) -> None:
        """Says what is left of a reply."""
        self._listen()
        self._line.awaits_reply = speech.step < self._line.number
        if speech.reply not in self._cut:
            await self._speak(speech.reply, speech.written, speech.language, last=True)
        self._digits = speech.digits or CODE_DIGITS
        if speech.hands_over and self._dials:
            await self._leave(phrases(self._language).connecting, to=frames.COLLEAGUE)
        elif speech.ends:
            await self._leave("", to=frames.NOBODY)
        elif self._line.awaits_reply:
            self._expect_reply()
        else:
            self._expect_caller()

    async def _speak(self, reply: str, text: str, language: str, *, last: bool) -> None:
        said = self._said[1] if self._said[0] == reply and text.startswith(self._said[1]) else ""
        self._said = (reply, text)
        written = text[len(said) :]
        await self._switch(language)
        await self._utter(Piece(reply=reply, written=written, spoken=_flowing(written, language)), last=last)

    async def _switch(self, language: str) -> None:
        if tag(language) != tag(self._language):
            await self._socket.send(frames.language(tag(language)))
        self._language = self._line.language = language

    async def _utter(self, piece: Piece, *, last: bool) -> None:
        self._pieces = [*self._pieces, piece][-_REMEMBERED:]
        now = asyncio.get_running_loop().time()
        self._spoken_until = max(self._spoken_until, now) + len(piece.spoken) * self._patience.sign
        token = piece.spoken if last or not piece.spoken else f"{piece.spoken} "
        await self._socket.send(frames.text(token, language=tag(self._language), last=last))

    async def _add(self, text: str) -> None:
        """Something that the telephone says of itself."""
        await self._switch(spoken(self._language))
        await self._utter(Piece(reply="", written=text, spoken=text), last=True)

    async def _leave(self, text: str, *, to: str) -> None:
        """The call goes on elsewhere, once all was spoken."""
        if self._over:
            return
        self._over = True
        if text:
            await self._add(text)
        self._start(self._end(to))

    async def _end(self, to: str) -> None:
        await asyncio.sleep(self._left_to_say())
        await self._socket.send(frames.end(to))

    # What is waited for

    def _listen(self) -> None:
        if self._timer and not self._over:
            self._timer.cancel()

    def _expect_reply(self) -> None:
        self._line.awaits_reply = True
        if not self._over:
            self._start(self._fill())

    def _expect_caller(self) -> None:
        if not self._over:
            self._start(self._prompt())

    def _start(self, waiting: Coroutine[None, None, None]) -> None:
        if self._timer and self._timer is not asyncio.current_task():
            self._timer.cancel()
        self._timer = asyncio.create_task(waiting)

    async def _fill(self) -> None:
        """Says that we are still there, while a reply is thought of."""
        await asyncio.sleep(self._patience.filler)
        for _ in range(self._patience.fillers):
            await self._add(phrases(self._language).moment)
            await asyncio.sleep(self._patience.again)
        await self._leave(phrases(self._language).sorry, to=frames.NOBODY)

    async def _prompt(self) -> None:
        """Asks somebody silent twice, then says goodbye."""
        for _ in range(_MOST_PROMPTS):
            await asyncio.sleep(self._left_to_say() + self._patience.silence)
            await self._add(phrases(self._language).again)
        await asyncio.sleep(self._left_to_say() + self._patience.silence)
        await self._leave(phrases(self._language).goodbye, to=frames.NOBODY)

    async def _after(self, seconds: float, then: Callable[[], Awaitable[None]]) -> None:
        await asyncio.sleep(seconds)
        await then()

    def _left_to_say(self) -> float:
        return max(self._spoken_until - asyncio.get_running_loop().time(), 0.0)


def _flowing(text: str, language: str) -> str:
    """For the ear, in one line."""
    return " ".join(speakable(text, language).split())
