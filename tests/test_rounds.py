"""Rounds that are due at the same times are made as one, and each of them fails by itself."""

from datetime import timedelta

import pytest

from core.rounds import Round, together

OFTEN, SELDOM = timedelta(seconds=5), timedelta(hours=1)


async def test_rounds_of_the_same_times_are_one(caplog: pytest.LogCaptureFixture) -> None:
    made: list[str] = []

    def of(name: str, every: timedelta) -> Round:
        async def work() -> None:
            made.append(name)
            if name == "recover":
                raise OSError

        return Round(name=name, every=every, work=work)

    often, seldom = together([of("sweep", OFTEN), of("keep house", SELDOM), of("recover", OFTEN)])
    assert (often.name, often.every) == ("sweep", OFTEN)
    await often.make()
    assert made == ["sweep", "recover"]
    assert "made again later: recover" in caplog.text
    await seldom.make()
    assert made == ["sweep", "recover", "keep house"]
