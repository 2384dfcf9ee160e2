"""The latest messages that were heard: what an edit really changed, and whose a deleted message was."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import ValidationError

from channels._discord.objects import Message
from channels._discord.reading import edition

_MOST: Final = 500
_FRESH: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Known:
    payload: Mapping[str, Any]
    external_id: str


class History:
    """Remembers the latest messages, as they stand by now."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def said(self, payload: Mapping[str, Any]) -> None:
        """A message came."""
        self._keep(payload, str(payload.get("id")))

    def edited(self, payload: Mapping[str, Any], now: datetime) -> str | None:
        """Under which external id the message stands that was edited just now; None if no word of it changed.

        Discord also tells of a message when it adds a preview of a link, or when somebody pins it.
        """
        try:
            message = Message.model_validate(payload)
        except ValidationError:
            return None
        known = self._known.get(message.id)
        is_new = message.edited_timestamp is not None and now - message.edited_timestamp < _FRESH
        if not is_new or (known and _words(known.payload) == _words(payload)):
            return None
        self._keep(payload, edition(message))
        return known.external_id if known else message.id

    def deleted(self, message: str) -> tuple[Mapping[str, Any], str] | None:
        """What a message said that is gone, and its external id; None if we do not remember it."""
        known = self._known.pop(message, None)
        return (known.payload, known.external_id) if known else None

    def _keep(self, payload: Mapping[str, Any], external_id: str) -> None:
        self._known[str(payload.get("id"))] = _Known(payload, external_id)
        while len(self._known) > _MOST:
            self._known.popitem(last=False)


def _words(payload: Mapping[str, Any]) -> tuple[object, list[object]]:
    return payload.get("content"), [file.get("id") for file in payload.get("attachments", [])]
