"""Where letters go: to the company's mail relay, or into a folder while there is none."""

import asyncio
import os
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Final

import aiosmtplib

from channels._mail.letter import Letter
from core.errors import TryAgain, Undeliverable

_PATIENCE: Final = 30.0  # seconds for each step
_SIGN_IN_FIRST: Final = 530
_STATUS: Final = re.compile(r"[245]\.(\d{1,3}\.\d{1,3})\b")
_STATUSES: Final = {
    "1.1": "there is no such mailbox",
    "1.2": "there is no such host",
    "1.10": "the recipient's domain takes no mail",
    "2.1": "the mailbox is switched off",
    "2.2": "the mailbox is full",
    "3.4": "the mail is too large",
    "5.1": "a command was not understood",
    "7.0": "its policy forbids it",
    "7.1": "its policy forbids it",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Relay:
    """A mail server that takes our letters to their recipients."""

    host: str
    port: int
    user: str
    password: str
    starttls: bool
    domain: str  # by which we greet it

    async def send(self, letter: Letter, now: datetime) -> None:
        """Raises TryAgain or Undeliverable."""
        try:
            await self._deliver(letter, now)
        except aiosmtplib.SMTPAuthenticationError as error:
            said = f"SMTP_RELAY_USER, SMTP_RELAY_PASSWORD: {self.host} refused them ({error.code}); set the right ones."
            raise TryAgain(said) from error
        except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPDataError) as error:
            raise self._refused(error) from error
        except ssl.SSLError as error:
            raise TryAgain(f"SMTP_RELAY_HOST: no TLS with {self.host}: {error}; give it a certificate.") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise TryAgain(f"The mail relay {self.host}:{self.port} did not take a mail: {_kind(error)}") from error
        except ValueError as error:
            raise Undeliverable("No mail can go to this recipient: the address cannot be written.") from error

    async def _deliver(self, letter: Letter, now: datetime) -> None:
        await aiosmtplib.send(
            dated(letter, now),
            sender=letter.sender,
            recipients=[letter.recipient],
            mail_options=() if letter.recipient.isascii() else ("SMTPUTF8",),
            hostname=self.host,
            port=self.port,
            username=self.user or None,
            password=self.password if self.user else None,
            start_tls=self.starttls,
            local_hostname=self.domain,
            timeout=_PATIENCE,
        )

    def _refused(self, error: aiosmtplib.SMTPRecipientsRefused | aiosmtplib.SMTPDataError) -> TryAgain | Undeliverable:
        answer = error.recipients[0] if isinstance(error, aiosmtplib.SMTPRecipientsRefused) else error
        said = f"The mail relay {self.host}:{self.port} refused a mail: {answer.code} {_meaning(answer.message)}"
        passing = answer.code // 100 != 5 or answer.code == _SIGN_IN_FIRST  # noqa: PLR2004
        return TryAgain(said) if passing else Undeliverable(said)


@dataclass(frozen=True, kw_only=True, slots=True)
class Folder:
    """Letters as files, named by their time."""

    path: Path

    async def send(self, letter: Letter, now: datetime) -> None:
        """Raises TryAgain."""
        try:
            await asyncio.to_thread(self._keep, letter, now)
        except OSError as error:
            raise TryAgain(
                f"No mail can be kept in {self.path}: {error.strerror}; make room or give access."
            ) from error

    async def newest(self, most: int) -> Sequence[bytes]:
        """The letters, newest first."""
        return await asyncio.to_thread(
            lambda: [path.read_bytes() for path in sorted(self.path.glob("*.eml"), reverse=True)[:most]]
        )

    def _keep(self, letter: Letter, now: datetime) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{now:%Y%m%dT%H%M%S.%f}-{letter.message_id[1:17]}"
        draft = self.path / f"{name}.part"
        with draft.open("wb") as file:
            file.write(dated(letter, now))
            file.flush()
            os.fsync(file.fileno())
        draft.rename(draft.with_suffix(".eml"))


def dated(letter: Letter, now: datetime) -> bytes:
    """The letter as it is sent now."""
    return b"Date: " + format_datetime(now).encode() + b"\r\n" + letter.content


def _kind(error: Exception) -> str:
    """What went wrong, without the relay's own words, which may name the recipient or repeat the mail."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{error.code} {_meaning(error.message)}"
    return " ".join(str(error).split())[:300]


def _meaning(answer: str) -> str:
    """The status code of RFC 3463 that an answer begins with, and what it says for most mails."""
    found = _STATUS.match(answer)
    return f"{found[0]} {_STATUSES.get(found[1], '')}".strip() if found else ""
