"""A file that a channel gives only the address of is fetched when a colleague asks for it, and never shown or run."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from core.ledger import line_of
from core.messages import Raw
from tests.channels.texting import ANN, texting, twilio_twin
from tests.console.office import Office, Outline, opened
from tests.shop import Shop
from tests.twins.twilio import Twilio
from tests.twins.twilio_archive import File

PICTURE = b"<svg onload=alert(1)>\x00\xff" * 1_000


@pytest.fixture
async def twilio() -> AsyncIterator[Twilio]:
    async with twilio_twin() as twin:
        yield twin


@pytest.fixture
async def office(shop: Shop, twilio: Twilio, tmp_path: Path) -> AsyncIterator[Office]:
    async with texting(twilio, tmp_path) as sms, opened(shop, read_by={"sms": sms}) as desk:
        record = twilio.archive.keeps(ANN, "", files={"ME1": File(media_type="image/jpeg", content=PICTURE)})
        url = f"https://api.twilio.com/2010-04-01/Accounts/{twilio.account_sid}/Messages/{record.sid}/Media/ME1"
        fields = {"MessageSid": record.sid, "From": ANN, "To": twilio.number, "Body": "I want to speak to a human!",
                  "NumMedia": "1", "MediaUrl0": url, "MediaContentType0": "image/jpeg"}  # fmt: skip
        raw = Raw(body=urlencode(fields).encode(), received_at=shop.now)
        message = sms.parse(raw)
        assert message
        await shop.engine.accept(message, raw)
        await shop.answers(line_of(message))
        yield desk


async def test_a_colleague_gets_the_picture_and_the_browser_only_saves_it(office: Office, twilio: Twilio) -> None:
    browser = await office.signed_in()
    page = (await browser.get("/console/cases/1")).text
    assert twilio.archive.visits == []
    file = await browser.get(Outline(page).links["image-1.jpg"])
    assert file.content == PICTURE
    assert file.headers["content-type"] == "application/octet-stream"
    assert file.headers["content-security-policy"].startswith("default-src 'none'; sandbox")


async def test_a_picture_that_twilio_has_no_more_is_said_to_be_gone(office: Office, twilio: Twilio) -> None:
    browser = await office.signed_in()
    link = Outline((await browser.get("/console/cases/1")).text).links["image-1.jpg"]
    twilio.archive.records.clear()
    answer = await browser.get(link)
    assert answer.status_code == 502
    assert "Twilio has it no more" in answer.text
