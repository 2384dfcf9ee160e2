"""Who is at the console: a password or the first token signs in, and a session on record keeps the door open."""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from bots.console import passwords
from bots.console.tries import Tries
from core.accounts import ADMIN_BY_TOKEN, LONGEST_NAME, AccountLedger, Colleague, Credential, normalized

COOKIE = "throughline_console"


@dataclass(kw_only=True)
class Doorkeeper:
    """Checks passwords and sessions. A new token or secret ends every session. `pause` waits some seconds."""

    ledger: AccountLedger
    token: str
    secret: bytes
    now: Callable[[], datetime]
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)  # bounds what all guesses cost together

    def __post_init__(self) -> None:
        self._key = hmac.new(self.secret, self.token.encode(), hashlib.sha256).digest()
        self._tries = Tries(ledger=self.ledger, key=self.secret, now=self.now)

    async def signs_in(self, name: str, password: str, peer: str) -> str:
        """A new session's id; "" where the name or the password is wrong. Raises TooManyTries."""
        if await self.ledger.has_accounts():
            credential = await self.knows(name, password, peer)
            return await self.session(credential) if credential else ""
        right = await self._tried(ADMIN_BY_TOKEN.name, peer, lambda: self._is_token(password.strip()))
        return await self.session(None) if right else ""

    async def knows(self, name: str, password: str, peer: str) -> Credential | None:
        """The account of this name, if the password is its own. Raises TooManyTries."""
        name = normalized(name)[: LONGEST_NAME + 1]  # a longer one is nobody's either
        credential = await self.ledger.credential(name)
        kept = credential.password_hash if credential else ""
        right = await self._tried(name, peer, lambda: passwords.fits(kept, password))
        return credential if right else None

    async def session(self, credential: Credential | None) -> str:
        """A new session's id; "" where the credential was changed meanwhile. None is the token's."""
        session = secrets.token_urlsafe(32)
        opened = await self.ledger.open_session(self._digest(session), credential, now=self.now())
        return session if opened else ""

    async def colleague(self, session: str, *, active: bool) -> Colleague | None:
        """Whose session this is. `active`: a person does something, it is not a page that looks for news."""
        if not session:
            return None
        return await self.ledger.session(self._digest(session), now=self.now(), active=active)

    async def ends(self, session: str) -> None:
        """Ends a session, also for whoever has copied its id."""
        await self.ledger.end_session(self._digest(session), now=self.now())

    async def notes(self, who: str, what: str, about: str) -> None:
        """Writes to the audit what a colleague did."""
        await self.ledger.audit(who, what, about, now=self.now())

    async def _tried(self, name: str, peer: str, is_right: Callable[[], bool]) -> bool:
        one = await self._tries.begin(peer, name)
        await self.pause(one.pause)
        async with self._one_at_a_time:
            right = await asyncio.to_thread(is_right)
        if right:
            await self._tries.forgive(one)
        return right

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.token.encode())

    def _digest(self, session: str) -> str:
        return hmac.new(self._key, session.encode(), hashlib.sha256).hexdigest()
