"""Business hours: how they are written, when colleagues are there, what customers are told while they are not, and that
nobody is called again for time in which nobody was there."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.hours import ALWAYS, Hours, hours
from tests.shop import HOUSE, Shop

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = hours("Mon-Fri 09:00-17:00, Sat 10:00-14:00 Europe/Berlin")
NIGHTS = hours("Fri-Mon 22:00-06:00 America/New_York")


def berlin(day: int, hour: int, minute: int = 0) -> datetime:
    """In March 2026, whose 2nd is a Monday; its clocks go forward on the 29th."""
    return datetime(2026, 3, day, hour, minute, tzinfo=BERLIN)


def test_somebody_is_there_in_the_hours_of_the_house_wherever_the_clock_is_read() -> None:
    for moment, there in (
        (berlin(2, 8, 59), False),
        (berlin(2, 9), True),
        (berlin(2, 16, 59), True),
        (berlin(2, 17), False),
        (berlin(7, 13), True),
        (berlin(8, 13), False),
    ):
        assert WEEK.are_open(moment) is there
        assert WEEK.are_open(moment.astimezone(UTC)) is there
        assert (WEEK.opens_next(moment) is None) is there


def test_they_come_back_at_the_next_opening() -> None:
    assert WEEK.opens_next(berlin(2, 3)) == berlin(2, 9)
    assert WEEK.opens_next(berlin(6, 18)) == berlin(7, 10)
    assert WEEK.opens_next(berlin(7, 14)) == berlin(9, 9)
    assert WEEK.opens_next(berlin(28, 20)) == berlin(30, 9), "over the night in which the clock is put forward"


def test_a_span_may_end_on_the_next_day() -> None:
    new_york = ZoneInfo("America/New_York")
    assert NIGHTS.are_open(datetime(2026, 3, 3, 5, 0, tzinfo=new_york)), "Monday's night"
    assert not NIGHTS.are_open(datetime(2026, 3, 3, 23, 0, tzinfo=new_york))
    assert hours("Mon-Sun 00:00-24:00").opens_next(berlin(3, 4)) is None


def test_without_hours_somebody_is_always_there() -> None:
    assert hours("  ") == ALWAYS
    assert ALWAYS.opens_next(berlin(8, 3)) is None
    assert ALWAYS.open_before(berlin(8, 3), timedelta(hours=1)) == berlin(8, 2)


def test_time_goes_by_only_while_somebody_is_there() -> None:
    for at, length, since in (
        (berlin(2, 12), 1, berlin(2, 11)),
        (berlin(3, 9, 30), 1, berlin(2, 16, 30)),
        (berlin(8, 12), 1, berlin(7, 13)),
        (berlin(9, 9, 30), 5, berlin(6, 16, 30)),
    ):
        assert WEEK.open_before(at, timedelta(hours=length)) == since


@given(st.integers(0, 330 * 24 * 60), st.integers(1, 600))
def test_no_more_open_time_has_gone_by_than_was_asked_for(after: int, minutes: int) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=after)
    since = WEEK.open_before(at, timedelta(minutes=minutes))
    step = timedelta(minutes=1)
    gone = sum(WEEK.are_open(since + n * step) for n in range(int((at - since) / step)))
    assert abs(gone - minutes) <= 1


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Mon-Fri", "write days and hours"),
        ("Mon-Fry 09:00-17:00", "write days and hours"),
        ("Mon 25:00-26:00", "25:00 is no time of day"),
        ("Mon 09:00-09:00", "same time"),
        ("Mon 09:00-17:00 Europe/Atlantis", "Europe/Atlantis is no time zone"),
        ("Mon 09:00-17:00,", "nothing: write days and hours"),
        ("Mon 09:00-17:00 ../etc/passwd", "write days and hours"),
    ],
)
def test_what_is_written_wrong_is_named(text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        hours(text)


def test_days_may_be_written_over_the_weekend() -> None:
    assert sorted(span.day for span in hours("Sat-Mon 09:00-12:00").spans) == [0, 5, 6]


# ── what customers are told ──
async def closed_shop(folder: Path, week: Hours = WEEK) -> Shop:
    return await Shop.open(folder, house=replace(HOUSE, hours=week))


async def test_out_of_hours_a_handoff_says_when_somebody_is_back(tmp_path: Path) -> None:
    shop = await closed_shop(tmp_path)
    shop.now = berlin(6, 20).astimezone(UTC)
    said = await shop.hears("slack", "T1/U1", "I was charged twice. I want to speak to a human!")
    assert "No colleague is here at the moment" in said
    assert "We are back tomorrow at 10:00 CET." in said
    shop.now = berlin(9, 10).astimezone(UTC)
    said = await shop.hears("slack", "T1/U2", "I was charged twice. I want to speak to a human!")
    assert "A colleague will take this over." in said
    assert "back" not in said
    await shop.close()


async def test_a_caller_is_put_through_only_while_somebody_is_there(tmp_path: Path) -> None:
    shop = await closed_shop(tmp_path)
    for moment, there in ((berlin(8, 12), False), (berlin(9, 12), True)):
        shop.now = moment.astimezone(UTC)
        await shop.hears("voice", f"+1555010{moment.day}", "I want to speak to a human!")
        assert shop.sent[-1].reply.hands_over is there
    await shop.close()
