"""What Discord delivers as messages of customers. Pure."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from pydantic import ValidationError

from channels._discord import phrases
from channels._discord.objects import COMMAND, EPHEMERAL, PRESS, Content, Delivery, Interaction, Message, made_at
from core.errors import Malformed
from core.messages import Attachment, InboundMessage, Raw, Route
from core.phrases import say
from identity.handles import Handle
from identity.proof import Proof

_CHANNEL: Final = "discord"
_DEFERRED: Final[Mapping[str, object]] = {"type": 5, "data": {"flags": EPHEMERAL}}
_NO_BUTTONS: Final[Mapping[str, object]] = {"type": 7, "data": {"components": []}}
_SEEN: Final[Mapping[str, object]] = {"type": 6}


def delivery(body: bytes) -> Delivery:
    """The delivery in a Raw. Raises Malformed."""
    try:
        # Through a string, since half a character is no UTF-8, though JSON can spell it.
        return Delivery.model_validate_json(json.dumps(json.loads(body), ensure_ascii=False).encode(errors="replace"))
    except ValidationError as wrong:
        first = wrong.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "body"
        raise Malformed(f"Discord's delivery cannot be read: {where}: {first['msg']}") from None
    except (ValueError, RecursionError) as wrong:
        raise Malformed(f"Discord's delivery cannot be read: it is no JSON ({type(wrong).__name__})") from None


def inbound(one: Delivery, raw: Raw, languages: Sequence[str]) -> InboundMessage | None:
    """What a customer says in a delivery; None when none does."""
    if one.interaction:
        return _done(one.interaction, raw, languages)
    said = one.message or one.edited or one.deleted
    if said is None or not said.is_for(one.bot_id):
        return None
    gone = one.deleted is not None
    return InboundMessage(
        external_id=_external_id(one, said),
        handle=_handle(said.author.id),
        proof=Proof.PROVEN,
        text="" if gone else re.sub(rf"<@!?{one.bot_id}>\s*", "", said.content).strip(),
        conversation=f"{said.channel_id}/{said.author.id}" if said.guild_id else said.channel_id,
        route=_route(said),
        received_at=raw.received_at,
        sent_at=said.edited_timestamp or said.timestamp,
        attachments=() if gone else tuple(_attachments(said)),
        display_name=said.author.shown,
        public=said.guild_id is not None,
        replaces="" if one.message else one.was or said.id,
    )


def edition(said: Message) -> str:
    """The external id of an edited message: the same for all that Discord tells of one edit."""
    at = said.edited_timestamp or said.timestamp
    return f"{said.id}-{int(at.timestamp() * 1000)}"


def response(one: Interaction, hello: phrases.Hello) -> Mapping[str, object]:
    """What Discord is told at once, so that its user sees that it arrived."""
    language = phrases.language(one.locale, hello.languages)
    if one.type == COMMAND and one.data.name == "help":
        return _private(phrases.explanation(hello, language))
    if one.type == COMMAND:
        return _DEFERRED
    if one.type != PRESS:
        return _SEEN
    return _NO_BUTTONS if _addressee(one) == one.by.id else _private(phrases.PHRASES[language].not_yours)


def _private(text: str) -> dict[str, object]:
    return {"type": 4, "data": {"content": text, "flags": EPHEMERAL, "allowed_mentions": {"parse": []}}}


def _external_id(one: Delivery, said: Message) -> str:
    if one.deleted:
        return f"{said.id}-deleted"
    return edition(said) if one.edited else said.id


def _handle(user: str) -> Handle:
    return Handle(channel=_CHANNEL, address=user, key=f"discord:{user}")


def _route(said: Message) -> Route:
    where = {"asked_in": said.channel_id} if said.guild_id else {"channel": said.channel_id}
    return where | {"user": said.author.id, "answers": said.id}


def _done(one: Interaction, raw: Raw, languages: Sequence[str]) -> InboundMessage | None:
    """What a command or a press says."""
    by = one.by
    text = _says(one, phrases.language(one.locale, languages))
    if not text or by.bot or by.system:
        return None
    return InboundMessage(
        external_id=one.id,
        handle=_handle(by.id),
        proof=Proof.PROVEN,
        text=text,
        conversation=one.channel_id if one.is_in_our_messages else f"{one.channel_id}/{by.id}",
        route=_route_back(one),
        received_at=raw.received_at,
        sent_at=made_at(one.id),
        display_name=by.shown,
    )


def _says(one: Interaction, language: str) -> str:
    if one.type == PRESS:
        return one.data.custom_id.partition(":")[2].strip() if _addressee(one) == one.by.id else ""
    if one.type != COMMAND:
        return ""
    code = next((str(option.value).strip() for option in one.data.options if option.name == "code"), "")
    match one.data.name:
        case "link":
            return code or phrases.PHRASES[language].wish_for_a_code
        case "human":
            return say("wish_for_a_person", language)
    return ""


def _addressee(press: Interaction) -> str:
    return press.data.custom_id.partition(":")[0]


def _route_back(one: Interaction) -> Route:
    """A command is answered where it was given. The original of a press is what was pressed: it stays as it is."""
    back = {"user": one.by.id, "answers": one.id, "application": one.application_id, "token": one.token}
    here = {"channel": one.channel_id} if one.is_in_our_messages else {}
    return back | here | ({"fills": "1"} if one.type == COMMAND else {})


def _attachments(said: Message) -> Iterable[Attachment]:
    yield from _held(said)
    for snapshot in said.message_snapshots:
        if snapshot.message.content:
            yield _text("forwarded message", snapshot.message.content)
        yield from _held(snapshot.message)


def _held(said: Content) -> Iterable[Attachment]:
    for file in said.attachments:
        media_type = file.content_type or "application/octet-stream"
        yield Attachment(name=file.filename, media_type=media_type, size=file.size, url=file.url)
    for sticker in said.sticker_items:
        yield Attachment(name=f"{sticker.name} (sticker)", media_type="image/png", size=0)
    if poll := said.poll:
        words = [poll.question.text or "", *(answer.poll_media.text or "" for answer in poll.answers)]
        yield _text(f"{words[0]} (poll)", "\n".join(words))


def _text(name: str, text: str) -> Attachment:
    content = text.encode()
    return Attachment(name=name, media_type="text/plain", size=len(content), content=content)
