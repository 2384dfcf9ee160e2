"""What Twilio has on record of an account: its messages, their files, its numbers. One part of the twin."""

import asyncio
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from tests.site import NOW

_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_LARGEST_PAGE: Final = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """A text message that Twilio took from us."""

    sid: str
    to: str
    sender: str  # a number, or the SID of a Messaging Service
    body: str
    service: str = ""  # of the Messaging Service that a number was used within
    reports_to: str = ""  # where Twilio tells what became of it
    media: tuple[tuple[str, bytes], ...] = ()  # media types and contents, as they were fetched


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """A file of an MMS."""

    media_type: str
    content: bytes = b""
    leads_to: str = ""  # where its address redirects; "" for this twin's store of files
    served_as: str = ""  # the content type that comes with it, if another one
    circles: bool = False  # the store leads back to itself


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """A message on record."""

    sid: str
    sender: str
    to: str
    body: str
    at: datetime = NOW
    direction: str = "inbound"
    service: str = ""
    files: Mapping[str, File] = field(default_factory=dict)  # by their SIDs

    def shown(self, account: str) -> dict[str, object]:
        """As Twilio lists it."""
        path, date = f"/2010-04-01/Accounts/{account}/Messages/{self.sid}", format_datetime(self.at)
        return {"sid": self.sid, "account_sid": account, "from": self.sender, "to": self.to, "body": self.body,
                "direction": self.direction, "status": "received", "num_media": str(len(self.files)),
                "messaging_service_sid": self.service or None, "num_segments": "1", "error_code": None,
                "date_sent": date, "date_created": date, "date_updated": date, "price": None, "uri": f"{path}.json",
                "subresource_uris": {"media": f"{path}/Media.json"}}  # fmt: skip


class Archive:
    """The account's records, and their part of the REST interface. `asked` is every list that was asked for."""

    def __init__(self, account: str, number: str) -> None:
        self.account, self.number = account, number
        self.records: list[Record] = []
        self.status, self.type = "active", "Full"
        self.numbers: dict[str, dict[str, object]] = {number: {}}  # and what differs from an ordinary one
        self.largest_page = _LARGEST_PAGE
        self.asked: asyncio.Queue[Mapping[str, str]] = asyncio.Queue()
        self.visits: list[tuple[str, str]] = []  # at the store of files: its path, and the credentials shown there
        self.public = ""
        self._sids = itertools.count(1)

    def keeps(self, sender: str, body: str, **more: object) -> Record:
        """A message came in, whoever heard of it."""
        given: dict[str, object] = {"sid": f"SM{next(self._sids):031x}a", "to": self.number}
        record = Record(sender=sender, body=body, **given | more)  # type: ignore[arg-type]
        self.records.append(record)
        return record

    def took(self, sent: Sent, at: datetime) -> None:
        """A message of ours."""
        kinds = {f"ME{number:032x}": kind for number, (kind, _) in enumerate(sent.media)}
        files = {sid: File(media_type=kind) for sid, kind in kinds.items()}
        one = Record(sid=sent.sid, sender=sent.sender, to=sent.to, body=sent.body, at=at, direction="outbound-api",
                     service=sent.service, files=files)  # fmt: skip
        self.records.append(one)

    def lists(self, query: Mapping[str, str], page: int) -> dict[str, object]:
        """One page of messages, the newest first."""
        if since := query.get("DateSent>", ""):
            assert _MOMENT.fullmatch(since), since
        self.asked.put_nowait(dict(query))
        start = datetime.fromisoformat(since) if since else None
        found = [r for r in self.records if r.to == query.get("To", r.to) and (start is None or r.at >= start)]
        found.sort(key=lambda record: record.at, reverse=True)
        size = min(int(query.get("PageSize", "50")), self.largest_page)
        here = found[page * size : (page + 1) * size]
        following = urlencode({**query, "Page": str(page + 1), "PageToken": f"PA{page}"})
        path = f"/2010-04-01/Accounts/{self.account}/Messages.json"
        more = f"{path}?{following}" if found[(page + 1) * size :] else None
        return {"messages": [r.shown(self.account) for r in here], "page": page, "page_size": size, "uri": path,
                "next_page_uri": more, "first_page_uri": path, "previous_page_uri": None}  # fmt: skip

    def files(self, sid: str) -> dict[str, object]:
        """The list of a message's files."""
        record = self.find(sid)
        path = f"/2010-04-01/Accounts/{self.account}/Messages/{sid}/Media"
        return {"media_list": [{"sid": me, "parent_sid": sid, "content_type": file.media_type,
                                "uri": f"{path}/{me}.json"} for me, file in record.files.items()]}  # fmt: skip

    def find(self, sid: str) -> Record:
        """A message on record. Raises KeyError."""
        return {record.sid: record for record in self.records}[sid]

    def shows_account(self) -> dict[str, object]:
        """The account itself."""
        return {"sid": self.account, "friendly_name": "Acme", "status": self.status, "type": self.type}

    def _short_codes(self, code: str) -> Iterator[dict[str, object]]:
        if code in self.numbers:
            address = f"{self.public}/twilio/sms"
            yield {"sid": "SC" + "1" * 32, "short_code": code, "sms_method": "POST", "sms_url": address}

    def _numbers(self, number: str) -> Iterator[dict[str, object]]:
        if number in self.numbers:
            ordinary = {"sid": "PN" + "1" * 32, "phone_number": number, "sms_method": "POST",
                        "sms_url": f"{self.public}/twilio/sms",
                        "voice_url": f"{self.public}/twilio/voice",
                        "status_callback": f"{self.public}/twilio/voice/status", "sms_application_sid": "",
                        "capabilities": {"voice": True, "sms": True, "mms": True, "fax": False}}  # fmt: skip
            yield ordinary | self.numbers[number]

    # Over HTTP, behind the twin's own check of credentials

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """What is asked for, or 404."""
        what = request.match_info["what"]
        query = {name: value for name, value in request.query.items() if name not in ("Page", "PageToken")}
        try:
            if what == "Messages.json":
                return web.json_response(self.lists(query, int(request.query.get("Page", "0"))))
            if what == "IncomingPhoneNumbers.json":
                return web.json_response({"incoming_phone_numbers": list(self._numbers(query["PhoneNumber"]))})
            if what == "SMS/ShortCodes.json":
                return web.json_response({"short_codes": list(self._short_codes(query["ShortCode"]))})
            message, _, file = what.removeprefix("Messages/").partition("/Media")
            if file == ".json":
                return web.json_response(self.files(message))
            return self._leads(message, file.removeprefix("/"))
        except KeyError:
            raise web.HTTPNotFound from None

    def _leads(self, message: str, file: str) -> web.Response:
        found = self.find(message).files[file]
        to = found.leads_to or f"/store/{message}/{file}"
        return web.Response(status=HTTPStatus.TEMPORARY_REDIRECT, headers={"Location": to})

    async def store(self, request: web.Request) -> web.Response:
        """Where files lie. Amazon refuses whoever brings credentials of Twilio's."""
        self.visits.append((request.path, request.headers.get("Authorization", "")))
        if "Authorization" in request.headers:
            return web.Response(status=400, text="InvalidArgument: Unsupported Authorization Type")
        file = self.find(request.match_info["message"]).files[request.match_info["file"]]
        if file.circles:
            raise web.HTTPFound(request.path)
        return web.Response(body=file.content, content_type=file.served_as or file.media_type)
