"""`customers forget` and `export` beside a running bot: no byte is left under var/, also in the running process's log
and caches; what comes again stays out; and the log names nobody."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.process.running import imports, running, start
from tests.process.test_run import twilio_settings
from tests.twins.twilio import Twilio

PLANTED = "Quennelwhistle"
MAILBOX = "john@quennelwhistle.test"
CHARGED = f"I was charged $99.17 for my {PLANTED} but I downgraded to the $49 plan. The order is W4829137."
JOHN = {"external_id": "cus_77", "name": f"John {PLANTED}", "email": MAILBOX, "phone": "+15550142"}
MARY = {"external_id": "cus_78", "name": "Mary Brown", "phone": "+15550143"}
TRACES = (PLANTED, MAILBOX, "15550142", "99.17", "W4829137", "cus_77")


@pytest_asyncio.fixture
async def twilio() -> AsyncIterator[Twilio]:
    async with Twilio(account_sid="AC" + "1" * 32, auth_token="t0ken", number="+15550100") as twin:
        yield twin


def traces(folder: Path) -> set[str]:
    """What of the planted strings stands in any file under var/."""
    on_disk = b"".join(path.read_bytes() for path in (folder / "var").rglob("*") if path.is_file()).lower()
    return {trace for trace in TRACES if trace.lower().encode() in on_disk}


async def command(folder: Path, *arguments: str) -> tuple[int | None, str, str]:
    """Runs `python -m bots customers ...`: its exit code, and what it printed."""
    bot = await start(folder, {}, "customers", *arguments)
    out, err = await bot.process.communicate()
    return bot.process.returncode, out.decode(), err.decode()


async def test_nothing_is_left_beside_a_running_bot_and_nothing_comes_back(tmp_path: Path, twilio: Twilio) -> None:
    await imports(tmp_path, JOHN, MARY)
    async with running(tmp_path, **twilio_settings(twilio)) as bot:
        twilio.deliver_to = bot.url
        told, _ = await twilio.texts("+15550142", CHARGED)
        await twilio.outbox.get()
        await twilio.texts("+15550143", "My kettle is broken.")
        await twilio.outbox.get()
        await bot.mails(MAILBOX, CHARGED, dmarc="fail", Message_ID="<forged@quennelwhistle.test>")
        await bot.mails(MAILBOX, CHARGED, Message_ID="<1@quennelwhistle.test>")
        code, exported, _ = await command(tmp_path, "export", "cus_77")
        assert code == 0
        assert PLANTED in json.loads(exported)["messages"][0]["text"]
        assert len(traces(tmp_path)) == len(TRACES)

        code, out, err = await command(tmp_path, "forget", "cus_77")
        assert (code, err.count("Traceback")) == (0, 0), err
        assert re.search(r"\d+ messages.*\nReceipt [0-9a-f]{32} of 2", out)
        assert traces(tmp_path) == set()
        assert not any(trace in out for trace in TRACES)

        assert (await twilio.deliver(told)).status == 200
        await bot.mails(MAILBOX, CHARGED, Message_ID="<1@quennelwhistle.test>")
        assert "1 were forgotten" in await imports(tmp_path, JOHN, MARY)
        assert traces(tmp_path) == set()

        assert "kettle" in (await command(tmp_path, "export", "cus_78"))[1]
        await twilio.texts("+15550142", "Hello, any news?")
        anew = (await twilio.outbox.get()).body
        assert not [known for known in ("John", "$99", "plan") if known in anew]
        assert not {trace for trace in TRACES if trace in "\n".join(bot.log)}


async def test_with_restore_the_directory_knows_them_again(tmp_path: Path) -> None:
    await imports(tmp_path, JOHN)
    assert (await command(tmp_path, "forget", "cus_77"))[0] == 0
    await imports(tmp_path, JOHN)
    assert (await command(tmp_path, "export", "cus_77"))[0] == 1
    restored = await command(tmp_path, "import", str(tmp_path / "customers.csv"), "--restore")
    assert restored[:2] == (0, "1 customers are in the directory, added or updated.\n")
    assert (await command(tmp_path, "export", "cus_77"))[0] == 0


async def test_an_export_is_taken_in_again_with_restore(tmp_path: Path) -> None:
    await imports(tmp_path, JOHN)
    _, exported, _ = await command(tmp_path, "export", "cus_77")
    (tmp_path / "john.json").write_text(exported)
    assert (await command(tmp_path, "forget", "cus_77"))[0] == 0
    assert (await command(tmp_path, "import", str(tmp_path / "john.json"), "--restore"))[0] == 0
    _, again, _ = await command(tmp_path, "export", "cus_77")
    assert json.loads(again)["profile"] == json.loads(exported)["profile"]
    (tmp_path / "half.json").write_text("{}")
    code, out, err = await command(tmp_path, "import", str(tmp_path / "half.json"))
    assert (code, out, err.strip().count("\n")) == (1, "", 0)
    assert "not what `customers export` printed" in err


async def test_an_unknown_customer_is_one_line_and_exit_1(tmp_path: Path) -> None:
    for what in ("forget", "export"):
        code, out, err = await command(tmp_path, what, "cus_0")
        assert (code, out, err.strip().count("\n")) == (1, "", 0)
        assert "cus_0" in err
