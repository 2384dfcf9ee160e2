"""The SMTP server that takes customers' mail. It relays nothing, and answers 250 only after the mail is kept."""

import asyncio
import errno
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from aiosmtpd.smtp import SMTP, Envelope, Session

from core.errors import Misconfigured

_log = logging.getLogger(__name__)

_MOST_RECIPIENTS: Final = 20
_LONGEST_LINE: Final = 4 * 1024 * 1024  # Outlook writes lines far beyond the 998 bytes of the standard
_SPARE: Final = 1024 * 1024

# Keeps a mail: its bytes, the envelope's sender, its recipients, and the peer's address.
Keep = Callable[[bytes, str, list[str], str], Awaitable[object]]


class Door:
    """Decides on recipients, and hands on what comes in. Its method names are aiosmtpd's."""

    def __init__(self, receives: Callable[[str], bool], keep: Keep) -> None:
        self._receives = receives
        self._keep = keep

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """550 for every mailbox that is not ours."""
        if len(envelope.rcpt_tos) >= _MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        if not self._receives(address):
            return "550 5.1.1 No such mailbox here"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """250 once the mail is kept."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        sender = "" if envelope.mail_from == "<>" else _clean(envelope.mail_from or "")
        await self._keep(content, sender, envelope.rcpt_tos, session.peer[0] if session.peer else "")
        return "250 2.0.0 Kept"


class Visit(SMTP):
    """One SMTP connection, in the loop that runs."""

    def __init__(self, door: Door, visits: "set[Visit]", *, hostname: str, most_bytes: int) -> None:
        self.line_length_limit = _LONGEST_LINE
        self._visits = visits
        self._gone = asyncio.Event()
        self._received = 0
        self._most_received = 2 * most_bytes + _SPARE
        super().__init__(
            door,
            data_size_limit=most_bytes,
            enable_SMTPUTF8=True,
            hostname=hostname,
            ident="ESMTP",
            loop=asyncio.get_running_loop(),
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody comes."""
        self._visits.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """They are gone."""
        self._visits.discard(self)
        super().connection_lost(error)
        self._gone.set()

    def data_received(self, data: bytes) -> None:
        """Breaks off with a peer that goes on past all limits: aiosmtpd keeps a line without an end in memory."""
        self._received += len(data)
        if self._received > self._most_received:
            self._hang_up()
        else:
            super().data_received(data)

    async def handle_exception(self, error: Exception) -> str:
        """451, so that the sender tries again; aiosmtpd would say 500 and go on with the failed envelope."""
        self.envelope = self._create_envelope()
        _log.error("A mail could not be kept; its sender is asked to try again.", exc_info=error)
        return "451 4.3.0 Could not be kept, try again later"

    async def end(self) -> None:
        """Hangs up; returns when the socket is closed."""
        self._hang_up()
        await self._gone.wait()

    def _hang_up(self) -> None:
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()

    def _create_envelope(self) -> Envelope:
        self._received = 0
        return super()._create_envelope()


async def serve(
    door: Door, address: tuple[str, int], *, hostname: str, most_bytes: int, opened: Callable[[int], None]
) -> None:
    """Takes mail until cancelled; `opened` is told the port. Raises Misconfigured when it cannot be had."""
    visits: set[Visit] = set()
    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(
            lambda: Visit(door, visits, hostname=hostname, most_bytes=most_bytes), *address
        )
    except OSError as error:
        raise misconfigured(error, *address) from error
    opened(server.sockets[0].getsockname()[1])
    try:
        await server.serve_forever()
    finally:
        server.close()
        await asyncio.gather(*(visit.end() for visit in tuple(visits)))


def misconfigured(error: OSError, host: str, port: int) -> Misconfigured:
    """Why a port cannot be listened on."""
    if error.errno == errno.EADDRINUSE:
        return Misconfigured(
            "SMTP_LISTEN_PORT", f"{host}:{port} is in use; stop what listens there, or choose another."
        )
    if error.errno == errno.EACCES:
        return Misconfigured("SMTP_LISTEN_PORT", f"{port} may not be listened on by this user; choose one above 1023.")
    return Misconfigured("SMTP_LISTEN_HOST", f"{host} is no address of this machine; 127.0.0.1 is a safe choice.")


def _clean(address: str) -> str:
    """An address without the halves of characters that aiosmtpd makes of bytes outside UTF-8."""
    return address.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
