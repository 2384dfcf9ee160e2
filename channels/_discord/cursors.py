"""How far each conversation by direct message was heard, so that what was said while we were away can be fetched.

Discord lists a bot no direct messages that it has; therefore they are kept in a file, the 1,000 latest.
"""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from channels._discord.objects import Snowflake

log = logging.getLogger(__name__)

_MOST: Final = 1_000
_FILE: Final = TypeAdapter(dict[Snowflake, Snowflake])


class Cursors:
    """The newest message heard, by its channel; the latest channel last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._heard = self._read()
        self._is_saved = True

    def all(self) -> Mapping[str, str]:
        """Where each conversation stands."""
        return dict(self._heard)

    def note(self, channel: str, message: str) -> None:
        """This message is on record. A conversation that begins is saved at once."""
        known = self._heard.pop(channel, "")
        self._heard[channel] = max(known, message, key=lambda one: int(one or 0))
        self._is_saved = False
        while len(self._heard) > _MOST:
            del self._heard[next(iter(self._heard))]
        if not known:
            self.save()

    def begin(self, channel: str, message: str) -> None:
        """We write to somebody who did not write there: what they answer is of interest."""
        if channel not in self._heard:
            self.note(channel, message)

    def drop(self, channel: str) -> None:
        """This conversation is gone."""
        self._is_saved = self._heard.pop(channel, None) is None and self._is_saved

    def save(self) -> None:
        """Writes the file, all of it or nothing."""
        if self._is_saved:
            return
        beside = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(json.dumps(self._heard))
            beside.replace(self._path)
        except OSError as error:
            log.warning("%s cannot be written (%s); messages may be missed after a pause", self._path, error.strerror)
        else:
            self._is_saved = True

    def _read(self) -> dict[str, str]:
        try:
            return _FILE.validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValidationError) as error:
            log.warning("%s cannot be read (%s); it is begun anew", self._path, type(error).__name__)
            return {}
