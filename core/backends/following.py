"""A model's answer, followed while it is streamed: server-sent events, and in them a JSON object that grows."""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final

from pydantic import BaseModel, Field, ValidationError

_REPLY: Final = re.compile(r'"reply"\s*:\s*"')
# What stands in a JSON string and is complete: no half of an escape, nor of a pair that makes one sign.
_COMPLETE: Final = re.compile(
    r'(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}'
    r"|\\u(?![dD][89abAB])[\da-fA-F]{4})+"
)
_LONGEST: Final = 20_000  # characters of an answer that are followed


class Broken(Exception):
    """Why an answer cannot be used, in a few words."""


class Message(BaseModel):
    """What a model says in a completion."""

    content: str | None = None
    refusal: str | None = None


class Choice(BaseModel):
    """One completion; `finish_reason` tells why it ends."""

    message: Message
    finish_reason: str | None = None


class Begun(BaseModel, strict=True):
    """The beginning of an answer: what was decided before the reply, and the first words of that."""

    human_wanted: bool = False
    confidence: Annotated[float, Field(ge=0, le=1)]
    actions: list[str] = []
    reply: str = ""


class _Delta(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Piece(BaseModel):
    delta: _Delta = _Delta()
    finish_reason: str | None = None


class _Chunk(BaseModel):
    choices: list[_Piece] | None = None


async def followed(lines: AsyncIterator[str], begun: Callable[[Begun], Awaitable[None]]) -> Choice:
    """All that a model streamed; `begun` is told of each step in its reply. Raises Broken."""
    growing, refusal, finish = Growing(), "", None
    async for piece in _pieces(_unbroken(lines)):
        refusal += piece.delta.refusal or ""
        finish = finish or piece.finish_reason
        if growing.add(piece.delta.content or "") and growing.begun:
            await begun(growing.begun)
    if finish is None:
        raise Broken("broke off")
    return Choice(message=Message(content=growing.text, refusal=refusal or None), finish_reason=finish)


async def _unbroken(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    try:
        async for line in lines:
            yield line
    except Exception:  # noqa: BLE001 - of the vendor's transport, which is a different one in each of its versions
        raise Broken("broke off") from None


async def _pieces(lines: AsyncIterator[str]) -> AsyncIterator[_Piece]:
    async for line in lines:
        field_name, _, value = line.partition(":")
        if field_name != "data":
            continue
        if value.strip() == "[DONE]":
            yield _Piece(finish_reason="stop")
            continue
        try:
            choices = _Chunk.model_validate_json(value).choices
        except ValidationError:
            raise Broken("sent no readable piece of a completion") from None
        if choices:
            yield choices[0]


@dataclass
class Growing:
    """A JSON object on its way. `begun` is None until everything before its `reply` is there and can be read."""

    text: str = ""
    begun: Begun | None = None
    _at: int = field(default=0)  # up to here it was looked at: for the reply, then within it

    def add(self, more: str) -> bool:
        """Takes more of it; True when the reply came further."""
        self.text += more
        if not more or len(self.text) > _LONGEST:
            return False
        return self._read_on() if self.begun else self._find_reply() and self._read_on()

    def _find_reply(self) -> bool:
        for found in _REPLY.finditer(self.text, self._at):
            self._at = found.end()
            decided = _object(self.text[: found.start()])
            try:
                self.begun = Begun.model_validate(decided)
            except ValidationError:
                continue
            return True
        return False

    def _read_on(self) -> bool:
        found = _COMPLETE.match(self.text, self._at)
        if not self.begun or not found:
            return False
        self._at = found.end()
        reply = (self.begun.reply + json.loads(f'"{found[0]}"')).lstrip()
        self.begun = self.begun.model_copy(update={"reply": reply})
        return True


def _object(beginning: str) -> Mapping[str, object]:
    """The members that are complete at the outermost level of an object; none when its end is not there."""
    start = beginning.find("{")
    try:
        read = json.loads(beginning[start:].rstrip().removesuffix(",") + "}") if start >= 0 else {}
    except (json.JSONDecodeError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}
