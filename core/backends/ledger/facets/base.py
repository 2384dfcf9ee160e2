"""What every part of the ledger stands on."""

from core.backends.ledger.database import Database


class OnDatabase:
    """A part of the ledger. `secret` is what tombstones of the erased are kept under."""

    def __init__(self, database: Database, *, secret: bytes = b"") -> None:
        self._database = database
        self._secret = secret
