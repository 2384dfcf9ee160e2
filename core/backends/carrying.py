"""Carrying actions out: a POST to the company's endpoint, or a Python function of its own.

The endpoint gets the request as JSON with its id in `Idempotency-Key`. It answers 2xx, but not 202, when the thing is
done, with `reference` and `message` in a JSON object if it likes; 4xx when it will not do it, with `message` for our
staff.
After any other answer, and after none, nobody knows whether it was done, and a human has to look.
"""

import asyncio
import dataclasses
import importlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.actions import ActionRefused
from core.errors import Misconfigured, Problem
from core.runs import Outcome, Request

if TYPE_CHECKING:
    import aiohttp


class Unfinished(Problem):
    """The endpoint answered, and did not say that the thing is done."""


# Gets the request as a mapping and gives one with `reference` and `message`, or none. Raises ActionRefused.
Hook = Callable[[Mapping[str, object]], Awaitable[Mapping[str, object] | None]]

_LONGEST = 65_536  # bytes of an answer that are read
_TAKEN_IN = 202
_SHOWN = 500  # characters of a message


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """Where an action is carried out: by `url`, or by `hook`."""

    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    hook: Hook | None = None


class Company:
    """The company's endpoints, by action. The caller bounds the time. Raises ConnectionError for one that is away."""

    def __init__(self, endpoints: Mapping[str, Endpoint]) -> None:
        self._endpoints = endpoints

    async def carry_out(self, request: Request) -> Outcome:
        """See core.actions.Carrier."""
        endpoint = self._endpoints.get(request.action)
        if endpoint is None:
            raise ActionRefused(f"there is no [{request.action}] in ACTIONS_FILE any more")
        body = {name: value for name, value in dataclasses.asdict(request).items() if name != "shown"}
        if endpoint.hook is not None:
            return _outcome(await endpoint.hook(body) or {})
        return await _post(endpoint, request.id, body)


async def _post(endpoint: Endpoint, request_id: str, body: Mapping[str, object]) -> Outcome:
    import aiohttp  # noqa: PLC0415 - 0.1 s and 10 MB, only where there is an endpoint

    headers = {**endpoint.headers, "Idempotency-Key": request_id}
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.post(endpoint.url, json=body, headers=headers, allow_redirects=False) as response,
        ):
            return _told(response.status, _object(await _body(response)))
    except aiohttp.ClientError as error:
        raise ConnectionError(f"the endpoint broke off ({type(error).__name__})") from error


async def _body(response: "aiohttp.ClientResponse") -> bytes:
    try:
        return await response.content.readexactly(_LONGEST)
    except asyncio.IncompleteReadError as ended:
        return ended.partial


def _told(status: int, answered: Mapping[str, object]) -> Outcome:
    if status == _TAKEN_IN:
        raise Unfinished("the endpoint took it in (HTTP 202) and did not say that it is done")
    if status // 100 == 2:  # noqa: PLR2004 - done
        return _outcome(answered)
    if status // 100 == 4:  # noqa: PLR2004 - it will not do it
        raise ActionRefused(_outcome(answered).message or f"the endpoint answered HTTP {status}")
    raise ConnectionError(f"the endpoint answered HTTP {status}")


def _object(body: bytes) -> Mapping[str, object]:
    try:
        found = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _outcome(answered: Mapping[str, object]) -> Outcome:
    return Outcome(reference=_text(answered.get("reference")), message=_text(answered.get("message")))


def _text(value: object) -> str:
    return " ".join(str(value).split())[:_SHOWN] if isinstance(value, str | int) else ""


def hook(name: str) -> Hook:
    """The Python function that "module:function" names. Raises Misconfigured."""
    module, _, function = name.partition(":")
    try:
        found: Hook = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise Misconfigured("ACTIONS_FILE", f"there is no hook {name}: {error}") from None
    return found
