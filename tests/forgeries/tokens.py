"""The key pair by which the business signs some of its logins."""

from cryptography.hazmat.primitives import serialization

from tests.twins.signing import new_key

PRIVATE = new_key()
PUBLIC_PEM = (
    PRIVATE.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
)
