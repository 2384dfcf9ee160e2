"""`python -m bots run` as an operator starts it: a process of its own, in a folder of its own."""

import asyncio
import csv
import itertools
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib

CHECKOUT = Path(__file__).parents[2]
PUBLIC = "https://support.acme.test"
RELAY = "mx.acme.test"


_ports = itertools.count(12_000 + os.getpid() % 200 * 80)


def free_port() -> int:
    """A port that nobody listens on, and that nobody else is given before the bot takes it: the system hands out
    none so low by itself, and tests that run side by side count theirs from different starts."""
    for port in _ports:
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no port is free")


@dataclass(kw_only=True)
class Bot:
    """A process. `log` is what it wrote."""

    folder: Path
    web_port: str
    smtp_port: str
    process: asyncio.subprocess.Process
    log: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    async def until(self, words: str) -> str:
        """The next line of the log that holds these words. Raises AssertionError when it ends without."""
        assert self.process.stderr
        while line := (await self.process.stderr.readline()).decode():
            self.log.append(line.rstrip())
            if words in line:
                return line
        raise AssertionError("\n".join(self.log))

    async def killed(self) -> None:
        """kill -9."""
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def reads_on(self) -> None:
        """Takes the rest of the log, so that the process never waits for a reader."""
        assert self.process.stderr
        async for line in self.process.stderr:
            self.log.append(line.decode().rstrip())

    async def mails(self, sender: str, text: str, *, dmarc: str = "pass", **headers: str) -> tuple[str, str]:
        """Somebody's mail comes in through the company's own relay, which judged its sender."""
        mail = EmailMessage()
        mail["Authentication-Results"] = f"{RELAY}; dmarc={dmarc} header.from={sender.partition('@')[2]}"
        mail["From"], mail["To"] = sender, "support@acme.test"
        mail["Subject"] = "Please help"
        for name, value in headers.items():
            mail[name.replace("_", "-")] = value
        if "Message_ID" not in headers:
            mail["Message-ID"] = f"<{abs(hash((sender, text, dmarc)))}@{sender.partition('@')[2]}>"
        mail.set_content(text)
        _, answer = await aiosmtplib.send(
            mail,
            hostname="127.0.0.1",
            port=int(self.smtp_port),
            start_tls=False,
            recipients=["support@acme.test"],
            sender=sender,
        )
        return "250", answer


def environment(folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """An empty home, the checkout's code, and nothing but these settings."""
    return {
        "PATH": os.defpath,
        "HOME": str(folder),
        "PYTHONPATH": str(CHECKOUT),
        "PYTHONWARNINGS": "default",
        "PUBLIC_BASE_URL": PUBLIC,
        "BURST_SECONDS": "0",
        "SUPPORT_ADDRESS": "support@acme.test",
        "MAIL_AUTHSERV_ID": RELAY,
        "MAIL_TRUSTED_RELAYS": "127.0.0.1",
        "BRAND_NAME": "Acme",
        **settings,
    }


async def start(folder: Path, settings: Mapping[str, str], *arguments: str, module: str = "bots") -> Bot:
    """Starts a command of the bot."""
    ports = {"WEB_PORT": str(free_port()), "SMTP_LISTEN_PORT": str(free_port())} | dict(settings)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *(arguments or ("run",)),
        cwd=folder,
        env=environment(folder, ports),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    return Bot(folder=folder, web_port=ports["WEB_PORT"], smtp_port=ports["SMTP_LISTEN_PORT"], process=process)


@asynccontextmanager
async def running(folder: Path, *arguments: str, **settings: str) -> AsyncIterator[Bot]:
    """A bot that is ready, until the block is left; or a part of it, e.g. "listen", "email"."""
    bot = await start(folder, settings, *arguments)
    reading: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    reading.set_result(None)
    try:
        await bot.until("ready:")
        reading = asyncio.create_task(bot.reads_on())
        yield bot
    finally:
        with suppress(ProcessLookupError):
            bot.process.terminate()
        await reading
        await bot.process.communicate()


async def imports(folder: Path, *rows: Mapping[str, str], **settings: str) -> str:
    """`customers import` of these rows; returns what it printed."""
    path = folder / "customers.csv"
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, fieldnames=sorted({name for row in rows for name in row}))
        table.writeheader()
        table.writerows(rows)
    bot = await start(folder, settings, "customers", "import", str(path))
    out, err = await bot.process.communicate()
    assert bot.process.returncode == 0, err.decode()
    return out.decode()
