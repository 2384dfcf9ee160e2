"""What the house needs of others: a port, a way in, the model, the company's endpoints. Nothing is set off there."""

import asyncio
import errno
import json
import ssl
from collections.abc import Mapping, Sequence
from contextlib import closing
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

import aiohttp
from pydantic import SecretStr

from bots.actions import read_actions
from bots.console.by_provider import BACK, discovery
from bots.settings import Settings
from core.backends.carrying import Endpoint
from core.channel import Finding
from core.errors import Misconfigured

_PATIENCE = 5.0  # seconds
_TIMEOUT = aiohttp.ClientTimeout(total=_PATIENCE)
_OK, _NOT_FOUND = 200, 404
_REFUSED = (401, 403)
_PORTS = {"https": 443, "http": 80}
FAILURES = (aiohttp.ClientError, OSError, TimeoutError, ValueError)


async def server(settings: Settings) -> Sequence[Finding]:
    """Our own port."""
    place = f"{settings.web_host}:{settings.web_port}"
    loop = asyncio.get_running_loop()
    try:
        bound = await loop.create_server(asyncio.Protocol, settings.web_host, settings.web_port, start_serving=False)
    except OSError as error:
        if error.errno == errno.EADDRINUSE and await _is_ours(
            f"http://{_written(settings.web_host)}:{settings.web_port}"
        ):
            return [Finding(f"`run` listens on {place}.")]
        said = f"WEB_HOST, WEB_PORT: {place} cannot be listened on ({error.strerror})"
        return [Finding(said, "Stop what listens there, or choose another port.", fatal=True)]
    bound.close()
    return [Finding(f"{place} is free; `run` will listen there.")]


async def public_address(settings: Settings, called: Sequence[str]) -> Sequence[Finding]:
    """The way in from outside. `called` are the channels whose providers come by it."""
    address = settings.public_base_url
    if not address:
        return [_no_address(settings.base_url, called)]
    found = [Finding(f"{address} answers.") if await _is_ours(address) else _silent(address, settings)]
    if called and not address.startswith("https://"):
        found.append(Finding(f"{address} is not encrypted", "Put a proxy with TLS before it, and write https://."))
    return found


def _no_address(instead: str, called: Sequence[str]) -> Finding:
    if not called:
        return Finding(f"PUBLIC_BASE_URL is empty, and no provider has to call us: links lead to {instead}.")
    advice = "Set it to the https:// address by which the outside reaches this server."
    return Finding(f"PUBLIC_BASE_URL is empty, but the provider of {' and '.join(called)} calls us", advice, fatal=True)


def _silent(address: str, settings: Settings) -> Finding:
    here = f"{settings.web_host}:{settings.web_port}"
    return Finding(
        f"{address}/healthz does not answer, as it would while `run` runs",
        f"Start `run` and ask again; if it is still silent, let your proxy or tunnel pass {address} on to {here}.",
    )


async def asked(address: str, key: SecretStr | None = None) -> tuple[int, bytes]:
    """What somebody answers: the status and the body. Raises one of FAILURES."""
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
    async with (
        aiohttp.ClientSession(timeout=_TIMEOUT, trust_env=True) as session,
        session.get(address, headers=headers, allow_redirects=False) as answer,
    ):
        return answer.status, await answer.read()


async def _is_ours(address: str) -> bool:
    try:
        status, body = await asked(f"{address}/healthz")
    except FAILURES:
        return False
    return status == _OK and body.startswith(b"ok")


async def model(settings: Settings) -> Sequence[Finding]:
    """The language model: whether its server takes our key, and has the model."""
    if not settings.openai_api_key:
        return [Finding("OPENAI_API_KEY is empty: the offline rules answer.")]
    where = place(settings.openai_base_url)
    try:
        status, body = await asked(f"{settings.openai_base_url.rstrip('/')}/models", settings.openai_api_key)
        return [_weighed(where, status, body, settings.openai_model)]
    except FAILURES as error:
        said = f"{where} cannot be reached ({reason(error)}); the offline rules answer meanwhile"
        return [Finding(said, "Correct OPENAI_BASE_URL, or start that server.")]


