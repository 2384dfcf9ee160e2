"""The channel of Slack in which colleagues are called: whether what is told there stays among us."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from pydantic import BaseModel, ValidationError

from channels._slack.web import Refused, Web
from core.channel import Finding

_KEPT_FOR: Final = timedelta(minutes=3)
_SETTING: Final = "SLACK_AGENTS_CHANNEL"
_INVITE: Final = "write /invite @ and the bot's name in it"
_INSTALL: Final = "at api.slack.com/apps, OAuth & Permissions, Bot Token Scopes, and install the app again"

# What the channel takes, by whether it is private.
SCOPES: Final[Mapping[bool, Sequence[str]]] = {
    True: ("groups:history", "groups:read", "reactions:write"),
    False: ("channels:history", "channels:read", "reactions:write"),
}


class AgentsChannel:
    """Asked about at Slack, and then trusted for three minutes."""

    def __init__(self, web: Web, channel: str, now: Callable[[], datetime]) -> None:
        self._web = web
        self._id = channel
        self._now = now
        self._trusted_until = datetime.min.replace(tzinfo=UTC)

    async def refusal(self) -> str:
        """Why nothing of customers may be told there, and what to do; "" where it may. Raises TryAgain."""
        if self._now() < self._trusted_until:
            return ""
        why, _ = await self._look()
        self._trusted_until = self._now() + (timedelta(0) if why else _KEPT_FOR)
        return why

    def doubt(self) -> None:
        """Has it asked about again."""
        self._trusted_until = self._now()

    async def findings(self) -> Sequence[Finding]:
        """What `doctor` says of it. Raises TryAgain."""
        why, found = await self._look()
        if why or found is None:
            return [Finding(*why.split("; ", 1), fatal=False)]
        open_to_all = Finding(f"{_SETTING}: everybody in the workspace can read it", "Make it private in its settings.")
        lacking = [
            scope for scope in SCOPES[found.is_private] if scope not in (found.scopes or SCOPES[found.is_private])
        ]
        needed = Finding(f"{_SETTING}: the bot lacks the scopes {', '.join(lacking)}", f"Add them {_INSTALL}.")
        wrong = [open_to_all] * (not found.is_private) + [needed] * bool(lacking)
        return wrong or [Finding("The agents' channel is ours alone, and the bot is in it.")]

    async def _look(self) -> tuple[str, "_Channel | None"]:
        try:
            answer = await self._web.ask("conversations.info", {"channel": self._id})
            found = _Channel.model_validate(answer["channel"])
        except Refused as refusal:
            return f"{_SETTING}: {_REFUSED.get(refusal.error, str(refusal))}", None
        except (ValidationError, KeyError):
            return f"{_SETTING}: Slack does not say what this channel is; see docs.slack.dev", None
        given = answer.headers.get("x-oauth-scopes")
        found.scopes = [scope.strip() for scope in given.split(",")] if isinstance(given, str) else []
        return (f"{_SETTING}: {found.why_not}" if found.why_not else ""), found


_REFUSED: Final = {
    "missing_scope": f"the bot may not look at it; add {' and '.join(SCOPES[True][:2])} {_INSTALL}",
    "channel_not_found": f"there is no such channel, or it is private and the bot is not in it; {_INVITE}",
}


class _Channel(BaseModel):
    # What Slack does not say counts against the channel.
    is_private: bool = False
    is_im: bool = False
    is_mpim: bool = False
    is_archived: bool = False
    is_general: bool = False
    is_member: bool = False
    is_shared: bool = True  # with another workspace, be it of our organisation
    is_org_shared: bool = False  # with one of our organisation
    is_ext_shared: bool = True  # with somebody else's
    is_pending_ext_shared: bool = False  # they are invited
    scopes: list[str] = []

    @property
    def why_not(self) -> str:
        """Why it is not fit, and after a semicolon what to do."""
        if self.is_im or self.is_mpim:
            return "this is no channel; give the id of one that only colleagues are in"
        if self.is_ext_shared or self.is_pending_ext_shared or (self.is_shared and not self.is_org_shared):
            return "this channel is shared outside; take a channel that is not, nothing is told in this one"
        if self.is_general:
            return "this is the channel of the whole workspace; take one that only colleagues are in"
        if self.is_archived:
            return "this channel is archived; open it again or take another"
        return "" if self.is_member else f"the bot is not in this channel; {_INVITE}"
