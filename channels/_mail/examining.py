"""What `doctor` looks at on the way of mail: the relay, our own port, and whom we trust. No mail is sent."""

import asyncio
import errno
import ssl
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiosmtplib

from channels._mail.lookup import Lookup
from channels._mail.proof import Network
from channels._mail.published import published, signing_key
from channels._mail.relay import Sending
from channels._mail.server import misconfigured
from channels._mail.signing import UnusableKey
from core.channel import Finding

_PATIENCE: Final = 5.0  # seconds for each step
_TOGETHER: Final = 7.0  # for all that is said to the relay
_MOST_HOSTS: Final = 65_536


@dataclass(frozen=True, kw_only=True, slots=True)
class Post:
    """All that mail needs. `sending` is None while letters are kept in a folder; no `selector`, no signatures."""

    domain: str
    listening: tuple[str, int]
    sending: Sending | None
    authserv_id: str
    relays: Sequence[Network]
    selector: str
    key_file: str
    lookup: Lookup


async def examined(post: Post) -> Sequence[Finding]:
    """Everything, asked at once."""
    seen = trust(post.authserv_id, post.relays)
    here, there, domain = await asyncio.gather(_port(*post.listening, name=post.domain), _relay(post), _domain(post))
    return [here, *there, seen, *domain]


async def _relay(post: Post) -> list[Finding]:
    if post.sending:
        return [await relay(post.sending)]
    said = "SMTP_RELAY_HOST is empty: replies are kept under var/mail"
    return [Finding(said, "Set it, so that customers get them." if "." in post.domain else "")]


async def _domain(post: Post) -> Sequence[Finding]:
    if "." not in post.domain:
        return [Finding(f"SUPPORT_ADDRESS is at {post.domain}, which is for trying out; set your own for real mail.")]
    try:
        key = signing_key(post.selector, await _read(post.key_file)) if post.selector else None
    except (UnusableKey, OSError) as error:
        why = str(error) if isinstance(error, UnusableKey) else f"cannot be read: {error.strerror}"
        return [Finding(f"DKIM_KEY_FILE: {post.key_file} {why}", "Correct it, or empty DKIM_SELECTOR.", fatal=True)]
    host = post.sending.host if post.sending else ""
    return await published(post.domain, relay=host, key=key, lookup=post.lookup)


async def _read(file: str) -> bytes:
    return await asyncio.to_thread(Path(file).read_bytes)


async def _port(host: str, number: int, *, name: str) -> Finding:
    """Whether we can listen there, or do already under this name."""
    loop = asyncio.get_running_loop()
    try:
        bound = await loop.create_server(asyncio.Protocol, host, number, start_serving=False)
    except OSError as error:
        if error.errno == errno.EADDRINUSE and await _greets(host, number, name):
            return Finding(f"`run` takes mail at {host}:{number}.")
        return Finding(str(misconfigured(error, host, number)), "`run` does not start like this.", fatal=True)
    bound.close()
    return Finding(f"{host}:{number} is free; `run` will take mail there.")


async def _greets(host: str, number: int, name: str) -> bool:
    try:
        async with asyncio.timeout(_PATIENCE):
            reader, writer = await asyncio.open_connection(host, number)
            with closing(writer):
                said = await reader.readline()
    except (OSError, TimeoutError, ValueError):
        return False
    return said.startswith(f"220 {name} ".encode())


async def relay(sending: Sending) -> Finding:
    """Whether the relay greets us, encrypts, and lets us sign in."""
    client = aiosmtplib.SMTP(
        hostname=sending.host,
        port=sending.port,
        use_tls=sending.implicit_tls,
        start_tls=False,
        local_hostname=sending.name,
        timeout=_PATIENCE,
    )
    try:
        async with asyncio.timeout(_TOGETHER):
            await client.connect()
            found = await _visit(client, sending)
            await client.quit()
    except aiosmtplib.SMTPAuthenticationError as error:
        said = f"SMTP_RELAY_USER, SMTP_RELAY_PASSWORD: {sending.where} refused them ({error.code})"
        return Finding(
            said, "Set the ones that it knows; some providers want a password made for programs.", fatal=True
        )
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        return _out_of_reach(sending, error)
    finally:
        client.close()
    return found


async def _visit(client: aiosmtplib.SMTP, sending: Sending) -> Finding:
    await client.ehlo()
    encrypted = sending.starttls or sending.implicit_tls
    if sending.starttls and not sending.implicit_tls:
        if not client.supports_extension("starttls"):
            advice = "Use a port of it that does (587, 465); or, on your own network only, SMTP_RELAY_STARTTLS=false."
            return Finding(f"SMTP_RELAY_STARTTLS: {sending.where} offers no TLS", advice, fatal=True)
        await client.starttls()
        await client.ehlo()
    if sending.user:
        if not client.supports_extension("auth"):
            advice = "Leave SMTP_RELAY_USER empty" if encrypted else "Set SMTP_RELAY_STARTTLS=true"
            return Finding(f"SMTP_RELAY_USER: {sending.where} offers no signing in", f"{advice}.", fatal=True)
        await client.login(sending.user, sending.password)
    return _greeted(sending, encrypted=encrypted)


def _greeted(sending: Sending, *, encrypted: bool) -> Finding:
    seen = f"{sending.where} greets us {'with' if encrypted else 'without'} TLS"
    if not sending.user:
        return Finding(f"{seen}.")
    if not encrypted:
        return Finding(f"{seen}; the password goes there readable", "Set SMTP_RELAY_STARTTLS=true.")
    return Finding(f"{seen}, and lets us sign in.")


def _out_of_reach(sending: Sending, error: Exception) -> Finding:
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    if isinstance(cause, ssl.SSLError):
        said = cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else "no TLS was agreed on"
        advice = "Give it a certificate for its name; or, on your own network only, set SMTP_RELAY_STARTTLS=false."
        return Finding(f"SMTP_RELAY_HOST: {sending.where}: {said}", advice, fatal=True)
    advice = "Correct SMTP_RELAY_HOST and SMTP_RELAY_PORT, or see whether a firewall is in between."
    return Finding(f"SMTP_RELAY_HOST: {sending.where}: {_reason(error, cause)}", advice, fatal=True)


def _reason(error: Exception, cause: BaseException) -> str:
    """In our words: a server's own may repeat what it was told."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"it answered with {error.code}"
    if isinstance(error, TimeoutError | aiosmtplib.SMTPTimeoutError):
        return "no answer in time"
    return cause.strerror if isinstance(cause, OSError) and cause.strerror else type(cause).__name__


def trust(authserv_id: str, relays: Sequence[Network]) -> Finding:
    """Whether the verdicts of a server of the operator's can count, and only its own."""
    if not authserv_id and not relays:
        return Finding("MAIL_AUTHSERV_ID is empty: every mail is checked by SPF, DKIM and DMARC here.")
    if not authserv_id or not relays:
        missing = "MAIL_TRUSTED_RELAYS" if authserv_id else "MAIL_AUTHSERV_ID"
        return Finding(
            f"{missing} is empty, so that no verdict of your server counts", "Set it, or empty the other one."
        )
    if any(relay.num_addresses > _MOST_HOSTS and not relay.is_private for relay in relays):
        return Finding("MAIL_TRUSTED_RELAYS: whole networks can say who wrote a mail", "Name your own servers only.")
    if not all(part.isprintable() and not part.isspace() for part in authserv_id) or "@" in authserv_id:
        return Finding("MAIL_AUTHSERV_ID is no name of a server", "Copy the first word of its Authentication-Results.")
    return Finding(f"Verdicts of {authserv_id} count, from {', '.join(map(str, relays))}.")
