"""What every part of the ledger stands on."""

import uuid
from collections.abc import Sequence

from core.backends.ledger.database import Database


class OnDatabase:
    """A part of the ledger. `secret` seals the key under which tombstones of the erased are kept; `accepted` are those
    that may have sealed it before. `holder` tells the process from others that have the same ledger open."""

    def __init__(
        self, database: Database, *, secret: bytes = b"", accepted: Sequence[bytes] = (), holder: str = ""
    ) -> None:
        self._database = database
        self._given = (secret, *accepted)
        self._secret = secret
        self._holder = holder or uuid.uuid4().hex

    @property
    def holder(self) -> str:
        """What this process is called on the ledger."""
        return self._holder
