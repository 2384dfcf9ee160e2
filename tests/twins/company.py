"""Stands for a company's own endpoints, on which actions are carried out: strict, and with troubles of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from aiohttp import web

KEY = "Bearer of-the-company"


@dataclass
class CompanyTwin:
    """What was done, by request id. `trouble`: refuses, fails, takes it in, hangs, breaks off after doing it, answers
    nonsense."""

    url: str = ""
    trouble: str = ""
    done: dict[str, dict[str, object]] = field(default_factory=dict)
    attempts: list[str] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def refunded(self) -> Decimal:
        """What was paid back in all."""
        return sum((Decimal(str(done["amount"])) for done in self.done.values() if done["amount"]), Decimal(0))

    async def act(self, request: web.Request) -> web.StreamResponse:
        """One request: refused where its key, its id or its amount is wrong; done once."""
        body = await request.json()
        one = request.headers.get("Idempotency-Key", "")
        self.attempts.append(one)
        self.asked.set()
        if request.headers.get("Authorization") != KEY or not one or one != body["id"] or not body["customer"]:
            return web.json_response({"message": "wrong key or id"}, status=401)
        try:
            Decimal(body["amount"] or 0)
        except InvalidOperation:
            return web.json_response({"message": "no amount"}, status=422)
        return await self._answered(request, one, body)

    async def _answered(self, request: web.Request, one: str, body: dict[str, object]) -> web.StreamResponse:
        match self.trouble:
            case "refuses":
                return web.json_response({"message": "the invoice is\nclosed"}, status=409)
            case "takes in":
                return web.json_response({"status": "queued"}, status=202)
            case "fails":
                return web.Response(status=503)
            case "hangs":
                await self.released.wait()
        self.done[one] = body
        if self.trouble == "breaks off":
            assert request.transport is not None
            request.transport.abort()
        if self.trouble == "nonsense":
            return web.Response(text="<html>")
        return web.json_response({"reference": f"R-{len(self.done)}", "message": "You will see it in 3 to 5 days."})


@asynccontextmanager
async def company() -> AsyncIterator[CompanyTwin]:
    """A company on loopback."""
    twin = CompanyTwin()
    app = web.Application()
    app.router.add_post("/actions", twin.act)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.addresses
    twin.url = f"http://127.0.0.1:{runner.addresses[0][1]}/actions"
    try:
        yield twin
    finally:
        twin.released.set()
        await runner.cleanup()
