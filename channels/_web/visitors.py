"""Who is behind a request: a session of ours, or a customer whom the business signed in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from channels._web.logins import Logins
from channels._web.sessions import HEADER, Session, Sessions, cookie, token_in_cookie
from core.errors import Unverified
from core.messages import Raw, Voucher


@dataclass(frozen=True, kw_only=True, slots=True)
class Visitor:
    """`until` is when what they showed is worth nothing any more. `subject` is "" for those who did not sign in."""

    conversation: str
    until: datetime
    subject: str = ""
    vouchers: tuple[Voucher, ...] = ()


class Visitors:
    """Knows visitors by a token of the business, by the header of a page that embeds us, or by our cookie.

    The first of them that is there decides alone: a bad one never falls back to the next.
    """

    def __init__(self, sessions: Sessions, logins: Logins, *, secure: bool) -> None:
        self._sessions = sessions
        self._logins = logins
        self._secure = secure

    def of(self, raw: Raw) -> Visitor:
        """Raises Unverified."""
        authorization = raw.headers.get("authorization")
        if authorization is not None:
            login = self._logins.read(authorization, raw.received_at)
            conversation = f"login {login.subject}"
            return Visitor(conversation=conversation, until=login.until, subject=login.subject, vouchers=login.vouchers)
        session = self.session(raw)
        if session is None:
            raise Unverified("no chat session: open /chat first, or send Authorization: Bearer", status=401)
        return Visitor(conversation=session.name, until=session.until)

    def session(self, raw: Raw) -> Session | None:
        """The session that a request goes on with."""
        header = raw.headers.get(HEADER)
        return self._sessions.read(token_in_cookie(raw.headers) if header is None else header, raw.received_at)

    def renewal(self, raw: Raw) -> Mapping[str, str]:
        """Headers of an answer: a session in use goes on, and a login leaves the browser's session behind."""
        session, now = self.session(raw), raw.received_at
        if session is None:
            return {}
        if "authorization" in raw.headers:
            return {} if HEADER in raw.headers else self.cookie(now)
        token = self._sessions.renewed(session, now)
        if not token:
            return {}
        return {HEADER: token} if HEADER in raw.headers else {"set-cookie": cookie(token, secure=self._secure)}

    def cookie(self, now: datetime) -> Mapping[str, str]:
        """The header that gives a browser a session of its own."""
        return {"set-cookie": cookie(self._sessions.opened(now), secure=self._secure)}
