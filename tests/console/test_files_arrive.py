"""A colleague's file from the console to the customer, over the real ledger: in the chat, and by MMS."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from bots import web as host
from channels.web import Web, WebSettings
from core.ledger import line_of
from core.messages import Raw
from tests.channels.texting import ANN, texting, twilio_twin
from tests.console.office import Office
from tests.console.test_sent_files import HUMAN, arrived, sends, upload
from tests.enclosures import PDF
from tests.shop import HOUSE
from tests.site import site
from tests.twins.twilio import PUBLIC


async def test_a_file_is_opened_in_the_chat_that_it_was_sent_to_and_in_no_other(office: Office, tmp_path: Path) -> None:
    shop = office.shop
    here = replace(site(tmp_path), sent_file=partial(shop.ledger.sent_file, "web"), now=lambda: shop.now)
    chat = office.channels["web"] = Web(WebSettings(), here)
    sessions = [chat._sessions.opened(shop.now) for _ in range(2)]

    def raw(session: str, path: str = "/api/chat/messages", body: bytes = b"") -> Raw:
        return Raw(body=body, received_at=shop.now, path=path, headers={"x-chat-session": session})

    for session in sessions:
        said = raw(session, body=b'{"id": "m1", "text": "%s"}' % HUMAN.encode())
        message = chat.parse(said)
        assert message
        await shop.engine.accept(message, said)
        await shop.answers(line_of(message))
    answer = await sends(await office.signed_in(), [upload("invoice 12.pdf")])
    assert answer.status_code == 200
    await office.delivered()
    ours, theirs = [await chat.get(raw(session, "/api/chat/files/r-1/0")) for session in sessions]
    assert (ours.status, ours.body) == (200, PDF)
    assert theirs.status == 404
    lines = await shop.ledger.transcript("web", sessions[0].partition(".")[0])
    assert [file.name for line in lines for file in line.files] == ["invoice 12.pdf"]
    assert arrived(office, "slack") == []


async def test_twilio_fetches_a_file_that_goes_by_mms(office: Office, tmp_path: Path) -> None:
    shop = office.shop
    async with (
        twilio_twin() as twilio,
        texting(twilio, tmp_path, now=lambda: shop.now, sent_file=partial(shop.ledger.sent_file, "sms")) as sms,
    ):
        office.channels["sms"] = sms
        known = {**HOUSE.channels, "sms": replace(HOUSE.channels["sms"], limits=sms.limits)}
        object.__setattr__(office.desk, "house", replace(HOUSE, channels=known))
        app = host.application([sms], shop.engine.accept, _ready, note=_note, base_url=PUBLIC, now=lambda: shop.now)
        listening = host.listen("127.0.0.1", 0)
        twilio.deliver_to = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with host.serving(app, listening):
            await shop.hears("sms", ANN, HUMAN, route={"to": ANN, "from": twilio.number})
            browser = await office.signed_in()
            refused = await sends(browser, [upload("page.html", b"<p>", "text/html")])
            assert refused.status_code == 409
            assert "is of a kind that cannot be sent by SMS" in refused.text
            await sends(browser, [upload("invoice 12.pdf")])
            await office.delivered()
    assert [sent.media for sent in twilio.sent] == [(), (("application/pdf", PDF),)]


async def _ready() -> dict[str, str]:
    return {}


async def _note(*_: object) -> None: ...
