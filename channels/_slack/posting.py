"""What we send: messages, some with buttons, files, and what shows of a button that was pressed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from channels._markdown.looking import as_page, on_any, parted
from channels._markdown.slack import MRKDWN
from channels._markdown.split import split
from channels._markdown.tree import read
from channels._slack.objects import Press
from channels._slack.reading import Place
from channels._slack.uploading import SHARED_BY, share
from channels._slack.web import UNSHOWN, Refused, Web
from core.channel import Look
from core.messages import Attachment, Reply

TEXT_LIMIT: Final = 3_000  # characters in one block of text
_MOST_BUTTONS, _LONGEST_LABEL, _LONGEST_VALUE = 25, 75, 2_000
_SLACKS_OWN: Final = ("hooks.slack.com", "hooks.slack-gov.com")
_REMEMBERED: Final = 1_000
_LOOKED_BACK: Final = 200  # messages of a conversation
_SKEW: Final = timedelta(minutes=2)  # by which clocks may differ

_Block = dict[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Post:
    """One call of Slack's Web API. `instead` is what goes to the customer directly if the channel cannot show it; where
    nothing is said to the channel, that is all there is."""

    method: str  # chat.postMessage | chat.postEphemeral
    payload: Mapping[str, object]
    instead: Mapping[str, object] = field(default_factory=dict)
    user: str = ""  # for whom `instead` is
    files: tuple[Attachment, ...] = ()  # are shown in place of a text


def render(reply: Reply) -> Sequence[Post]:
    """Messages of at most 3,000 characters of mrkdwn, the buttons under the last; ephemeral where others read.

    Slack shows an ephemeral message only to somebody who is there, and keeps none: who asked the bot a moment ago is,
    but a colleague may answer hours later, and then it goes by direct message.
    """
    parts = list(split(read(reply.text), MRKDWN.show, TEXT_LIMIT))
    last = len(parts) - 1
    posts = [_post(reply, part, text, _blocks(reply, text) if part == last else {}) for part, text in enumerate(parts)]
    return [*posts, _shared(reply)] if reply.files else posts


def look(reply: Reply) -> Look:
    """How a reply will look. What was asked where others read is answered directly."""
    parts = list(split(read(reply.text), MRKDWN.show, TEXT_LIMIT))
    direct = ["Others read that channel, so it goes by direct message."] if "ephemeral" in reply.route else []
    remarks = [*parted(len(parts), "messages"), *direct, *on_any(reply.text)]
    return Look(messages=parts, page=as_page(reply.text, reply.language), remarks=remarks)


def _shared(reply: Reply) -> Post:
    """The files, below the text. Nothing of that kind is ephemeral, so where others read it goes directly."""
    if "ephemeral" in reply.route:
        return Post(method=SHARED_BY, payload={}, user=reply.route["user"], files=reply.files)
    named = {"channel_id": "channel", "thread_ts": "thread_ts"}
    place = {name: reply.route[key] for name, key in named.items() if key in reply.route}
    return Post(method=SHARED_BY, payload=place, files=reply.files)


def _post(reply: Reply, part: int, text: str, blocks: _Block) -> Post:
    place = {key: reply.route[key] for key in ("channel", "thread_ts") if key in reply.route}
    mark = {"event_type": "throughline_reply", "event_payload": {"id": reply.id, "part": part}}
    message = {"text": text, "unfurl_links": False, "unfurl_media": False, "metadata": mark} | blocks
    if "ephemeral" not in reply.route:
        return Post(method="chat.postMessage", payload={**place, **message})
    user = reply.route["user"]
    if reply.sender == "agent":
        return Post(method="chat.postMessage", payload={}, instead=message, user=user)
    shown = {**place, "user": user, "text": text, **blocks}
    return Post(method="chat.postEphemeral", payload=shown, instead=message, user=user)


def _blocks(reply: Reply, text: str) -> _Block:
    """The text with buttons below. It says what they do, so one that does not fit can be missing."""
    route = reply.route
    pressable = [c for c in reply.choices if c.label and 0 < len(c.says) <= _LONGEST_VALUE][:_MOST_BUTTONS]
    if not pressable or "user" not in route or "home" not in route:
        return {}
    place = Place(route["home"], route["user"], route["channel"], route.get("thread_ts", ""))
    buttons = [
        {"type": "button", "action_id": f"choice-{n}", "text": _plain(choice.label), "value": choice.says}
        for n, choice in enumerate(pressable)
    ]
    return {"blocks": [_section(text), {"type": "actions", "block_id": place.block_id(reply.id), "elements": buttons}]}


def _section(text: str) -> _Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, "expand": True}


def _plain(label: str) -> _Block:
    return {"type": "plain_text", "text": label[:_LONGEST_LABEL], "emoji": False}


class Posting:
    """Sends. Of ephemeral messages with buttons it remembers the text, since Slack does not."""

    def __init__(self, web: Web, api_url: str) -> None:
        self._web = web
        self._api_url = api_url
        self._api = urlsplit(api_url)
        self._ephemeral: dict[str, str] = {}  # block id, and the text above it
        self._settled: dict[str, str] = {}  # the block ids of what was pressed
        self._direct: dict[str, str] = {}  # users, and their direct messages

    async def send(self, wire: Post) -> str:
        """Posts it; returns Slack's `ts` of it, or the id of the first file. Raises TryAgain or Undeliverable."""
        if wire.files:
            where = wire.payload or {"channel_id": await self._channel_of(wire.user)}
            return await share(self._web, self._api_url, wire.files, where)
        if not wire.payload:
            return await self._directly(wire)
        try:
            answer = await self._web.call(wire.method, wire.payload)
        except Refused as refusal:
            if not wire.instead or refusal.error not in UNSHOWN:
                raise
            return await self._directly(wire)
        self._remember(wire)
        return str(answer.get("ts") or answer.get("message_ts"))

    async def taken(self, wire: Post, since: datetime) -> Sequence[str] | None:
        """The `ts` of a post that Slack has, found by its mark; None where Slack keeps none, or shows not all of them.

        Raises TryAgain, and Refused where we may not look.
        """
        said = wire.payload or wire.instead
        mark = said.get("metadata")
        if wire.files or wire.method == "chat.postEphemeral" or not mark:
            return None
        channel = str(wire.payload.get("channel") or await self._channel_of(wire.user))
        thread = str(wire.payload.get("thread_ts", ""))
        asked = {"channel": channel, "limit": str(_LOOKED_BACK), "include_all_metadata": "true"}
        asked |= {"ts": thread, "oldest": f"{(since - _SKEW).timestamp():.6f}"} if thread else {}
        answer = await self._web.ask("conversations.replies" if thread else "conversations.history", asked)
        posts: Sequence[Mapping[str, object]] = answer.get("messages") or ()
        found = [str(post["ts"]) for post in posts if post.get("metadata") == mark]
        last = float(str(posts[-1]["ts"])) if posts else 0
        more = answer.get("has_more") and (thread or last > (since - _SKEW).timestamp())
        return None if more and not found else found

    async def _directly(self, wire: Post) -> str:
        channel = await self._channel_of(wire.user)
        answer = await self._web.call("chat.postMessage", {**wire.instead, "channel": channel})
        return str(answer.get("ts"))

    async def _channel_of(self, user: str) -> str:
        """Their direct messages."""
        if user not in self._direct:
            opened = await self._web.call("conversations.open", {"users": user})
            _note(self._direct, user, str(opened["channel"]["id"]))
        return self._direct[user]

    async def settle(self, press: Press) -> None:
        """Puts what was chosen in the place of the buttons, once. Raises SendProblem or aiohttp's errors."""
        block = press.button.block_id
        text = (press.message.text if press.message else "") or self._ephemeral.pop(block, "")
        if block in self._settled or not text:
            return
        _note(self._settled, block, press.button.value)
        chosen = {"type": "context", "elements": [_plain(f"✓ {press.button.text.text}")]}
        message = {"text": text, "blocks": [_section(text), chosen]}
        if self._is_slacks(press.response_url):
            async with self._web.session().post(press.response_url, json={"replace_original": True, **message}) as done:
                done.raise_for_status()
        elif not press.container.is_ephemeral:
            await self._web.call("chat.update", {"channel": press.where, "ts": press.container.message_ts, **message})

    def _is_slacks(self, url: str) -> bool:
        """Whether it is safe to write there: Slack's own host, or the one that stands in for it."""
        try:
            there = urlsplit(url)
        except ValueError:
            return False
        if there.hostname == self._api.hostname:
            return there.scheme == self._api.scheme
        return there.scheme == "https" and there.netloc in _SLACKS_OWN

    def _remember(self, wire: Post) -> None:
        blocks = wire.payload.get("blocks")
        if wire.method == "chat.postEphemeral" and isinstance(blocks, list):
            _note(self._ephemeral, blocks[-1]["block_id"], str(wire.payload["text"]))


def _note(among: dict[str, str], key: str, value: str) -> None:
    among[key] = value
    if len(among) > _REMEMBERED:
        del among[next(iter(among))]
