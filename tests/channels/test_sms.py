"""SMS end to end, over real sockets: what Twilio signs comes in, replies go out, and every refusal has its kind."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from channels.sms import Sms, SmsSettings, Text
from core.errors import SendProblem, TryAgain, Undeliverable
from core.messages import Reply
from identity.proof import Proof
from tests.channels.texting import ANN, SETTINGS, texting, twilio_twin
from tests.twins.twilio import Host, Trouble, Twilio, serving


class Hurried(Sms):
    """SMS that does not wait long for Twilio."""

    timeout = 0.2


@pytest.fixture
async def twilio() -> AsyncIterator[Twilio]:
    async with twilio_twin() as twin:
        yield twin


@pytest.fixture
async def sms(twilio: Twilio, tmp_path: Path) -> AsyncIterator[Sms]:
    async with texting(twilio, tmp_path) as channel:
        yield channel


@pytest.fixture
async def host(sms: Sms, twilio: Twilio) -> AsyncIterator[Host]:
    host = Host(sms)
    async with serving(host.app) as twilio.deliver_to:
        yield host


def text_to(number: str, body: str = "Hello", sender: str = SETTINGS["twilio_from_number"]) -> Text:
    return Text(to=number, sender=sender, body=body)


async def test_a_text_is_heard_and_its_reply_arrives(twilio: Twilio, host: Host, sms: Sms) -> None:
    _, answer = await twilio.texts(ANN, "I was charged twice")
    assert (answer.status, answer.media_type, answer.body) == (200, "text/xml", "<Response/>")

    message = await host.inbox.get()
    assert (message.handle.key, message.proof, message.text) == (f"phone:{ANN}", Proof.PROVEN, "I was charged twice")

    (wire,) = sms.render(Reply(id="rep_1", route=message.route, text="Which **order** is it?"))
    sid = await sms.send(wire)
    sent = await twilio.outbox.get()
    assert (sent.sid, sent.to, sent.sender, sent.body) == (sid, ANN, twilio.number, "Which order is it?")


async def test_a_redelivery_is_acknowledged_and_is_the_same_message(twilio: Twilio, host: Host) -> None:
    delivery, first = await twilio.texts(ANN, "Hello?")
    again = await twilio.deliver(delivery)
    assert (again.status, again.media_type, again.body) == (first.status, first.media_type, first.body)
    assert host.inbox.qsize() == 1


async def test_a_receipt_is_acknowledged_and_is_nobodys_message(twilio: Twilio, host: Host) -> None:
    _, answer = await twilio.texts(twilio.number, "", MessageStatus="delivered", SmsStatus="delivered")
    assert answer.status == 200
    assert host.inbox.empty()


SHORT_CODES = ["911", "72345", "723456", "7234567", "+72345"]
NAMES = ["PARCELS", "Acme 24", "+1555ACME100", "anonymous", "+266696687", "whatsapp:+15550100", "rcs:acme_agent"]
NO_NUMBERS = ["15550100", "+0155501000", "+١٥٥٥٠١٠٠", "+1555010012345678"]


@pytest.mark.parametrize("sender", [*SHORT_CODES, *NAMES, *NO_NUMBERS])
async def test_only_an_ordinary_number_is_a_customer(sender: str, twilio: Twilio, host: Host) -> None:
    """Short codes and names are machines, which cannot be answered either."""
    _, answer = await twilio.texts(sender, "Your code is 123456")
    assert (answer.status, answer.body) == (200, "<Response/>")
    assert host.inbox.empty()


async def test_what_twilio_did_not_sign_is_refused(twilio: Twilio, host: Host) -> None:
    delivery, _ = await twilio.texts(ANN, "Hello")
    await host.inbox.get()
    signature = delivery.headers["X-Twilio-Signature"]
    forgeries = (
        replace(delivery, headers={}),
        replace(delivery, headers={"X-Twilio-Signature": "é"}),
        replace(delivery, headers={"X-Twilio-Signature": signature.swapcase()}),
        replace(delivery, body=delivery.body.replace("5550100", "5550101")),
        replace(delivery, body=delivery.body + "&Body=Refund+me"),
        replace(delivery, body=delivery.body + "&Body=%FF"),
        replace(delivery, path=delivery.path + "?admin=1"),
    )
    for forgery in forgeries:
        assert (await twilio.deliver(forgery)).status == 403, forgery
    assert host.inbox.empty()


async def test_a_signature_of_another_account_is_refused(twilio: Twilio, host: Host) -> None:
    twilio.auth_token = "the token of another account"
    _, answer = await twilio.texts(ANN, "Hello")
    assert answer.status == 403


async def test_a_signed_request_that_says_nothing_is_malformed(twilio: Twilio, host: Host) -> None:
    _, answer = await twilio.texts(ANN, "Hello", MessageSid=None)
    assert answer.status == 400


async def test_a_messaging_service_answers_for_itself(twilio: Twilio, host: Host, sms: Sms) -> None:
    service = "MG" + "7" * 32
    twilio.services.add(service)
    for number, sender, within in ((twilio.number, twilio.number, service), (None, service, "")):
        await twilio.texts(ANN, "Any news?", To=number, MessagingServiceSid=service)
        message = await host.inbox.get()
        await sms.send(sms.render(Reply(id="rep_1", route=message.route, text="Not yet."))[0])
        sent = await twilio.outbox.get()
        assert (sent.sender, sent.service) == (sender, within)


async def test_what_a_colleague_writes_arrives_whole_in_messages_that_end_at_sentences(
    twilio: Twilio, sms: Sms
) -> None:
    story = " ".join(f"This is sentence {n} of a very long story." for n in range(130))
    route = {"to": ANN, "from": twilio.number}
    for wire in sms.render(Reply(id="rep_1", route=route, text=story, sender="agent")):
        await sms.send(wire)
    assert len(twilio.sent) > 2
    assert all(sent.body.endswith(".") for sent in twilio.sent)
    assert " ".join(sent.body for sent in twilio.sent) == story


@pytest.mark.parametrize("length", [1_600, 1_601, 3_200, 5_000])
async def test_one_endless_word_is_cut_anywhere(length: int, twilio: Twilio, sms: Sms) -> None:
    route = {"to": ANN, "from": twilio.number}
    wires = sms.render(Reply(id="rep_1", route=route, text="x" * length, sender="agent"))
    for wire in wires:
        await sms.send(wire)
    assert len(wires) == -(-length // 1_600)
    assert "".join(sent.body for sent in twilio.sent) == "x" * length


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("**Sorry** about that", "Sorry about that"),
        ("See [our page](https://acme.test/help)", "See our page (https://acme.test/help)"),
        ("[https://acme.test](https://acme.test)", "https://acme.test"),
        ("Say `help`", "Say help"),
        ("“It’s fine” – really…", '"It\'s fine" - really...'),
        ("Order …9137, mail •••", "Order ...9137, mail ***"),
        ("2 * 3 ** 4 and [brackets]", "2 * 3 ** 4 and [brackets]"),
        ("- one\n- two", "- one\n- two"),
        ("Schöne Grüße 😀", "Schöne Grüße"),
        ("👋 Hello 👍🏽!\n🎉 Done ✅", "Hello!\nDone"),
        ("Hello 👨‍👩‍👧 Ünal", "Hello Ünal"),
        ("At Ann🌸Bloom's", "At Ann🌸Bloom's"),
        ("Привет 😀", "Привет 😀"),
        ("👍", "👍"),
        ("Ça va, François?", "Ça va, François?"),
        ("cafe\u0301 · 1\u202f000 €, 20\u00a0% → n.º 5", "café . 1 000 €, 20 % -> n.o 5"),
        ("Bidi \u202eover\u202c\u200b and \x00NUL", "Bidi over and NUL"),
    ],
)
def test_a_reply_is_plain_and_cheap_to_send(written: str, sent: str, sms: Sms) -> None:
    (wire,) = sms.render(Reply(id="rep_1", route={"to": ANN, "from": "+15550190"}, text=written))
    assert wire.body == sent


@pytest.mark.parametrize(
    ("wire", "says"),
    [
        (text_to("+1"), "does not exist"),
        (text_to("+15550177"), "opted out"),
        (text_to(ANN, "x" * 1_601), "too long"),
        (text_to(ANN, sender="+15550191"), "TWILIO_FROM_NUMBER"),
        (text_to(ANN, body=""), "21602"),
    ],
)
async def test_what_can_never_arrive_is_undeliverable(wire: Text, says: str, twilio: Twilio, sms: Sms) -> None:
    twilio.opted_out.add("+15550177")
    with pytest.raises(Undeliverable, match=says) as refused:
        await sms.send(wire)
    assert wire.to not in str(refused.value).split(), "errors are logged: they name nobody"
    assert refused.value.opted_out == (wire.to == "+15550177")


@pytest.mark.parametrize(
    ("trouble", "after"),
    [
        (Trouble(status=429, headers={"Retry-After": "7"}), timedelta(seconds=7)),
        (Trouble(status=429, headers={"Retry-After": "soon"}), None),
        (Trouble(status=500, body="<html>"), None),
        (Trouble(status=503), None),
        (Trouble(status=201, body="{"), None),
        (Trouble(status=201, body="[]"), None),
        (Trouble(status=201, body="{}"), None),
        (Trouble(status=400, body='{"code": 21611, "message": "queue full", "status": 400}'), None),
        (Trouble(status=401, body="no JSON"), None),
    ],
)
async def test_what_may_pass_is_tried_again(
    trouble: Trouble, after: timedelta | None, twilio: Twilio, sms: Sms
) -> None:
    twilio.troubles.append(trouble)
    with pytest.raises(TryAgain) as busy:
        await sms.send(text_to(ANN))
    assert busy.value.after == after
    assert await sms.send(text_to(ANN)) == twilio.sent[0].sid


async def test_a_refusal_in_the_newer_shape_is_read_too(twilio: Twilio, sms: Sms) -> None:
    problem = {"type": "https://acme.test/errors", "title": "Opted out", "status": 400, "code": 21610}
    twilio.troubles.append(Trouble(status=400, body=json.dumps(problem)))
    with pytest.raises(Undeliverable, match="opted out"):
        await sms.send(text_to(ANN))


async def test_one_connection_is_kept(twilio: Twilio, sms: Sms) -> None:
    for _ in range(3):
        await sms.send(text_to(ANN))
    assert len(twilio.connections) == 1


async def test_wrong_credentials_lose_no_message(twilio: Twilio, sms: Sms) -> None:
    twilio.auth_token = "another token now"
    with pytest.raises(TryAgain, match="TWILIO_AUTH_TOKEN"):
        await sms.send(text_to(ANN))


async def test_twilio_hanging_is_given_up(twilio: Twilio, tmp_path: Path) -> None:
    twilio.troubles.append(Trouble(hangs=True))
    async with texting(twilio, tmp_path, kind=Hurried) as hurried:
        with pytest.raises(TryAgain, match="cannot be reached") as lost:
            await hurried.send(text_to(ANN))
    assert lost.value.maybe_sent


async def test_twilio_away_is_tried_again(twilio: Twilio, sms: Sms) -> None:
    await twilio.__aexit__()
    with pytest.raises(SendProblem, match="cannot be reached") as away:
        await sms.send(text_to(ANN))
    assert isinstance(away.value, TryAgain)
    assert not away.value.maybe_sent


@pytest.mark.parametrize(
    ("setting", "value", "says"),
    [
        ("twilio_account_sid", "SK123", "beginning with AC"),
        ("twilio_auth_token", "", "is empty"),
        ("twilio_from_number", "555 0100", r"write it as \+15550100"),
        ("sms_segments", "100", "less than or equal to 10"),
        ("twilio_api_base", "api.twilio.test", "begin it with https://"),
    ],
)
def test_a_wrong_setting_says_what_to_do(setting: str, value: str, says: str) -> None:
    with pytest.raises(ValidationError, match=says) as wrong:
        SmsSettings(**SETTINGS | {setting: value})
    assert wrong.value.errors()[0]["loc"] == (setting,)
