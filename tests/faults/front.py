"""What stands between us and a provider, and fails in every way in which networks and providers do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

# What a request meets instead of an answer. The last four reach the provider, which takes what is sent; its answer is
# lost, cut short, or no answer at all.
KEPT_FROM_IT = ("429", "429 and when", "500", "503", "hang", "reset", "refused")
TAKEN = ("answer lost", "truncated", "malformed", "wrong type")
FAULTS = (*KEPT_FROM_IT, *TAKEN)

_HOP_BY_HOP = {"host", "connection", "content-length", "transfer-encoding", "content-encoding"}


@dataclass(kw_only=True)
class Front:
    """Passes everything on to `behind`, unless there is a `fault`. `only` these paths meet it."""

    behind: str
    fault: str = ""
    only: str = ""
    met: int = 0
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""
    _port: int = 0
    _released: asyncio.Event = field(default_factory=asyncio.Event)
    _site: web.TCPSite | None = None
    _runner: web.AppRunner | None = None
    _http: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Front"]:
        """Listens on a free port of this machine while the block runs."""
        app = web.Application(client_max_size=50_000_000)
        app.router.add_route("*", "/{path:.*}", self._meet)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        async with aiohttp.ClientSession(auto_decompress=False) as self._http:
            await self._listen()
            parts = urlsplit(self.behind)
            self.behind, self.url = f"{parts.scheme}://{parts.netloc}", f"http://127.0.0.1:{self._port}{parts.path}"
            try:
                yield self
            finally:
                self._released.set()
                await self._runner.cleanup()

    async def begins(self, fault: str) -> None:
        """From now on requests meet this."""
        self.fault, self.met = fault, 0
        self._released.clear()
        if fault == "refused" and self._site and self._runner and self._runner.server:
            await self._site.stop()
            for connection in list(self._runner.server.connections):
                if connection.transport:
                    connection.transport.abort()

    async def ends(self) -> None:
        """All is well again."""
        if self.fault == "refused":
            await self._listen()
        self.fault = ""
        self._released.set()

    async def _listen(self) -> None:
        assert self._runner is not None
        self._site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await self._site.start()
        self._port = self._runner.addresses[-1][1]

    async def _meet(self, request: web.Request) -> web.StreamResponse:
        fault = self.fault if self.only in request.path else ""
        if fault:
            self.met += 1
            self.reached.set()
        match fault:
            case "429" | "500" | "503":
                return web.Response(status=int(fault), text="<html>not now</html>", content_type="text/html")
            case "429 and when":
                headers = {"Retry-After": "1"}
                return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)
            case "hang":
                await self._released.wait()
                return _cut(request)
            case "slow":
                await self._released.wait()
            case "reset":
                return _cut(request)
        status, kind, body = await self._passed_on(request)
        return await self._answered(request, fault, status, kind, body)

    async def _passed_on(self, request: web.Request) -> tuple[int, str, bytes]:
        assert self._http is not None
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
        where, sent = self.behind + request.path_qs, await request.read()
        async with self._http.request(request.method, where, data=sent, headers=headers) as answer:
            return answer.status, answer.headers.get("Content-Type", "text/plain"), await answer.read()

    @staticmethod
    async def _answered(request: web.Request, fault: str, status: int, kind: str, body: bytes) -> web.StreamResponse:
        match fault:
            case "answer lost":
                return _cut(request)
            case "truncated":
                half = web.StreamResponse(status=status, headers={"Content-Type": kind})
                half.content_length = len(body)
                await half.prepare(request)
                await half.write(body[: len(body) // 2])
                return _cut(request)
            case "malformed":
                body = body[: len(body) // 2]
            case "wrong type":
                kind, body = "text/html", b"<html>A page of a proxy</html>"
        return web.Response(status=status, headers={"Content-Type": kind}, body=body)


def _cut(request: web.Request) -> web.Response:
    """Breaks the connection off."""
    if request.transport:
        request.transport.abort()
    return web.Response()
