"""A mail relay that follows a script: what it says at each step of SMTP, or that it breaks off there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes

BREAKS_OFF, HANGS, WAITS = "breaks off", "hangs", "waits"
STEPS = ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "DOT")
_WELL = {
    "CONNECT": "220 relay.acme.test ESMTP",
    "EHLO": "250 relay.acme.test",
    "DATA": "354 Go on",
    "QUIT": "221 Bye",
}


@dataclass(kw_only=True)
class ScriptedRelay:
    """`says` replaces its answer at a step; where it waits, `reached` is set, and it goes on as usual once it may
    `go_on`. `taken` are the Message-IDs of what it has."""

    says: dict[str, str] = field(default_factory=dict)
    taken: list[str] = field(default_factory=list)
    port: int = 0
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    _released: asyncio.Event = field(default_factory=asyncio.Event)
    _visits: set["asyncio.Task[None]"] = field(default_factory=set)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["ScriptedRelay"]:
        """Listens on a free port of 127.0.0.1 while the block runs."""
        server = await asyncio.start_server(self._visit, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            self._released.set()
            self.go_on.set()
            server.close()
            for writer in self._writers:
                writer.transport.abort()
            if self._visits:
                await asyncio.wait(self._visits)

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._visits.add(task)
        self._writers.add(writer)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._serve(reader, writer)
        finally:
            self._visits.discard(task)
            self._writers.discard(writer)
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._answer("CONNECT", writer)
        while line := (await reader.readline()).decode():
            step = line.split()[0].upper().replace("HELO", "EHLO")
            if (await self._answer(step, writer)).startswith("354"):
                mail = await reader.readuntil(b"\r\n.\r\n")
                if self.says.get("DOT", "2")[0] in "2bw":  # it has the mail, and may not live to say so
                    self.taken.append(str(message_from_bytes(mail)["Message-ID"]))
                await self._answer("DOT", writer)

    async def _answer(self, step: str, writer: asyncio.StreamWriter) -> str:
        answer = self.says.get(step) or _WELL.get(step, "250 OK")
        if answer == WAITS:
            self.reached.set()
            await self.go_on.wait()
            answer = _WELL.get(step, "250 OK")
        if answer == HANGS:
            await self._released.wait()
        if answer in {BREAKS_OFF, HANGS}:
            raise ConnectionError
        writer.write(f"{answer}\r\n".encode())
        await writer.drain()
        return answer
