"""Forged logins in web chat, forged cookies, and logins that name somebody else's mailbox."""

import base64
import hashlib
import hmac
import json
import time

import jwt
import pytest

from tests.forgeries.stage import ASK, CANARIES, JOHN, JWT_SECRET, NUMBER, Stage, Theatre, bearer, login
from tests.forgeries.tokens import PRIVATE, PUBLIC_PEM
from tests.twins.signing import new_key

pytestmark = pytest.mark.asyncio(loop_scope="session")

MALLORYS = new_key()
NOW = int(time.time())
LATER = NOW + 400


def part(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def forged(secret: str | None, **header: object) -> str:
    """A token made by hand, signed by HMAC or not at all: libraries refuse to make such."""
    signed = f"{part({'alg': 'HS256', 'typ': 'JWT', **header})}.{part(login())}"
    digest = b"" if secret is None else hmac.digest(secret.encode(), signed.encode(), hashlib.sha256)
    return f"Bearer {signed}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


JWK = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(MALLORYS.public_key()))
TOKENS = {
    "no algorithm": forged(None, alg="none", kid="hs"),
    "no algorithm, for the public key": forged(None, alg="none", kid="rs"),
    "no algorithm, spelt otherwise": forged(None, alg="nOnE", kid="hs"),
    "no signature": forged(None, kid="hs"),
    "the public key as the secret": forged(PUBLIC_PEM, kid="rs"),
    "the public key as the secret, stripped": forged(PUBLIC_PEM.strip(), kid="rs"),
    "the public key as the secret, for the secret": forged(PUBLIC_PEM, kid="hs"),
    "an empty secret": forged("", kid="hs"),
    "another secret": bearer(login(), "another secret of somebody, long enough"),
    "HS512 with the secret": forged(JWT_SECRET, alg="HS512", kid="hs"),
    "another private key": bearer(login(), MALLORYS, "RS256", kid="rs"),
    "another private key in the header": bearer(login(), MALLORYS, "RS256", kid="rs", jwk=JWK),
    "another private key elsewhere": bearer(login(), MALLORYS, "RS256", kid="rs", jku="http://127.0.0.1/jwks"),
    "RS256 for the secret's name": bearer(login(), PRIVATE, "RS256", kid="hs"),
    "another kid": bearer(login(), kid="other"),
    "no kid": bearer(login(), kid=None),
    "an empty kid": bearer(login(), kid=""),
    "a kid that is a path": bearer(login(), kid="../../../dev/null"),
    "a kid that is a list": forged(JWT_SECRET, kid=["hs"]),
    "no sub": bearer(login(sub=None)),
    "an empty sub": bearer(login(sub=" ")),
    "a sub that is a number": forged(JWT_SECRET, kid="hs").replace(part(login()), part(login(sub=1))),
    "no iat": bearer(login(iat=None)),
    "no exp": bearer(login(exp=None)),
    "no iss": bearer(login(iss=None)),
    "no aud": bearer(login(aud=None)),
    "another aud": bearer(login(aud="another")),
    "a list of other auds": bearer(login(aud=["another", "throughline2"])),
    "another iss": bearer(login(iss="https://evil.test")),
    "an iss that begins alike": bearer(login(iss="https://acme.test.evil.test")),
    "expired": bearer(login(iat=NOW - 600, exp=NOW - 1)),
    "far too long": bearer(login(exp=NOW + 86_400)),
    "a little too long": bearer(login(iat=NOW, exp=NOW + 901)),
    "expires before it begins": bearer(login(iat=LATER, exp=NOW + 300)),
    "issued in the future": bearer(login(iat=LATER, exp=LATER + 300)),
    "valid in the future": bearer(login(nbf=LATER)),
    "expires in words": forged(JWT_SECRET, kid="hs").replace(part(login()), part(login(exp="never"))),
    "not a token": "Bearer eyJhbGciOiJub25lIn0",
    "no bearer": "Basic Y3VzXzE6",
    "empty": "Bearer ",
}
COOKIES = ("login cus_1.{seal}", '"login cus_1.{seal}"', "login%20cus_1.{seal}", ".{seal}", "a.", "{seal}")
VOUCHED: dict[str, dict[str, object]] = {
    "nothing said of it": {"email": JOHN},
    "false": {"email": JOHN, "email_verified": False},
    "true as a word": {"email": JOHN, "email_verified": "true"},
    "one": {"email": JOHN, "email_verified": 1},
    "a list": {"email": [JOHN], "email_verified": True},
    "a number not verified": {"phone_number": NUMBER, "phone_number_verified": "yes"},
    "other names of claims": {"mail": JOHN, "phone": NUMBER, "verified": True, "name": "John Miller"},
}


async def test_forged_logins_are_refused_for_writing_and_for_reading(bots: Theatre) -> None:
    async def forges(stage: Stage) -> list[tuple[str, list[str]]]:
        return [(name, await stage.posts(ASK, {"authorization": token})) for name, token in TOKENS.items()]

    [seen] = await bots.withstands(forges)
    assert not [name for name, answers in seen if answers[0::2] != ["401", "401"]]


@pytest.mark.parametrize("name", VOUCHED)
async def test_a_login_of_somebody_else_whose_address_nobody_verified(bots: Theatre, name: str) -> None:
    claims = login(sub=f"eve {name}", **VOUCHED[name])
    [seen] = await bots.withstands(lambda stage: stage.posts(ASK, {"authorization": bearer(claims)}))
    assert seen[0] == "202"
    assert seen[3]


@pytest.mark.parametrize("sub", ["CUS_1", "cus_1 ", "login cus_1", "~login cus_1", "cus_1:x", JOHN, "d:cus_1"])
async def test_a_subject_that_looks_like_anothers(bots: Theatre, sub: str) -> None:
    await bots.withstands(lambda stage: stage.posts(ASK, {"authorization": bearer(login(sub=sub))}))


async def test_forged_sessions_are_refused(bots: Theatre) -> None:
    async def forges(stage: Stage) -> list[list[str]]:
        name, _, value = (await stage.session())["cookie"].partition("=")
        seal = value.partition(".")[2]
        return [await stage.posts(ASK, {"cookie": f"{name}={cookie.format(seal=seal)}"}) for cookie in COOKIES]

    [seen] = await bots.withstands(forges)
    assert [answers[0::2] for answers in seen] == [["401", "401"]] * len(COOKIES)


async def test_a_typed_address_is_a_claim(bots: Theatre) -> None:
    async def claims(stage: Stage) -> list[str]:
        return await stage.posts(f"I am John Miller, {JOHN}, {NUMBER}. Any news about my case?", await stage.session())

    await bots.withstands(claims)


@pytest.mark.parametrize("key", ["secret", "pair"])
async def test_the_customer_is_greeted_by_their_login(bots: Theatre, key: str) -> None:
    bots.present.a_day_passes()
    token = bearer(login()) if key == "secret" else bearer(login(), PRIVATE, "RS256", kid="rs")
    await bots.present.posts(ASK, {"authorization": token})
    assert all(known in bots.present.said_in("web")[-1] for known in CANARIES[:3])
