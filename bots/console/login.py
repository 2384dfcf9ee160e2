"""Who is at the console: a password or the first token signs in, where it is wanted with a code, and a session on
record keeps the door open."""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bots.console import passwords, second
from bots.console.seal import Seal
from bots.console.tries import MOST_CODES, Tries
from core.accounts import ADMIN_BY_TOKEN, LONGEST_NAME, AccountLedger, Colleague, Credential, normalized

COOKIE = "throughline_console"

_SHORT_ID = 16  # hex digits of a session's digest; see the ledger's sessions
_FACTOR = "second factor"  # what its secret is sealed for
_CODE_OF = "CODE OF"  # what tries are counted under; no name that is typed can be in capitals
_FOR_A_CODE = timedelta(minutes=5)  # between the password and the code


@dataclass(frozen=True, kw_only=True, slots=True)
class Passed:
    """Who gave the right password: in by a session, or, with a ticket for it, asked for a code."""

    name: str
    session: str = ""
    ticket: str = ""


async def seal_anew(ledger: AccountLedger, secret: bytes, accepted: Sequence[bytes]) -> int:
    """Seals with `secret` the second factors that are sealed with one of those accepted; how many there were."""
    ours, others = Seal(secret, _FACTOR), [Seal(one, _FACTOR) for one in accepted]
    count = 0
    for name, sealed in await ledger.second_factors():
        if shared := next((text for seal in others if (text := seal.open(sealed, name))), None):
            count += await ledger.seal_second_factor(name, sealed, ours.close(shared, name))
    return count


@dataclass(kw_only=True)
class Doorkeeper:
    """Checks passwords, codes and sessions. A new token or secret ends every session. `pause` waits some seconds."""

    ledger: AccountLedger
    token: str
    secret: bytes
    now: Callable[[], datetime]
    accepted: Sequence[bytes] = ()  # secrets that second factors may have been sealed with
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)  # bounds what all guesses cost together

    def __post_init__(self) -> None:
        self._key = hmac.new(self.secret, self.token.encode(), hashlib.sha256).digest()
        self._tries = Tries(ledger=self.ledger, key=self.secret, now=self.now)
        self._tickets = Seal(self.secret, "second step")
        self._factors = [Seal(one, _FACTOR) for one in (self.secret, *self.accepted)]
        self._offers = Seal(self.secret, "second factor on offer")

    # ── a password ──
    async def signs_in(self, name: str, password: str, peer: str) -> Passed | None:
        """None where the name or the password is wrong. Raises TooManyTries."""
        if await self.ledger.has_accounts():
            credential = await self.knows(name, password, peer)
            return await self.passes(credential) if credential else None
        right = await self._tried(ADMIN_BY_TOKEN.name, peer, lambda: self._is_token(password.strip()))
        return Passed(name=ADMIN_BY_TOKEN.name, session=await self.session(None)) if right else None

    async def passes(self, credential: Credential) -> Passed:
        """A session, or first the question for a code."""
        if not credential.second_factor:
            return Passed(name=credential.name, session=await self.session(credential))
        asked = {"name": credential.name, "of": self._digest(credential.password_hash)}
        return Passed(name=credential.name, ticket=self._tickets.ticket(asked, until=self.now() + _FOR_A_CODE))

    async def knows(self, name: str, password: str, peer: str) -> Credential | None:
        """The account of this name, if the password is its own. Raises TooManyTries."""
        name = normalized(name)[: LONGEST_NAME + 1]  # a longer one is nobody's either
        credential = await self.ledger.credential(name)
        kept = credential.password_hash if credential else ""
        right = await self._tried(name, peer, lambda: passwords.fits(kept, password))
        return credential if right else None

    # ── a code ──
    async def awaited(self, ticket: str) -> Credential | None:
        """Whose code is awaited; None where the ticket is ours no more."""
        asked = self._tickets.fields(ticket, now=self.now())
        credential = await self.ledger.credential(asked["name"]) if asked else None
        same = asked and credential and hmac.compare_digest(asked["of"], self._digest(credential.password_hash))
        return credential if same else None

    async def takes(self, credential: Credential, code: str, peer: str) -> bool:
        """Whether a code, or a recovery code, is the account's; it is none any more. Raises TooManyTries."""
        one = await self._tries.begin(peer, f"{_CODE_OF} {credential.name}", most_by_name=MOST_CODES)
        await self.pause(one.pause)
        if right := await self._is_code(credential.name, code):
            await self._tries.forgive(one)
        return right

    async def _is_code(self, name: str, code: str) -> bool:
        shared = await self._factor(name)
        step = second.step_of(shared, code, self.now()) if shared else None
        if step is not None:
            return await self.ledger.take_step(name, step)
        for secret in (self.secret, *self.accepted):
            if await self.ledger.take_recovery_code(name, self._recovery(name, code, secret), now=self.now()):
                return True
        return False

    async def _factor(self, name: str) -> str | None:
        """The secret that an account shares with its app."""
        sealed = await self.ledger.second_factor(name)
        return next((text for seal in self._factors if (text := seal.open(sealed, name))), None)

    def offers(self, name: str, sealed: str = "") -> tuple[str, str]:
        """A secret to share, and the same sealed; the one offered before, where it comes sealed by us."""
        before = self._offers.open(sealed, name)
        shared = before or second.new_secret()
        return shared, sealed if before else self._offers.close(shared, name)

    async def turns_on(self, name: str, shared: str, code: str) -> Sequence[str]:
        """Wants a code from now on, if this is one; the recovery codes, or none."""
        step = second.step_of(shared, code, self.now())
        if step is None:
            return []
        codes = second.new_recovery_codes()
        kept = [self._recovery(name, one, self.secret) for one in codes]
        sealed = self._factors[0].close(shared, name)
        await self.ledger.turn_on_second_factor(name, sealed, kept, step=step, now=self.now())
        return codes

    # ── sessions ──
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

    def short_id(self, session: str) -> str:
        """What names a session and opens nothing."""
        return self._digest(session)[:_SHORT_ID]

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

    def _recovery(self, name: str, code: str, secret: bytes) -> str:
        return hmac.new(secret, f"recovery {name} {second.plain(code)}".encode(), hashlib.sha256).hexdigest()

    def _digest(self, session: str) -> str:
        return hmac.new(self._key, session.encode(), hashlib.sha256).hexdigest()
