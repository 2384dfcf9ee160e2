"""How far each conversation by direct message was heard, so that what is said between two sessions can be fetched.

Discord lists a bot no direct messages that it has. What an earlier process heard the record says.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from core.channel import Place

_MOST: Final = 1_000
_OVERLAP: Final = 50  # messages on record that are looked at again: one before the newest may have been missed
_MOST_BEGUN: Final = 100  # direct messages that we began, with people who asked in a server


class Cursors:
    """The newest message heard, by its channel; the latest channel last."""

    def __init__(self) -> None:
        self._heard: dict[str, str] = {}

    def all(self) -> Mapping[str, str]:
        """Where each conversation stands."""
        return dict(self._heard)

    def note(self, channel: str, message: str) -> None:
        """This message is on record."""
        known = self._heard.pop(channel, "")
        self._heard[channel] = max(known, message, key=lambda one: int(one or 0))
        while len(self._heard) > _MOST:
            del self._heard[next(iter(self._heard))]

    def begin(self, channel: str, message: str) -> None:
        """We write to somebody who did not write there: what they answer is of interest."""
        if channel not in self._heard:
            self.note(channel, message)

    def drop(self, channel: str) -> None:
        """This conversation is gone."""
        self._heard.pop(channel, None)


def direct(places: Iterable[Place]) -> Mapping[str, str]:
    """The direct messages on record: by their channel, from which message on something may have been missed."""
    found = {place.conversation: _messages(place)[:_OVERLAP] for place in places if place.conversation.isdecimal()}
    return {channel: messages[-1] for channel, messages in found.items() if messages}


def on_record(places: Iterable[Place]) -> frozenset[str]:
    """The messages that are on record, also those of which only an edit is."""
    return frozenset(known.partition("-")[0] for place in places for known in place.known)


def begun(places: Iterable[Place]) -> Mapping[str, str]:
    """Who asked in a server and is not known to have written directly, and their newest message: we answered there."""
    places = list(places)
    writing = {place.route.get("user") for place in places if place.conversation.isdecimal()}
    asked = [place for place in places if "asked_in" in place.route and place.route.get("user") not in writing]
    found = {place.route["user"]: ids[0] for place in reversed(asked[:_MOST_BEGUN]) if (ids := _messages(place))}
    return {user: message for user, message in found.items() if user.isdecimal()}


def _messages(place: Place) -> list[str]:
    """The ids of its messages, the newest first."""
    stems = {known.partition("-")[0] for known in place.known}
    return sorted((one for one in stems if one.isdecimal()), key=int, reverse=True)
