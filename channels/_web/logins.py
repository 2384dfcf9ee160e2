"""Logins: tokens by which the business vouches, for 15 minutes at most, for a customer who signed in on its website."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jwt

from core.errors import Unverified
from core.messages import Voucher

_LONGEST: Final = timedelta(minutes=15)
_LEEWAY: Final = timedelta(seconds=30)  # by which the business's clock may be ahead
_LONGEST_SUBJECT: Final = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """Who signed in, until when, and what the business vouches for."""

    subject: str
    until: datetime
    vouchers: tuple[Voucher, ...]


class Logins:
    """Reads tokens signed by one of these keys, from one issuer and for one audience."""

    def __init__(self, keys: Mapping[str, str], *, issuer: str, audience: str) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience

    def read(self, authorization: str, now: datetime) -> Login:
        """The login in an Authorization header. Raises Unverified."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise Unverified("Authorization must be Bearer and a token", status=401)
        claims = self._claims(token.strip())
        return Login(subject=_subject(claims), until=_until(claims, now), vouchers=_vouchers(claims))

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            key, algorithms = self.key(jwt.get_unverified_header(token))
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=algorithms,
                audience=self._audience,
                issuer=self._issuer,
                # The times are checked below, by the clock that was handed in.
                options={
                    "require": ["exp", "iat", "sub", "iss", "aud"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except (jwt.InvalidTokenError, jwt.InvalidKeyError, ValueError, TypeError) as error:
            raise Unverified(f"the token is refused: {error}", status=401) from None
        return claims

    def key(self, header: Mapping[str, Any]) -> tuple[str, list[str]]:
        """The key that a token names. Its kind alone decides the algorithm: the token cannot choose."""
        kid = header.get("kid")
        key = self._keys.get(kid) if isinstance(kid, str) else None
        if key is None:
            raise jwt.InvalidTokenError("its kid is not one of WEBCHAT_JWT_KEYS")
        return key, ["RS256", "ES256", "EdDSA"] if key.lstrip().startswith("-----BEGIN") else ["HS256"]


def _subject(claims: Mapping[str, Any]) -> str:
    subject = claims["sub"]
    if not isinstance(subject, str) or not subject.strip() or len(subject) > _LONGEST_SUBJECT:
        raise Unverified(f"the token is refused: sub must have 1 to {_LONGEST_SUBJECT} characters", status=401)
    return subject


def _until(claims: Mapping[str, Any], now: datetime) -> datetime:
    try:
        issued, expires = (datetime.fromtimestamp(float(claims[name]), UTC) for name in ("iat", "exp"))
        begins = datetime.fromtimestamp(float(claims.get("nbf", claims["iat"])), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        raise Unverified("the token is refused: iat and exp must be numbers", status=401) from None
    if not timedelta(0) < expires - issued <= _LONGEST:
        raise Unverified("the token is refused: it may live for 15 minutes at most", status=401)
    if expires <= now or max(issued, begins) > now + _LEEWAY:
        raise Unverified("the token is refused: it is expired, or not valid yet", status=401)
    return expires


def _vouchers(claims: Mapping[str, Any]) -> tuple[Voucher, ...]:
    """An email or phone of a token counts only where the business says that it verified it."""
    found = []
    for claim, verified in (("email", "email_verified"), ("phone_number", "phone_number_verified")):
        value = claims.get(claim)
        if isinstance(value, str) and value.strip() and claims.get(verified) is True:
            kind = "email" if claim == "email" else "phone"
            found.append(Voucher(key=f"{kind}:{value.strip().lower()}", person=claims["sub"]))
    return tuple(found)
