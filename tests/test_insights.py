"""What each figure of the insights counts, on worlds so small that every answer is known by hand."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from core import insights
from core.figures import ENOUGH, Observation, Span, Tally, Unit, percentile, tallied, wilson
from core.world import BOT, CUSTOMER, Asked, CaseRow, Contact, Said, Step, Told, World
from identity.proof import Proof
from tests.shop import START

MARCH = Span(first=date(2026, 3, 1), last=date(2026, 3, 31))


def at(days: float = 0, seconds: float = 0) -> datetime:
    return START + timedelta(days=days, seconds=seconds)


def case(number: int = 1, opened: datetime = START, **more: Any) -> CaseRow:
    told: dict[str, Any] = {"handle": number, "channel": "email", "category": "charge", "status": "open"}
    row: dict[str, Any] = {"id": number, "opened_at": opened, "updated_at": opened} | told | more
    return CaseRow(**row)


def world(*rows: CaseRow, now: datetime = START, **more: Any) -> World:
    return World(now=now, cases={row.id: row for row in rows}, **more)


def steps(*told: tuple[datetime, str, str, str], number: int = 1) -> dict[int, list[Step]]:
    return {number: [Step(number, *step) for step in told]}


def parts(observe: Callable[[World], Iterable[Observation]], one: World) -> dict[str, int]:
    return Counter(found.part for found in observe(one))


def seconds(observe: Callable[[World], Iterable[Observation]], one: World) -> list[tuple[str, float]]:
    return [(found.part, found.value) for found in observe(one)]


# ── how figures are told ──
def test_a_share_has_an_interval_after_wilson() -> None:
    assert [round(end, 4) for end in wilson(8, 10)] == [0.4902, 0.9433]
    assert [round(end, 4) for end in wilson(0, 5)] == [0.0, 0.4345]
    assert wilson(5, 5)[1] == 1.0


def test_nine_in_ten_are_within_the_nearest_rank() -> None:
    assert percentile([*range(1, 11)], 0.9) == 9
    assert percentile([*range(1, 12)], 0.9) == 10
    assert percentile([4.0], 0.9) == 4.0


def test_of_too_few_neither_a_share_nor_a_time_is_told() -> None:
    tally = Tally()
    for n in range(ENOUGH):
        assert tally.measure(Unit.SHARE, good=("a",)).share is None
        assert tally.measure(Unit.TIME).median is None
        tally.add(Observation(START, "email", "charge", "a" if n else "b", None, n))
    told = tally.measure(Unit.SHARE, good=("a",))
    assert (told.n, told.good, told.share) == (5, 4, 0.8)
    assert (tally.measure(Unit.TIME).median, tally.measure(Unit.TIME).p90) == (2, 4)
    assert tally.measure(Unit.SHARE, good=("a",), left_out=("b",)).n == 4


def test_days_and_weeks_are_those_of_utc_and_weeks_begin_on_monday() -> None:
    assert len(MARCH.buckets) == 31
    weeks = Span(first=date(2026, 3, 4), last=date(2026, 3, 18), by="week")  # a Wednesday to a Wednesday
    assert weeks.buckets == [date(2026, 3, 2), date(2026, 3, 9), date(2026, 3, 16)]
    assert weeks.of(date(2026, 3, 2)) == (date(2026, 3, 4), date(2026, 3, 8))
    assert weeks.bucket(datetime.fromisoformat("2026-03-08T23:59:59+00:00")) == date(2026, 3, 2)


def test_a_span_has_its_first_and_its_last_moment_and_no_other() -> None:
    day = Span(first=START.date(), last=START.date(), channel="email")
    seen = [
        Observation(moment, channel, "charge", "x")
        for moment, channel in (
            (day.begins, "email"),
            (day.ends - timedelta(microseconds=1), "email"),
            (day.ends, "email"),
            (day.begins - timedelta(microseconds=1), "email"),
            (day.begins, "sms"),
        )
    ]
    assert len(list(day.within(seen))) == 2
    assert tallied(day.within(seen), lambda one: one.channel)["email"].parts == {"x": 2}


# ── asking again ──
def told(slot: str, value: str, handle: int = 1, number: int | None = 1, **more: Any) -> Told:
    fields: dict[str, Any] = {"proof": int(Proof.PROVEN), "at": at(-1), "until": None}
    return Told(handle=handle, case=number, slot=slot, value=value, **(fields | more))


def asks(slot: str, *known: Told, text: str = "Which one?", handle: int = 1, **more: Any) -> str:
    """What a question at START counts as."""
    asked = Asked(START, "email", handle, 1, [slot], text)
    (found,) = insights.questions(world(case(), asked=[asked], told=known, **more))
    return found.part


def test_a_question_for_what_was_told_is_repeated_and_one_that_shows_it_is_a_confirmation() -> None:
    known = told("order_id", "W4829137")
    assert asks("order_id") == "new"
    assert asks("order_id", known) == "repeated"
    assert asks("amount", known) == "new"
    assert asks("order_id", known, text="Is it still W4829137?") == "confirmation"
    assert asks("order_id", known, text="Is it still …9137?") == "confirmation"


def test_only_what_was_current_then_and_told_in_this_case_counts() -> None:
    assert asks("order_id", told("order_id", "W1", until=at(-0.5))) == "new"
    assert asks("order_id", told("order_id", "W1", until=at(1))) == "repeated"
    assert asks("order_id", told("order_id", "W1", at=at(1))) == "new"
    assert asks("order_id", told("order_id", "W1", number=2)) == "new"


def test_what_was_told_unproven_counts_on_its_own_handle_alone() -> None:
    unproven = {"proof": int(Proof.CLAIMED)}
    assert asks("order_id", told("order_id", "W1", handle=2, **unproven)) == "new"
    assert asks("order_id", told("order_id", "W1", handle=2)) == "repeated"
    assert asks("order_id", told("order_id", "W1", **unproven)) == "repeated"


def test_what_a_person_told_counts_on_every_handle_of_theirs_and_of_nobody_else() -> None:
    on_another = told("device", "Pixel 8", handle=2, number=None)
    one: dict[str, Any] = {"near": lambda _handle: "group"}
    assert asks("device", on_another) == "new"
    assert asks("device", on_another, **one) == "new"
    assert asks("device", on_another, **one, customer=lambda _handle: "ann") == "repeated"
    asked = Asked(START, "email", 1, 1, ["device"], "?")
    assert insights.in_doubt(world(case(), asked=[asked], told=[on_another], **one)) == {1, 2}
    assert insights.in_doubt(world(case(), asked=[asked], told=[on_another])) == set()


def test_a_later_contact_is_repeated_when_anything_told_is_asked_for_before_the_next() -> None:
    back = [Contact(at(day), "email", 1, came_back=day > 0) for day in (0, 1, 2, 3)]
    asked = [Asked(at(2, 60), "email", 1, 1, ["order_id"], "?"), Asked(at(0), "email", 1, 1, ["order_id"], "?")]
    one = world(case(), contacts=back, asked=asked, told=[told("order_id", "W1")])
    assert [(found.at, found.part) for found in insights.asked_again(one)] == [
        (at(1), "spared"),
        (at(2), "repeated"),
        (at(3), "spared"),
    ]


# ── coming back ──
def test_coming_back_within_a_week_is_a_repeat_and_a_thank_you_is_none() -> None:
    back = [Contact(at(day), "sms", 1, came_back=day > 0) for day in (0, 6, 14, 15)]
    solved = steps((at(15), "resolved", "", CUSTOMER))
    found = list(insights.contacts(world(case(), contacts=back, steps=solved)))
    assert [(one.at, one.channel, one.part) for one in found] == [
        (at(0), "email", "first"),
        (at(6), "sms", "again"),
        (at(14), "sms", "first"),
    ]


def test_a_colleagues_reply_in_between_is_the_last_that_was_said() -> None:
    back = [Contact(at(day), "sms", 1, came_back=day > 0) for day in (0, 9)]
    replied = {1: [Said(1, at(3), "agent", at(3))]}
    assert parts(insights.contacts, world(case(), contacts=back, said=replied)) == {"first": 1, "again": 1}


@pytest.mark.parametrize(
    ("second", "part"),
    [
        (case(2, at(6), handle=1), "again"),
        (case(2, at(8), handle=1), "first"),
        (case(2, at(6), handle=1, category="delivery"), "first"),
        (case(2, at(6), handle=2), "first"),
        (case(2, at(6), handle=3), "again"),
    ],
)
def test_another_case_of_the_same_kind_and_customer_within_a_week_is_a_repeat(second: CaseRow, part: str) -> None:
    ann = {1: "ann", 2: "bob", 3: "ann"}
    one = world(case(), second, near=lambda _handle: "group", customer=lambda handle: ann[handle])
    assert [found.part for found in insights.contacts(one)] == ["first", part]


# ── solved at once ──
HANDED_OFF = (at(0), "handed_off", "", BOT)


@pytest.mark.parametrize(
    ("ended", "more"),
    [
        ("escalated", {"steps": steps(HANDED_OFF)}),
        ("escalated", {"steps": steps(HANDED_OFF, (at(1), "open", "", "mia"))}),
        ("came back", {"contacts": [Contact(at(2), "email", 1, came_back=True)]}),
        ("came back", {"steps": steps((at(1), "resolved", "", CUSTOMER), (at(2), "open", "", CUSTOMER))}),
        ("assumed", {"said": {1: [Said(1, at(1), BOT, at(1))]}}),
        ("abandoned", {"said": {1: [Said(1, at(1), BOT, at(1))]}, "asked": [Asked(at(1), "sms", 1, 1, ["plan"], "?")]}),
        ("abandoned", {}),
        ("too early", {"said": {1: [Said(1, at(9), BOT, at(9))]}}),
    ],
)  # fmt: skip
def test_how_a_first_contact_ended(ended: str, more: dict[str, Any]) -> None:
    assert parts(insights.first_contact, world(case(), now=at(10), **more)) == {ended: 1}


def test_a_case_that_its_customer_called_solved_is_confirmed_also_when_they_came_back_to_say_so() -> None:
    thanks = {"steps": steps((at(1), "resolved", "", CUSTOMER)), "contacts": [Contact(at(1), "sms", 1, came_back=True)]}
    assert parts(insights.first_contact, world(case(status="resolved"), now=at(1), **thanks)) == {"confirmed": 1}


def test_a_question_before_the_last_answer_abandons_nothing() -> None:
    said = {1: [Said(1, at(0), BOT, at(0)), Said(1, at(1), BOT, at(1))]}
    asked = [Asked(at(0), "email", 1, 1, ["amount"], "?")]
    assert parts(insights.first_contact, world(case(), now=at(10), said=said, asked=asked)) == {"assumed": 1}


# ── how long it takes ──
TAKEN = (at(0, 600), "handed_off", "mia", "mia")


def test_handle_time_is_from_the_handoff_and_held_time_from_the_taking() -> None:
    one = world(case(), steps=steps(HANDED_OFF, TAKEN, (at(0, 2000), "resolved", "mia", "mia")))
    assert seconds(insights.handle_times, one) == [("resolved", 2000)]
    assert seconds(insights.held_times, one) == [("resolved", 1400)]


def test_what_is_given_back_has_a_held_time_and_no_handle_time_and_a_transfer_ends_neither() -> None:
    given_back = [HANDED_OFF, TAKEN, (at(0, 700), "handed_off", "eve", "mia"), (at(0, 900), "open", "", "eve")]
    one = world(case(), steps=steps(*given_back, (at(0, 2000), "resolved", "", CUSTOMER)))
    assert seconds(insights.handle_times, one) == []
    assert seconds(insights.held_times, one) == [("given back", 300)]


def test_what_is_taken_only_to_be_closed_took_no_time() -> None:
    one = world(case(), steps=steps(TAKEN, (TAKEN[0], "resolved", "mia", "mia")))
    assert seconds(insights.handle_times, one) == seconds(insights.held_times, one) == []


def test_a_case_that_was_opened_again_is_handled_twice() -> None:
    once = [HANDED_OFF, (at(0, 100), "resolved", "mia", "mia")]
    one = world(case(), steps=steps(*once, (at(1), "handed_off", "mia", "mia"), (at(1, 50), "resolved", "mia", "mia")))
    assert seconds(insights.handle_times, one) == [("resolved", 100), ("resolved", 50)]


def test_the_bots_first_response_is_from_the_message_to_the_first_reply_that_left() -> None:
    said = {1: [Said(1, at(0, 3), BOT, at(0, 5)), Said(1, at(1), BOT, None)]}
    rows = case(1, at(0, 3), heard_at=at(0)), case(2, heard_at=at(0)), case(3)
    assert seconds(insights.bot_responses, world(*rows, said=said)) == [("answered", 5), ("not answered", 0)]


def test_a_colleagues_first_response_is_from_the_bots_handoff_alone() -> None:
    by_bot = steps(HANDED_OFF, TAKEN) | steps(HANDED_OFF, number=2) | steps(TAKEN, number=3)
    said = {n: [Said(n, at(-1), "agent", at(-1)), Said(n, at(0, 650), "agent", at(0, 660))] for n in (1, 3)}
    one = world(case(1), case(2), case(3), steps=by_bot, said=said)
    assert seconds(insights.human_responses, one) == [("answered", 660), ("not answered", 0)]


# ── how they feel, and how much there is ──
def test_ratings_and_moods() -> None:
    rows = case(1, satisfaction=5, rated_at=at(3)), case(2)
    one = world(*rows, moods={1: ["angry", "neutral", "positive"], 2: []})
    assert [(found.at, found.part, found.value) for found in insights.ratings(one)] == [(at(3), "5", 5)]
    assert parts(insights.moods_at_start, one) == {"angry": 1}
    assert parts(insights.moods_at_end, one) == {"positive": 1}


def test_every_figure_has_words_and_only_parts_that_it_counts() -> None:
    assert len(insights.FIGURES) == 13
    for figure in insights.FIGURES.values():
        assert figure.defined.endswith("."), figure.key
        assert {*figure.good, *figure.left_out} <= set(figure.parts), figure.key
