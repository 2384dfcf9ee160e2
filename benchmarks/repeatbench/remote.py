"""A bot at an address: the benchmark's interface over HTTP."""

from datetime import datetime

import httpx
from pydantic import BaseModel

from benchmarks.repeatbench.protocol import AgentDid, Forget, Inbound, NotFound, Outcome, Reset, Seed, Tick

_SECONDS = 60
_NOT_FOUND = 404


class Remote:
    """Implements `Bot` for a server such as `python -m benchmarks.repeatbench serve`.

    Raises NotFound for 404 and httpx.HTTPStatusError for every other refusal.
    """

    def __init__(self, url: str) -> None:
        self._http = httpx.AsyncClient(base_url=url, timeout=_SECONDS)

    async def reset(self, reset: Reset) -> None:
        """Empty, at that time."""
        await self._post("reset", reset)

    async def seed(self, seed: Seed) -> None:
        """Learns the directory."""
        await self._post("seed", seed)

    async def inbound(self, message: Inbound) -> Outcome:
        """Takes one message."""
        return await self._outcome("inbound", message)

    async def tick(self, now: datetime) -> Outcome:
        """What is due by then."""
        return await self._outcome("tick", Tick(now=now))

    async def agent(self, did: AgentDid) -> Outcome:
        """A human acted on a case."""
        return await self._outcome("agent", did)

    async def forget(self, customer: str) -> None:
        """Erases a person."""
        await self._post("forget", Forget(customer=customer))

    async def close(self) -> None:
        """Closes the connection."""
        await self._http.aclose()

    async def _outcome(self, path: str, body: BaseModel) -> Outcome:
        return Outcome.model_validate_json((await self._post(path, body)).content)

    async def _post(self, path: str, body: BaseModel) -> httpx.Response:
        said = body.model_dump_json(by_alias=True)
        answer = await self._http.post(f"/rb/{path}", content=said, headers={"content-type": "application/json"})
        if answer.status_code == _NOT_FOUND:
            raise NotFound(answer.text)
        return answer.raise_for_status()
