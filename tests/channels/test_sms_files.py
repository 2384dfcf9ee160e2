"""Files that colleagues send by MMS: Twilio, and nobody without its address, fetches them from us, for some hours."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from channels.sms import Sms
from core.channel import SentFile
from core.errors import Undeliverable
from core.messages import Attachment, Reply
from tests.channels.texting import ANN, desk, texting, twilio_twin
from tests.enclosures import DOCUMENT, FILES, PDF, PNG, file
from tests.shop import Shop
from tests.site import NOW
from tests.twins.twilio import PUBLIC, Twilio

ROUTE = {"to": ANN, "from": "+15550199"}


@dataclass
class Kept:
    """The files that are on record, and the time."""

    files: dict[tuple[str, int], Attachment] = field(default_factory=dict)
    now: datetime = NOW

    async def sent_file(self, reply: str, number: int) -> SentFile | None:
        found = self.files.get((reply, number))
        return SentFile(conversation=ANN, file=found) if found else None


@pytest_asyncio.fixture
async def twilio() -> AsyncIterator[Twilio]:
    async with twilio_twin() as twin:
        yield twin


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest_asyncio.fixture
async def sms(twilio: Twilio, tmp_path: Path, kept: Kept, shop: Shop) -> AsyncIterator[Sms]:
    async with (
        texting(twilio, tmp_path, now=lambda: kept.now, sent_file=kept.sent_file) as channel,
        desk(shop, twilio, channel),
    ):
        yield channel


async def sends(sms: Sms, twilio: Twilio, kept: Kept, *files: Attachment, text: str = "Here it is.") -> None:
    reply = Reply(id="r1", route=ROUTE | {"from": twilio.number}, text=text, sender="agent", files=files)
    kept.files = {("r1", number): one for number, one in enumerate(files)}
    for wire in sms.render(reply):
        await sms.send(wire)


async def status(twilio: Twilio, url: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(twilio.deliver_to + url.removeprefix(PUBLIC)) as answer:
        return answer.status


async def test_the_text_goes_first_and_the_files_in_one_mms(twilio: Twilio, sms: Sms, kept: Kept) -> None:
    await sends(sms, twilio, kept, *FILES)
    text, mms = twilio.sent
    assert (text.body, text.media) == ("Here it is.", ())
    assert (mms.body, mms.media) == ("", (("image/png", PNG), ("application/pdf", PDF)))
    assert (mms.to, mms.sender) == (ANN, twilio.number)


async def test_files_alone_need_no_text(twilio: Twilio, sms: Sms, kept: Kept) -> None:
    await sends(sms, twilio, kept, DOCUMENT, text="")
    assert [len(sent.media) for sent in twilio.sent] == [1]


async def test_an_address_names_nobody_and_runs_out(twilio: Twilio, sms: Sms, kept: Kept) -> None:
    await sends(sms, twilio, kept, DOCUMENT)
    (url,) = twilio.fetched
    assert ANN.removeprefix("+") not in url
    assert url.startswith(f"{PUBLIC}/twilio/media/r1.0.")
    assert await status(twilio, url) == 200
    late = url.replace(url.rsplit(".", 2)[1], str(int((NOW + timedelta(days=9)).timestamp())))
    another = url[:-1] + ("0" if url[-1] != "0" else "1")
    for forged in (another, url.replace("r1.0.", "r1.1."), late, url + "0", url[:60]):
        assert await status(twilio, forged) == 404


async def test_an_old_address_opens_nothing(twilio: Twilio, sms: Sms, kept: Kept) -> None:
    kept.now = NOW - timedelta(hours=13)
    with pytest.raises(Undeliverable, match="21620"):
        await sends(sms, twilio, kept, DOCUMENT, text="")
    assert await status(twilio, twilio.fetched[0]) == 404


async def test_what_is_on_record_no_more_is_gone(twilio: Twilio, sms: Sms, kept: Kept) -> None:
    await sends(sms, twilio, kept, DOCUMENT)
    kept.files.clear()
    assert await status(twilio, twilio.fetched[0]) == 404


async def test_a_kind_that_no_telephone_takes_is_not_handed_out(twilio: Twilio, sms: Sms, kept: Kept) -> None:
    with pytest.raises(Undeliverable):
        await sends(sms, twilio, kept, file("page.html", b"<script>alert(1)</script>", "text/html"), text="")


async def test_files_that_twilio_finds_too_large_are_refused_for_good(twilio: Twilio, sms: Sms, kept: Kept) -> None:
    with pytest.raises(Undeliverable, match="too large for a text message"):
        await sends(sms, twilio, kept, file("film.mp4", bytes(5_000_001), "video/mp4"), text="")


async def test_without_a_public_address_no_files_are_taken(twilio: Twilio, tmp_path: Path) -> None:
    async with texting(twilio, tmp_path, base_url="http://127.0.0.1:8000") as sms:
        assert (sms.limits.file_bytes, sms.pages) == (0, ())
        (wire,) = sms.render(Reply(id="r1", route=ROUTE, text="", files=(DOCUMENT,)))
        with pytest.raises(Undeliverable, match="PUBLIC_BASE_URL"):
            await sms.send(wire)
