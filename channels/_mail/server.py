"""The SMTP server that takes customers' mail. It relays nothing, and answers 250 only after the mail is kept."""

import asyncio
import errno
import logging
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from aiosmtpd.smtp import SMTP, Envelope, Session, TLSSetupException

from core.errors import Misconfigured

_log = logging.getLogger(__name__)

_MOST_RECIPIENTS: Final = 20
_LONGEST_LINE: Final = 4 * 1024 * 1024  # Outlook writes lines far beyond the 998 bytes of the standard
_LINES_IN_A_TURN: Final = 500
_SPARE: Final = 1024 * 1024
_PATIENCE: Final = 300.0  # seconds for one command, or for all of a mail (RFC 5321 section 4.5.3.2)
_MOST_VISITS: Final = 200
_MOST_OF_ONE_HOST: Final = 50
# How often a command is heard on one connection: who only keeps it busy is sent away.
_MOST_COMMANDS: Final = {"MAIL": 1000, "RCPT": 10_000, "DATA": 1000, "RSET": 1000, "*": 100}
_BUSY: Final = b"421 4.3.2 Too many connections, try again later\r\n"

# Keeps a mail: its bytes, the envelope's sender, its recipients, and the peer's address.
Keep = Callable[[bytes, str, list[str], str], Awaitable[object]]


class Door:
    """Decides on recipients, and hands on what comes in. Its method names are aiosmtpd's."""

    def __init__(self, receives: Callable[[str], bool], keep: Keep) -> None:
        self._receives = receives
        self._keep = keep

    async def handle_EHLO(  # noqa: N802
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, offers: list[str]
    ) -> list[str]:
        """What we offer: nobody signs in here, though aiosmtpd offers it once there is TLS."""
        session.host_name = hostname
        return [offer for offer in offers if not offer.startswith("250-AUTH")]

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


@dataclass(frozen=True, kw_only=True, slots=True)
class House:
    """What all connections have in common. `tls` gives the context for the next one; None where there is no TLS."""

    door: Door
    hostname: str
    most_bytes: int
    tls: Callable[[], ssl.SSLContext] | None
    visits: "set[Visit]" = field(default_factory=set)

    def is_full(self, host: str) -> bool:
        """Whether too many are here, at all or from this host."""
        here = sum(visit.host == host for visit in self.visits)
        return len(self.visits) >= _MOST_VISITS or here >= _MOST_OF_ONE_HOST


class Entrance(asyncio.Protocol):
    """Lets a connection in, or asks it to come again later."""

    def __init__(self, house: House) -> None:
        self._house = house

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody comes."""
        host = _host_of(transport.get_extra_info("peername"))
        if self._house.is_full(host):
            _log.warning("A connection is turned away: there are too many.")
            transport.write(_BUSY)
            transport.close()
            return
        visit = Visit(self._house, host, transport)
        transport.set_protocol(visit)
        visit.connection_made(transport)


class TakesTurns(asyncio.StreamReader):
    """Lets others go on after so many lines; asyncio's own waits only where nothing has come yet."""

    _read = 0

    async def readuntil(self, separator: bytes = b"\n") -> bytes:  # type: ignore[override]
        """The next line."""
        self._read += 1
        if self._read % _LINES_IN_A_TURN == 0:
            await asyncio.sleep(0)
        return await super().readuntil(separator)


class Visit(SMTP):
    """One SMTP connection, in the loop that runs."""

    def __init__(self, house: House, host: str, below: asyncio.Transport) -> None:
        self.line_length_limit = _LONGEST_LINE
        self.host = host
        self._visits = house.visits
        self._below = below  # aiosmtpd loses sight of it when TLS begins
        self._gone = asyncio.Event()
        self._received = 0
        self._most_received = 2 * house.most_bytes + _SPARE
        super().__init__(
            house.door,
            data_size_limit=house.most_bytes,
            enable_SMTPUTF8=True,
            hostname=house.hostname,
            ident="ESMTP",
            tls_context=house.tls() if house.tls else None,
            timeout=_PATIENCE,
            command_call_limit=_MOST_COMMANDS,
            auth_exclude_mechanism=("LOGIN", "PLAIN"),
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

    def _cb_client_connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reader.__class__ = TakesTurns  # aiosmtpd makes the reader itself
        super()._cb_client_connected(reader, writer)

    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802
        """Goes on in TLS."""
        await super().smtp_STARTTLS(arg)
        # Of a connection that breaks off during the handshake asyncio tells nobody.
        if self._below.is_closing() and not self._gone.is_set():
            self.connection_lost(None)

    async def handle_exception(self, error: Exception) -> str:
        """451, so that the sender tries again; aiosmtpd would say 500 and go on with the failed envelope."""
        if isinstance(error, TLSSetupException):  # and aiosmtpd hangs up
            _log.info("A TLS handshake failed.")
            return ""
        self.envelope = self._create_envelope()
        _log.error("A mail could not be kept; its sender is asked to try again.", exc_info=error)
        return "451 4.3.0 Could not be kept, try again later"

    async def end(self) -> None:
        """Hangs up; returns when the socket is closed."""
        self._hang_up()
        await self._gone.wait()

    def _hang_up(self) -> None:
        self._below.abort()

    def _create_envelope(self) -> Envelope:
        self._received = 0
        return super()._create_envelope()


async def serve(house: House, address: tuple[str, int], opened: Callable[[int], None]) -> None:
    """Takes mail until cancelled; `opened` is told the port. Raises Misconfigured when it cannot be had."""
    try:
        server = await asyncio.get_running_loop().create_server(lambda: Entrance(house), *address)
    except OSError as error:
        raise misconfigured(error, *address) from error
    opened(server.sockets[0].getsockname()[1])
    try:
        await server.serve_forever()
    finally:
        server.close()
        await asyncio.gather(*(visit.end() for visit in tuple(house.visits)))


def misconfigured(error: OSError, host: str, port: int) -> Misconfigured:
    """Why a port cannot be listened on."""
    if error.errno == errno.EADDRINUSE:
        return Misconfigured(
            "SMTP_LISTEN_PORT", f"{host}:{port} is in use; stop what listens there, or choose another."
        )
    if error.errno == errno.EACCES:
        return Misconfigured("SMTP_LISTEN_PORT", f"{port} may not be listened on by this user; choose one above 1023.")
    return Misconfigured("SMTP_LISTEN_HOST", f"{host} is no address of this machine; 127.0.0.1 is a safe choice.")


def _host_of(peer: object) -> str:
    return str(peer[0]) if isinstance(peer, tuple) else ""


def _clean(address: str) -> str:
    """An address without the halves of characters that aiosmtpd makes of bytes outside UTF-8."""
    return address.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
