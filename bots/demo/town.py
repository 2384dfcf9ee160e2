"""Where the story takes place: the running bot with its directory, and the outside that stands around it."""

import asyncio
import csv
import json
import secrets
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bots.demo import child, outside
from bots.demo.outside import Account, MailServer
from bots.demo.patience import within
from core.errors import Problem

BRAND = "Acme"

Customer = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Town:
    """The bot's address, the secrets that the company shares with its services, and those services."""

    url: str
    smtp_port: int
    jwt_key: str
    console_token: str
    twilio: Account
    mail: MailServer
    phone: aiohttp.ClientSession


@asynccontextmanager
async def founded(customers: Sequence[Customer]) -> AsyncIterator[Town]:
    """A town until the block is left; then its processes have ended and its folder is gone. Raises Problem."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="throughline-demo-")))
        town = await _town(stack)
        settings = _settings(town)
        await within("import", _import(folder, settings, customers))
        bot = await stack.enter_async_context(child.running(folder, settings))
        await within("start", bot.ready())
        reading = asyncio.create_task(bot.read_on())
        try:
            yield town
        except Problem:
            sys.stderr.write("\n".join([*bot.log, ""]))
            raise
        finally:
            reading.cancel()


async def _town(stack: AsyncExitStack) -> Town:
    web_port, smtp_port = _free_ports()
    return Town(
        url=f"http://127.0.0.1:{web_port}",
        smtp_port=smtp_port,
        jwt_key=secrets.token_hex(),
        console_token=secrets.token_hex(),
        twilio=Account(sid=f"AC{secrets.token_hex(16)}", token=secrets.token_hex(16), number="+15550100"),
        mail=await stack.enter_async_context(outside.mail_server(smtp_port)),
        phone=await stack.enter_async_context(aiohttp.ClientSession()),
    )


def _free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


def _settings(town: Town) -> dict[str, str]:
    return {
        "WEB_PORT": town.url.rpartition(":")[2],
        "BRAND_NAME": BRAND,
        "BURST_SECONDS": "0",
        "CHANNELS": "web,voice,email",
        "CONSOLE_TOKEN": town.console_token,
        "WEBCHAT_JWT_KEYS": json.dumps({outside.KID: town.jwt_key}),
        "WEBCHAT_JWT_ISSUER": outside.ISSUER,
        "WEBCHAT_JWT_AUDIENCE": outside.AUDIENCE,
        "TWILIO_ACCOUNT_SID": town.twilio.sid,
        "TWILIO_AUTH_TOKEN": town.twilio.token,
        "TWILIO_FROM_NUMBER": town.twilio.number,
        "VOICE_MODE": "gather",
        "SMTP_LISTEN_PORT": str(town.smtp_port),
        "SMTP_RELAY_HOST": "127.0.0.1",
        "SMTP_RELAY_PORT": str(town.mail.port),
        "SMTP_RELAY_STARTTLS": "false",
        "SUPPORT_ADDRESS": outside.SUPPORT,
        "MAIL_AUTHSERV_ID": outside.MX,
        "MAIL_TRUSTED_RELAYS": "127.0.0.1",
    }


async def _import(folder: Path, settings: Mapping[str, str], customers: Sequence[Customer]) -> None:
    path = folder / "customers.csv"
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, fieldnames=list(customers[0]))
        table.writeheader()
        table.writerows(customers)
    await child.command(folder, settings, "customers", "import", str(path))
