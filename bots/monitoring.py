"""For whoever watches over us: `GET /metrics`, and a small server for processes that have no web server of their own.

Metrics are read with METRICS_TOKEN as a bearer token (401 without). Where none is set, this machine alone reads them,
by its own name or address and through no proxy; everybody else is answered 403.
"""

import hmac
import logging
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from bots import web
from bots.givens import clock
from bots.settings import VAR, is_loopback
from bots.wiring import Throughline
from core.backlog import Backlog

log = logging.getLogger("throughline")

_TEXT = "text/plain; version=0.0.4; charset=utf-8"
_LOCALLY = "127.0.0.1"
_OF_A_PROXY = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")
_HOW = "set METRICS_TOKEN and send it as a bearer token\n"


def routes(bot: Throughline) -> list[BaseRoute]:
    """`GET /metrics`."""
    token = bot.settings.metrics_token.get_secret_value()

    async def endpoint(request: Request) -> Response:
        if not may_read(request, token):
            challenge = {"www-authenticate": "Bearer"} if token else {}
            return PlainTextResponse(_HOW, 401 if token else 403, challenge)
        backlog, metrics = await _backlog(bot), bot.observer.metrics
        metrics.looked_up(backlog, bot.health, lambda: shutil.disk_usage(VAR).free, clock())
        return Response(metrics.text(), media_type=_TEXT)

    return [Route("/metrics", endpoint, methods=["GET"])]


def may_read(request: Request, token: str) -> bool:
    """Whether somebody may read the metrics."""
    if token:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())
    peer = request.client.host if request.client else ""
    named = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    through_a_proxy = any(name in request.headers for name in _OF_A_PROXY)
    return is_loopback(peer) and is_loopback(named) and not through_a_proxy


async def _backlog(bot: Throughline) -> Backlog | None:
    try:
        return await bot.ledger.backlog(now=clock())
    except Exception as error:  # noqa: BLE001 - that it does not answer is what is shown
        log.warning("what waits could not be counted: %s", type(error).__name__)
        return None


@asynccontextmanager
async def serving_metrics(bot: Throughline, ready: web.Ready) -> AsyncIterator[None]:
    """Serves /metrics, /healthz and /readyz on METRICS_PORT of this machine, until the block is left; nothing where
    that is 0. Raises Misconfigured when the port is taken."""
    if not bot.settings.metrics_port:
        yield
        return
    app = Starlette(routes=[*web.health(ready), *routes(bot)])
    with web.listen(_LOCALLY, bot.settings.metrics_port, "METRICS_PORT") as listening:
        async with web.serving(app, listening):
            log.info("metrics: http://%s:%d/metrics", _LOCALLY, bot.settings.metrics_port)
            yield
