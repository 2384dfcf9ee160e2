"""The model and the company's endpoints, spared: one that is away is left alone for a while, and nobody waits for it in
vain."""

import asyncio
from collections.abc import Callable

from core.actions import ActionRefused, Carrier
from core.breaker import Breaker, Resting
from core.errors import WriterFailed
from core.runs import Outcome, Request
from core.turnstile import aside
from core.writing import Answer, Brief, Draft, Writer, write

ENDPOINT = "endpoint {}"  # under which an endpoint is noted, by its action


def model_is_away(error: BaseException) -> bool | None:
    """What an error says of the model's server."""
    return error.away if isinstance(error, WriterFailed) else None


def endpoint_is_away(error: BaseException) -> bool | None:
    """What an error says of an endpoint. Whoever asked may have waited no longer."""
    return isinstance(error, OSError | asyncio.CancelledError)


class SparedWriter:
    """A model that is not asked while it rests: then this fails at once."""

    def __init__(self, writer: Writer, breaker: Breaker) -> None:
        self._writer = writer
        self._breaker = breaker

    async def answer(self, brief: Brief) -> Answer:
        """As the writer's own."""
        try:
            with self._breaker.asked():
                async with aside():
                    return await self._writer.answer(brief)
        except Resting as resting:
            raise _unasked(resting) from None

    async def answer_aloud(self, brief: Brief, draft: Draft) -> Answer:
        """As the writer's own."""
        try:
            with self._breaker.asked():
                async with aside():
                    return await write(self._writer, brief, draft)
        except Resting as resting:
            raise _unasked(resting) from None


def _unasked(resting: Resting) -> WriterFailed:
    return WriterFailed(f"The language model: {resting}; the offline rules answer instead.")


class SparedCarrier:
    """The company's endpoints. How each does is told to `tell`, "" when it does well. One that rests is not asked, and
    that is certain: the action is refused."""

    def __init__(self, carrier: Carrier, breaker: Callable[[str], Breaker], tell: Callable[[str, str], None]) -> None:
        """`breaker` makes one, for what is noted under this name."""
        self._carrier = carrier
        self._make = breaker
        self._breakers: dict[str, Breaker] = {}
        self._tell = tell

    async def carry_out(self, request: Request) -> Outcome:
        """As the carrier's own."""
        name = ENDPOINT.format(request.action)
        if name not in self._breakers:
            self._breakers[name] = self._make(name)
        try:
            with self._breakers[name].asked():
                async with aside():
                    outcome = await self._carrier.carry_out(request)
        except BaseException as error:
            self._tell(name, _why(error))
            if isinstance(error, Resting):
                raise ActionRefused(f"the company's endpoint: {error}") from None
            raise
        self._tell(name, "")
        return outcome


def _why(error: BaseException) -> str:
    """One line for staff; "" where the endpoint did its part."""
    match error:
        case ActionRefused():
            return ""
        case asyncio.CancelledError():
            return "no answer in time"
        case Resting() | ConnectionError():
            return str(error)
        case _:
            return type(error).__name__
