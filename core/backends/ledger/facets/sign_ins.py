"""How colleagues sign in: see core/accounts.py."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime

from core.accounts import Colleague, Credential, Session, SignIn
from core.backends.ledger import sign_ins
from core.backends.ledger.facets.base import OnDatabase
from core.errors import LedgerAway


class ForSigningIn(OnDatabase):
    """How colleagues sign in: see core/accounts.py."""

    async def begin_sign_in(self, source: str, name: str, *, most: int, since: datetime, now: datetime) -> SignIn:
        return await self._database.write(
            lambda tx: sign_ins.begin_sign_in(tx, source, name, most=most, since=since, now=now)
        )

    async def forgive_sign_in(self, sign_in: int) -> None:
        await self._database.write(lambda tx: sign_ins.forgive_sign_in(tx, sign_in))

    async def open_session(self, digest: str, credential: Credential | None, *, now: datetime) -> bool:
        return await self._database.write(lambda tx: sign_ins.open_session(tx, digest, credential, now), durable=True)

    async def session(self, digest: str, *, now: datetime, active: bool) -> Colleague | None:
        found = await self._database.read(lambda tx: sign_ins.session(tx, digest, now))
        if found is None:
            return None
        colleague, stale = found
        if active and stale:
            with suppress(LedgerAway):  # the session is as good without
                await self._database.write(lambda tx: sign_ins.seen(tx, digest, now))
        return colleague

    async def end_session(self, digest: str, *, now: datetime) -> None:
        await self._database.write(lambda tx: sign_ins.end_session(tx, digest, now), durable=True)

    async def sessions(self, name: str, *, now: datetime) -> Sequence[Session]:
        return await self._database.read(lambda tx: sign_ins.sessions_of(tx, name, now))

    async def end_sessions(self, name: str, ids: Collection[str], *, by: str, now: datetime) -> None:
        await self._database.write(lambda tx: sign_ins.end_sessions(tx, name, ids, by, now), durable=True)

    # ── a code beside the password ──
    async def second_factor(self, name: str) -> str:
        return await self._database.read(lambda tx: sign_ins.second_factor(tx, name))

    async def second_factors(self) -> Sequence[tuple[str, str]]:
        return await self._database.read(sign_ins.second_factors)

    async def seal_second_factor(self, name: str, before: str, sealed: str) -> bool:
        return await self._database.write(
            lambda tx: sign_ins.seal_second_factor(tx, name, before, sealed), durable=True
        )

    async def turn_on_second_factor(
        self, name: str, sealed: str, recovery: Collection[str], *, step: int, now: datetime
    ) -> None:
        await self._database.write(
            lambda tx: sign_ins.turn_on(tx, name, sealed, recovery, step=step, now=now), durable=True
        )

    async def turn_off_second_factor(self, name: str, *, by: str, now: datetime) -> None:
        await self._database.write(lambda tx: sign_ins.turn_off(tx, name, by, now), durable=True)

    async def take_step(self, name: str, step: int) -> bool:
        return await self._database.write(lambda tx: sign_ins.take_step(tx, name, step), durable=True)

    async def take_recovery_code(self, name: str, digest: str, *, now: datetime) -> bool:
        return await self._database.write(lambda tx: sign_ins.take_recovery_code(tx, name, digest, now), durable=True)

    async def recovery_codes_left(self, name: str) -> int:
        return await self._database.read(lambda tx: sign_ins.recovery_codes_left(tx, name))
