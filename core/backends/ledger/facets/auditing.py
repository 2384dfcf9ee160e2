"""What colleagues did: see core/accounts.py."""

from collections.abc import Sequence
from datetime import datetime

from core.accounts import AuditChoices, Audited, AuditFilter
from core.backends.ledger import auditing
from core.backends.ledger.facets.base import OnDatabase


class ForAuditing(OnDatabase):
    """What colleagues did: see core/accounts.py."""

    async def audit(self, who: str, what: str, about: str, *, now: datetime) -> None:
        await self._database.write(lambda tx: auditing.note(tx, who, what, about, now), durable=True)

    async def audited(self, wanted: AuditFilter, *, page: int = 1, most: int = 50) -> Sequence[Audited]:
        return await self._database.read(lambda tx: auditing.audited(tx, wanted, page, most))

    async def audit_choices(self) -> AuditChoices:
        return await self._database.read(auditing.choices)
