"""Handles: one address on one channel, and the epochs in which it belonged to one owner."""

from dataclasses import dataclass
from datetime import datetime, timedelta

# A number that was silent for this long may have changed owner.
SILENCE = timedelta(days=45)


@dataclass(frozen=True, kw_only=True, slots=True)
class Handle:
    """One address on one channel, as the channel's own check saw it.

    `key` is what a directory or another channel may vouch for: `phone:+15550100`, `email:ann@shop.test`,
    `slack:T1/U1`, `discord:42`, `web:SUBJECT`. SMS and voice of one number are two handles with one key.
    """

    channel: str
    address: str
    key: str

    @property
    def must_be_known(self) -> bool:
        """Whether a first contact over this handle proves nothing by itself."""
        return self.key.startswith("phone:")


def starts_anew(heard_at: datetime | None, now: datetime) -> bool:
    """Whether a number was silent for so long that a new epoch begins: no links, no recall of the old one."""
    return heard_at is not None and now - heard_at > SILENCE
