"""Nothing of a customer reaches the log: not from an exception, and not from a library that likes to talk."""

import asyncio
import io
import logging
from collections.abc import Iterator

import pytest

from bots.logs import Discreet

CANARY = "Quentin Canary, +15550199, quentin@canary.test: my purple kettle sings"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What would stand in the log."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(Discreet("%(levelname)s %(message)s"))
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)


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
