"""Colleagues' accounts and sessions: see core/accounts.py."""

from collections.abc import Sequence
from datetime import datetime

from core.accounts import Account, Colleague, Credential, NewAccount, SignIn
from core.backends.ledger import accounts as staff
from core.backends.ledger.facets.base import OnDatabase


class ForAccounts(OnDatabase):
    """Colleagues' accounts and sessions: see core/accounts.py."""

    async def has_accounts(self) -> bool:
        return await self._database.read(staff.has_accounts)

    async def accounts(self) -> Sequence[Account]:
        return await self._database.read(staff.everybody)

    async def credential(self, name: str) -> Credential | None:
        return await self._database.read(lambda tx: staff.credential(tx, name))

    async def add_account(self, account: NewAccount, *, by: str, now: datetime) -> None:
        await self._database.write(lambda tx: staff.add(tx, account, by, now), durable=True)

    async def disable_account(self, name: str, *, by: str, now: datetime) -> None:
        await self._database.write(lambda tx: staff.disable(tx, name, by, now), durable=True)

    async def change_password(self, old: Credential, password_hash: str, *, now: datetime) -> None:
        await self._database.write(lambda tx: staff.change_password(tx, old, password_hash, now), durable=True)

    async def reset_password(self, name: str, password_hash: str, *, by: str, now: datetime) -> None:
        await self._database.write(lambda tx: staff.reset_password(tx, name, password_hash, by, now), durable=True)

    async def tie(self, name: str, key: str, *, by: str, now: datetime) -> None:
        await self._database.write(lambda tx: staff.tie(tx, name, key, by, now), durable=True)

    async def begin_sign_in(self, source: str, name: str, *, most: int, since: datetime, now: datetime) -> SignIn:
        return await self._database.write(
            lambda tx: staff.begin_sign_in(tx, source, name, most=most, since=since, now=now)
        )

    async def forgive_sign_in(self, sign_in: int) -> None:
        await self._database.write(lambda tx: staff.forgive_sign_in(tx, sign_in))

    async def open_session(self, digest: str, credential: Credential | None, *, now: datetime) -> bool:
        return await self._database.write(lambda tx: staff.open_session(tx, digest, credential, now), durable=True)

    async def session(self, digest: str, *, now: datetime, active: bool) -> Colleague | None:
        found = await self._database.read(lambda tx: staff.session(tx, digest, now))
        if found is None:
            return None
        colleague, stale = found
        if active and stale:
            await self._database.write(lambda tx: staff.seen(tx, digest, now))
        return colleague

    async def end_session(self, digest: str, *, now: datetime) -> None:
        await self._database.write(lambda tx: staff.end_session(tx, digest, now), durable=True)
