"""Messages that no webhook brought, since we were away: Twilio does not send them again, but it lists them."""

import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from channels._sms.rest import Refused, Rest
from channels._twilio import TWILIO
from core.channel import Deliver
from core.errors import TryAgain
from core.messages import Raw

log = logging.getLogger(__name__)

_OVERLAP: Final = timedelta(minutes=15)  # a message may be listed later than it came
_FARTHEST: Final = timedelta(days=3)  # nobody waits longer for an answer by text
_PAGE: Final = 200
_MOST_PAGES: Final = 50  # of one number at a time
_MOST_NUMBERS: Final = 50
_REMEMBERED: Final = 10_000  # messages on record, not to be delivered again


class _Message(BaseModel):
    """A message as Twilio lists it."""

    sid: str
    sender: str = Field("", alias="from")
    to: str = ""
    body: str | None = ""
    direction: str = ""
    num_media: str = "0"
    messaging_service_sid: str | None = None
    date_sent: str | None = None
    date_created: str | None = None

    @property
    def came_at(self) -> datetime | None:
        """By Twilio's clock."""
        try:
            found = parsedate_to_datetime(self.date_sent or self.date_created or "")
        except ValueError:
            return None
        return found if found.tzinfo else found.replace(tzinfo=UTC)


class _Page(BaseModel):
    messages: list[_Message]
    next_page_uri: str | None = None


class _File(BaseModel):
    uri: str
    content_type: str = ""


class _Files(BaseModel):
    media_list: list[_File]


class _Kept(BaseModel):
    """Since when we listen, until when everything was heard, and at which numbers customers wrote to us."""

    begun: AwareDatetime
    until: AwareDatetime
    numbers: list[str] = []


class Missed:
    """Finds what was missed. `path` is a file of ours; `address` is where the webhook would have come to."""

    def __init__(self, rest: Rest, path: Path, number: str, now: Callable[[], datetime], *, address: str) -> None:
        self._rest = rest
        self._path = path
        self._number = number
        self._now = now
        self._address = address
        self._kept: _Kept | None = None
        self._heard: deque[str] = deque(maxlen=_REMEMBERED)
        self._known: set[str] = set()

    def note(self, sid: str, number: str) -> None:
        """This message is on record. A number that was written to is looked after from now on."""
        if len(self._heard) == _REMEMBERED:
            self._known.discard(self._heard[0])
        self._heard.append(sid)
        self._known.add(sid)
        kept = self._opened()
        if number and number != self._number and number not in kept.numbers:
            self._save(kept.model_copy(update={"numbers": [*kept.numbers, number][-_MOST_NUMBERS:]}))

    async def sweep(self, deliver: Deliver) -> None:
        """Delivers what is listed and not on record, the oldest first. Raises TryAgain or Refused, and what `deliver`
        raises: then the next sweep begins where this one did.
        """
        is_first_start = self._kept is None and not self._path.exists()
        now, kept = self._now(), self._opened()
        if is_first_start:
            return
        since = max(kept.begun, kept.until - _OVERLAP, now - _FARTHEST).replace(microsecond=0)  # Twilio tells seconds
        for number in [self._number, *kept.numbers]:
            for found in reversed([one async for one in self._listed(number, since)]):
                await deliver(await self._delivery(found))
                self.note(found.sid, found.to)
        self._save(self._opened().model_copy(update={"until": now}))

    async def _listed(self, number: str, since: datetime) -> AsyncIterator[_Message]:
        """What customers sent to a number, the newest first, but for what is on record."""
        start = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        query = {"To": number, "DateSent>": start, "PageSize": str(_PAGE)}
        page = await self._page(f"{self._rest.path}/Messages.json", **query)
        for _ in range(_MOST_PAGES):
            for one in page.messages:
                if one.direction == "inbound" and one.sid not in self._known and (one.came_at or since) >= since:
                    yield one
            if not page.next_page_uri or not page.next_page_uri.startswith(self._rest.path):
                return
            page = await self._page(page.next_page_uri)
        log.error("SMS: more was missed than can be fetched; the oldest messages are to be seen at Twilio only")

    async def _page(self, path: str, **query: str) -> _Page:
        try:
            return _Page.model_validate(await self._rest.ask(path, **query))
        except ValidationError as error:
            raise TryAgain("Twilio's list of messages cannot be read") from error

    async def _delivery(self, one: _Message) -> Raw:
        """A message as its webhook would have brought it."""
        files = await self._files(one) if one.num_media != "0" else []
        fields = {"MessageSid": one.sid, "AccountSid": self._rest.account, "From": one.sender, "To": one.to}
        fields |= {"Body": one.body or "", "NumMedia": str(len(files)), "DateSent": one.date_sent or ""}
        if one.messaging_service_sid:
            fields["MessagingServiceSid"] = one.messaging_service_sid
        for number, file in enumerate(files):
            fields[f"MediaUrl{number}"] = TWILIO + file.uri.removesuffix(".json")
            fields[f"MediaContentType{number}"] = file.content_type
        return Raw(body=urlencode(fields).encode(), received_at=self._now(), url=self._address, path="/twilio/sms")

    async def _files(self, one: _Message) -> Sequence[_File]:
        try:
            listed = await self._rest.ask(f"{self._rest.path}/Messages/{one.sid}/Media.json")
            return _Files.model_validate(listed).media_list
        except (Refused, ValidationError):  # deleted there; the text is still worth an answer
            return []

    # What is kept from one start to the next

    def _opened(self) -> _Kept:
        """What was heard before the first start is nobody's to answer."""
        if self._kept is None:
            self._kept = self._read() or self._save(_Kept(begun=self._now(), until=self._now()))
        return self._kept

    def _read(self) -> _Kept | None:
        try:
            return _Kept.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            log.warning("%s cannot be read (%s); it is begun anew", self._path, type(error).__name__)
            return None

    def _save(self, kept: _Kept) -> _Kept:
        """Writes the file, all of it or nothing."""
        self._kept = kept
        beside = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(kept.model_dump_json())
            beside.replace(self._path)
        except OSError as error:
            log.warning("%s cannot be written (%s); messages may be missed after a pause", self._path, error.strerror)
        return kept
