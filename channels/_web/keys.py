"""Whether the keys of WEBCHAT_JWT_KEYS are good enough to sign customers in with."""

from collections.abc import Mapping, Sequence
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from core.channel import Finding

_SHORTEST_RSA: Final = 2048  # bits
_FEWEST: Final = 12  # different characters in a secret that chance made
_NEW_SECRET: Final = "python -c 'import secrets; print(secrets.token_urlsafe(48))'"  # noqa: S105 - makes one


def examined(keys: Mapping[str, str], *, issuer: str, audience: str) -> Sequence[Finding]:
    """Each key by its id and kind, never by its value."""
    if not keys:
        return [Finding("WEBCHAT_JWT_KEYS is empty: visitors of the chat are anonymous.")]
    names = Finding(f"Logins are taken from the issuer {issuer}, for the audience {audience}.")
    return [names, *(_key(f"WEBCHAT_JWT_KEYS: key {kid}", key) for kid, key in keys.items())]


def _key(name: str, key: str) -> Finding:
    if not key.lstrip().startswith("-----BEGIN"):
        return _secret(name, key)
    if "PRIVATE KEY" in key:
        advice = "Put its public half there, and keep the private one where logins are signed."
        return Finding(f"{name} is a private key", advice, fatal=True)
    try:
        public = load_pem_public_key(key.strip().encode())
    except (ValueError, UnsupportedAlgorithm):
        return Finding(
            f"{name} cannot be read as a public key", "Paste the whole PEM, its line ends as \\n.", fatal=True
        )
    return _public(name, public)


def _secret(name: str, key: str) -> Finding:
    if len(set(key)) < _FEWEST:
        return Finding(f"{name} was not made by chance, and can be guessed", f"Make another one: {_NEW_SECRET}")
    return Finding(f"{name} is a secret of {len(key.encode())} bytes (HS256).")


def _public(name: str, key: object) -> Finding:
    match key:
        case RSAPublicKey() if key.key_size < _SHORTEST_RSA:
            return Finding(f"{name} is RSA of {key.key_size} bits only", f"Make one of {_SHORTEST_RSA} or more.")
        case RSAPublicKey():
            return Finding(f"{name} is RSA of {key.key_size} bits (RS256).")
        case EllipticCurvePublicKey(curve=SECP256R1()):
            return Finding(f"{name} is P-256 (ES256).")
        case Ed25519PublicKey():
            return Finding(f"{name} is Ed25519 (EdDSA).")
    return Finding(f"{name} is of a kind that signs no login", "Make it RSA, P-256 or Ed25519.", fatal=True)
