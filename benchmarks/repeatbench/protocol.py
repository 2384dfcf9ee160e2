"""What the benchmark says to a bot and hears from it. Every arm is a `Bot`; over HTTP each method is a path of /rb/."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

ChannelName = Literal["email", "sms", "voice", "slack", "discord", "web"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class DirectoryHandle(_Frozen):
    """An address in the company's directory. Slack values are `workspace/user`."""

    channel: ChannelName
    value: str
    verified: bool = True


class Person(_Frozen):
    """A row of the company's directory."""

    id: str
    name: str = ""
    handles: Sequence[DirectoryHandle] = ()
    profile: Mapping[str, str | float | int | bool | None] = Field(default_factory=dict)


class Reset(_Frozen):
    """Begins a run with an empty bot at a time."""

    run_id: str
    now: AwareDatetime


class Seed(_Frozen):
    """What the company's directory knows."""

    directory: Sequence[Person] = ()


class Sender(_Frozen):
    """Who a message comes from, and what the channel's own check said of it."""

    address: str
    display_name: str = ""
    workspace: str = ""
    guild: str = ""
    auth: Literal["pass", "fail", "none"] = "none"
    public: bool = False


class Inbound(_Frozen):
    """One message. `ts` is when it was said."""

    msg_id: str
    ts: AwareDatetime
    channel: ChannelName
    sender: Sender = Field(alias="from")
    to: str = ""
    subject: str = ""
    thread: str = ""
    text: str = ""
    dtmf: str = ""


class Tick(_Frozen):
    """Moves the clock; what is due by then is sent."""

    now: AwareDatetime


class AgentDid(_Frozen):
    """What a human colleague did with a case."""

    case_id: str
    action: Literal["take", "reply", "resolve", "return"]
    text: str = ""
    satisfaction: int | None = None


class Forget(_Frozen):
    """Erases a person, by directory id."""

    customer: str


class Reply(_Frozen):
    """Something that the bot sent. `asks` are the slots that it asks for."""

    channel: ChannelName
    to: str
    text: str
    visibility: Literal["private", "public"] = "private"
    asks: Sequence[str] = ()


class Handoff(_Frozen):
    """What a human gets. `channel` and `address` name whose it is, where a tick reports it."""

    to: str
    text: str
    channel: str = ""
    address: str = ""


class CaseState(_Frozen):
    """A case as it stands."""

    id: str
    status: str
    channel: str = ""
    address: str = ""


class Outcome(_Frozen):
    """What came of one step. Inbound sets `handoff` and `case`; a tick the lists."""

    replies: Sequence[Reply] = ()
    handoff: Handoff | None = None
    case: CaseState | None = None
    handoffs: Sequence[Handoff] = ()
    cases: Sequence[CaseState] = ()


class Bot(Protocol):
    """A support bot under test. Methods raise `NotFound` for what they do not know."""

    async def reset(self, reset: Reset) -> None:
        """Empty, at that time."""
        ...

    async def seed(self, seed: Seed) -> None:
        """Learns the directory."""
        ...

    async def inbound(self, message: Inbound) -> Outcome:
        """Takes one message; the same `msg_id` twice has one effect."""
        ...

    async def tick(self, now: datetime) -> Outcome:
        """What is due by then."""
        ...

    async def agent(self, did: AgentDid) -> Outcome:
        """A human acted on a case."""
        ...

    async def forget(self, customer: str) -> None:
        """Erases a person."""
        ...

    async def close(self) -> None:
        """Lets go of everything."""
        ...


class NotFound(Exception):
    """There is no such case or customer. The message says which."""
