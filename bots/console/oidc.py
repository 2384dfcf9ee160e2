"""OpenID Connect: the authorization code flow with PKCE, state and nonce, and ID tokens that are verified.

The provider is asked for its addresses and keys at each sign-in, so that new keys count at once.
"""

import re
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import urlsplit

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from bots.console.by_provider import Begun, NotVouchedFor, Vouched, discovery
from bots.console.seal import Seal
from core.accounts import Provided

_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
_PATIENCE = 5.0  # seconds for one answer
_LEEWAY = 60  # seconds that clocks may differ
_LIFE = timedelta(minutes=10)  # of a sign-in there
_LONGEST_SUBJECT = 255
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_PLAIN = re.compile(r"[a-z_]{1,40}")

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class OpenIdProvider:
    """A provider of OpenID Connect. `back` is our address that it sends people to; for the rest see by_provider.py."""

    issuer: str
    client_id: str
    client_secret: str
    back: str
    seal: Seal
    now: Callable[[], datetime]

    async def begins(self, to: str) -> Begun:
        kept = {"state": _chance(), "nonce": _chance(), "verifier": _chance(48), "to": to}
        async with self._asking() as client:
            there = _address(await self._metadata(client), "authorization_endpoint")
            address, _ = client.create_authorization_url(
                there, state=kept["state"], nonce=kept["nonce"], code_verifier=kept["verifier"]
            )
        return Begun(address=address, ticket=self.seal.ticket(kept, until=self.now() + _LIFE))

    async def ends(self, answer: Mapping[str, str], ticket: str) -> Vouched:
        kept = self.seal.fields(ticket, now=self.now())
        if kept is None:
            raise NotVouchedFor("nobody began it in this browser, or too long ago")
        if not secrets.compare_digest(answer.get("state", "").encode(), kept["state"].encode()):
            raise NotVouchedFor("the state is not the one that we gave")
        if answer.get("iss", self.issuer) != self.issuer:
            raise NotVouchedFor("the answer is another issuer's")
        if not answer.get("code"):
            raise NotVouchedFor(f"the provider said {_plain(answer.get('error'))}")
        return Vouched(who=await self._exchanged(answer["code"], kept), to=kept["to"])

    async def _exchanged(self, code: str, kept: Mapping[str, str]) -> Provided:
        async with self._asking() as client:
            metadata = await self._metadata(client)
            client.token_endpoint_auth_method = _method(metadata)
            token: Json = await client.fetch_token(
                _address(metadata, "token_endpoint"),
                grant_type="authorization_code",
                code=code,
                code_verifier=kept["verifier"],
            )
            keys = await self._json(client, _address(metadata, "jwks_uri"), withhold_token=True)
            claims = self._verified(str(token.get("id_token")), keys, kept["nonce"])
            if "email" not in claims and "userinfo_endpoint" in metadata:
                told = await self._json(client, _address(metadata, "userinfo_endpoint"))
                claims = {**claims, **_about(told, claims["sub"])}
        return Provided(issuer=self.issuer, subject=claims["sub"], email=_email(claims))

    def _verified(self, token: str, keys: Json, nonce: str) -> Json:
        wanted = jwt.JWTClaimsRegistry(
            now=int(self.now().timestamp()),
            leeway=_LEEWAY,
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": self.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            claims = jwt.decode(token, KeySet.import_key_set(cast("Any", keys)), algorithms=_ALGORITHMS).claims
            wanted.validate(claims)
        except JoseError as error:
            raise NotVouchedFor(f"the token does not pass ({_plain(error.error)})") from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:  # keys that are no keys
            raise NotVouchedFor(f"the token cannot be checked ({type(error).__name__})") from None
        audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        if claims.get("azp", self.client_id) != self.client_id or (len(audience) > 1 and "azp" not in claims):
            raise NotVouchedFor("the token is for somebody else too")
        if len(claims["sub"]) > _LONGEST_SUBJECT:
            raise NotVouchedFor("the subject is too long")
        return claims

    async def _metadata(self, client: AsyncOAuth2Client) -> Json:
        metadata = await self._json(client, discovery(self.issuer), withhold_token=True)
        if metadata.get("issuer") != self.issuer:
            raise NotVouchedFor("the provider calls itself otherwise than OIDC_ISSUER does")
        return metadata

    async def _json(self, client: AsyncOAuth2Client, address: str, *, withhold_token: bool = False) -> Json:
        answer = await client.request("GET", address, withhold_token=withhold_token)
        read = answer.raise_for_status().json()
        if not isinstance(read, dict):
            raise NotVouchedFor("the provider's answer cannot be read")
        return read

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[AsyncOAuth2Client]:
        try:
            async with AsyncOAuth2Client(
                client_id=self.client_id,
                client_secret=self.client_secret,
                redirect_uri=self.back,
                scope="openid email",
                code_challenge_method="S256",
                timeout=_PATIENCE,
            ) as client:
                yield client
        except httpx2.HTTPStatusError as error:
            raise NotVouchedFor(f"the provider answered with HTTP {error.response.status_code}") from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise NotVouchedFor(f"the provider cannot be reached ({type(error).__name__})") from None
        except OAuthError as error:
            raise NotVouchedFor(f"the provider said {_plain(error.error)}") from None
        except ValueError as error:
            raise NotVouchedFor(f"the provider's answer cannot be read ({type(error).__name__})") from None


def _method(metadata: Json) -> str:
    known = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    return "client_secret_basic" if "client_secret_basic" in known else "client_secret_post"


def _address(metadata: Json, name: str) -> str:
    address = metadata.get(name)
    where = urlsplit(address) if isinstance(address, str) else None
    if where is None or (where.scheme != "https" and where.hostname not in _LOOPBACK):
        raise NotVouchedFor(f"the provider's {name} is no address with encryption")
    return str(address)


def _about(told: Json, subject: str) -> Json:
    """What the provider tells of somebody beside the token."""
    if told.get("sub") != subject:
        raise NotVouchedFor("the provider told of somebody else")
    return {name: told[name] for name in ("email", "email_verified") if name in told}


def _email(claims: Json) -> str:
    """The address, if the provider has verified it."""
    email = claims.get("email")
    if not isinstance(email, str) or claims.get("email_verified") is not True:
        return ""
    return email.strip().lower() if email.isascii() and email.isprintable() else ""


def _plain(said: object) -> str:
    """An error's name; anything else may be whatever somebody put into the address."""
    return said if isinstance(said, str) and _PLAIN.fullmatch(said) else "nothing that we know"


def _chance(count: int = 32) -> str:
    return secrets.token_urlsafe(count)
