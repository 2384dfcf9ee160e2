"""A real browser, driven over its debugging protocol: Debian's Chromium, or Chrome, where this machine has one."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--lang=en-US",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
    "--remote-debugging-port=0",
)
_KEYS = {"Enter": 13, "Escape": 27, "Tab": 9}
_WAIT = """new Promise((found, missed) => {
  const ends = Date.now() + 15000;
  const look = () => {
    let is = false;
    try { is = %s; } catch { is = false; }
    if (is) found(is); else if (Date.now() > ends) missed(new Error("never: " + %s)); else setTimeout(look, 20);
  };
  look();
})"""


def program() -> str:
    """The browser's path; skips the test where there is none."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser on this machine ({', '.join(_NAMES)})")
    return found


class Tab:
    """One page of the browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._ids = count(1)
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.complaints: list[str] = []  # what the page threw, and what its policy refused

    async def does(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Calls a method of the protocol. Raises AssertionError when the browser refuses."""
        number = next(self._ids)
        answered = self._asked[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        answer = await answered
        assert "error" not in answer, (method, answer)
        result: dict[str, Any] = answer["result"]
        return result

    async def js(self, expression: str) -> Any:
        """The value of an expression in the page, of a promise what it is kept with."""
        answer = await self.does("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"].get("exception", answer)
        return answer["result"].get("value")

    async def until(self, condition: str) -> Any:
        """Waits in the page until an expression is true."""
        return await self.js(_WAIT % (condition, json.dumps(condition)))

    async def opens(self, url: str) -> None:
        """Loads a page, to its end."""
        await self.does("Page.navigate", url=url)
        await self.until(f"location.href.startsWith({json.dumps(url)}) && document.readyState === 'complete'")

    async def presses(self, key: str, *, shift: bool = False) -> None:
        """Presses a key that is no letter."""
        code = {"key": key, "code": key, "windowsVirtualKeyCode": _KEYS[key], "modifiers": 8 if shift else 0}
        text = {"text": "\r"} if key == "Enter" else {}
        await self.does("Input.dispatchKeyEvent", type="keyDown", **code, **text)
        await self.does("Input.dispatchKeyEvent", type="keyUp", **code)

    async def types(self, text: str) -> None:
        """Types into what has the focus."""
        await self.does("Input.insertText", text=text)

    async def goes(self, *, offline: bool) -> None:
        """Loses the network, or has it again."""
        speed = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        await self.does("Network.emulateNetworkConditions", offline=offline, **speed)

    async def roles(self) -> set[tuple[str, str]]:
        """What a screen reader is told of: (role, name)."""
        tree = await self.does("Accessibility.getFullAXTree")
        nodes = [node for node in tree["nodes"] if not node["ignored"]]
        return {(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes}

    async def read(self) -> None:
        """Takes in what the browser tells, until it is closed."""
        async for message in self._socket:
            told = message.json()
            if "id" in told:
                self._asked.pop(told["id"]).set_result(told)
            elif told["method"] == "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(told["params"]["exceptionDetails"])[:500])
            elif told["method"] == "Log.entryAdded" and told["params"]["entry"]["source"] in ("security", "javascript"):
                self.complaints.append(told["params"]["entry"]["text"])


@asynccontextmanager
async def browsing(profile: Path) -> AsyncIterator[Tab]:
    """An empty page of a browser of its own."""
    async with _running(profile) as port, aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
        async with http.get("/json/list") as answer:
            pages = [page for page in await answer.json() if page["type"] == "page"]
        async with http.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0) as socket:
            tab = Tab(socket)
            reading = asyncio.create_task(tab.read())
            for domain in ("Page", "Runtime", "Log", "Network"):
                await tab.does(f"{domain}.enable")
            yield tab
        await reading


@asynccontextmanager
async def _running(profile: Path) -> AsyncIterator[int]:
    """The port on which the browser takes orders."""
    process = await asyncio.create_subprocess_exec(
        program(),
        *_FLAGS,
        f"--user-data-dir={profile}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(45):
            while b"DevTools listening on" not in (line := await process.stderr.readline()):
                assert line, "the browser did not start"
        reading = asyncio.create_task(process.stderr.read())
        yield int(line.split(b"127.0.0.1:")[1].split(b"/")[0])
        reading.cancel()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
