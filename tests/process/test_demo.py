"""`python -m bots demo`: the story is played over real sockets, and nothing is left of it, also when it is stopped."""

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import pytest

from bots.demo import child, patience
from core.errors import Problem
from tests.process.running import CHECKOUT

BOT = "Acme's bot"


async def begin(folder: Path) -> asyncio.subprocess.Process:
    """The demo, as `make demo` starts it, in a session of its own; its temporary files go into `folder`."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bots",
        "demo",
        cwd=CHECKOUT,
        env={"PATH": os.defpath, "HOME": str(folder), "TMPDIR": str(folder)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )


def assert_nothing_is_left(demo: asyncio.subprocess.Process, folder: Path) -> None:
    assert list(folder.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.killpg(demo.pid, 0)


def scenes(transcript: str) -> list[str]:
    """The story's parts, each in one line; the first is what comes before them."""
    return [" ".join(scene.split()) for scene in re.split(r"(?m)^── .*$", transcript)]


async def test_john_says_everything_once(tmp_path: Path) -> None:
    demo = await begin(tmp_path)
    out, err = await demo.communicate()
    assert demo.returncode == 0, err.decode()
    _, chat, phone, mail, console, next_one = scenes(out.decode())

    asked, handed_over = chat.split("The order is W4829137.")
    assert "order number" in asked
    assert "colleague" in handed_over

    assert f"{BOT} This is Throughline, an AI assistant of Acme. Hi John, you were just chatting with us" in phone
    assert "$99 charge after your downgrade" in phone
    assert "You already checked the invoice; no need to repeat anything." in phone

    proven, forged = mail.split("dmarc=fail")
    assert "Hi John, You were just on the phone with us about the $99 charge" in proven
    answer = forged.split(BOT)[1]
    assert "I have nothing about that on record here." in answer
    assert not re.search(r"John|99|9137|downgrade|invoice", answer)

    for shown in ("John Miller", "Pro plan.", "I was charged $99", "checked the invoice"):
        assert shown in console
    for spoken_on in ("chat", "phone", "email"):
        assert f"Customer, {spoken_on} " in console
    assert "john@shop.test gets a mail. email Acme Hi John, the $50 is on its way back" in console

    learnt = next_one.split("what worked for others")[1]
    assert "Refunded the difference and moved" in learnt
    assert "John" not in learnt
    assert_nothing_is_left(demo, tmp_path)


async def test_what_the_bot_says_stands_nowhere_in_the_demo() -> None:
    source = "\n".join(path.read_text() for path in (CHECKOUT / "bots" / "demo").glob("*.py"))
    for said_by_the_bot in ("colleague will", "repeat anything", "order number", "AI assistant", "chatting with us"):
        assert said_by_the_bot not in source


async def test_stopped_halfway_it_tidies_up(tmp_path: Path) -> None:
    demo = await begin(tmp_path)
    assert demo.stdout
    while b"John is signed in" not in await demo.stdout.readline():
        pass
    assert list(tmp_path.iterdir())
    demo.send_signal(signal.SIGTERM)
    await demo.communicate()
    assert demo.returncode == 130
    assert_nothing_is_left(demo, tmp_path)


async def test_a_bot_that_cannot_start_is_told_in_one_line(tmp_path: Path) -> None:
    async with child.running(tmp_path, {"WEB_PORT": "http"}) as bot:
        with pytest.raises(Problem, match=r"start: .*WEB_PORT"):
            await patience.within("start", bot.ready())


async def test_an_answer_that_never_comes_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PATIENCE", 0)
    with pytest.raises(Problem, match="phone: nothing came within 0 s"):
        await patience.within("phone", asyncio.Event().wait())
