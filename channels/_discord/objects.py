"""Objects of Discord's, as far as we read them, and the body of our Raw that holds one.

Source: https://docs.discord.com/developers/resources/message and .../interactions/receiving-and-responding
"""

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, model_validator

_EPOCH: Final = 1_420_070_400  # seconds; ids count milliseconds from here, above their lowest 22 bits
_SPOKEN: Final = (0, 19)  # message types: an ordinary message, and a reply to one; the others are Discord's notices
BOT_DM: Final = 1  # context of an interaction: the direct messages with the bot
COMMAND, PRESS = 2, 3  # types of interactions
EPHEMERAL: Final = 1 << 6  # message flag: shown to one person

Snowflake = Annotated[str, Field(pattern=r"^[0-9]{1,20}$")]
Words = Annotated[str, AfterValidator(lambda text: text.replace("\0", ""))]


def made_at(snowflake: str) -> datetime:
    """When Discord made an id."""
    return datetime.fromtimestamp((int(snowflake) >> 22) / 1000 + _EPOCH, UTC)


def id_at(moment: datetime) -> str:
    """The least id that Discord makes from a moment on."""
    return str(int((moment.timestamp() - _EPOCH) * 1000) << 22)


class User(BaseModel):
    """A user. `bot` and `system` are never customers."""

    id: Snowflake
    username: Words = ""
    global_name: Words | None = None
    bot: bool = False
    system: bool = False

    @property
    def shown(self) -> str:
        """The name that others see."""
        return self.global_name or self.username


class File(BaseModel):
    """An attachment. The address expires after about a day."""

    filename: Words
    size: int
    url: str
    content_type: str | None = None


class Sticker(BaseModel):
    """A sticker."""

    name: Words


class Wording(BaseModel):
    """The words of a poll's question, or of one of its answers."""

    text: Words | None = None


class PollAnswer(BaseModel):
    """An answer that a poll offers."""

    poll_media: Wording = Wording()


class Poll(BaseModel):
    """A poll."""

    question: Wording = Wording()
    answers: list[PollAnswer] = []


class Content(BaseModel):
    """What a message holds, or one that was forwarded."""

    content: Words = ""
    attachments: list[File] = []
    sticker_items: list[Sticker] = []
    poll: Poll | None = None


class Snapshot(BaseModel):
    """A message of somebody's, as it was when it was forwarded."""

    message: Content


class Message(Content):
    """A message, as MESSAGE_CREATE, MESSAGE_UPDATE and the history carry it."""

    id: Snowflake
    channel_id: Snowflake
    guild_id: Snowflake | None = None  # none: a direct message
    webhook_id: Snowflake | None = None
    type: int
    author: User
    mentions: list[User] = []
    message_snapshots: list[Snapshot] = []
    timestamp: AwareDatetime
    edited_timestamp: AwareDatetime | None = None

    def is_for(self, bot_id: str) -> bool:
        """Whether a customer says this to us."""
        nobody = self.webhook_id or self.author.bot or self.author.system or self.author.id == bot_id
        said = self.type in _SPOKEN and not nobody
        return said and (self.guild_id is None or any(user.id == bot_id for user in self.mentions))


class Option(BaseModel):
    """What was typed after a command."""

    name: str
    value: Words | int | float | bool = ""


class Chosen(BaseModel):
    """The command, or the button."""

    name: str = ""
    custom_id: Words = ""
    options: list[Option] = []


class Member(BaseModel):
    """Somebody in a server."""

    user: User


class Pressed(BaseModel):
    """The message whose button was pressed."""

    flags: int = 0


class Interaction(BaseModel):
    """A command or a press, as INTERACTION_CREATE carries it. The token is good for 15 minutes."""

    id: Snowflake
    application_id: Snowflake
    type: int
    token: str = Field(pattern=r"^[!-~]+$")
    channel_id: Snowflake
    guild_id: Snowflake | None = None
    context: int | None = None
    member: Member | None = None
    user: User | None = None  # outside servers
    data: Chosen = Chosen()
    locale: str = ""
    message: Pressed = Pressed()

    @property
    def by(self) -> User:
        """Who it is."""
        if self.member:
            return self.member.user
        if self.user:
            return self.user
        raise ValueError("nobody's interaction")

    @model_validator(mode="after")
    def _is_somebodys(self) -> "Interaction":
        if not (self.member or self.user):
            raise ValueError("nobody's interaction")
        return self

    @property
    def is_in_our_messages(self) -> bool:
        """Whether it happens in the direct messages with the bot."""
        return self.guild_id is None and self.context in (BOT_DM, None)


class Delivery(BaseModel):
    """The body of our Raw: which bot heard it, and one of what it can hear.

    `was` is the external id under which a message is on record that is edited or deleted.
    """

    bot_id: Snowflake
    message: Message | None = None
    edited: Message | None = None
    deleted: Message | None = None
    interaction: Interaction | None = None
    was: str = ""

    @model_validator(mode="after")
    def _holds_something(self) -> "Delivery":
        if not (self.message or self.edited or self.deleted or self.interaction):
            raise ValueError("nothing is in it")
        return self
