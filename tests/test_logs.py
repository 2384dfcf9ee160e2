"""Nothing of a customer reaches the log: not from an exception, and not from a library that likes to talk."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bots.json_logs import Lines
from bots.logs import Discreet
from core.observing import UNOBSERVED

CANARY = "Quentin Canary, +15550199, quentin@canary.test: my purple kettle sings"


@contextmanager
def written(form: logging.Formatter) -> Iterator[io.StringIO]:
    """What would stand in the log."""
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(form)
    logging.getLogger().addHandler(handler)
    try:
        yield lines
    finally:
        logging.getLogger().removeHandler(handler)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """The log for people."""
    with written(Discreet("%(levelname)s %(message)s")) as lines:
        yield lines


@pytest.fixture
def json_log() -> Iterator[io.StringIO]:
    """The log for programs."""
    with written(Lines()) as lines:
        yield lines


def says_nothing(log: io.StringIO) -> bool:
    return not any(word in log.getvalue() for word in ("Quentin", "0199", "canary", "kettle"))


def fails() -> None:
    try:
        raise KeyError(CANARY)
    except KeyError as error:
        raise ValueError(f"cannot do it: {CANARY}") from error


def test_an_exception_tells_its_kinds_and_places_only(log: io.StringIO) -> None:
    try:
        fails()
    except ValueError:
        logging.getLogger("core.dispatch").exception("turn failed, attempt %d", 1)
    assert says_nothing(log)
    for known in ("ERROR turn failed, attempt 1", "ValueError", "KeyError", "test_logs.py:", " in fails"):
        assert known in log.getvalue()


def test_a_library_tells_where_it_spoke_only(log: io.StringIO) -> None:
    logging.getLogger("slack_bolt.App").warning("Unhandled request (%s)", {"text": CANARY})
    logging.getLogger("mail.log").error(f"{CANARY} SMTP session exception")  # noqa: G004 - as libraries do
    assert says_nothing(log)
    assert "slack_bolt.App has something to say at test_logs.py:" in log.getvalue()


async def test_what_a_lost_task_died_of_is_not_told(log: io.StringIO) -> None:
    context = {"message": f"Task exception was never retrieved: {CANARY}", "exception": ValueError(CANARY)}
    asyncio.get_running_loop().default_exception_handler(context)
    assert says_nothing(log)
    assert "asyncio has something to say" in log.getvalue()


def test_our_own_lines_stay_as_they_are(log: io.StringIO) -> None:
    logging.getLogger("throughline").info("ready: %s", "http://127.0.0.1:8000")
    logging.getLogger("bots.web").warning("a request to %s was refused", "sms")
    assert "a request to sms was refused" in log.getvalue()


def test_a_line_written_for_a_message_carries_its_code(log: io.StringIO) -> None:
    with UNOBSERVED.arrival("sms") as arriving:
        logging.getLogger("core.dispatch").warning("turn %d", 1)
    logging.getLogger("core.dispatch").warning("turn %d", 2)
    assert log.getvalue().splitlines()[-2:] == [f"WARNING turn 1 [{arriving.trace.id}]", "WARNING turn 2"]


# ── for programs ──
def test_a_line_for_programs_is_one_object_with_known_fields(json_log: io.StringIO) -> None:
    with UNOBSERVED.arrival("sms") as arriving:
        logging.getLogger("core.delivery").warning("attempt %d\nfailed", 2)
    (line,) = [json.loads(line) for line in json_log.getvalue().splitlines()]
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "warning",
        "logger": "core.delivery",
        "event": "attempt 2\nfailed",
        "correlation_id": arriving.trace.id,
        "channel": "sms",
    }


def test_an_exception_for_programs_is_its_kinds_and_places(json_log: io.StringIO) -> None:
    try:
        fails()
    except ValueError:
        logging.getLogger("core.dispatch").exception("turn failed", stack_info=True)
    line = json.loads(json_log.getvalue())
    assert says_nothing(json_log)
    assert {"ValueError", "KeyError"} <= set(line["exception"])
    assert any("test_logs.py:" in place and place.endswith("in fails") for place in line["exception"])


def test_a_library_tells_programs_too_where_it_spoke_only(json_log: io.StringIO) -> None:
    logging.getLogger("slack_bolt.App").warning("Unhandled request (%s)", {"text": CANARY}, extra={"body": CANARY})
    assert says_nothing(json_log)
    assert "slack_bolt.App has something to say at test_logs.py:" in json.loads(json_log.getvalue())["event"]
