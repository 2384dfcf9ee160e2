"""The files of an MMS: named in the answer, fetched for staff from Twilio alone, which alone is told who we are."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from channels._sms import media
from channels.sms import Sms
from core.channel import Fetches
from core.errors import Malformed, TryAgain
from core.messages import Attachment
from tests.channels.texting import ANN, SETTINGS, desk, texting, twilio_twin
from tests.shop import Shop
from tests.site import NOW
from tests.twins.twilio import Trouble, Twilio
from tests.twins.twilio_archive import File, Record

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 400


@pytest.fixture
async def twilio() -> AsyncIterator[Twilio]:
    async with twilio_twin() as twin:
        yield twin


@pytest.fixture
async def sms(twilio: Twilio, tmp_path: Path) -> AsyncIterator[Sms]:
    async with texting(twilio, tmp_path) as channel:
        yield channel


def file_of(record: Record, *, url: str = "", media_type: str = "image/jpeg") -> Attachment:
    ours = f"/2010-04-01/Accounts/{SETTINGS['twilio_account_sid']}/Messages/{record.sid}/Media/ME1"
    return media.attachment(1, url or f"https://api.twilio.com{ours}", media_type)


def kept(twilio: Twilio, **file: object) -> Record:
    given: dict[str, object] = {"media_type": "image/jpeg", "content": JPEG}
    return twilio.archive.keeps(ANN, "", files={"ME1": File(**given | file)})  # type: ignore[arg-type]


async def test_a_picture_is_fetched_and_only_twilio_sees_our_credentials(twilio: Twilio, sms: Sms) -> None:
    assert isinstance(sms, Fetches)
    record = kept(twilio)
    assert await sms.fetch(file_of(record)) == JPEG
    assert twilio.archive.visits == [(f"/store/{record.sid}/ME1", "")]


HERE = "/2010-04-01/Accounts/{account}/Messages/{sid}/Media/ME1"


@pytest.mark.parametrize(
    "url",
    [
        "http://api.twilio.com" + HERE,
        "https://evil.test" + HERE,
        "https://api.twilio.com.evil.test" + HERE,
        "https://api.twilio.com@evil.test" + HERE,
        "https://169.254.169.254" + HERE,
        "https://api.twilio.com/2010-04-01/Accounts/{account}/Messages.json",
        "https://api.twilio.com/2010-04-01/Accounts/{account}.json",
        "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/{sid}/Media/ME1",
        "https://api.twilio.com" + HERE + "/../../../Calls",
        "https://api.twilio.com/x" + HERE,
        "file:///etc/passwd",
        "",
    ],
)
async def test_nothing_but_a_file_of_our_account_is_fetched(url: str, twilio: Twilio, sms: Sms) -> None:
    record = kept(twilio)
    address = url.format(account=twilio.account_sid, sid=record.sid)
    with pytest.raises(Malformed, match="none of our account's files"):
        await sms.fetch(Attachment(name="x", media_type="image/jpeg", size=0, url=address))
    assert twilio.connections == set()


@pytest.mark.parametrize(
    "to",
    [
        "https://evil.test/x.jpg",
        "http://media.twiliocdn.com/x.jpg",
        "https://media.twiliocdn.com:8443/x.jpg",
        "https://media.twiliocdn.com.evil.test/x.jpg",
        "https://eviltwiliocdn.com/x.jpg",
        "https://s3.amazonaws.com/evil-bucket/x.jpg",
        "https://s3.amazonaws.com.evil.test/media.twiliocdn.com/x.jpg",
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:1/x.jpg",
        "//evil.test/x.jpg",
        "gopher://evil.test",
    ],
)
async def test_twilio_leading_elsewhere_is_not_followed(to: str, twilio: Twilio, sms: Sms) -> None:
    with pytest.raises(Malformed, match="none of its own"):
        await sms.fetch(file_of(kept(twilio, leads_to=to)))


@pytest.mark.parametrize(
    "to",
    [
        "https://media.twiliocdn.com/AC1/x.jpg",
        "https://mms.twiliocdn.com/AC1/x.jpg",
        "https://s3-external-1.amazonaws.com/media.twiliocdn.com/AC1/x.jpg?X-Amz-Signature=1",
        "https://s3.us-east-1.amazonaws.com/media.twiliocdn.com/AC1/x.jpg",
    ],
)
def test_where_twilio_keeps_files_is_known(to: str, sms: Sms) -> None:
    assert media._at_store(sms._rest, to) == to


async def test_going_in_circles_ends(twilio: Twilio, sms: Sms) -> None:
    with pytest.raises(Malformed, match="on and on"):
        await sms.fetch(file_of(kept(twilio, circles=True)))
    assert len(twilio.archive.visits) == 2


async def test_a_page_instead_of_a_picture_is_refused(twilio: Twilio, sms: Sms) -> None:
    with pytest.raises(Malformed, match="gave text/html instead of image/jpeg"):
        await sms.fetch(file_of(kept(twilio, served_as="text/html")))


async def test_a_file_that_is_too_large_is_given_up(twilio: Twilio, sms: Sms) -> None:
    largest = bytes(media.LARGEST)
    with pytest.raises(Malformed, match="larger"):
        await sms.fetch(file_of(kept(twilio, content=largest + b"x")))
    assert await sms.fetch(file_of(kept(twilio, content=largest))) == largest


async def test_a_file_that_twilio_has_no_more_is_not_to_be_had(twilio: Twilio, sms: Sms) -> None:
    record = Record(sid="MM1", sender=ANN, to=twilio.number, body="", at=NOW)
    with pytest.raises(Malformed, match=r"has it no more.*404"):
        await sms.fetch(file_of(record))


async def test_twilio_being_busy_is_said(twilio: Twilio, sms: Sms) -> None:
    twilio.troubles.append(Trouble(status=503))
    with pytest.raises(TryAgain, match="busy"):
        await sms.fetch(file_of(kept(twilio)))


class Hurried(Sms):
    """SMS that does not wait long for Twilio."""

    timeout = 0.2


async def test_twilio_hanging_is_given_up(twilio: Twilio, tmp_path: Path) -> None:
    twilio.troubles.append(Trouble(hangs=True))
    async with texting(twilio, tmp_path, kind=Hurried) as sms:
        with pytest.raises(TryAgain, match="cannot be reached"):
            await sms.fetch(file_of(kept(twilio)))


async def test_the_answer_names_the_files_and_none_is_fetched_for_it(shop: Shop, twilio: Twilio, sms: Sms) -> None:
    async with desk(shop, twilio, sms) as bot:
        media_of = {
            "MediaUrl0": "https://api.twilio.com/1",
            "MediaContentType0": "image/jpeg",
            "MediaUrl1": "https://api.twilio.com/2",
            "MediaContentType1": "application/pdf",
        }
        await twilio.texts(ANN, "", NumMedia="2", **media_of)
        assert "I have received image-1.jpg, file-2.pdf" in (await bot.answer()).body
    assert twilio.archive.visits == []


def test_names_come_from_what_a_file_is() -> None:
    named = {kind: media.attachment(1, "https://x.test", kind).name for kind in TYPES}
    assert named == TYPES


TYPES = {
    "image/jpeg": "image-1.jpg",
    "audio/amr": "audio-1.amr",
    "video/mp4": "video-1.mp4",
    "text/vcard": "file-1.vcf",
    "application/pdf": "file-1.pdf",
    "": "file-1",
    "../../etc/passwd": "file-1",
    "image/\u202egpj": "image-1",
}
