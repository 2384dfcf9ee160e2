"""Colleagues' accounts: see core/accounts.py."""

from collections.abc import Collection, Sequence
from datetime import datetime

from core.accounts import Account, Credential, NewAccount, Provided, Role
from core.backends.ledger import accounts as staff
from core.backends.ledger import sign_ins
from core.backends.ledger.facets.base import OnDatabase


class ForAccounts(OnDatabase):
    """Colleagues' accounts: see core/accounts.py."""

    async def has_accounts(self) -> bool:
        return await self._database.read(staff.has_accounts)

    async def accounts(self) -> Sequence[Account]:
        return await self._database.read(staff.everybody)

    async def account(self, number: int) -> Account:
        return await self._database.read(lambda tx: staff.account(tx, number))

    async def own_account(self, name: str) -> Account:
        return await self._database.read(lambda tx: staff.own_account(tx, name))

    async def credential(self, name: str) -> Credential | None:
        return await self._database.read(lambda tx: staff.credential(tx, name))

    async def add_account(self, account: NewAccount, *, by: str, now: datetime) -> None:
        await self._database.write(lambda tx: staff.add(tx, account, by, now), durable=True)

    async def disable_account(self, name: str, *, by: str, now: datetime) -> None:
        await self._database.write(lambda tx: staff.disable(tx, name, by, now), durable=True)

    async def enable_account(self, name: str, *, by: str, now: datetime) -> None:
        await self._database.write(lambda tx: staff.enable(tx, name, by, now), durable=True)

    async def change_role(self, name: str, role: Role, *, by: str, now: datetime) -> None:
        await self._database.write(lambda tx: staff.change_role(tx, name, role, by, now), durable=True)

    async def change_email(self, name: str, email: str, *, by: str, now: datetime) -> None:
        await self._database.write(lambda tx: staff.change_email(tx, name, email, by, now), durable=True)

    async def change_password(self, old: Credential, password_hash: str, *, now: datetime) -> None:
        await self._database.write(lambda tx: staff.change_password(tx, old, password_hash, now), durable=True)

    async def reset_password(self, name: str, password_hash: str, *, by: str, now: datetime) -> None:
        await self._database.write(lambda tx: staff.reset_password(tx, name, password_hash, by, now), durable=True)

    async def tie(self, name: str, key: str, *, by: str, now: datetime) -> None:
        await self._database.write(lambda tx: staff.tie(tx, name, key, by, now), durable=True)

    async def provided(self, who: Provided, *, domains: Collection[str], now: datetime) -> Credential:
        return await self._database.write(lambda tx: sign_ins.provided_for(tx, who, domains, now), durable=True)
