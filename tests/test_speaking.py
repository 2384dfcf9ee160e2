"""Replies that are said while they are worded, on any channel: the seam between a writer, the engine and a channel."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.backends.following import Broken, Growing, followed
from core.judgement import may_begin
from core.ledger import Settled
from core.messages import Interruption, Reply
from core.speaking import Saying, whole_sentences
from core.writing import Answer, Brief, Draft
from tests.shop import HOUSE, Shop
from tests.twins.openai import answer

SENTENCES = ("Please unplug it.", "Then hold both buttons.", "Does the light come on?")


class Storyteller:
    """A writer that is followed: `told` is what it shows on the way to its answer."""

    def __init__(self, *told: str, whole: str = "", **decided: Any) -> None:
        self._told = told
        self._answer = Answer(human_wanted=False, confidence=0.9, reply=whole or told[-1], writer="model")
        self._answer = replace(self._answer, **decided)

    async def answer(self, brief: Brief) -> Answer:
        return replace(self._answer, reply="I understood it by rules.") if brief.offline else self._answer

    async def answer_aloud(self, brief: Brief, draft: Draft) -> Answer:
        for text in self._told:
            await draft(replace(self._answer, reply=text))
        return self._answer


async def chat(folder: Path, writer: Storyteller) -> tuple[Shop, list[Reply], Saying]:
    """A chat in which something was said already, and what its channel is told to begin with from now on."""
    shop = await Shop.open(folder, writer=writer)
    begun: list[Reply] = []

    async def begin(reply: Reply) -> None:
        begun.append(reply)

    await shop.hears("web", "ann", "Hello")
    return shop, begun, Saying(begin)


async def settle(shop: Shop, saying: Saying, text: str = "My machine does not start.") -> Reply:
    await shop.accept(shop.message("web", "ann", text))
    outcome = await shop.engine.take_turn("web:ann", saying=saying)
    assert isinstance(outcome, Settled)
    await shop.close()
    return outcome.outbox[0].reply


async def test_a_reply_grows_by_sentences_and_ends_as_it_is_settled(tmp_path: Path) -> None:
    whole = " ".join(SENTENCES)
    shop, begun, saying = await chat(tmp_path, Storyteller(*(whole[:n] for n in range(1, len(whole) + 1))))
    reply = await settle(shop, saying)
    assert [one.text for one in begun] == [SENTENCES[0], " ".join(SENTENCES[:2])]
    assert {one.id for one in begun} == {reply.id}
    assert {one.route["to"] for one in begun} == {"ann"}
    assert reply.text == whole


async def test_links_are_judged_before_they_are_said(tmp_path: Path) -> None:
    told = "See [this. Now](https://evil.test/a). Good? Fine."
    shop, begun, saying = await chat(tmp_path, Storyteller(*(told[:n] for n in range(1, len(told) + 1))))
    reply = await settle(shop, saying)
    assert [one.text for one in begun] == ["See this. Now.", "See this. Now. Good?"]
    assert reply.text == "See this. Now. Good? Fine."


async def test_what_goes_on_otherwise_is_owned(tmp_path: Path) -> None:
    shop, begun, saying = await chat(tmp_path, Storyteller("It is your fault. So", whole="Let me look into it."))
    reply = await settle(shop, saying)
    assert begun[0].text == "It is your fault."
    assert reply.text == "It is your fault. Sorry, let me put that differently. Let me look into it."
    assert reply.id == begun[0].id


async def test_what_was_interrupted_is_understood_by_the_rules_and_says_no_more(tmp_path: Path) -> None:
    shop, begun, saying = await chat(tmp_path, Storyteller("One. Two. Three"))
    begin = saying._begin

    async def speak_against(reply: Reply) -> None:
        await begin(reply)
        saying.stop(Interruption(channel="web", conversation="with ann", reply=reply.id, heard="One."))

    saying._begin = speak_against
    reply = await settle(shop, saying)
    assert begun[0].text == reply.text == "One. Two."
    assert not reply.asks


@pytest.mark.parametrize(
    "decided",
    [{"human_wanted": True}, {"confidence": 0.49}, {"actions": ["callback"]}],
    ids=lambda one: next(iter(one)),
)
async def test_nothing_is_begun_where_more_is_decided_than_words(tmp_path: Path, decided: dict[str, Any]) -> None:
    shop, begun, saying = await chat(tmp_path, Storyteller("One. Two. Three", **decided))
    await settle(shop, saying)
    assert begun == []
    assert not may_begin(replace(Answer(human_wanted=False, confidence=0.9), **decided))


async def test_nothing_is_begun_before_a_greeting_a_code_or_a_colleague(tmp_path: Path) -> None:
    shop, begun, saying = await chat(tmp_path / "code", Storyteller("One. Two. Three"))
    await settle(shop, saying, "Please link my other account, which code do I need?")
    shop, begun_later, saying = await chat(tmp_path / "later", Storyteller("One. Two. Three"))
    shop.later(days=2)
    await settle(shop, saying)
    shop, begun_with_human, saying = await chat(tmp_path / "human", Storyteller("One. Two. Three", issue="It is late."))
    shop.engine = replace(shop.engine, writer=Storyteller("x", issue="It is late.", human_wanted=True))
    await shop.hears("web", "ann", "A person, please")
    shop.engine = replace(shop.engine, writer=Storyteller("One. Two. Three"))
    await settle(shop, saying, "It is late again")
    assert begun == begun_later == begun_with_human == []


async def test_nothing_is_begun_for_who_was_not_answered_yet(tmp_path: Path) -> None:
    shop, begun, saying = await chat(tmp_path, Storyteller("One. Two. Three"))
    await shop.accept(shop.message("web", "bob", "My machine does not start."))
    outcome = await shop.engine.take_turn("web:bob", saying=saying)
    assert isinstance(outcome, Settled)
    assert outcome.outbox[0].reply.text.startswith("You are chatting with") or HOUSE.bot_name in str(outcome.outbox)
    assert begun == []
    await shop.close()


@given(st.text(max_size=200))
def test_whole_sentences_are_a_beginning_and_end_in_no_link(text: str) -> None:
    begun = whole_sentences(text)
    assert text.startswith(begun)
    assert begun.count("[") == begun.count("]")


@pytest.mark.parametrize(
    ("text", "begun"),
    [
        ("It is done", ""),
        ("It is done.", ""),
        ("It is done. W", "It is done."),
        ("It costs $4.50 a", ""),
        ("“Well!” he sa", "“Well!”"),
        ("See [the. page](https://a.test/b", ""),
        ("First line\nsec", "First line"),
        ("これは本です。次", "これは本です。"),
        ("**Now. Th", ""),
    ],
)
def test_a_sentence_is_whole_once_the_next_one_begins(text: str, begun: str) -> None:
    assert whole_sentences(text) == begun


# A model's JSON, as it grows


@given(reply=st.text(min_size=1, max_size=80), escaped=st.booleans(), cuts=st.lists(st.integers(1, 30), max_size=60))
def test_however_it_is_cut_a_reply_grows_to_itself(reply: str, escaped: bool, cuts: list[int]) -> None:
    content, growing = json.dumps(answer(reply=reply), ensure_ascii=escaped), Growing()
    pieces = _cut(content, cuts)
    seen = ["", *(growing.begun.reply for piece in pieces if growing.add(piece) and growing.begun)]
    assert "".join(pieces) == growing.text == content
    assert all(later.startswith(earlier) for earlier, later in pairwise(seen))
    assert seen[-1] == reply.lstrip()


def _cut(content: str, lengths: Sequence[int]) -> list[str]:
    pieces = []
    for length in [*lengths, len(content)]:
        pieces.append(content[:length])
        content = content[length:]
    return pieces


@pytest.mark.parametrize(
    "content",
    [
        '{"reply": "One. Two.", "confidence": 0.9}',  # the decision comes after
        '{"confidence": "high", "reply": "One. Two."}',
        '{"confidence": 7, "reply": "One. Two."}',
        '{"confidence": 0.9, "note": {"reply": "One. Two.',
        '{"confidence": 0.9, "note": "a \\"reply\\": \\"One. Two.',
        '["reply": "One. Two."',
        '"reply": "One. Two."',
        "Here you are: One. Two.",
        "{" * 5_000 + '"reply": "One.',
    ],
)
def test_what_is_no_answer_is_not_begun(content: str) -> None:
    growing = Growing()
    for sign in content:
        growing.add(sign)
    assert growing.begun is None


def test_an_answer_in_a_fence_is_followed_as_well() -> None:
    growing = Growing()
    growing.add('```json\n{"human_wanted": false, "confidence": 0.9, "actions": [],\n "reply" : "One. Tw')
    assert growing.begun is not None
    assert growing.begun.reply == "One. Tw"


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ([], "broke off"),
        (['data: {"choices": [{"delta": {"content": "{"}}]}'], "broke off"),
        (["data: {"], "no readable piece"),
        (['data: {"choices": 7}'], "no readable piece"),
        (['data: {"error": {"message": "overloaded"}}'], "broke off"),
    ],
)
async def test_a_stream_that_ends_badly_says_why(events: list[str], why: str) -> None:
    with pytest.raises(Broken, match=why):
        await followed(_lines(events), _nobody)


async def test_comments_and_empty_pieces_are_passed_over() -> None:
    events = [": ping", "", "event: x", 'data: {"choices": []}', 'data: {"choices": [{"delta": {"content": "{}"}}]}']
    choice = await followed(_lines([*events, "data: [DONE]"]), _nobody)
    assert (choice.message.content, choice.finish_reason) == ("{}", "stop")


async def _lines(events: list[str]) -> AsyncIterator[str]:
    for event in events:
        yield event


async def _nobody(_begun: object) -> None: ...
