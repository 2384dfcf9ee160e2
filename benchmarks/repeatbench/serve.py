"""RepeatBench over HTTP, on loopback: POST /rb/reset, seed, inbound, tick, agent and forget; GET /rb/health.

Answers 200 with JSON. 400 to a body that is malformed, 404 to an unknown path, case or customer, 405 to another method,
413 to a body over 25 MB, 500 when the bot itself failed; each with {"error": "..."}.
"""

import asyncio
import json
import logging
import signal
from collections.abc import Awaitable
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from benchmarks.repeatbench.protocol import AgentDid, Bot, Forget, Inbound, NotFound, Outcome, Reset, Seed, Tick
from bots import web

log = logging.getLogger(__name__)

M = TypeVar("M", bound=BaseModel)
Json = object
_LARGEST: Final = 25_000_000  # bytes, as a mail may have
_SCALARS: Final = (str, int, float, bool)


def application(bot: Bot) -> Starlette:
    """The benchmark's interface to a bot."""
    door = _Door(bot)
    steps = {
        "reset": door.reset,
        "seed": door.seed,
        "inbound": door.inbound,
        "tick": door.tick,
        "agent": door.agent,
        "forget": door.forget,
    }
    routes = [Route(f"/rb/{name}", step, methods=["POST"]) for name, step in steps.items()]
    routes.append(Route("/rb/health", door.health, methods=["GET"]))
    return Starlette(routes=routes, exception_handlers={HTTPException: _refused, Exception: _failed})


async def serve(bot: Bot, *, port: int, host: str = "127.0.0.1") -> None:
    """Serves until SIGTERM or SIGINT."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    try:
        with web.listen(host, port) as listening:
            async with web.serving(application(bot), listening):
                await stop.wait()
    finally:
        await bot.close()


class _Door:
    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._resetting = asyncio.Lock()

    async def health(self, _request: Request) -> JSONResponse:
        return JSONResponse({"status": "ready"})

    async def reset(self, request: Request) -> JSONResponse:
        order = await _read(request, Reset)
        async with self._resetting:
            await self._bot.reset(order)
        return JSONResponse({"run_id": order.run_id})

    async def seed(self, request: Request) -> JSONResponse:
        seed = await _read(request, Seed)
        await _known(self._bot.seed(seed))
        return JSONResponse({"people": len(seed.directory)})

    async def inbound(self, request: Request) -> JSONResponse:
        outcome = await _known(self._bot.inbound(await _read(request, Inbound)))
        return _answer(outcome, "replies", "handoff", "case")

    async def tick(self, request: Request) -> JSONResponse:
        outcome = await _known(self._bot.tick((await _read(request, Tick)).now))
        return _answer(outcome, "replies", "handoffs", "cases")

    async def agent(self, request: Request) -> JSONResponse:
        return _answer(await _known(self._bot.agent(await _read(request, AgentDid))), "replies")

    async def forget(self, request: Request) -> JSONResponse:
        await _known(self._bot.forget((await _read(request, Forget)).customer))
        return JSONResponse({"erased": True})


async def _known(step: Awaitable[M | None]) -> M | None:
    try:
        return await step
    except NotFound as error:
        raise HTTPException(404, str(error)) from error


def _answer(outcome: Outcome | None, *fields: str) -> JSONResponse:
    dumped = outcome.model_dump(mode="json", include=set(fields), exclude_none=True) if outcome else {}
    return JSONResponse(dumped)


async def _read(request: Request, kind: type[M]) -> M:
    body = await request.body()
    if len(body) > _LARGEST:
        raise HTTPException(413, f"the body has more than {_LARGEST} bytes")
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, f"the body is no JSON: {type(error).__name__}") from error
    try:
        return kind.model_validate(_without_nulls(told), extra="ignore")
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the body"
        raise HTTPException(400, f"{where}: {first['msg']}") from error


def _without_nulls(told: Json) -> Json:
    """What is null was not told; of a profile only plain values are read."""
    if isinstance(told, list):
        return [_without_nulls(one) for one in told]
    if not isinstance(told, dict):
        return told
    found = {name: _without_nulls(value) for name, value in told.items() if value is not None}
    if isinstance(profile := found.get("profile"), dict):
        found["profile"] = {name: value for name, value in profile.items() if isinstance(value, _SCALARS)}
    return found


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    status, detail = (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, str(error))
    return JSONResponse({"error": detail}, status_code=status)


async def _failed(request: Request, error: Exception) -> JSONResponse:
    log.error("%s failed", request.url.path, exc_info=error)
    return JSONResponse({"error": f"the bot failed: {type(error).__name__}"}, status_code=500)
