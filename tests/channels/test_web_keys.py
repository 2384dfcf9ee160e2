"""What `doctor` says of the keys that sign customers in on the website: their kind and strength, never their value."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from channels._web.keys import examined
from channels.web import Web
from core.channel import Examined, Finding
from tests.site import make_channel

Private = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey
SECRET = "kV3n_w0Rz-Qx81LmPt7aYc5sHd2uGb9e"


def public(key: Private) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def private(key: Private) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def of_rsa(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65_537, key_size=bits)


def key(value: str) -> Finding:
    """What is found of one key."""
    _names, found = examined({"main": value}, issuer="https://acme.test", audience="support")
    assert value not in found.what + found.advice
    return found


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (SECRET, "32 bytes (HS256)"),
        (public(of_rsa(2_048)), "2048 bits (RS256)"),
        (public(ec.generate_private_key(ec.SECP256R1())), "P-256 (ES256)"),
        (public(ed25519.Ed25519PrivateKey.generate()), "Ed25519 (EdDSA)"),
    ],
)
def test_a_good_key_is_named_by_its_algorithm(value: str, said: str) -> None:
    assert said in key(value).what
    assert not key(value).advice


def test_a_weak_key_is_a_warning() -> None:
    for value in ("changeme" * 4, public(of_rsa(1_024))):
        assert key(value).advice
        assert not key(value).fatal


def test_a_key_that_signs_no_login_is_fatal() -> None:
    unusable = [
        private(of_rsa(2_048)),
        public(ec.generate_private_key(ec.SECP521R1())),
        "-----BEGIN PUBLIC KEY-----\nTUlJQg==\n-----END PUBLIC KEY-----",
    ]
    for value in unusable:
        assert key(value).fatal


async def test_the_channel_says_whose_logins_it_takes(tmp_path: Path) -> None:
    given = {"webchat_jwt_keys": {"main": SECRET}, "webchat_jwt_issuer": "https://acme.test"}
    channel = make_channel("web", tmp_path, **given, webchat_jwt_audience="support")
    assert isinstance(channel, Web)
    assert isinstance(channel, Examined)
    names, found, embedding = await channel.examine()
    assert names.what == "Logins are taken from the issuer https://acme.test, for the audience support."
    assert "key main" in found.what
    assert embedding.what == "The chat may be embedded by no other website."
    none, _ = await make_channel("web", tmp_path, webchat_jwt_keys={}).examine()  # type: ignore[attr-defined]
    assert "anonymous" in none.what
