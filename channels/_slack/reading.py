"""What Slack delivers as messages of customers. Pure."""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, NamedTuple

from channels._slack.objects import Callback, Command, Delivery, File, Message, Press, validated
from channels._slack.phrases import PHRASES, language
from core.messages import Attachment, InboundMessage, Raw, Route
from core.phrases import say
from identity.handles import Handle
from identity.proof import Proof

CHANNEL: Final = "slack"
_SLACKBOT: Final = "USLACKBOT"  # reminders, notices, and what stands where a message was

# In these a customer talks; the other subtypes are joins, huddles, workflows and what bots say.
_HEARD: Final = (None, "file_share", "me_message", "thread_broadcast")


class Place(NamedTuple):
    """For whom a reply is, and in which thread of which channel it was asked for. A button carries it back to us."""

    home: str  # the organisation or workspace that the user is of
    user: str
    channel: str
    thread: str = ""

    @property
    def address(self) -> str:
        """The handle's."""
        return f"{self.home}/{self.user}"

    @property
    def conversation(self) -> str:
        """In a channel a reply is for its reader alone, so two people in one thread have two conversations."""
        return ":".join(filter(None, (self.channel, self.thread, "" if is_direct(self.channel) else self.user)))

    def route(self, *, ephemeral: bool = False) -> Route:
        """Back to it; seen by this user alone."""
        place = {"channel": self.channel, "user": self.user, "home": self.home}
        thread = {"thread_ts": self.thread} if self.thread else {}
        return place | thread | ({"ephemeral": "1"} if ephemeral or not is_direct(self.channel) else {})

    def block_id(self, reply: str) -> str:
        """Of the buttons under a reply. The place comes back with a press."""
        return f"{self.home}/{self.user}/{self.channel}/{self.thread}/{reply}"

    @classmethod
    def of_block(cls, block_id: str) -> "Place | None":
        """The place in the id of a block that is ours."""
        found = block_id.split("/", 4)
        return cls(*found[:4]) if len(found) == 5 and all(found[:3]) else None  # noqa: PLR2004


def is_direct(channel: object) -> bool:
    """Whether only the customer and the bot read it; a mention tells by its channel's first letter alone."""
    return isinstance(channel, str) and channel.startswith("D")


def inbound(one: Delivery, raw: Raw, languages: Sequence[str], agents: str = "") -> InboundMessage | None:
    """What a customer says in a delivery; None when none does, as in the agents' channel. Raises Malformed."""
    if agents and one.where == agents:
        return None
    if isinstance(one, Callback):
        return _heard(one, raw)
    if isinstance(one, Press):
        return _pressed(one, raw)
    return _commanded(one, raw, languages) if isinstance(one, Command) else None


def _heard(one: Callback, raw: Raw) -> InboundMessage | None:
    event, direct = one.event, is_direct(one.event.get("channel"))
    if one.kind == "message/message_changed" and direct:
        return _changed(one, raw)
    if one.kind == "message/message_deleted" and direct:
        return _taken_back(one, event.get("previous_message"), raw)
    if event.get("type") == "app_mention" or (event.get("type") == "message" and direct):
        return _said(one, raw) if is_somebodys(one, event) else None
    return None


def is_somebodys(one: Callback, message: object) -> bool:
    """Whether a customer wrote it."""
    if not isinstance(message, Mapping) or message.get("subtype") not in _HEARD:
        return False
    is_bots = message.get("bot_id") or message.get("bot_profile")
    return not is_bots and message.get("user") not in (None, "", _SLACKBOT, *one.bots)


def _said(one: Callback, raw: Raw) -> InboundMessage:
    said = validated(Message, one.event)
    message = _message(one, said, raw)
    return _edition(one, said, message, None)


def _changed(one: Callback, raw: Raw) -> InboundMessage | None:
    """An edit of its writer's. Previews of links, replies in a thread and the like change a message too."""
    now, before = one.event.get("message"), one.event.get("previous_message")
    if isinstance(now, Mapping) and now.get("subtype") == "tombstone":  # of a message with a thread under it
        return _taken_back(one, before, raw)
    if not isinstance(now, Mapping) or not is_somebodys(one, now):
        return None
    said = validated(Message, now)
    old = validated(Message, before) if isinstance(before, Mapping) and is_somebodys(one, before) else None
    if said.edited is None or said.edited.user not in ("", said.user):
        return None
    if old is not None and (old.text or "") == (said.text or ""):
        return None
    return _edition(one, said, _message(one, said, raw), old)


def _edition(one: Callback, said: Message, message: InboundMessage, old: Message | None) -> InboundMessage:
    if said.edited is None:
        return message
    at = datetime.fromtimestamp(float(said.edited.ts), UTC)
    known = _external_id(one, old or said.model_copy(update={"edited": None}))
    return replace(message, sent_at=at, replaces=known)


