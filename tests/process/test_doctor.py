"""`doctor` as an operator calls it: it sees what is well and what is refused, changes nothing, keeps every secret."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.process.running import Bot, free_port, running, start
from tests.twins.dns import DnsTwin
from tests.twins.mail import MailRelay
from tests.twins.openai import KEY, MODEL, openai_twin
from tests.twins.slack import SlackTwin

BARE = {"PUBLIC_BASE_URL": "", "SUPPORT_ADDRESS": "", "MAIL_AUTHSERV_ID": "", "MAIL_TRUSTED_RELAYS": ""}
ZONE: dict[tuple[str, str], Sequence[str]] = {
    ("acme.test", "MX"): ["10 mx.acme.test."],
    ("acme.test", "TXT"): ["v=spf1 ip4:192.0.2.25 -all"],
    ("_dmarc.acme.test", "TXT"): ["v=DMARC1; p=reject"],
}


@dataclass(frozen=True)
class Told:
    """What doctor printed and how it ended."""

    status: int | None
    out: str
    err: str

    def of(self, mark: str, name: str) -> str:
        """All lines about something with this mark."""
        found = [line for line in self.out.splitlines() if line.split()[:2] == [mark, name]]
        assert found, f"nothing {mark} about {name}:\n{self.out}{self.err}"
        return "\n".join(found)

    @property
    def order(self) -> list[str]:
        lines = [line.split() for line in self.out.splitlines() if line and not line.startswith(" ")]
        return list(dict.fromkeys(words[1] for words in lines if words[0] in {"ok", "warning", "wrong", "off"}))


async def doctor(folder: Path, **settings: str) -> Told:
    command = await start(folder, settings, "doctor")
    out, err = await command.process.communicate()
    assert b"Traceback" not in err
    assert "unclosed" not in err.decode().lower()
    return Told(command.process.returncode, out.decode(), err.decode())


@asynccontextmanager
async def somebody(heard: list[bytes]) -> AsyncIterator[int]:
    """A port at which somebody listens to everything and never says a word."""
    visits: list[asyncio.StreamWriter] = []

    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits.append(writer)
        heard.append(await reader.read())

    server = await asyncio.start_server(visit, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in visits:
            writer.close()


def beside(bot: Bot, **settings: str) -> Mapping[str, str]:
    """The ports of a bot that runs."""
    return {"WEB_PORT": bot.web_port, "SMTP_LISTEN_PORT": bot.smtp_port, "PUBLIC_BASE_URL": bot.url, **settings}


async def test_on_a_fresh_checkout_all_is_well_and_nothing_is_made(tmp_path: Path) -> None:
    told = await doctor(tmp_path, **BARE)
    assert told.status == 0, told.out + told.err
    assert told.out.endswith("All is well.\n")
    assert told.order[:13] == [
        "settings", "secret", "hours", "folder", "ledger", "memory", "knowledge", "play", "actions", "model", "sign-in",
        "server", "address",
    ]  # fmt: skip
    assert told.order[13:15] == ["email", "web"]
    assert "set DISCORD_BOT_TOKEN" in told.of("off", "discord")
    assert "set SLACK_BOT_TOKEN" in told.of("off", "slack")
    assert "set TWILIO_ACCOUNT_SID" in told.of("off", "sms")
    assert told.of("off", "voice")
    assert "\x1b" not in told.out
    assert list(tmp_path.iterdir()) == []


async def test_beside_a_bot_that_runs_everything_answers(tmp_path: Path) -> None:
    relay = MailRelay(user="bot", password="relay-passw0rd")
    async with openai_twin() as model, relay.open(), DnsTwin(zone=ZONE).open() as dns:
        settings = {
            "OPENAI_API_KEY": KEY,
            "OPENAI_BASE_URL": model.url,
            "OPENAI_MODEL": MODEL,
            "SMTP_RELAY_HOST": "127.0.0.1",
            "SMTP_RELAY_PORT": str(relay.port),
            "SMTP_RELAY_STARTTLS": "false",
            "SMTP_RELAY_USER": "bot",
            "SMTP_RELAY_PASSWORD": "relay-passw0rd",
            "MAIL_DNS": dns.address,
        }
        async with running(tmp_path, **settings) as bot:
            told = await doctor(tmp_path, **beside(bot, **settings))
        assert told.status == 0, told.out + told.err
        assert f"has {MODEL}" in told.of("ok", "model")
        assert "`run` listens on" in told.of("ok", "server")
        assert "answers" in told.of("ok", "address")
        assert "newest shape" in told.of("ok", "ledger")
        assert "owner only" in told.of("ok", "secret")
        mail = told.of("ok", "email")
        for known in ("`run` takes mail", "MX of acme.test: mx.acme.test", "SPF of acme.test", "p=reject"):
            assert known in mail
        assert "the password goes there readable" in told.of("warning", "email")
        assert model.calls == 0
        assert relay.caught == []


async def test_what_is_refused_is_named_and_no_secret_is_printed(tmp_path: Path) -> None:
    planted = {
        "OPENAI_API_KEY": "sk-planted-of-the-model",
        "SMTP_RELAY_PASSWORD": "planted-of-the-relay",
        "SLACK_BOT_TOKEN": "xoxb-planted-of-slack",
        "SLACK_APP_TOKEN": "xapp-planted-of-slack",
        "CONSOLE_TOKEN": "planted-of-the-console",
        "SECRET_KEY": "planted secret key with many letters in it",
        "WEBCHAT_JWT_KEYS": json.dumps({"main": "planted-of-the-website-0123456789abcdef"}),
    }
    relay = MailRelay(user="bot", password="another one")
    async with openai_twin() as model, relay.open(), DnsTwin().open() as dns, SlackTwin() as slack:
        told = await doctor(
            tmp_path,
            **planted,
            OPENAI_BASE_URL=model.url,
            SMTP_RELAY_HOST="127.0.0.1",
            SMTP_RELAY_PORT=str(relay.port),
            SMTP_RELAY_STARTTLS="false",
            SMTP_RELAY_USER="bot",
            MAIL_DNS=dns.address,
            SLACK_API_URL=slack.api_url,
            WEBCHAT_JWT_ISSUER="https://acme.test",
            WEBCHAT_JWT_AUDIENCE="support",
            PUBLIC_BASE_URL=f"http://127.0.0.1:{free_port()}",
        )
    assert told.status == 1
    assert "OPENAI_API_KEY" in told.of("wrong", "model")
    assert "SMTP_RELAY_USER, SMTP_RELAY_PASSWORD" in told.of("wrong", "email")
    for missing in ("MX of acme.test: none", "SPF of acme.test: none", "DMARC of acme.test: none"):
        assert missing in told.of("warning", "email")
    assert "does not answer, as it would while `run` runs" in told.of("warning", "address")
    for token in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"):
        assert f"{token}: Slack refuses it (invalid_auth)" in told.of("wrong", "slack")
    assert "things are wrong" in told.err.splitlines()[-1]
    secrets = [*planted.values(), "planted"]
    assert [secret for secret in secrets if secret in told.out + told.err] == []


async def test_wrong_settings_are_named_and_the_rest_is_looked_at_all_the_same(tmp_path: Path) -> None:
    wrong = {"MAIL_TRUSTED_RELAYS": "not-an-address", "KNOWLEDGE_DIR": "/nowhere/at/all", "ACTIONS_FILE": "none.toml"}
    told = await doctor(tmp_path, **BARE | wrong)
    assert told.status == 1
    assert "MAIL_TRUSTED_RELAYS" in told.of("wrong", "email")
    assert "KNOWLEDGE_DIR" in told.of("wrong", "knowledge")
    assert "ACTIONS_FILE" in told.of("wrong", "actions")
    assert told.of("ok", "web")
    told = await doctor(tmp_path, **BARE | {"WEB_PORT": "http"})
    assert told.status == 1
    assert "WEB_PORT" in told.of("wrong", "settings")
    assert told.order == ["settings"]


async def test_whoever_does_not_answer_is_not_waited_for_and_endpoints_hear_nothing(tmp_path: Path) -> None:
    to_the_endpoint: list[bytes] = []
    async with somebody([]) as silent, somebody(to_the_endpoint) as endpoint:
        gone = free_port()
        (tmp_path / "actions.toml").write_text(
            f'[refund]\nurl = "http://127.0.0.1:{endpoint}/refunds?token=planted-in-it"\nlimit = 50\n'
            f'[credit]\nurl = "http://127.0.0.1:{gone}/credits"\n'
        )
        told = await doctor(
            tmp_path,
            **BARE | {
                "OPENAI_API_KEY": KEY,
                "OPENAI_BASE_URL": f"http://127.0.0.1:{silent}/v1",
                "SMTP_RELAY_HOST": "127.0.0.1",
                "SMTP_RELAY_PORT": str(silent),
                "ACTIONS_FILE": "actions.toml",
            },
        )  # fmt: skip
    assert told.status == 1
    assert "no answer in time" in told.of("warning", "model")
    assert "no answer in time" in told.of("wrong", "email")
    assert f"refund: 127.0.0.1:{endpoint} can be reached" in told.of("ok", "actions")
    assert f"credit: 127.0.0.1:{gone} cannot be reached" in told.of("warning", "actions")
    assert to_the_endpoint == [b""]
    assert "planted" not in told.out + told.err


async def test_ports_that_others_hold_are_wrong(tmp_path: Path) -> None:
    async with somebody([]) as taken:
        told = await doctor(tmp_path, **BARE | {"WEB_PORT": str(taken), "SMTP_LISTEN_PORT": str(taken)})
    assert told.status == 1
    assert "WEB_PORT" in told.of("wrong", "server")
    assert "SMTP_LISTEN_PORT" in told.of("wrong", "email")
