"""What Slack delivers, as far as we read it: events, presses of buttons, forms, slash commands. By HTTP and Socket Mode
alike.

Sources: https://docs.slack.dev/apis/events-api, .../reference/interaction-payloads/block_actions-payload,
.../reference/interaction-payloads/view-interactions-payload and .../interactivity/implementing-slash-commands
"""

import json
import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal, TypeAlias, TypeVar
from urllib.parse import parse_qsl

from pydantic import AfterValidator, BaseModel, Field, ValidationError

from core.errors import Malformed

_FORM: Final = re.compile(rb"\s*\w+=")
_MOST_FIELDS: Final = 100
COMMAND: Final = "/throughline"

Words = Annotated[str, AfterValidator(lambda text: text.replace("\0", ""))]
Stamp = Annotated[str, Field(pattern=r"^[0-9]{1,11}\.[0-9]{1,9}$")]
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,64}$")]


class File(BaseModel):
    """A file. One of a Slack Connect stranger, or a deleted one, carries an id and hardly more."""

    name: Words | None = None
    mimetype: str | None = None
    size: int | None = None
    url_private: str | None = None


class Edited(BaseModel):
    """Who edited a message, and when."""

    user: str = ""
    ts: Stamp


class Message(BaseModel):
    """What somebody wrote."""

    user: Id
    ts: Stamp
    text: Words | None = None
    thread_ts: Stamp | None = None
    parent_user_id: str | None = None  # whose message the thread is under
    team: Id | None = None
    user_team: Id | None = None
    files: list[File] | None = None
    edited: Edited | None = None


class Callback(BaseModel):
    """An event. Most kinds are none of our business, so `event` is looked into later."""

    type: Literal["event_callback"]
    team_id: str = ""
    enterprise_id: str | None = None
    is_ext_shared_channel: bool = False
    authorizations: list[dict[str, object]] | None = None
    event: dict[str, object] = Field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Its type and, with a stroke, its subtype."""
        subtype = self.event.get("subtype")
        return f"{self.event.get('type')}/{subtype}" if subtype else str(self.event.get("type"))

    @property
    def where(self) -> str:
        """The channel; "" where it happens in none."""
        channel = self.event.get("channel")
        return channel if isinstance(channel, str) else ""

    @property
    def bots(self) -> list[str]:
        """The user ids under which we ourselves are in the workspace."""
        return [str(a.get("user_id")) for a in self.authorizations or () if a.get("is_bot")]


class AssistantThread(BaseModel):
    """A thread of the pane beside the channels, as it is opened."""

    channel_id: Id
    thread_ts: Stamp


class Label(BaseModel):
    """What a button reads."""

    text: Words = ""


class Button(BaseModel):
    """The button that was pressed, as we posted it."""

    type: str = ""
    block_id: str = ""
    action_id: str = ""
    value: Words = ""
    text: Label = Label()


class By(BaseModel):
    """Who pressed it. `team_id` is their own workspace, which may not be ours."""

    id: Id
    team_id: Id | None = None


class Named(BaseModel):
    """Something that has an id."""

    id: Id


class Container(BaseModel):
    """Where the button is."""

    channel_id: Id | None = None
    message_ts: Stamp
    is_ephemeral: bool = False


class Shown(BaseModel):
    """The message with the button. Of an ephemeral one Slack tells nothing."""

    text: Words = ""
    thread_ts: Stamp | None = None


class Press(BaseModel):
    """Somebody pressed a button."""

    type: Literal["block_actions"]
    user: By
    channel: Named | None = None
    container: Container
    message: Shown | None = None
    actions: list[Button] = Field(min_length=1)
    response_url: str = ""
    trigger_id: str = ""
    team: Named | None = None
    enterprise: Named | None = None

    @property
    def button(self) -> Button:
        """The one that was pressed."""
        return self.actions[0]

    @property
    def where(self) -> str:
        """The channel."""
        return self.channel.id if self.channel else self.container.channel_id or ""


class Entered(BaseModel):
    """What somebody typed into a form."""

    value: Words | None = None


class Inputs(BaseModel):
    """By the ids of blocks and of the inputs in them."""

    values: dict[str, dict[str, Entered]] = Field(default_factory=dict)


class Form(BaseModel):
    """A form that we showed. `private_metadata` comes back as we gave it; who fills it in does not see it."""

    callback_id: str = ""
    private_metadata: str = ""
    state: Inputs = Inputs()


class Submission(BaseModel):
    """Somebody filled in a form of ours: it is about a message, "channel:ts"."""

    type: Literal["view_submission"]
    user: By
    view: Form
    team: Named | None = None
    enterprise: Named | None = None

    @property
    def where(self) -> str:
        """The channel of that message."""
        return self.view.private_metadata.partition(":")[0]


class Command(BaseModel):
    """Somebody typed our slash command."""

    text: Words = ""
    team_id: Id
    enterprise_id: str | None = None
    channel_id: Id
    user_id: Id
    trigger_id: str = Field(min_length=1, max_length=255)

    @property
    def where(self) -> str:
        """The channel."""
        return self.channel_id

    @property
    def verb(self) -> str:
        """Its first word: link, forget or help, which is also what any other word means."""
        word = next(iter(self.text.lower().split()), "help")
        return word if word in ("link", "forget") else "help"

    @property
    def rest(self) -> str:
        """What was typed after that word."""
        return self.text.strip().partition(" ")[2].strip()


class Other(BaseModel):
    """Anything else; the challenge is sent when the address is first entered."""

    type: str = ""
    challenge: str = ""
    where: ClassVar[str] = ""


_Model = TypeVar("_Model", bound=BaseModel)
Delivery: TypeAlias = Callback | Press | Submission | Command | Other


def read(body: bytes) -> Delivery:
    """What a body holds. Raises Malformed."""
    found = _object(body)
    kind = _KINDS.get(str(found.get("type")), Command if found.get("command") == COMMAND else Other)
    return validated(kind, found)


def validated(kind: type[_Model], found: Mapping[str, object]) -> _Model:
    """A part of a body. Raises Malformed."""
    try:
        # Through a string, since half a character is no UTF-8, though JSON can spell it.
        return kind.model_validate_json(json.dumps(found, ensure_ascii=False).encode(errors="replace"))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the body"
        raise Malformed(f"Slack: {where} cannot be read: {first['msg']}") from None


def _object(body: bytes) -> dict[str, object]:
    try:
        found = _form(body) if _FORM.match(body) else json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"Slack: the body is no JSON ({type(error).__name__})") from None
    if not isinstance(found, dict):
        raise Malformed("Slack: the body is no JSON object")
    return found


def _form(body: bytes) -> object:
    """A slash command comes as a form, a press as JSON in one."""
    text = body.decode(errors="replace")
    fields = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    return json.loads(fields["payload"]) if "payload" in fields else fields


_KINDS: Final[Mapping[str, type[Delivery]]] = {
    "event_callback": Callback,
    "block_actions": Press,
    "view_submission": Submission,
}
