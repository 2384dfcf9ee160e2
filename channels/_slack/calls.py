"""How a case is told in the agents' channel: what is known, buttons, and how it stands. Pure."""

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

from channels._markdown.slack import MRKDWN
from core.rooms import Call

Block = Mapping[str, object]
State = Literal["taken", "with the bot", "resolved"]
Pressable = Literal["take", "resolve", "hand_back"]

_MARK: Final = "throughline_call"
RESOLVING: Final = "room-resolving"  # the form's id
_BUTTONS, _STATE, _FORM, _INPUT = "room-buttons", "room-state", "room-form", "room-resolution"
_LONGEST_BLOCK: Final = 3_000
_LONGEST_PIECE: Final = 500  # characters before they are escaped: five or six for one at most
_MOST_SECTIONS: Final = 40  # of the 50 blocks that a message may have
_LABELS: Final[Mapping[Pressable, str]] = {"take": "Take", "resolve": "Resolve", "hand_back": "Give back"}
_OFFERED: Final[Mapping[State, Sequence[Pressable]]] = {
    "taken": ("resolve", "hand_back"),
    "with the bot": (),
    "resolved": (),
}
_STATES: Final[Mapping[State, str]] = {
    "taken": "{by} has it",
    "with the bot": "{by} gave it back, the bot has it",
    "resolved": "{by} resolved it",
}


def message(call: Call) -> Mapping[str, object]:
    """What is posted. Nobody is mentioned, and nothing in it is markup but ours."""
    text = ("Nobody has taken this yet: " if call.again else "") + call.title
    sections = [{**_section(f"*{MRKDWN.text(text[:_LONGEST_PIECE])}*")}, *map(_section, _packed(call.packet))]
    where = f"<{html.escape(call.url)}|Case {call.case} at the console> · an answer in this thread goes to the customer"
    return {
        "text": f"{MRKDWN.text(text[:_LONGEST_PIECE])} {html.escape(call.url)}",
        "blocks": [*sections[:_MOST_SECTIONS], _context("room-link", where), _buttons(_LABELS)],
        "metadata": {"event_type": _MARK, "event_payload": {"id": call.id}},
        "unfurl_links": False,
        "unfurl_media": False,
    }


def standing(shown: Sequence[Block], state: State, by: str) -> Sequence[Block] | None:
    """The blocks of a post after something was done; None where it shows that already."""
    said = _STATES[state].format(by=MRKDWN.text(by))
    if any(block.get("block_id") == _STATE and said in str(block.get("elements")) for block in shown):
        return None
    kept = [block for block in shown if block.get("block_id") not in (_BUTTONS, _STATE)]
    offered = {what: _LABELS[what] for what in _OFFERED[state]}
    return [*kept, _context(_STATE, said), *([_buttons(offered)] if offered else [])]


def is_of(post: Mapping[str, object], call: str) -> bool:
    """Whether a message of the channel is the post of a call."""
    mark = post.get("metadata")
    return isinstance(mark, Mapping) and (mark.get("event_type"), mark.get("event_payload")) == (_MARK, {"id": call})


def deed_of(action: str) -> Pressable | None:
    """What pressing a button of ours asks for; None for any other button."""
    return next((what for what in _LABELS if action == f"room-{what}"), None)


def escaped(text: str) -> str:
    """As Slack shows it literally."""
    return MRKDWN.text(text)


def form(post: str) -> Mapping[str, object]:
    """Asks how the case was resolved."""
    what = {"type": "plain_text_input", "action_id": _INPUT, "multiline": True, "max_length": 3_000}
    label = _plain("What solved it? Similar cases will suggest it.")
    return {
        "type": "modal",
        "callback_id": RESOLVING,
        "private_metadata": post,
        "title": _plain("Resolve the case"),
        "submit": _plain("Resolve"),
        "close": _plain("Cancel"),
        "blocks": [{"type": "input", "block_id": _FORM, "label": label, "element": what}],
    }


def resolution(values: Mapping[str, Mapping[str, str | None]]) -> str:
    """What was typed into that form."""
    return values.get(_FORM, {}).get(_INPUT) or ""


def _packed(packet: str) -> Iterator[str]:
    """The packet in texts that each fit a block, its titles in bold."""
    packed = ""
    for line in packet.splitlines():
        for shown in _pieces(line):
            if packed and len(packed) + 1 + len(shown) > _LONGEST_BLOCK:
                yield packed
                packed = ""
            packed += ("\n" if packed else "") + shown
    if packed:
        yield packed


def _pieces(line: str) -> Iterator[str]:
    title, colon, text = line.partition(": ")
    if not colon:
        title, text = "", line
    bold = f"*{MRKDWN.text(title[: _LONGEST_PIECE // 2])}:* " if title else ""
    for start in range(0, max(len(text), 1), _LONGEST_PIECE // 2):
        yield bold + MRKDWN.text(text[start : start + _LONGEST_PIECE // 2])
        bold = ""


def _section(text: str) -> Block:
    # Verbatim: no address, name or channel in it becomes a link.
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}, "expand": True}


def _context(block_id: str, text: str) -> Block:
    return {"type": "context", "block_id": block_id, "elements": [{"type": "mrkdwn", "text": text, "verbatim": True}]}


def _buttons(labels: Mapping[Pressable, str]) -> Block:
    made = [{"type": "button", "action_id": f"room-{what}", "text": _plain(label)} for what, label in labels.items()]
    return {"type": "actions", "block_id": _BUTTONS, "elements": made}


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": False}
