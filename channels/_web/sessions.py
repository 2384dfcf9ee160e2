"""Sessions of visitors who are not signed in: a name that we sealed, and when it was last used. Nothing is stored."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.cookies import CookieError, SimpleCookie
from typing import Final

COOKIE: Final = "throughline_chat"
HEADER: Final = "x-chat-session"  # of pages that are not ours, to which browsers send no cookie of ours
_IDLE: Final = timedelta(hours=24)
_STALE: Final = timedelta(hours=1)  # a session in use is sealed anew after this
_TOKEN: Final = re.compile(r"([\w-]{1,64})\.(\d{1,12})\.([0-9a-f]{32})", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A visitor's conversation, and when it was last sealed."""

    name: str
    sealed_at: datetime

    @property
    def until(self) -> datetime:
        """When it is over, unless it is used before."""
        return self.sealed_at + _IDLE


class Sessions:
    """Seals sessions, and knows its own seal, and those made with one of `accepted`."""

    def __init__(self, secret: bytes, accepted: Sequence[bytes] = ()) -> None:
        self._secrets = (secret, *accepted)

    def opened(self, now: datetime) -> str:
        """The token of a session that is new."""
        return self._token(secrets.token_urlsafe(18), now)

    def renewed(self, session: Session, now: datetime) -> str:
        """Its token with a new time; "" while the one that it has is young enough."""
        return self._token(session.name, now) if now - session.sealed_at >= _STALE else ""

    def read(self, token: str, now: datetime) -> Session | None:
        """The session of a token; None if it is not ours, or was idle for a day."""
        found = _TOKEN.fullmatch(token)
        if not found or not any(hmac.compare_digest(found[3], seal) for seal in self._seals(found[1], found[2])):
            return None
        session = Session(name=found[1], sealed_at=datetime.fromtimestamp(int(found[2]), UTC))
        return session if now < session.until else None

    def _token(self, name: str, now: datetime) -> str:
        stamp = str(int(now.timestamp()))
        return f"{name}.{stamp}.{self._seals(name, stamp)[0]}"

    def _seals(self, name: str, stamp: str) -> Sequence[str]:
        text = f"{name}.{stamp}".encode()
        return [hmac.new(secret, text, hashlib.sha256).hexdigest()[:32] for secret in self._secrets]


def cookie(token: str, *, secure: bool) -> str:
    """The Set-Cookie line for a token."""
    flags = f"Path=/; HttpOnly; SameSite=Lax; Max-Age={int(_IDLE.total_seconds())}"
    return f"{COOKIE}={token}; {flags}{'; Secure' if secure else ''}"


def token_in_cookie(headers: Mapping[str, str]) -> str:
    """The token that a browser sends as a cookie; "" if there is none."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""
