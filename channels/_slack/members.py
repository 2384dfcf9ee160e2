"""Whom Slack vouches for: full members of our own workspace or organisation, by the email that they confirmed.

Source: https://docs.slack.dev/reference/objects/user-object
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

from pydantic import BaseModel, Field
from slack_sdk.web.async_client import AsyncWebClient

_KEPT_FOR = timedelta(hours=2)


class Members:
    """The confirmed email of each member, asked for once and then known for two hours."""

    def __init__(self, web: AsyncWebClient, now: Callable[[], datetime]) -> None:
        self._web = web
        self._now = now
        self._home: frozenset[str] = frozenset()
        self._known: dict[str, tuple[datetime, str]] = {}  # until when, and the email
        self._asking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def email(self, home: str, user: str) -> str:
        """The email that our workspace vouches for; "" where it vouches for none.

        Raises what Slack's client raises, and ValidationError.
        """
        if home not in await self._our_home():
            return ""
        async with self._asking.setdefault(user, asyncio.Lock()):
            until, email = self._known.get(user, (self._now(), ""))
            return email if self._now() < until else await self._ask(user)

    async def is_full(self, home: str, user: str) -> bool:
        """Whether somebody is a full member of our workspace at this moment: no guest, no stranger, no bot.

        Raises as `email` does.
        """
        ours = await self._our_home()
        return home in ours and (await self._look_up(user)).is_full(ours)

    async def _our_home(self) -> frozenset[str]:
        """The workspace that our token is of, and its organisation."""
        if not self._home:
            ours = _Token.model_validate((await self._web.auth_test()).data)
            self._home = frozenset(filter(None, (ours.team_id, ours.enterprise_id)))
        return self._home

    async def _ask(self, user: str) -> str:
        email = (await self._look_up(user)).confirmed_email(await self._our_home())
        now = self._now()
        fresh = {other: kept for other, kept in self._known.items() if now < kept[0]}
        self._known = fresh | {user: (now + _KEPT_FOR, email)}
        return email

    async def _look_up(self, user: str) -> "_User":
        return _User.model_validate((await self._web.users_info(user=user))["user"])


class _Token(BaseModel):
    team_id: str
    enterprise_id: str | None = None


class _Profile(BaseModel):
    email: str | None = None


class _InOrganisation(BaseModel):
    enterprise_id: str | None = None


class _User(BaseModel):
    # What Slack does not say counts against the user.
    team_id: str | None = None
    enterprise_user: _InOrganisation | None = None
    deleted: bool = False
    is_bot: bool = True
    is_stranger: bool = False  # of another organisation, in a channel that is shared with it
    is_restricted: bool = True  # a guest
    is_ultra_restricted: bool = True  # a guest of one channel
    is_email_confirmed: bool = False
    profile: _Profile = Field(default_factory=_Profile)

    def is_full(self, home: frozenset[str]) -> bool:
        organisation = self.enterprise_user.enterprise_id if self.enterprise_user else None
        is_guest = self.is_restricted or self.is_ultra_restricted
        is_ours = not self.is_stranger and not home.isdisjoint((self.team_id, organisation))
        return is_ours and not (is_guest or self.is_bot or self.deleted)

    def confirmed_email(self, home: frozenset[str]) -> str:
        if not self.is_full(home) or not self.is_email_confirmed:
            return ""
        return (self.profile.email or "").strip().lower()
