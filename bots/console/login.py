"""Who is at the console: one token signs in, a signed cookie keeps the session, and guessing is stopped."""

import hashlib
import hmac
import secrets
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import jwt
from jwt.types import Options

ADMIN = "admin"  # who the token signs in as
COOKIE = "throughline_console"
LIFE = timedelta(hours=12)
WRONG_TOKENS = 8
WITHIN = timedelta(minutes=15)


class TooManyTries(Exception):
    """Too many wrong tokens came in, from wherever; nobody can sign in for a while."""


@dataclass(kw_only=True)
class Doorkeeper:
    """Checks tokens and sessions. `secret` signs; a new token ends every session."""

    token: str
    secret: bytes
    now: Callable[[], datetime]
    _wrong: deque[datetime] = field(default_factory=deque)
    _ended: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._key = hmac.new(self.secret, self.token.encode(), hashlib.sha256).digest()

    def signs_in(self, given: str) -> bool:
        """Whether this is the token. Raises TooManyTries."""
        while self._wrong and self.now() - self._wrong[0] > WITHIN:
            self._wrong.popleft()
        if len(self._wrong) >= WRONG_TOKENS:
            raise TooManyTries
        right = hmac.compare_digest(given.encode(), self.token.encode())
        if not right:
            self._wrong.append(self.now())
        return right

    def session(self, agent: str) -> str:
        """A new session's cookie."""
        claims = {"sub": agent, "exp": int((self.now() + LIFE).timestamp()), "jti": secrets.token_hex(16)}
        return jwt.encode(claims, self._key, algorithm="HS256")

    def agent(self, cookie: str) -> str:
        """The colleague whose session this is, or ""."""
        claims = self._claims(cookie)
        return claims["sub"] if claims else ""

    def ends(self, cookie: str) -> None:
        """Ends a session, also for whoever has copied its cookie."""
        claims = self._claims(cookie)
        if claims:
            self._ended.add(claims["jti"])

    def _claims(self, cookie: str) -> dict[str, Any] | None:
        """What a cookie says, while it is good. The time is checked by the clock that was handed in."""
        options: Options = {"require": ["sub", "exp", "jti"], "verify_exp": False}
        try:
            claims = jwt.decode(cookie, self._key, algorithms=["HS256"], options=options)
        except jwt.InvalidTokenError:
            return None
        is_good = claims["exp"] > self.now().timestamp() and claims["jti"] not in self._ended
        return claims if is_good else None


def is_same_origin(headers: Mapping[str, str], base_url: str) -> bool:
    """Whether a POST comes from our own page. One without any of these headers comes from no browser."""
    site = headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return False
    source = headers.get("origin") or headers.get("referer")
    return source is None or _authority(source) in {_authority(base_url), headers.get("host")}


def _authority(url: str) -> str:
    return url.partition("://")[2].partition("/")[0]