def _taken_back(one: Callback, before: object, raw: Raw) -> InboundMessage | None:
    if not isinstance(before, Mapping) or not is_somebodys(one, before):
        return None
    gone = validated(Message, before)
    known = _external_id(one, gone)
    message = replace(_message(one, gone, raw), external_id=f"{known}:deleted", replaces=known)
    return replace(message, text="", attachments=(), sent_at=None)


def _message(one: Callback, said: Message, raw: Raw) -> InboundMessage:
    place = Place(home_of(one, said), said.user, str(one.event.get("channel")), said.thread_ts or "")
    # Of a stranger in a channel that is shared our workspace says nothing.
    is_told = said.user_team or said.team or not one.is_ext_shared_channel
    is_ours = bool(is_told) and place.home in (one.team_id, one.enterprise_id)
    return InboundMessage(
        external_id=_external_id(one, said),
        handle=_handle(place),
        proof=Proof.PROVEN,
        text=_plain(said.text or "", one.bots),
        conversation=place.conversation,
        route=place.route(),
        received_at=raw.received_at,
        sent_at=datetime.fromtimestamp(float(said.ts), UTC),
        attachments=tuple(map(_attachment, said.files or ())),
        public=not is_direct(place.channel),
        vouchers=None if is_ours else (),
        unchecked=is_ours,
    )


def _external_id(one: Callback, said: Message) -> str:
    """The same for the message and the app_mention that one message, or one edit of it, gives rise to."""
    edition = f":{said.edited.ts}" if said.edited else ""
    return f"{one.team_id}:{one.event.get('channel')}:{said.ts}{edition}"


def home_of(one: Callback, said: Message) -> str:
    """The organisation or workspace whose user is writing; somebody else's, in a channel shared with strangers."""
    team = said.user_team or said.team or one.team_id
    if one.enterprise_id and (team == one.team_id or not one.is_ext_shared_channel):
        return one.enterprise_id
    return team


def _handle(place: Place) -> Handle:
    return Handle(channel=CHANNEL, address=place.address, key=f"slack:{place.address}")


def asked_of(press: Press) -> Place | None:
    """Where the reply belongs whose button was pressed; None unless it was put to the one who presses."""
    place = Place.of_block(press.button.block_id)
    is_theirs = place is not None and place.user == press.user.id and press.button.type == "button"
    return place if is_theirs and press.where else None


def _pressed(press: Press, raw: Raw) -> InboundMessage | None:
    place, says = asked_of(press), press.button.value.strip()
    if place is None or not says:
        return None
    here = place._replace(channel=press.where, thread=place.thread if press.where == place.channel else "")
    # The id is that of the buttons, not of the press: of two presses under one reply the first counts.
    pressed = _done(place, says, f"{press.button.block_id}:pressed", raw, _homes(press))
    return replace(pressed, route=here.route(ephemeral=press.container.is_ephemeral))


def _homes(press: Press) -> tuple[str, ...]:
    return tuple(named.id for named in (press.team, press.enterprise) if named)


def _commanded(command: Command, raw: Raw, languages: Sequence[str]) -> InboundMessage | None:
    home = command.enterprise_id or command.team_id
    place = Place(home, command.user_id, command.channel_id)
    says = _says(command, language(languages))
    return _done(place, says, f"{home}:{command.trigger_id}", raw, (home,)) if says else None


def _says(command: Command, spoken: str) -> str:
    match command.verb:
        case "link":
            return command.rest or PHRASES[spoken].wish_for_a_code
        case "forget":
            return f"{PHRASES[spoken].wish_to_be_forgotten} {say('wish_for_a_person', spoken)}"
    return ""


def _done(place: Place, says: str, external_id: str, raw: Raw, homes: Sequence[str]) -> InboundMessage:
    """What a press or a command says."""
    is_ours = place.home in homes
    return InboundMessage(
        external_id=external_id,
        handle=_handle(place),
        proof=Proof.PROVEN,
        text=says,
        conversation=place.conversation,
        route=place.route(ephemeral=True),
        received_at=raw.received_at,
        vouchers=None if is_ours else (),
        unchecked=is_ours,
    )


def _attachment(file: File) -> Attachment:
    kind = file.mimetype or "application/octet-stream"
    return Attachment(name=file.name or "file", media_type=kind, size=file.size or 0, url=file.url_private or "")


_MARKUP = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")


def _plain(text: str, bots: Sequence[str]) -> str:
    """What the customer typed, without the mention that called us."""
    us = "|".join(map(re.escape, bots)) or r"[UW]\w+"
    text = re.sub(rf"\A\s*<@(?:{us})(?:\|[^<>]*)?>[\s:,]*", "", text)
    return html.unescape(_MARKUP.sub(_as_typed, text)).strip()


def _as_typed(found: re.Match[str]) -> str:
    sigil, target, label = found.groups()
    return label or f"@{target}" if sigil == "!" else sigil + (label or target)
