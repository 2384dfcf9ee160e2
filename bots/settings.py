"""Settings: the only place that reads the environment (and the file .env, which the environment overrides)."""

import os
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from core.errors import Misconfigured
from core.hours import Hours, hours
from core.retention import Retention

M = TypeVar("M", bound=BaseModel)
Names = Annotated[tuple[str, ...], NoDecode]

VAR = Path("var")  # everything a process writes lies below it
KEPT_KEY = VAR / "secret_key"  # where none is given; on further lines those that are accepted beside it
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_SPOKEN = frozenset({"en", "es", "de", "fr", "pt", "it", "nl"})


class Settings(BaseSettings):
    """What Throughline itself reads. Each channel declares its own settings in its module."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, env_file=".env")

    database_url: str = Field(
        "sqlite:///var/throughline.db",
        description="Where the ledger is kept: a file of SQLite, or postgresql://USER@HOST/NAME.",
    )
    secret_key: SecretStr = Field(
        SecretStr(""), description="At least 32 characters that sign and seal; made once under var/ when empty."
    )
    secret_key_accepted: SecretStr = Field(
        SecretStr(""),
        description="What SECRET_KEY was before, or will be: accepted too while it is changed; see docs/operations.md.",
    )
    erasures_file: str = Field(
        "var/erasures",
        description="Where erasures are noted outside of the ledger, as digests, for ledgers restored from a backup.",
    )
    web_host: str = Field("127.0.0.1", description="Where the web server listens.")
    web_port: int = Field(8000, ge=0, le=65535, description="Its port.")
    public_base_url: str = Field(
        "", description="How the outside reaches us, e.g. https://support.example; signatures cover it."
    )
    bot_name: str = Field("Throughline", description="The name under which the bot introduces itself.")
    brand_name: str = Field("", description="The company for which it speaks.")
    languages: Names = Field(("en",), description="Languages it speaks, the first one by default, e.g. en,de,fr.")
    knowledge_dir: str = Field("", description="A folder of Markdown files that answers are taken from.")
    actions_file: str = Field("", description="A TOML file of actions that may be set off; see docs/actions.md.")
    burst_seconds: float = Field(
        2.0, ge=0, le=60, description="How long to wait for the rest of a message that arrives in pieces."
    )
    console_token: SecretStr = Field(
        SecretStr(""), description="Signs in to the console; made at the first start and printed once when empty."
    )
    console_totp_required: bool = Field(
        False, description="Whether nobody works in the console without a second factor (a code of an app)."
    )
    oidc_issuer: str = Field(
        "",
        description="Who signs colleagues in (OpenID Connect), e.g. https://login.example.com; see docs/console.md.",
    )
    oidc_client_id: str = Field("", description="Under which name the console is known there.")
    oidc_client_secret: SecretStr = Field(SecretStr(""), description="Its secret there.")
    oidc_domains: Names = Field(
        (), description="Mail domains whose people get an account, as agents, when they first sign in there."
    )
    turns_an_hour: int = Field(
        60, ge=1, description="Messages of one customer's address that are answered in an hour; more go to a colleague."
    )
    sent_an_hour: int = Field(60, ge=1, description="Messages that the bot sends to one address in an hour.")
    all_turns_an_hour: int = Field(
        100_000,
        ge=1,
        description="Messages of everybody that are answered in an hour; more go to a colleague, silently.",
    )
    all_sent_an_hour: int = Field(100_000, ge=1, description="Messages that are sent to everybody in an hour.")
    model_turns_an_hour: int = Field(
        2_000, ge=1, description="Messages that the model answers in an hour; the offline rules answer the rest."
    )
    pattern_customers: int = Field(
        3, ge=1, description="Customers whom a resolution helped before the bot offers it to others by itself."
    )
    channels: Names = Field((), description="Channels to start; empty for every channel whose settings are there.")
    link_hosts: Names = Field((), description="Hosts that links in replies may lead to, e.g. example.com; ours is one.")
    business_hours: str = Field(
        "",
        description="When colleagues are there, e.g. Mon-Fri 09:00-17:00 Europe/Berlin; empty: always.",
    )
    handoff_patience: float = Field(
        900.0, gt=0, description="Open seconds after which colleagues are told again of a case that nobody took."
    )
    openai_api_key: SecretStr = Field(
        SecretStr(""), description="Key of an OpenAI-compatible server; empty: offline rules."
    )
    openai_base_url: str = Field(
        "https://api.openai.com/v1", description="Its address, with the version at the end; OpenAI's own by default."
    )
    openai_model: str = Field("gpt-4o-mini", description="The model that answers.")
    openai_timeout: float = Field(20.0, gt=0, description="Seconds to wait for it before the offline rules answer.")
    aegis_mode: Literal["local", "server"] = Field(
        "local", description="Where memory is kept: in a file here, or on an Aegis server; see docs/memory.md."
    )
    aegis_path: str = Field("var/aegis.db", description="The file of local mode.")
    aegis_base_url: str = Field("", description="The Aegis server of server mode, e.g. https://aegis.example.")
    aegis_api_key: SecretStr = Field(SecretStr(""), description="Its key.")
    aegis_database_url: SecretStr = Field(
        SecretStr(""), description="Its PostgreSQL database, without which nobody can be forgotten there."
    )
    retention_days_raw: int = Field(
        90, ge=0, description="Days to keep deliveries as they came, and files of either side; 0 for ever."
    )
    retention_days_messages: int = Field(0, ge=0, description="Days to keep what was said; 0 for ever.")
    retention_days_facts: int = Field(0, ge=0, description="Days to keep what customers told; 0 for ever.")
    retention_days_access_log: int = Field(0, ge=0, description="Days to keep who read what; 0 for ever.")
    log_format: Literal["text", "json"] = Field(
        "text", description="How the log is written: text for people, json for programs (an object a line)."
    )
    metrics_token: SecretStr = Field(
        SecretStr(""), description="Who reads /metrics sends it as a bearer token; empty: this machine alone may read."
    )
    metrics_port: int = Field(
        0, ge=0, le=65535, description="Port, on this machine alone, for /metrics of worker and listen; 0: none."
    )
    otel_exporter_otlp_endpoint: str = Field(
        "", description="A collector that takes traces by OTLP over HTTP, e.g. http://127.0.0.1:4318; empty: no traces."
    )

    @field_validator("languages", "channels", "link_hosts", "oidc_domains", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        return (
            tuple(part.strip().lower() for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("languages")
    @classmethod
    def _spoken(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = set(value) - _SPOKEN
        if unknown or not value:
            raise ValueError(f"{', '.join(sorted(unknown)) or 'none'}: choose from {', '.join(sorted(_SPOKEN))}")
        return value

    @field_validator("secret_key", "secret_key_accepted")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < 32:  # noqa: PLR2004
            raise ValueError("must have at least 32 characters")
        return value

    @field_validator("business_hours")
    @classmethod
    def _week(cls, value: str) -> str:
        hours(value)
        return value

    @field_validator("public_base_url", "otel_exporter_otlp_endpoint")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return value.rstrip("/")

    @property
    def hours(self) -> Hours:
        """BUSINESS_HOURS as a week."""
        return hours(self.business_hours)

    @field_validator("oidc_issuer")
    @classmethod
    def _issuer(cls, value: str) -> str:
        try:
            where = urlsplit(value)
        except ValueError:
            raise ValueError("is no address") from None
        if value and where.scheme != "https" and not (where.scheme == "http" and where.hostname in _LOOPBACK):
            raise ValueError("must start with https://")
        return value

    @field_validator("aegis_base_url")
    @classmethod
    def _aegis(cls, value: str) -> str:
        try:
            where = urlsplit(value)
            known = where.scheme in {"http", "https"} and bool(where.hostname) and (where.port or 1) > 0
        except ValueError:
            known = False
        if value and not known:
            raise ValueError("is no address; write e.g. https://aegis.example")
        return value

    @field_validator("aegis_database_url")
    @classmethod
    def _aegis_database(cls, value: SecretStr) -> SecretStr:
        if value and not value.get_secret_value().startswith(("postgresql://", "postgres://", "postgresql+asyncpg://")):
            raise ValueError("is no address of a PostgreSQL database; write postgresql://USER:PASSWORD@HOST/NAME")
        return value

    @model_validator(mode="after")
    def _aegis_is_whole(self) -> Self:
        if self.aegis_mode == "local":
            return self
        given = {"AEGIS_BASE_URL": self.aegis_base_url, "AEGIS_API_KEY": self.aegis_api_key}
        missing = [name for name, value in given.items() if not value]
        if missing:
            raise ValueError(f"{missing[0]} is missing; AEGIS_MODE=server needs it")
        if self.retention_days_facts and not self.aegis_database_url:
            raise ValueError("AEGIS_DATABASE_URL is missing; with AEGIS_MODE=server, RETENTION_DAYS_FACTS needs it")
        return self

    @model_validator(mode="after")
    def _provider_is_whole(self) -> Self:
        given = {"OIDC_CLIENT_ID": self.oidc_client_id, "OIDC_CLIENT_SECRET": self.oidc_client_secret}
        missing = [name for name, value in given.items() if not value]
        if self.oidc_issuer and missing:
            raise ValueError(f"{missing[0]} is missing; OIDC_ISSUER needs it")
        return self

    @property
    def burst(self) -> timedelta:
        """BURST_SECONDS as a duration."""
        return timedelta(seconds=self.burst_seconds)

    @property
    def retention(self) -> Retention:
        """The RETENTION_DAYS settings."""
        return Retention(
            raw=_days(self.retention_days_raw),
            messages=_days(self.retention_days_messages),
            facts=_days(self.retention_days_facts),
            access_log=_days(self.retention_days_access_log),
        )

    @property
    def is_development(self) -> bool:
        """Whether it is only tried out: no public address is named, and nobody else reaches the web server."""
        return not self.public_base_url and is_loopback(self.web_host)

    @property
    def base_url(self) -> str:
        """PUBLIC_BASE_URL, or where we listen."""
        return self.public_base_url or f"http://{self.web_host}:{self.web_port}"

    def secret(self) -> bytes:
        """SECRET_KEY, or the one that was made under var/."""
        return self.secret_key.get_secret_value().encode() or kept_secret(KEPT_KEY).splitlines()[0].encode()

    def accepted(self) -> Sequence[bytes]:
        """What was SECRET_KEY before, or will be, while it is changed."""
        kept = [] if self.secret_key.get_secret_value() else kept_secret(KEPT_KEY).splitlines()[1:]
        return [key.encode() for key in (self.secret_key_accepted.get_secret_value(), *kept) if key]


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine's own, which others cannot reach."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _days(number: int) -> timedelta | None:
    return timedelta(days=number) if number else None


def load() -> Settings:
    """The settings as the environment has them. Raises Misconfigured, naming the wrong one."""
    try:
        return Settings()
    except ValidationError as error:
        raise _misconfigured(error) from None


def environment() -> Mapping[str, str]:
    """Everything that is set, empty values left out."""
    merged: dict[str, str | None] = {**dotenv_values(".env"), **os.environ}  # noqa: TID251 - the one place
    return {name: value for name, value in merged.items() if value}


def read(kind: type[M], values: Mapping[str, str]) -> M:
    """A channel's settings from the environment. Raises Misconfigured, naming the wrong one."""
    given: dict[str, Any] = {name: values[name.upper()] for name in kind.model_fields if name.upper() in values}
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        raise _misconfigured(error) from None


def kept_secret(path: Path) -> str:
    """A random secret, made once and kept in a file that only its owner can read."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    return path.read_text().strip()


def _misconfigured(error: ValidationError) -> Misconfigured:
    first = error.errors()[0]
    message = first["msg"].removeprefix("Value error, ")
    name = str(first["loc"][0]).upper() if first["loc"] else message.split(maxsplit=1)[0]
    return Misconfigured(name, message)
