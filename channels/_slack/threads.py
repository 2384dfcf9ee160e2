"""What colleagues say in the threads of the agents' channel. Pure."""

import html
import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from channels._slack.objects import Callback, Message, validated
from channels._slack.reading import home_of, is_somebodys

_INTERNAL: Final = re.compile(r"\s*(?://|note:)", re.IGNORECASE)
_CALLS_SOMEBODY: Final = re.compile(r"<[@!#]")
_LINK: Final = re.compile(r"<([^<>|@!#][^<>|]*)(?:\|([^<>]*))?>")
_CHANGES: Final = {"message/message_changed": "message", "message/message_deleted": "previous_message"}

NOT_CHANGED: Final = (
    "The customer keeps what was sent: an edit or a deletion here changes nothing. Write a further line."
)
MENTIONS: Final = (
    "Nothing was sent: the line mentions somebody. Start it with // to keep it among us, or leave that out."
)
NO_FILES: Final = "Files are not sent from here; answer at the console to add them."


class Colleague(NamedTuple):
    """Somebody in Slack, who may turn out to be none."""

    home: str  # the organisation or workspace that they are of
    user: str

    @property
    def key(self) -> str:
        """By which an account is tied to them."""
        return f"slack:{self.home}/{self.user}"


class Said(NamedTuple):
    """A line under a post. `remark` is for who wrote it alone; without `text` nothing goes to the customer."""

    who: Colleague
    thread: str
    ts: str
    text: str = ""
    remark: str = ""


def said(one: Callback) -> Said | None:
    """What somebody says under a post of ours; None for all else that happens in the channel, and for what is meant
    for colleagues alone. Raises Malformed."""
    if one.kind in _CHANGES:
        return _changed(one)
    line = _line(one, one.event) if one.event.get("type") == "message" else None
    if line is None or _INTERNAL.match(line.text or ""):
        return None
    written, where = line.text or "", Said(Colleague(home_of(one, line), line.user), line.thread_ts or "", line.ts)
    if _CALLS_SOMEBODY.search(written):
        return where._replace(remark=MENTIONS)
    return where._replace(text=_as_written(written), remark=NO_FILES if line.files else "")


def _changed(one: Callback) -> Said | None:
    """A remark to who edits or deletes what may have been sent. Previews of links change a message too."""
    before, now = (one.event.get(key) for key in ("previous_message", _CHANGES[one.kind]))
    old = _line(one, before)
    if old is None or not isinstance(now, Mapping) or _INTERNAL.match(old.text or ""):
        return None
    if one.kind == "message/message_changed" and now.get("text") == old.text:
        return None
    return Said(Colleague(home_of(one, old), old.user), old.thread_ts or "", old.ts, remark=NOT_CHANGED)


def _line(one: Callback, message: object) -> Message | None:
    """Somebody's message under one of ours."""
    if not isinstance(message, Mapping) or not is_somebodys(one, message):
        return None
    line = validated(Message, message)
    ours = line.parent_user_id is None or line.parent_user_id in one.bots
    return line if ours and line.thread_ts not in (None, line.ts) else None


def _as_written(text: str) -> str:
    return html.unescape(_LINK.sub(_link, text)).strip()


def _link(found: re.Match[str]) -> str:
    address, label = found[1].removeprefix("mailto:").removeprefix("tel:"), found[2]
    return f"{label} ({address})" if label and label not in address else label or address
