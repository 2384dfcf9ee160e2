"""What the twin's workspace knows of its channels: who is in them, what stands there, the forms over
them; and of its people."""

import asyncio

from tests.twins.slack_workspace import AGENTS, BOT, CHANNEL, JSON, TEAM, Workspace


class Refused(Exception):
    """An answer with `ok: false` and this error."""


class Rooms(Workspace):
    """Channels and people, by the methods of the Web API that are about them."""

    def __init__(self) -> None:
        super().__init__()
        self.members = {CHANNEL: {BOT, "U1ANN", "U2BEN"}, AGENTS: {BOT, "U1ANN", "U2BEN", "U3EVE"}}
        self.channels: dict[str, JSON] = {}  # what is unusual about each
        self.forms: asyncio.Queue[JSON] = asyncio.Queue()  # the views that were opened
        self.reactions: asyncio.Queue[JSON] = asyncio.Queue()
        self.shown: dict[str, JSON] = {}  # messages by their ts, as they look now
        self.users: dict[str, JSON] = {BOT: {"is_bot": True}, "U1ANN": {}, "U2BEN": {}}  # what is unusual about each
        self.asked: list[str] = []  # users.info, for whom
        self.left_out = ""  # a field that users.info and conversations.info do not give
        self._reacted: list[JSON] = []

    def readers(self, channel: str) -> set[str]:
        """Who is in a channel."""
        if channel.startswith("DU"):
            return {BOT, channel[1:]}
        if channel not in self.members:
            raise Refused("channel_not_found")
        return self.members[channel]

    def channel(self, arguments: JSON) -> JSON:
        """conversations.info."""
        channel = arguments["channel"]
        usual = {
            "id": channel,
            "is_channel": True,
            "is_member": BOT in self.readers(channel),
            **dict.fromkeys(("is_im", "is_mpim", "is_archived", "is_general"), False),
            **dict.fromkeys(("is_shared", "is_org_shared", "is_ext_shared", "is_pending_ext_shared"), False),
            "is_private": True,
        }
        known = usual | self.channels.get(channel, {})
        if known["is_private"] and not known["is_member"]:
            raise Refused("channel_not_found")
        return {"channel": {name: value for name, value in known.items() if name != self.left_out}}

    def history(self, arguments: JSON) -> JSON:
        """conversations.history, the newest first; what stands in threads is not in it."""
        return self._listed([post for post in reversed(self.shown.values()) if "thread_ts" not in post], arguments)

    def replies(self, arguments: JSON) -> JSON:
        """conversations.replies of one thread, the oldest first."""
        thread = arguments["ts"]
        return self._listed([post for post in self.shown.values() if post.get("thread_ts") == thread], arguments)

    def _listed(self, posts: list[JSON], arguments: JSON) -> JSON:
        if BOT not in self.readers(arguments["channel"]):
            raise Refused("not_in_channel")
        first, last = float(arguments.get("oldest", 0)), float(arguments.get("latest", "inf"))
        here = [post for post in posts if post["channel"] == arguments["channel"]]
        found = [post for post in here if first <= float(post["ts"]) <= last]
        hidden = () if arguments.get("include_all_metadata") == "true" else ("metadata",)
        shown = [{name: value for name, value in post.items() if name not in hidden} for post in found]
        limit = int(arguments.get("limit", 100))
        return {"messages": shown[:limit], "has_more": len(shown) > limit}

    def react(self, arguments: JSON) -> JSON:
        """reactions.add, once."""
        if arguments in self._reacted:
            raise Refused("already_reacted")
        self._reacted.append(arguments)
        self.reactions.put_nowait(arguments)
        return {}

    def open_form(self, arguments: JSON) -> JSON:
        """views.open, once for each trigger."""
        if arguments["trigger_id"] not in self.triggers:
            raise Refused("expired_trigger_id")
        self.triggers.remove(arguments["trigger_id"])
        self.forms.put_nowait(arguments["view"])
        return {"view": arguments["view"] | {"id": "V1"}}

    def user(self, arguments: JSON) -> JSON:
        """users.info."""
        user = arguments["user"]
        self.asked.append(user)
        if user not in self.users:
            raise Refused("user_not_found")
        usual: JSON = {
            "id": user,
            "team_id": TEAM,
            "deleted": False,
            **dict.fromkeys(("is_bot", "is_restricted", "is_ultra_restricted"), False),
            "is_email_confirmed": True,
            "profile": {"email": f"{user}@shop.test"},
        }
        known = usual | self.users[user]
        return {"user": {name: value for name, value in known.items() if name != self.left_out}}
