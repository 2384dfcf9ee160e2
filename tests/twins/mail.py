"""A mail relay of ours: takes mail over SMTP as strictly as a real one, and misbehaves as a real one when told to."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

_ONCE = ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type")


class Visit(SMTP):
    """One connection. After STARTTLS aiosmtpd loses sight of the socket below, so it is kept here."""

    below: asyncio.WriteTransport | None = None
    gone: asyncio.Event

    def connection_lost(self, error: Exception | None) -> None:
        self.gone.set()
        super().connection_lost(error)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self.below is None and isinstance(transport, asyncio.WriteTransport):
            self.below = transport
            self.gone = asyncio.Event()
        super().connection_made(transport)

    async def end(self) -> None:
        """Hangs up; returns when the socket is closed."""
        if self.below:  # a handshake that fails makes no connection
            self.below.abort()
        await asyncio.sleep(0)  # asyncio closes the socket in the next turn of its loop


@dataclass(frozen=True, kw_only=True)
class Caught:
    """A mail that the relay took."""

    sender: str
    recipients: list[str]
    message: EmailMessage
    raw: bytes
    over_tls: bool
    user: str


@dataclass(kw_only=True)
class MailRelay:
    """`answers` replaces what it says to "MAIL", "RCPT" or "DATA", e.g. "450 4.2.1 Busy"; "" breaks off instead, after
    DATA when it has the mail already. `visits` are the connections that were made. `implicit_tls` is that of port 465.
    """

    user: str = ""
    password: str = ""
    tls: ssl.SSLContext | None = None
    answers: Mapping[str, str] = field(default_factory=dict)
    caught: list[Caught] = field(default_factory=list)
    arrived: "asyncio.Queue[Caught]" = field(default_factory=asyncio.Queue)
    port: int = 0
    implicit_tls: bool = False
    smtp_utf8: bool = True
    most_bytes: int = 33_554_432
    visits: list[Visit] = field(default_factory=list)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Self]:
        """Takes mail on a free port of 127.0.0.1 while the block runs."""

        def visit() -> Visit:
            self.visits.append(self._visit())
            return self.visits[-1]

        implicit = self.tls if self.implicit_tls else None
        server = await asyncio.get_running_loop().create_server(visit, "127.0.0.1", 0, ssl=implicit)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            await self.hang_up()

    async def hang_up(self) -> None:
        """Breaks off all connections, as a relay does that is tired of waiting."""
        for visit in self.visits:
            await visit.end()

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self._answer("MAIL", server, "250 OK")
        if answer.startswith("250"):
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return answer

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if not address.isascii() and not envelope.smtp_utf8:
            return "553 5.6.7 Address needs SMTPUTF8"
        envelope.rcpt_tos.append(address)
        return self._answer("RCPT", server, "250 OK")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        raw = envelope.content
        assert isinstance(raw, bytes)
        message = BytesParser(policy=policy.default).parsebytes(raw)
        if fault := fault_of(raw, message):
            return f"554 5.6.0 {fault}"
        answer = self.answers.get("DATA", "250 2.0.0 Queued")
        if not answer or answer.startswith("250"):
            given: object = session.auth_data
            user = given.login.decode() if isinstance(given, LoginPassword) else ""
            caught = Caught(
                sender=envelope.mail_from or "",
                recipients=envelope.rcpt_tos,
                message=message,
                raw=raw,
                over_tls=session.ssl is not None,
                user=user,
            )
            self.caught.append(caught)
            self.arrived.put_nowait(caught)
        return self._answer("DATA", server, answer)

    def _visit(self) -> "Visit":
        return Visit(
            self,
            hostname="relay.acme.test",
            tls_context=None if self.implicit_tls else self.tls,
            data_size_limit=self.most_bytes,
            enable_SMTPUTF8=self.smtp_utf8,
            authenticator=self._sign_in,
            auth_required=bool(self.user) and self.tls is not None,
            auth_require_tls=self.tls is not None,
            loop=asyncio.get_running_loop(),
        )

    def _sign_in(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: object
    ) -> AuthResult:
        wanted = LoginPassword(self.user.encode(), self.password.encode())
        return AuthResult(success=given == wanted, handled=False, auth_data=given)

    def _answer(self, command: str, server: SMTP, otherwise: str) -> str:
        answer = self.answers.get(command, otherwise)
        if not answer:
            _hang_up(server)
            raise asyncio.CancelledError
        return answer


def fault_of(raw: bytes, message: EmailMessage) -> str:
    """Why a strict server would refuse these bytes, or ""."""
    if any(len(message.get_all(name, [])) != 1 for name in _ONCE):
        return "A header is missing, or there twice"
    if message.defects or any(part.defects for part in message.walk()):
        return "Not well-formed"
    if b"\r" in raw.replace(b"\r\n", b"") or b"\n" in raw.replace(b"\r\n", b""):
        return "Bare CR or LF"
    if any(len(line) > 998 for line in raw.split(b"\r\n")):
        return "A line is too long"
    return ""


def _hang_up(server: SMTP) -> None:
    if isinstance(server.transport, asyncio.WriteTransport):
        server.transport.abort()
