"""`customers merge` and `unmerge` beside a running bot: both sides are printed first, the next answer knows."""

from pathlib import Path

import pytest

from tests.process.running import Bot, imports, running, start
from tests.process.test_run import CHARGED, JOHN, next_mail
from tests.twins.mail import MailRelay

MARY = {"external_id": "cus_2", "name": "Mary Brown", "email": "mary@shop.test"}
JOHNS, STRANGERS, MARYS = "email:john@shop.test", "email:j.miller@post.test", "email:mary@shop.test"


async def customers(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """A `customers` command: its exit status, what it printed, and its errors but for the log."""
    command = await start(folder, {}, "customers", *arguments)
    out, err = await command.process.communicate()
    assert b"Traceback" not in err
    assert command.process.returncode is not None
    return command.process.returncode, out.decode(), err.decode()


async def asks(bot: Bot, relay: MailRelay, who: str, text: str) -> str:
    await bot.mails(who, text)
    return await next_mail(relay)


async def test_merged_and_unmerged_beside_a_running_bot(tmp_path: Path) -> None:
    await imports(tmp_path, JOHN, MARY)
    async with MailRelay().open() as relay:
        mail = {"SMTP_RELAY_HOST": "127.0.0.1", "SMTP_RELAY_PORT": str(relay.port), "SMTP_RELAY_STARTTLS": "false"}
        async with running(tmp_path, **mail) as bot:
            await asks(bot, relay, "john@shop.test", CHARGED)
            assert "order number" not in await asks(bot, relay, "j.miller@post.test", "Hello")
            status, printed, _ = await customers(tmp_path, "merge", "cus_1", STRANGERS)
            assert status == 0
            lines = printed.splitlines()
            assert lines[0] == "A: cus_1 (John Miller)"
            assert any("the directory vouches that cus_1 holds email:john@shop.test" in line for line in lines)
            assert f"B: {STRANGERS}" in lines
            assert lines[-1] == f"cus_1 and {STRANGERS} are one customer, by the command line."
            assert "order number" in await asks(bot, relay, "j.miller@post.test", "Hello, any news?")
            status, printed, _ = await customers(tmp_path, "unmerge", "cus_1", STRANGERS)
            assert (status, printed.splitlines()[-2]) == (0, f"The link between cus_1 and {STRANGERS} has ended.")
            assert "order number" not in await asks(bot, relay, "j.miller@post.test", "Hello there, any news?")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("merge", "cus_1", "cus_2"), "two different colleagues"),
        (("merge", "cus_1", "cus_2", "--by", "ann", "--and", "Ann"), "two different colleagues"),
        (("merge", "cus_1", "cus_2", "--and", "ann"), "--by NAME"),
        (("merge", "cus_1", "cus_9"), "cus_9: no customer"),
        (("merge", "cus_1", "sms:+15550199"), "sms:+15550199: no customer"),
        (("unmerge", "cus_1", "cus_2"), "two customers already"),
        (("unmerge", "cus_9", "cus_2"), "cus_9: no customer"),
    ],
)
async def test_what_cannot_be_done_exits_1_with_one_line(tmp_path: Path, arguments: tuple[str, ...], why: str) -> None:
    await imports(tmp_path, JOHN, MARY)
    status, printed, err = await customers(tmp_path, *arguments)
    assert (status, printed) == (1, "")
    [line] = err.splitlines()
    assert why in line


async def test_two_people_of_the_directory_are_merged_by_two_and_told_apart_again(tmp_path: Path) -> None:
    await imports(tmp_path, JOHN, MARY)
    pair = ("cus_1", "cus_2")
    status, printed, _ = await customers(tmp_path, "merge", *pair, "--by", "ann", "--and", "bea")
    assert (status, printed.splitlines()[-1]) == (0, "cus_1 and cus_2 are one customer, by ann and bea.")
    status, printed, _ = await customers(tmp_path, "unmerge", *pair, "--by", "ann", "--and", "bea")
    assert (status, "The link between cus_1 and cus_2 has ended." in printed) == (0, True)
