"""Files in Slack: an address is given out for each, takes so many bytes once, and then they are shown in a channel."""

import json
from dataclasses import dataclass

from aiohttp import web

from tests.twins.slack_rooms import Refused, Rooms
from tests.twins.slack_workspace import BOT, JSON


@dataclass(frozen=True, kw_only=True, slots=True)
class Shared:
    """Files as a channel shows them, in one message."""

    channel: str
    thread_ts: str
    files: dict[str, bytes]  # by their titles


@dataclass(kw_only=True)
class _Upload:
    name: str
    length: int
    content: bytes | None = None
    is_shown: bool = False


class Shelf(Rooms):
    """The part of the workspace that takes files."""

    scopes: str
    uploads_at: str  # where they are taken, with a slash at the end

    def __init__(self) -> None:
        super().__init__()
        self.shared: list[Shared] = []
        self.refuse_uploads: list[int] = []  # statuses that the next uploads are answered
        self._uploads: dict[str, _Upload] = {}

    def upload_address(self, arguments: JSON) -> JSON:
        """files.getUploadURLExternal."""
        self._check_scope()
        length = str(arguments["length"])
        if not length.isdecimal() or not 0 < int(length) <= 1_000_000_000:
            raise Refused("invalid_arguments")
        file = f"F{len(self._uploads):04}"
        self._uploads[file] = _Upload(name=arguments["filename"], length=int(length))
        return {"upload_url": f"{self.uploads_at}{file}", "file_id": file}

    async def take_upload(self, request: web.Request) -> web.Response:
        """What is posted to such an address; it needs no token."""
        content, upload = await request.read(), self._uploads.get(request.match_info["file"])
        if self.refuse_uploads:
            return web.Response(status=self.refuse_uploads.pop(0))
        if upload is None or upload.content is not None or len(content) != upload.length:
            return web.Response(status=400)
        upload.content = content
        return web.Response(text=f"OK - {len(content)}")

    def complete_upload(self, arguments: JSON) -> JSON:
        """files.completeUploadExternal."""
        self._check_scope()
        given, channel = arguments["files"], arguments.get("channel_id", "")
        listed = json.loads(given) if isinstance(given, str) else given
        uploads = [self._uploads.get(one["id"]) for one in listed]
        if BOT not in self.readers(channel):
            raise Refused("channel_not_found")
        shown: dict[str, bytes] = {}
        for one, upload in zip(listed, uploads, strict=True):
            if upload is None or upload.content is None or upload.is_shown:
                raise Refused("file_not_found")
            shown[one.get("title", upload.name)] = upload.content
        for upload in uploads:
            assert upload
            upload.is_shown = True
        self.shared.append(Shared(channel=channel, thread_ts=arguments.get("thread_ts", ""), files=shown))
        return {"files": listed}

    def _check_scope(self) -> None:
        if "files:write" not in self.scopes.split(","):
            raise Refused("missing_scope")
