"""What Twilio took of us, as it lists it: asked where a request broke off, since Twilio knows no idempotency."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from pydantic import BaseModel, Field, ValidationError

from channels._sms.rest import Refused, Rest
from core.errors import TryAgain

_PAGE: Final = 200
_SKEW: Final = timedelta(minutes=2)  # by which clocks may differ
_LOST: Final = ("failed", "undelivered", "canceled")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A message that may have gone."""

    to: str
    body: str
    files: int = 0


class _Message(BaseModel):
    sid: str
    body: str | None = ""
    direction: str = ""
    status: str = ""
    num_media: str = "0"
    date_created: str = Field("")

    @property
    def made_at(self) -> datetime:
        """By Twilio's clock."""
        found = parsedate_to_datetime(self.date_created)
        return found if found.tzinfo else found.replace(tzinfo=UTC)

    def is_the(self, wanted: Wanted) -> bool:
        """Whether it is what we would send; a trial account puts a line of its own before it."""
        same = (self.body or "").endswith(wanted.body) and (self.num_media != "0") == bool(wanted.files)
        return same and self.direction.startswith("outbound") and self.status not in _LOST


class _Page(BaseModel):
    messages: list[_Message]
    next_page_uri: str | None = None


async def taken(rest: Rest, wanted: Wanted, since: datetime) -> Sequence[str] | None:
    """Their SIDs, the oldest first; None where Twilio does not say. Raises TryAgain."""
    earliest = since - _SKEW
    try:
        asked = await rest.ask(f"{rest.path}/Messages.json", To=wanted.to, PageSize=str(_PAGE))
        page = _Page.model_validate(asked)
        lately = [one for one in page.messages if one.made_at >= earliest]
    except (ValidationError, ValueError) as error:
        raise TryAgain("Twilio's list of messages cannot be read") from error
    except Refused:
        return None
    found = [one.sid for one in reversed(lately) if one.is_the(wanted)]
    all_seen = len(lately) < len(page.messages) or page.next_page_uri is None
    return found if found or all_seen else None
