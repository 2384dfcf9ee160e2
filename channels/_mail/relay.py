"""The mail relay that our letters go out by: a few connections, each kept for the next letter."""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import aiosmtplib

from channels._mail.letter import Letter, dated
from channels._mail.signing import Signer
from channels._mail.statuses import meaning
from core.errors import TryAgain, Undeliverable

_IMPLICIT_TLS: Final = 465
_PATIENCE: Final = 30.0  # seconds for each step
_PATIENCE_AT_THE_END: Final = 600.0  # after all of a letter: a relay that is given up here sends it twice
_STILL_FRESH: Final = 60.0  # seconds for which a connection is kept that nothing is sent by
_PATIENCE_TO_LEAVE: Final = 3.0
_MOST_CONNECTIONS: Final = 4
_CLOSING: Final = 421  # the relay takes no mail at all for now
_OURS_TO_MEND: Final = frozenset({530, 534, 535, 538})  # signing in


@dataclass(frozen=True, kw_only=True, slots=True)
class Sending:
    """The relay, as the settings describe it. `name` is the one by which we greet it."""

    host: str
    port: int
    user: str
    password: str
    starttls: bool
    name: str

    @property
    def implicit_tls(self) -> bool:
        """Whether the port speaks TLS from its first byte on."""
        return self.port == _IMPLICIT_TLS

    @property
    def where(self) -> str:
        """Host and port."""
        return f"the relay {self.host}:{self.port}"


class Relay:
    """A mail server that takes our letters to their recipients."""

    def __init__(self, sending: Sending, signer: Signer | None = None) -> None:
        self._sending = sending
        self._signer = signer
        self._free = asyncio.Semaphore(_MOST_CONNECTIONS)
        self._idle: list[tuple[aiosmtplib.SMTP, float]] = []  # with the time at which it was left, oldest first

    async def send(self, letter: Letter, now: datetime) -> None:
        """Raises TryAgain or Undeliverable."""
        content = dated(letter, now)
        if self._signer:
            content = await asyncio.to_thread(self._signer.sign, content, now)
        async with self._free:
            client = await self._connection()
            try:
                await self._post(client, letter, content)
            except (TryAgain, Undeliverable):
                await _forget_the_letter(client)
                raise
            except BaseException:
                client.close()
                raise
            finally:
                self._keep(client)

    async def close(self) -> None:
        """Takes leave of the relay."""
        while self._idle:
            client, _ = self._idle.pop()
            with suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=_PATIENCE_TO_LEAVE)
            client.close()

    async def _connection(self) -> aiosmtplib.SMTP:
        """One that the relay still answers on."""
        while self._idle:
            client, left_at = self._idle.pop()
            fresh = asyncio.get_running_loop().time() - left_at < _STILL_FRESH
            if fresh and await _answers(client):
                return client
            client.close()
        return await self._connect()

    def _keep(self, client: aiosmtplib.SMTP) -> None:
        if client.is_connected:
            self._idle.append((client, asyncio.get_running_loop().time()))

    async def _connect(self) -> aiosmtplib.SMTP:
        to = self._sending
        client = aiosmtplib.SMTP(
            hostname=to.host,
            port=to.port,
            use_tls=to.implicit_tls,
            start_tls=to.starttls and not to.implicit_tls,
            username=to.user or None,
            password=to.password if to.user else None,
            local_hostname=to.name,
            timeout=_PATIENCE,
        )
        try:
            await client.connect()
            await _greet(client)
        except aiosmtplib.SMTPAuthenticationError as error:
            said = f"SMTP_RELAY_USER, SMTP_RELAY_PASSWORD: {to.host} refused them ({error.code}); set the right ones."
            raise TryAgain(said, away=True) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            client.close()
            raise self._unreachable(error) from error
        return client

    async def _post(self, client: aiosmtplib.SMTP, letter: Letter, content: bytes) -> None:
        try:
            options = _options(client, letter, content)
            await client.mail(letter.sender, options=options)
            await client.rcpt(letter.recipient, encoding="utf-8")
        except aiosmtplib.SMTPResponseException as error:
            raise self._refused(error) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise self._broke_off(error) from error
        except ValueError as error:
            raise Undeliverable("No mail can go to this recipient: the address cannot be written.") from error
        await self._hand_over(client, content)

    async def _hand_over(self, client: aiosmtplib.SMTP, content: bytes) -> None:
        try:
            await client.data(content, timeout=_PATIENCE_AT_THE_END)
        except aiosmtplib.SMTPDataError as error:
            raise self._refused(error) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise self._broke_off(error, maybe_sent=True) from error

    def _unreachable(self, error: Exception) -> TryAgain:
        cause = error if isinstance(error, ssl.SSLError) else error.__cause__
        if isinstance(cause, ssl.SSLError):
            host = self._sending.host
            said = f"SMTP_RELAY_HOST: no TLS with {host}: {cause}; give it a certificate for its name."
            return TryAgain(said, away=True)
        return self._broke_off(error)

    def _broke_off(self, error: Exception, *, maybe_sent: bool = False) -> TryAgain:
        said = f"{self._where} did not take a mail: {_kind(error)}"
        said = f"{said}; it may have it all the same" if maybe_sent else said
        return TryAgain(said, maybe_sent=maybe_sent, away=True)

    def _refused(self, error: aiosmtplib.SMTPResponseException) -> TryAgain | Undeliverable:
        said = f"{self._where} refused a mail: {error.code} {meaning(error.message)}".rstrip()
        passing = error.code // 100 != 5 or error.code in _OURS_TO_MEND  # noqa: PLR2004
        return TryAgain(said, away=error.code == _CLOSING) if passing else Undeliverable(said)

    @property
    def _where(self) -> str:
        return f"The mail relay {self._sending.host}:{self._sending.port}"


def _options(client: aiosmtplib.SMTP, letter: Letter, content: bytes) -> list[str]:
    """The parameters of MAIL. Raises Undeliverable where the relay says in advance that it will not do."""
    if not letter.recipient.isascii() and not client.supports_extension("smtputf8"):
        raise Undeliverable("No mail can go to this recipient: the relay knows ASCII addresses only (no SMTPUTF8).")
    most = client.esmtp_extensions.get("size", "")
    if most.isdecimal() and 0 < int(most) < len(content):
        raise Undeliverable(f"The mail has {len(content)} bytes, and the relay takes {most}.")
    options = [f"SIZE={len(content)}"] if client.supports_extension("size") else []
    options += ["BODY=8BITMIME"] if not content.isascii() and client.supports_extension("8bitmime") else []
    return options + ([] if letter.recipient.isascii() else ["SMTPUTF8"])


async def _greet(client: aiosmtplib.SMTP) -> None:
    if not client.is_ehlo_or_helo_needed:  # TLS and signing in did it
        return
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError:
        await client.helo()


async def _answers(client: aiosmtplib.SMTP) -> bool:
    try:
        await client.noop(timeout=_PATIENCE)
    except (aiosmtplib.SMTPException, OSError):
        return False
    return client.is_connected


async def _forget_the_letter(client: aiosmtplib.SMTP) -> None:
    """Makes a connection ready for the next letter, or closes it."""
    try:
        await client.rset(timeout=_PATIENCE)
    except (aiosmtplib.SMTPException, OSError):
        client.close()


def _kind(error: Exception) -> str:
    """What went wrong, without the relay's own words, which may name the recipient or repeat the mail."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{error.code} {meaning(error.message)}".rstrip()
    return " ".join(str(error).split())[:300]
