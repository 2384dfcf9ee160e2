"""Stands for a company's sign-in provider (OpenID Connect): discovery, authorization, token, userinfo and keys.

It refuses what a real one refuses: an address to return to that was not registered, no PKCE, a code that was used, is
another client's, or comes with the wrong verifier. What it signs can be bent, to try what we refuse.
"""

import hmac
import json
import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "console", "of the console, at the provider"
_FLOW = {"response_type": "code", "code_challenge_method": "S256", "client_id": CLIENT}

_BASIC = f"Basic {b64encode(f'{CLIENT}:{SECRET}'.encode()).decode()}"

Json = dict[str, Any]


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


_NONE, _SHARED = _text(b'{"alg":"none"}'), _text(b'{"alg":"HS256","kid":"one"}')


@dataclass
class OidcTwin:
    """`person`: whom it signs in, as claims. `bend`: changes what is signed. `trouble`: alg none, alg HS256, a
    stranger's key, 503, another name, nonsense, says no."""

    now: Callable[[], datetime]
    back: str = ""  # the address that was registered
    url: str = ""
    person: Json = field(default_factory=lambda: {"sub": "u1", "email": "bea@acme.test", "email_verified": True})
    bend: Json = field(default_factory=dict)
    told: Json | None = None  # by userinfo; then the token holds no address
    trouble: str = ""
    asked: list[str] = field(default_factory=list)
    codes: dict[str, Json] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))

    async def discovery(self, _request: web.Request) -> web.Response:
        """What it has, and where."""
        self.asked.append("discovery")
        if self.trouble == "503":
            return web.Response(status=503)
        if self.trouble == "nonsense":
            return web.json_response([])
        return web.json_response(
            {
                "issuer": "https://else.test" if self.trouble == "another name" else self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                "userinfo_endpoint": f"{self.url}/userinfo",
                "response_types_supported": ["code"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            }
        )

    async def authorize(self, request: web.Request) -> web.Response:
        """Whoever comes is `person`, and has agreed."""
        asked = request.query
        if any(asked.get(name) != value for name, value in _FLOW.items()) or asked.get("redirect_uri") != self.back:
            return web.json_response({"error": "invalid_request"}, status=400)
        if not all(asked.get(name) for name in ("state", "nonce", "code_challenge")):
            return web.json_response({"error": "invalid_request"}, status=400)
        if "openid" not in asked["scope"].split():
            return web.json_response({"error": "invalid_scope"}, status=400)
        answer = {"state": asked["state"]}
        if self.trouble == "says no":
            answer["error"] = "access_denied"
        else:
            answer["code"] = secrets.token_urlsafe(16)
            self.codes[answer["code"]] = {"nonce": asked["nonce"], "challenge": asked["code_challenge"]}
        raise web.HTTPFound(f"{self.back}?{urlencode(answer)}")

    async def token(self, request: web.Request) -> web.Response:
        """An ID token for a code, once."""
        self.asked.append("token")
        form = await request.post()
        if request.headers.get("Authorization") != _BASIC:
            return web.json_response({"error": "invalid_client"}, status=401)
        if form.get("grant_type") != "authorization_code" or form.get("redirect_uri") != self.back:
            return web.json_response({"error": "invalid_request"}, status=400)
        given = self.codes.pop(str(form.get("code")), None)
        verifier = str(form.get("code_verifier", ""))
        if given is None or given["challenge"] != _challenge(verifier):
            return web.json_response({"error": "invalid_grant"}, status=400)
        token = self._signed(given["nonce"])
        return web.json_response(
            {"id_token": token, "access_token": "of u1", "token_type": "Bearer", "expires_in": 300}
        )

    def _signed(self, nonce: str) -> str:
        at = int(self.now().timestamp())
        person = {name: value for name, value in self.person.items() if self.told is None or name == "sub"}
        claims = {"iss": self.url, "aud": CLIENT, "iat": at, "exp": at + 300, "nonce": nonce} | person | self.bend
        claims = {name: value for name, value in claims.items() if value is not None}
        said = _text(json.dumps(claims).encode())
        if self.trouble == "alg none":
            return f"{_NONE}.{said}."
        if self.trouble == "alg HS256":  # signed with the public key, as with a password
            signed = f"{_SHARED}.{said}"
            return f"{signed}.{_text(hmac.digest(self.key.as_pem(private=False), signed.encode(), 'sha256'))}"
        key = RSAKey.generate_key(2048, {"kid": "one"}) if self.trouble == "a stranger's key" else self.key
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, key)

    async def userinfo(self, request: web.Request) -> web.Response:
        """What it tells beside the token."""
        if request.headers.get("Authorization") != "Bearer of u1":
            return web.json_response({"error": "invalid_token"}, status=401)
        return web.json_response(self.told or {"sub": self.person["sub"]})

    async def keys(self, _request: web.Request) -> web.Response:
        """Its public keys."""
        return web.json_response({"keys": [self.key.as_dict(private=False) | {"use": "sig", "alg": "RS256"}]})


def _challenge(verifier: str) -> str:
    return _text(sha256(verifier.encode()).digest()) if 43 <= len(verifier) <= 128 else ""


@asynccontextmanager
async def provider(now: Callable[[], datetime]) -> AsyncIterator[OidcTwin]:
    """A provider on loopback."""
    twin = OidcTwin(now=now)
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", twin.discovery)
    app.router.add_get("/authorize", twin.authorize)
    app.router.add_post("/token", twin.token)
    app.router.add_get("/keys", twin.keys)
    app.router.add_get("/userinfo", twin.userinfo)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.addresses
    twin.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield twin
    finally:
        await runner.cleanup()
