"""Colleagues answer in Slack: a case is told in the agents' channel, taken, answered in its thread and resolved, and
the console shows it all. Nobody may but full members of our own workspace whom an account is tied to."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from core.errors import TryAgain
from core.rooms import Call, Deed, Done, StaffRoom
from tests.channels.agents_desk import CUSTOMER, Colleagues, at_work, labels
from tests.console.office import Office, password_of
from tests.console.office import opened as console
from tests.shop import Shop
from tests.site import NOW
from tests.twins.slack import AGENTS, BOT, JSON, Posted

CALL = Call(
    id="7-1-1", case=7, title="Ann · it leaks", packet="Known: order W1", url="https://bot.test/console/cases/7"
)


@pytest_asyncio.fixture
async def office(shop: Shop) -> AsyncIterator[Office]:
    async with console(shop) as office:
        yield office


@pytest_asyncio.fixture
async def staff(office: Office, tmp_path: Path) -> AsyncIterator[Colleagues]:
    async with at_work(office, tmp_path) as colleagues:
        yield colleagues


@pytest.mark.parametrize("by_http", [False, True])
async def test_from_the_handoff_to_the_resolution(office: Office, tmp_path: Path, by_http: bool) -> None:
    async with at_work(office, tmp_path, by_http=by_http) as staff:
        assert isinstance(staff.channel, StaffRoom)
        await staff.hired()
        post = await staff.told()
        assert post.channel == AGENTS
        assert labels(post.arguments["blocks"]) == ["Take", "Resolve", "Give back"]

        mine = await staff.whispered(staff.presses("U3EVE", post, "Take"))
        assert (mine.user, mine.thread_ts, mine.text) == ("U3EVE", post.ts, "It is yours.")
        shown = await staff.slack.replaced.get()
        assert "eve has it" in str(shown["blocks"])
        assert labels(shown["blocks"]) == ["Resolve", "Give back"]

        said = staff.slack.answers(
            "U3EVE", "I am on it: &lt;soon&gt;, see <https://acme.test/a?b=1&amp;c|the page>", post.ts
        )
        await staff.happens(said)
        ticked = await staff.slack.reactions.get()
        assert (ticked["timestamp"], ticked["name"]) == (said["event"]["ts"], "white_check_mark")
        assert await staff.mailed() == ["I am on it: <soon>, see the page (https://acme.test/a?b=1&c)"]
        browser = await office.signed_in("eve", password_of("eve"))
        page = (await browser.get("/console/cases/1")).text
        assert "I am on it" in page

        await staff.happens(staff.presses("U3EVE", post, "Resolve"))
        form = await staff.slack.forms.get()
        told = await staff.whispered(staff.slack.submits("U3EVE", form, "Refunded one of the two charges."))
        assert told.text == "It is resolved."
        shown = await staff.slack.replaced.get()
        assert "eve resolved it" in str(shown["blocks"])
        assert labels(shown["blocks"]) == []
        assert "Refunded one of the two charges." in (await browser.get("/console/cases/1")).text
        assert staff.heard == []


async def test_what_is_told_is_masked_and_is_nobodys_markup(staff: Colleagues) -> None:
    post = await staff.told()
    everything = str(post.arguments)
    assert "$99" in everything
    assert CUSTOMER not in everything
    assert "<!channel>" not in everything
    assert f"{staff.office.url}/console/cases/1" in everything
    assert all(len(str(b["text"]["text"])) <= 3_000 for b in post.arguments["blocks"] if b["type"] == "section")


async def test_a_packet_that_is_long_or_hostile_is_still_told(staff: Colleagues) -> None:
    lines = [f"Line {n}: " + "<@U1ANN> & *" * 200 for n in range(60)]
    where = await staff.channel.call(Call(**{**_fields(CALL), "title": "<" * 900, "packet": "\n".join(lines)}))
    (post,) = staff.slack.posted
    assert where == f"{AGENTS}:{post.ts}"
    assert "<@U1ANN>" not in str(post.arguments)
    assert len(post.arguments["blocks"]) <= 50
    assert labels(post.arguments["blocks"]) == ["Take", "Resolve", "Give back"]


def _fields(call: Call) -> dict[str, Any]:
    return {name: getattr(call, name) for name in ("id", "case", "title", "packet", "url", "again")}


async def test_the_second_post_says_that_nobody_took_it(staff: Colleagues) -> None:
    first = await staff.told()
    staff.office.shop.later(minutes=16)
    await staff.calling.look()
    second = await staff.slack.next_post()
    assert "Nobody has taken this yet" in str(second.arguments["blocks"])
    assert "Nobody has taken this yet" not in str(first.arguments["blocks"])


async def test_a_call_whose_receipt_was_lost_is_not_posted_twice(staff: Colleagues) -> None:
    staff.slack.break_off.add("chat.postMessage")
    with pytest.raises(TryAgain):
        await staff.channel.call(CALL)
    where = await staff.channel.call(CALL)
    (post,) = staff.slack.posted
    assert where == f"{AGENTS}:{post.ts}"


# ── who may ──
STRANGERS: dict[str, tuple[JSON, JSON]] = {  # what users.info says, and what is unusual about what they do
    "a guest": ({"is_restricted": True}, {}),
    "a guest of one channel": ({"is_ultra_restricted": True}, {}),
    "a Connect user": ({"is_stranger": True}, {}),
    "a Connect user, said by their record alone": ({"team_id": "T9OTHER"}, {}),
    "a Connect user, said by what they do alone": ({}, {"team": "T9OTHER", "user_team": "T9OTHER"}),
    "a bot": ({"is_bot": True}, {}),
    "somebody who has left": ({"deleted": True}, {}),
}


@pytest.mark.parametrize("who", STRANGERS)
async def test_a_guest_or_stranger_may_do_nothing_even_when_tied(staff: Colleagues, who: str) -> None:
    record, fields = STRANGERS[who]
    await staff.hired()
    post = await staff.told()
    staff.slack.users["U3EVE"] = record
    for event in await _attempts(staff, post, fields):
        assert "only full members" in (await staff.whispered(event)).text
    assert await staff.assignee() == ""
    assert await staff.mailed() == []
    assert staff.slack.forms.empty()


async def _attempts(staff: Colleagues, post: Any, fields: JSON) -> list[JSON]:
    who = {"user": {"id": "U3EVE", "team_id": fields.get("team", "T1ACME")}}
    return [
        staff.presses("U3EVE", post, "Take") | who,
        staff.presses("U3EVE", post, "Resolve") | who,
        staff.slack.answers("U3EVE", "Hello, I am staff.", post.ts, **fields),
        staff.slack.submits("U3EVE", _form(post), "Nothing.") | who,
    ]


def _form(post: Posted) -> JSON:
    """As a stranger might make it up."""
    field = {"block_id": "room-form", "element": {"action_id": "room-resolution"}}
    about = {"callback_id": "room-resolving", "private_metadata": f"{AGENTS}:{post.ts}"}
    return {"type": "modal", "blocks": [field], **about}


async def test_a_member_whom_no_account_is_tied_to_may_do_nothing(staff: Colleagues) -> None:
    staff.slack.users["U3EVE"] = {}
    post = await staff.told()
    for event in await _attempts(staff, post, {}):
        if event.get("actions") and "resolve" in str(event["actions"]):
            continue  # opens an empty form
        assert "tie NAME slack:T1ACME/U3EVE" in (await staff.whispered(event)).text
    assert await staff.assignee() == ""
    assert await staff.mailed() == []


@pytest.mark.parametrize("trouble", ["ratelimited", "missing_scope", "user_not_found"])
async def test_nobody_may_while_slack_does_not_say_who_they_are(staff: Colleagues, trouble: str) -> None:
    await staff.hired()
    post = await staff.told()
    staff.slack.refuse("users.info", trouble)
    assert "did not say who you are" in (await staff.whispered(staff.presses("U3EVE", post, "Take"))).text
    assert await staff.assignee() == ""
    assert (await staff.whispered(staff.presses("U3EVE", post, "Take"))).text == "It is yours."


async def test_nobody_may_while_slack_is_silent_about_them(staff: Colleagues) -> None:
    await staff.hired()
    post = await staff.told()
    staff.channel.room.patience = 0.2
    staff.slack.gate.clear()
    assert "did not say who you are" in (await staff.whispered(staff.presses("U3EVE", post, "Take"))).text
    staff.slack.gate.set()
    assert await staff.assignee() == ""


async def test_a_guest_is_asked_about_each_time(staff: Colleagues) -> None:
    await staff.hired()
    post = await staff.told()
    assert (await staff.whispered(staff.presses("U3EVE", post, "Take"))).text == "It is yours."
    staff.slack.users["U3EVE"] = {"is_restricted": True}
    said = staff.slack.answers("U3EVE", "Still here.", post.ts)
    assert "only full members" in (await staff.whispered(said)).text
    assert await staff.mailed() == []


async def test_a_payload_that_slack_did_not_sign_does_nothing(office: Office, tmp_path: Path) -> None:
    async with at_work(office, tmp_path, by_http=True) as staff:
        await staff.hired()
        post = await staff.told()
        for payload in await _attempts(staff, post, {}):
            forged, _ = await staff.slack.calls(staff.url, payload, NOW, x_slack_signature=f"v0={'0' * 64}")
            assert forged == 403
        assert await staff.assignee() == ""
        assert await staff.mailed() == []
        assert "users.info" not in [staff.slack.called.get_nowait() for _ in range(staff.slack.called.qsize())]


async def test_a_button_or_form_for_another_place_does_nothing(staff: Colleagues) -> None:
    await staff.hired()
    post = await staff.told()
    form = {**_form(post), "private_metadata": f"C1SUPPORT:{post.ts}"}
    await staff.happens(staff.slack.submits("U3EVE", form, "Done."))
    elsewhere = {"id": "C1SUPPORT", "name": "support"}
    await staff.happens(staff.presses("U3EVE", post, "Take") | {"channel": elsewhere})
    assert "no case" in (await staff.whispered(staff.slack.answers("U3EVE", "Hi.", "1772441000.000100"))).text
    assert await staff.assignee() == ""


# ── what is said there ──
@pytest.fixture
async def busy(staff: Colleagues) -> Colleagues:
    """Eve may act."""
    await staff.hired()
    return staff


async def test_a_line_that_is_delivered_again_is_sent_once(busy: Colleagues) -> None:
    post = await busy.told()
    said = busy.slack.answers("U3EVE", "I am on it.", post.ts)
    await busy.happens(said)
    await busy.happens(said)
    assert await busy.mailed() == ["I am on it."]
    assert len(busy.slack.posted) == 1
    await busy.slack.reactions.get()
    assert busy.slack.reactions.empty()


async def test_an_answer_takes_the_case_and_shows_it(busy: Colleagues) -> None:
    post = await busy.told()
    await busy.happens(busy.slack.answers("U3EVE", "I am on it.", post.ts))
    shown = await busy.slack.replaced.get()
    assert "eve has it" in str(shown["blocks"])
    assert await busy.assignee() == "eve"


@pytest.mark.parametrize("text", ["// call her?", "note: she is angry", " NOTE: careful"])
async def test_a_note_stays_among_colleagues(busy: Colleagues, text: str) -> None:
    post = await busy.told()
    await busy.happens(busy.slack.answers("U3EVE", text, post.ts))
    await busy.happens(busy.slack.answers("U3EVE", "Hello Ann.", post.ts))
    await busy.slack.reactions.get()
    assert await busy.mailed() == ["Hello Ann."]


@pytest.mark.parametrize("text", [f"<@{BOT}> take it", "what do you think, <@U2BEN>?", "<!here> who knows?"])
async def test_a_line_that_mentions_somebody_is_not_sent(busy: Colleagues, text: str) -> None:
    post = await busy.told()
    assert "Nothing was sent" in (await busy.whispered(busy.slack.answers("U3EVE", text, post.ts))).text
    assert await busy.mailed() == []


async def test_what_others_talk_about_in_the_channel_is_left_alone(busy: Colleagues) -> None:
    post = await busy.told()
    talk = {"type": "message", "channel": AGENTS, "channel_type": "group"}
    root = busy.slack.happens(talk, "U3EVE", "Lunch?")
    root["event"]["thread_ts"] = root["event"]["ts"]
    for event in (
        busy.slack.happens(talk, "U3EVE", "Lunch?"),
        root,
        busy.presses("U3EVE", post, "Take") | {"actions": [{"type": "button", "action_id": "other"}]},
        busy.slack.submits("U3EVE", {**_form(post), "callback_id": "other"}, "Done."),
        busy.slack.happens({"type": "app_mention", "channel": AGENTS}, "U3EVE", f"<@{BOT}> I was charged twice"),
        busy.slack.happens({"type": "app_mention", "channel": AGENTS}, "U2BEN", f"<@{BOT}> hi", thread_ts=post.ts),
        busy.slack.answers("U3EVE", "In another thread.", "1772441000.000100", parent_user_id="U2BEN"),
        busy.slack.answers("U3EVE", "beep", post.ts, bot_id="B1"),
        busy.slack.answers(BOT, "beep", post.ts),
    ):
        await busy.happens(event)
    assert busy.heard == []
    assert len(busy.slack.posted) == 1
    assert await busy.mailed() == []
    assert await busy.assignee() == ""


async def test_nobody_is_a_customer_there_by_a_command_either(busy: Colleagues) -> None:
    envelope = await busy.slack.emits(busy.slack.commands("U2BEN", "forget", channel=AGENTS))
    await envelope.acked.wait()
    assert envelope.answer
    assert "nobody is a customer here" in envelope.answer["text"]
    assert busy.heard == []


async def test_an_edit_or_a_deletion_changes_nothing_and_says_so(busy: Colleagues) -> None:
    post = await busy.told()
    said = busy.slack.answers("U3EVE", "I am on it.", post.ts)
    await busy.happens(said)
    await busy.slack.reactions.get()
    for change in (busy.slack.edits(said, "I am not."), busy.slack.deletes(said)):
        assert "keeps what was sent" in (await busy.whispered(change)).text
    assert await busy.mailed() == ["I am on it."]


async def test_a_preview_of_a_link_is_no_edit_and_a_file_is_not_sent(busy: Colleagues) -> None:
    post = await busy.told()
    files = [{"id": "F1", "name": "invoice.pdf"}]
    said = busy.slack.answers("U3EVE", "Here it is.", post.ts, subtype="file_share", files=files)
    assert "Files are not sent" in (await busy.whispered(said)).text
    assert await busy.mailed() == ["Here it is."]
    await busy.happens(busy.slack.edits(said, "Here it is."))
    assert len(busy.slack.posted) == 2


async def test_without_reactions_a_word_says_that_it_went(busy: Colleagues) -> None:
    post = await busy.told()
    busy.slack.refuse("reactions.add", "missing_scope")
    sent = await busy.whispered(busy.slack.answers("U3EVE", "I am on it.", post.ts))
    assert (sent.user, sent.text) == ("U3EVE", "Sent to the customer.")


async def test_what_cannot_be_kept_is_delivered_again(busy: Colleagues) -> None:
    post = await busy.told()
    act, broken = busy.calling.act, asyncio.Event()

    async def away(_deed: Any) -> Any:
        broken.set()
        busy.channel.join(act)
        raise OSError("the disk is full")

    busy.channel.join(away)
    envelope = await busy.slack.emits(busy.slack.answers("U3EVE", "I am on it.", post.ts))
    await broken.wait()
    busy.slack.drop()
    await envelope.acked.wait()
    await busy.slack.reactions.get()
    assert await busy.mailed() == ["I am on it."]


async def test_nothing_that_is_said_to_somebody_alone_is_markup(busy: Colleagues) -> None:
    post = await busy.told()

    async def refuse(_deed: Deed) -> Done:
        return Done(line="<!channel> & all")

    busy.channel.join(refuse)
    told = await busy.whispered(busy.presses("U3EVE", post, "Take"))
    assert told.text == "&lt;!channel&gt; &amp; all"


# ── beside the console ──
async def test_what_was_done_at_the_console_is_answered_truthfully(busy: Colleagues) -> None:
    post = await busy.told()
    await busy.office.desk.take(1, "boss")
    assert "boss has taken this case" in (await busy.whispered(busy.presses("U3EVE", post, "Take"))).text
    said = busy.slack.answers("U3EVE", "Hello.", post.ts)
    assert "boss has taken this case" in (await busy.whispered(said)).text
    await busy.office.desk.resolve(1, "boss")
    assert "resolved already" in (await busy.whispered(busy.presses("U3EVE", post, "Take"))).text
    assert await busy.mailed() == []
    assert busy.slack.replaced.empty()


async def test_giving_back_and_a_new_handoff_make_a_new_post(busy: Colleagues) -> None:
    post = await busy.told()
    await busy.whispered(busy.presses("U3EVE", post, "Take"))
    await busy.slack.replaced.get()
    await busy.whispered(busy.presses("U3EVE", post, "Give back"))
    shown = await busy.slack.replaced.get()
    assert "the bot has it" in str(shown["blocks"])
    assert labels(shown["blocks"]) == []
    busy.office.shop.later(minutes=1)
    again = await busy.told()
    assert again.ts != post.ts


async def test_a_form_that_slack_does_not_open_in_time_is_said(busy: Colleagues) -> None:
    post = await busy.told()
    pressed = busy.presses("U3EVE", post, "Resolve")
    busy.slack.triggers.clear()
    assert "Press again" in (await busy.whispered(pressed)).text
