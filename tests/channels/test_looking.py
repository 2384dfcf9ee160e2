"""How a reply will look: what leaves us to the letter, a page that loads nothing, and what its writer has to know."""

from pathlib import Path
from typing import Any

import pytest

from core.channel import Channel, Previews
from core.messages import Reply
from tests.site import channel_names, make_channel

RICH = "**Hi** “Ann” – see [our page](https://a.test/x)\n\n![a picture](https://a.test/p.png)\n\n<b onclick=x>bold</b>"


@pytest.fixture(params=channel_names())
def channel(request: pytest.FixtureRequest, tmp_path: Path) -> Channel[Any]:
    return make_channel(request.param, tmp_path)


def look_of(name: str, tmp_path: Path, text: str) -> Any:
    channel: object = make_channel(name, tmp_path)
    assert isinstance(channel, Previews)
    return channel.look(Reply(id="r1", route={}, text=text, sender="agent"))


def test_every_channel_can_show_it_and_shows_it_the_same_each_time(channel: Channel[Any]) -> None:
    assert isinstance(channel, Previews)
    reply = Reply(id="r1", route={}, text=RICH, sender="agent")
    assert channel.look(reply) == channel.look(reply)
    assert channel.look(reply).messages


def test_no_page_loads_or_runs_anything(channel: Channel[Any]) -> None:
    assert isinstance(channel, Previews)
    page = channel.look(Reply(id="r1", route={}, text=RICH + "<script>x</script>", sender="agent")).page
    for evil in ("<script", "<img", "<b ", "src="):
        assert evil not in page


def test_a_picture_and_html_are_told_of(tmp_path: Path) -> None:
    for name in ("slack", "discord", "email", "web", "sms"):
        remarks = " ".join(look_of(name, tmp_path, RICH).remarks)
        assert "A picture is not shown" in remarks, name
        assert "HTML is not read" in remarks, name


def test_each_shows_its_own_markup(tmp_path: Path) -> None:
    shown = {name: look_of(name, tmp_path, "**Hi** [there](https://a.test)").messages for name in channel_names()}
    assert shown["slack"] == ["*Hi* <https://a.test|there>"]
    assert shown["discord"] == ["**Hi** [there](https://a.test)"]
    assert shown["email"] == shown["sms"] == ["Hi there (https://a.test)"]
    assert shown["voice"] == ["Hi there"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Hello", "1 text message, billed as 1 segment."),
        ("a" * 161, "1 text message, billed as 2 segments."),
        ("ж" * 71, "1 text message, billed as 2 segments."),
        ("word " * 400, "2 text messages, billed as 14 segments."),
        ("It’s “fine”", 'Written more cheaply: ’ becomes \', “ becomes ", ” becomes ".'),
        ("Ça va", "Ç"),
        ("Привет", "П р и в е т cannot be written in the cheap alphabet, so a segment holds 70 signs instead of 160."),
        ("**bold**", "Bold, italics, code and headings arrive as plain words."),
        ("[here](https://a.test)", "The address of a link stands in brackets behind its words."),
    ],
)
def test_a_text_message_tells_its_price_and_what_changes(tmp_path: Path, text: str, told: str) -> None:
    look = look_of("sms", tmp_path, text)
    assert told in " ".join([*look.remarks, *look.messages])


def test_a_long_post_says_into_how_many_it_is_parted(tmp_path: Path) -> None:
    look = look_of("discord", tmp_path, "A sentence that goes on. " * 200)
    assert look.remarks[0] == f"{len(look.messages)} messages: it is too long for one."
    assert len(look.messages) == 3


def test_an_answer_to_what_others_read_is_told_to_go_directly(tmp_path: Path) -> None:
    channel: object = make_channel("slack", tmp_path)
    assert isinstance(channel, Previews)
    asked_in_public = {"channel": "C1", "user": "U1", "ephemeral": "yes"}
    look = channel.look(Reply(id="r1", route=asked_in_public, text="Hello", sender="agent"))
    assert look.remarks == ["Others read that channel, so it goes by direct message."]
