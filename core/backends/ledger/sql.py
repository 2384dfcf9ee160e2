"""The ledger port on a SQL database."""

import secrets
from datetime import UTC, datetime

from sqlalchemy import Connection, insert

from core.backends.ledger import keyring
from core.backends.ledger.facets.accounts import ForAccounts
from core.backends.ledger.facets.actions import ForActions
from core.backends.ledger.facets.auditing import ForAuditing
from core.backends.ledger.facets.casework import ForCasework
from core.backends.ledger.facets.curating import ForCurating
from core.backends.ledger.facets.desk import ForDesk
from core.backends.ledger.facets.drafting import ForDrafting
from core.backends.ledger.facets.gaps import ForGaps
from core.backends.ledger.facets.insights import ForInsights
from core.backends.ledger.facets.learning import ForLearning
from core.backends.ledger.facets.lookout import ForLookout
from core.backends.ledger.facets.merging import ForMerging
from core.backends.ledger.facets.playing import ForPlay
from core.backends.ledger.facets.privacy import ForPrivacy
from core.backends.ledger.facets.queueing import ForQueue
from core.backends.ledger.facets.quick import ForQuickActions
from core.backends.ledger.facets.running import ForRunning
from core.backends.ledger.facets.searching import ForSearch
from core.backends.ledger.facets.sign_ins import ForSigningIn
from core.backends.ledger.facets.status import ForStatus
from core.backends.ledger.facets.tasks import ForTasks
from core.backends.ledger.facets.turns import ForTurns
from core.backends.ledger.migrations import migrate
from core.backends.ledger.schema import leases

_LARGE = 16_384  # characters


class SqlLedger(
    ForTurns,
    ForQueue,
    ForLookout,
    ForSearch,
    ForInsights,
    ForCurating,
    ForGaps,
    ForLearning,
    ForDesk,
    ForCasework,
    ForAccounts,
    ForSigningIn,
    ForAuditing,
    ForPrivacy,
    ForMerging,
    ForStatus,
    ForRunning,
    ForActions,
    ForQuickActions,
    ForTasks,
    ForDrafting,
    ForPlay,
):
    """See core/ledger.py for what each method promises."""

    async def migrate(self) -> None:
        """Brings the tables to their newest shape, and opens the ledger's own keys. Raises Misconfigured."""
        self._secret = await self._database.write(self._opened, durable=True)

    def _opened(self, tx: Connection) -> bytes:
        migrate(tx)
        return keyring.erasing_key(tx, self._given) if self._secret else b""

    def is_keyed_by(self, secret: bytes) -> bool:
        """Whether forgotten people are known by this very secret, of all that were ever given; once it is migrated."""
        return self._secret == secret

    async def probe(self) -> None:
        """Writes something and takes it back, to see whether that goes. Raises LedgerAway."""
        await self._database.write(_probe, durable=True)

    async def close(self) -> None:
        """Lets the database go."""
        await self._database.close()


def _probe(tx: Connection) -> None:
    """A little more than fits into a page that has room left."""
    name = f"probe {secrets.token_hex(8)}"
    tx.execute(insert(leases).values(customer=name, token="-" * _LARGE, expires_at=datetime.now(UTC)))
    tx.execute(leases.delete().where(leases.c.customer == name))
