"""Keys that outlive SECRET_KEY: each stands in the ledger, sealed under it, and is sealed anew when it is changed."""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, insert, select, update

from core.backends.ledger.schema import keyring, tombstones
from core.errors import Misconfigured

_NONCE = 12  # bytes
_ERASING = "erasing"


def erasing_key(tx: Connection, given: Sequence[bytes]) -> bytes:
    """What tombstones are digested under. `given` is derived from SECRET_KEY, and then from those accepted beside it.
    Raises Misconfigured where none of them is the one that the ledger was sealed with."""
    sealed = tx.execute(select(keyring.c.sealed).where(keyring.c.name == _ERASING)).scalar()
    if sealed is None:
        key = given[-1] if _has_tombstones(tx) else given[0]
        tx.execute(insert(keyring).values(name=_ERASING, sealed=_close(key, given[0])))
        return key
    for secret in given:
        if (key_or_none := _open(sealed, secret)) is None:
            continue
        if secret != given[0]:
            anew = update(keyring).where(keyring.c.name == _ERASING)
            tx.execute(anew.values(sealed=_close(key_or_none, given[0])))
        return key_or_none
    raise Misconfigured(
        "SECRET_KEY",
        "is not the one that this ledger is sealed with; give that one, or name it in SECRET_KEY_ACCEPTED as well",
    )


def _has_tombstones(tx: Connection) -> bool:
    return tx.execute(select(tombstones.c.digest).limit(1)).first() is not None


def _cipher(secret: bytes) -> AESGCM:
    return AESGCM(hmac.new(secret, b"seal keyring", hashlib.sha256).digest())


def _close(key: bytes, secret: bytes) -> str:
    nonce = secrets.token_bytes(_NONCE)
    return urlsafe_b64encode(nonce + _cipher(secret).encrypt(nonce, key, _ERASING.encode())).decode()


def _open(sealed: str, secret: bytes) -> bytes | None:
    given = urlsafe_b64decode(sealed.encode())
    try:
        return _cipher(secret).decrypt(given[:_NONCE], given[_NONCE:], _ERASING.encode())
    except InvalidTag:
        return None
