"""What every part of the house takes for granted: the time, ids that nobody else has, a secret of its own."""

import hashlib
import hmac
import uuid
from datetime import UTC, datetime


def clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """An id that nobody else has."""
    return uuid.uuid4().hex


def secret_for(whom: str, secret: bytes) -> bytes:
    """A secret of its own for each part of the house, derived from SECRET_KEY."""
    return hmac.new(secret, whom.encode(), hashlib.sha256).digest()