def _weighed(where: str, status: int, body: bytes, wanted: str) -> Finding:
    if status in _REFUSED:
        return Finding(
            f"OPENAI_API_KEY: {where} refused it ({status})", "Make a new key there, and set it.", fatal=True
        )
    if status == _NOT_FOUND:
        return Finding(f"{where} lists no models (404)", "See whether OPENAI_BASE_URL ends in the version, as in /v1.")
    if status != _OK:
        return Finding(f"{where} answered with HTTP {status}", "Ask again later; the offline rules answer meanwhile.")
    listed = _names(body)
    if listed and wanted not in listed:
        return Finding(f"{where} takes the key, but has no {wanted}", f"Set OPENAI_MODEL, e.g. to {listed[0]}.")
    return Finding(f"{where} takes the key" + (f" and has {wanted}." if listed else "."))


def _names(body: bytes) -> Sequence[str]:
    """The models in a list of OpenAI's shape; none in any other."""
    try:
        listed = json.loads(body)["data"]
        return [str(one["id"]) for one in listed]
    except (ValueError, TypeError, KeyError, RecursionError):
        return []


async def provider(settings: Settings) -> Sequence[Finding]:
    """The console's sign-in provider: whether it answers, and by the name that we know."""
    if not settings.oidc_issuer:
        return [Finding("OIDC_ISSUER is empty: colleagues sign in with the console's own passwords.")]
    where = place(settings.oidc_issuer)
    instead = "Correct OIDC_ISSUER, or ask those who run it; passwords sign in meanwhile."
    try:
        status, body = await asked(discovery(settings.oidc_issuer))
        if status != _OK:
            return [Finding(f"{where} answered with HTTP {status}", instead)]
        said = json.loads(body)
    except FAILURES as error:
        return [Finding(f"{where} cannot be reached ({reason(error)})", instead)]
    return [_named(where, said, settings)]


def _named(where: str, said: object, settings: Settings) -> Finding:
    issuer = said.get("issuer") if isinstance(said, dict) else None
    if issuer != settings.oidc_issuer:
        advice = "Set OIDC_ISSUER to the very name that it gives itself, a slash at the end included."
        return Finding(f"{where} calls itself otherwise than OIDC_ISSUER", advice, fatal=True)
    back = f"{settings.base_url}{BACK}"
    return Finding(f"{where} answers. It has to know {back} as the address to return to.")


async def actions(settings: Settings) -> Sequence[Finding]:
    """Where actions are carried out: each endpoint is connected to, and told nothing."""
    if not settings.actions_file:
        return [Finding("ACTIONS_FILE is empty: nothing can be set off.")]
    try:
        _, endpoints = read_actions(settings.actions_file)
    except Misconfigured as error:
        return [Finding(str(error), "Correct it; docs/actions.md has the format.", fatal=True)]
    return await _connected(endpoints) or [Finding(f"{settings.actions_file} names no action.")]


async def _connected(endpoints: Mapping[str, Endpoint]) -> list[Finding]:
    return await asyncio.gather(*(_endpoint(name, endpoint) for name, endpoint in endpoints.items()))


async def _endpoint(name: str, endpoint: Endpoint) -> Finding:
    if endpoint.hook is not None:
        return Finding(f"{name}: its function is there.")
    where = place(endpoint.url)
    try:
        async with asyncio.timeout(_PATIENCE):
            await _connect(urlsplit(endpoint.url))
    except FAILURES as error:
        advice = f"Start it, or correct `url` in [{name}]. Nothing was sent there."
        return Finding(f"{name}: {where} cannot be reached ({reason(error)})", advice)
    if endpoint.url.startswith("http://") and not is_inside(urlsplit(endpoint.url).hostname or ""):
        return Finding(f"{name}: {where} is reached without encryption", "Write https:// in its `url`.")
    return Finding(f"{name}: {where} can be reached.")


async def _connect(where: SplitResult) -> None:
    encryption = ssl.create_default_context() if where.scheme == "https" else None
    port = where.port or _PORTS[where.scheme]
    _, writer = await asyncio.open_connection(where.hostname, port, ssl=encryption)
    with closing(writer):
        return


def is_inside(host: str) -> bool:
    """Whether an address is of this machine or of a network of one's own."""
    try:
        return ip_address(host).is_private
    except ValueError:
        return host == "localhost"


def place(address: str) -> str:
    """Host and port: the rest of an address may hold a secret."""
    try:
        where = urlsplit(address)
        return f"{where.hostname}:{where.port or _PORTS[where.scheme]}"
    except (ValueError, KeyError):
        return "what is no address"


def _written(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def reason(error: Exception) -> str:
    """Why something could not be reached, in a word; what a library says may repeat the address."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return reason(error.os_error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate does not pass: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "no answer in time" if isinstance(error, TimeoutError) else type(error).__name__
