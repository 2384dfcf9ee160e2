"""What every channel promises, tested once for every module in channels/."""

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.channel import Channel, Limits, Pages, Reports, Webhook
from core.errors import Malformed, Unverified
from core.messages import Choice, Raw, Reply
from identity.proof import Proof
from tests.enclosures import DOCUMENT, FILES, PICTURE, file
from tests.site import NOW, channel_names, make_channel, raw_of, sample_paths

SAMPLES = [
    pytest.param(name, path, id=f"{name}-{path.stem}") for name in channel_names() for path in sample_paths(name)
]
LONG = "\n\n".join(f"Paragraph {n} with **bold** words, and a sentence that goes on for a while." for n in range(120))


@pytest.fixture(params=channel_names())
def channel(request: pytest.FixtureRequest, tmp_path: Path) -> Channel[Any]:
    return make_channel(request.param, tmp_path)


def messages_of(channel: Channel[Any]) -> list[Any]:
    samples = [raw_of(path) for path in sample_paths(channel.name)]
    return [channel.parse(raw) for raw, expected in samples if expected and "error" not in expected]


def test_it_says_who_it_is(channel: Channel[Any]) -> None:
    assert isinstance(channel, Channel)
    assert isinstance(channel.limits, Limits)
    assert channel.label
    assert importlib.import_module(f"channels.{channel.name}").CHANNEL is type(channel)


def test_it_has_samples_to_hear_and_to_ignore(channel: Channel[Any]) -> None:
    expectations = [raw_of(path)[1] for path in sample_paths(channel.name)]
    assert any(expectations)
    assert any(not e or "error" in e for e in expectations), "record a delivery in which no customer is talking"


@pytest.mark.parametrize(("name", "path"), SAMPLES)
def test_a_recorded_delivery_is_read_as_expected(name: str, path: Path, tmp_path: Path) -> None:
    raw, expected = raw_of(path)
    channel = make_channel(name, tmp_path)
    if expected is None:
        assert channel.parse(raw) is None
    elif "error" in expected:
        with pytest.raises(Malformed):
            channel.parse(raw)
    else:
        message = channel.parse(raw)
        assert message is not None
        fields = {
            "text": message.text,
            "address": message.handle.address,
            "key": message.handle.key,
            "proof": message.proof.name.lower(),
            "conversation": message.conversation,
            "external_id": message.external_id,
            "public": message.public,
            "digits": message.digits,
            "opening": message.opening,
            "attachments": [a.name for a in message.attachments],
            "vouchers": [v.key for v in message.vouchers or ()],
            "replaces": message.replaces,
        }
        assert {k: fields[k] for k in expected} == expected


def test_reading_is_pure(channel: Channel[Any]) -> None:
    assert messages_of(channel) == messages_of(channel)


def test_messages_are_told_apart_and_say_where_they_came_from(channel: Channel[Any]) -> None:
    messages = messages_of(channel)
    assert len({m.external_id for m in messages}) == len(messages)
    for message in messages:
        assert message.channel == channel.name
        assert message.conversation
        assert message.handle.address
        assert message.handle.key
        assert isinstance(message.proof, Proof)
        assert message.route, "without a route there is no answer"


def test_rendering_is_pure_complete_and_within_the_limit(channel: Channel[Any]) -> None:
    for message in messages_of(channel):
        reply = Reply(id="rep_1", route=message.route, text=LONG, sender="agent")  # a person's words all arrive
        wires = channel.render(reply)
        assert wires == channel.render(reply)
        said = " ".join(map(str, wires))
        assert "Paragraph 0 " in said
        if not channel.limits.live:
            assert "Paragraph 119 " in said


def test_answers_to_press_take_nothing_from_the_text(channel: Channel[Any]) -> None:
    choices = tuple(Choice(label=str(n), says=f"{n}, please") for n in range(1, 6))
    for message in messages_of(channel):
        reply = Reply(id="rep_1", route=message.route, text="Answer 1 to 5, where 5 is the best.", choices=choices)
        wires = channel.render(reply)
        assert wires == channel.render(reply)
        assert "where 5 is the best" in " ".join(map(str, wires))


def test_files_go_with_a_reply_and_take_nothing_from_it(channel: Channel[Any]) -> None:
    if not channel.limits.file_bytes:
        pytest.skip("it takes no files, and replies with some are never rendered")
    for message in messages_of(channel):
        bare = Reply(id="rep_1", route=message.route, text=LONG, sender="agent")
        wires = channel.render(replace(bare, files=FILES))
        assert wires == channel.render(replace(bare, files=FILES))
        assert wires != channel.render(bare)
        assert "Paragraph 119 " in " ".join(map(str, wires))
        assert channel.render(replace(bare, text="", files=FILES)), "files need no text"


def test_a_file_reaches_its_wire_by_its_bytes_or_by_where_they_are(channel: Channel[Any]) -> None:
    """Two files of one name and size are never taken for each other."""
    if not channel.limits.file_bytes:
        pytest.skip("it takes no files")
    others = (PICTURE, file(DOCUMENT.name, DOCUMENT.content[::-1], DOCUMENT.media_type))
    for message in messages_of(channel):
        bare = Reply(id="rep_1", route=message.route, text="", sender="agent")
        by_bytes = channel.render(replace(bare, files=FILES)) != channel.render(replace(bare, files=others))
        another = channel.render(replace(bare, id="rep_2", files=FILES))
        by_place = isinstance(channel, Pages) and channel.render(replace(bare, files=FILES)) != another
        assert by_bytes or by_place


def test_what_a_customer_says_is_no_report(channel: Channel[Any]) -> None:
    if not isinstance(channel, Reports):
        pytest.skip("its provider reports nothing")
    for raw, expected in (raw_of(path) for path in sample_paths(channel.name)):
        if expected and "error" not in expected:
            assert channel.report(raw) is None


def test_an_unsigned_request_is_refused(channel: Channel[Any]) -> None:
    if not isinstance(channel, Webhook) or not channel.paths:
        pytest.skip("no webhook")
    for path in channel.paths:
        for headers in ({}, {"x-slack-signature": "é", "x-twilio-signature": "é", "authorization": "Bearer é"}):
            with pytest.raises(Unverified):
                channel.verify(
                    Raw(body=b"{}", received_at=NOW, headers=headers, path=path, url=f"https://x.test{path}")
                )
