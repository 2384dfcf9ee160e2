"""A full disk and a locked file: nothing is acknowledged that is not kept, senders are asked to try again, staff
see it, and all goes on by itself once it ends. Over real sockets: a web server for webhooks, an SMTP server for
mail.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import aiosmtplib
import pytest

from bots import web
from core.backends.ledger.database import NotedDatabase
from core.backends.ledger.sql import SqlLedger
from core.backends.ledger.sqlite import SqliteDatabase
from core.errors import LedgerAway
from core.ledger import LEDGER
from core.messages import Raw
from tests.channels.mailroom import VERDICT, mail
from tests.channels.texting import texting, twilio_twin
from tests.faults.house import AT_ONCE, Bot, bot_with
from tests.shop import Shop, _new_ledger
from tests.site import make_channel
from tests.twins.twilio import Twilio

HER = "+15550100"


@pytest.fixture
async def twilio() -> AsyncIterator[Twilio]:
    async with twilio_twin() as twin:
        yield twin


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "shop.db"


@pytest.fixture
async def shop(tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr("core.backends.ledger.sqlite._BUSY_SECONDS", 0.1)
    await (await _new_ledger(file)).close()
    return await Shop.open(tmp_path, house=AT_ONCE, ledger=SqlLedger(NotedDatabase(SqliteDatabase(file), _nobody)))


def _nobody(_what: str, _why: str) -> None: ...


def tells(shop: Shop, tell: Callable[[str, str], None]) -> None:
    """From now on the ledger's outages are told to somebody."""
    noted = shop.ledger._database
    assert isinstance(noted, NotedDatabase)
    noted._tell = tell


@asynccontextmanager
async def texted(shop: Shop, twilio: Twilio, folder: Path) -> AsyncIterator[Bot]:
    """The bot behind Twilio's webhook."""
    async with texting(twilio, folder) as sms, bot_with(sms, folder, shop=shop) as bot:
        tells(shop, bot.office.health.note)
        app = web.application(
            [sms],
            bot.dispatch.hear,
            _ready,
            note=bot.dispatch.note,
            base_url=twilio.public,
            now=lambda: shop.now,
        )
        listening = web.listen("127.0.0.1", 0)
        twilio.deliver_to = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with web.serving(app, listening):
            yield bot


async def _ready() -> dict[str, str]:
    return {}


@contextmanager
def full(shop: Shop, _file: Path) -> Iterator[None]:
    """No page more fits."""
    database = shop.ledger._database._database  # type: ignore[attr-defined]
    database._writer._executor.submit(_limit, database, 1).result()
    yield
    database._writer._executor.submit(_limit, database, 2**30).result()


def _limit(database: SqliteDatabase, pages: int) -> None:
    thread = database._writer
    thread._connection = thread._connection or thread._connect()
    driver = cast("sqlite3.Connection", thread._connection.connection.dbapi_connection)
    driver.execute("VACUUM")  # no page is left over
    driver.execute(f"PRAGMA max_page_count={pages}")


@contextmanager
def locked(_shop: Shop, file: Path) -> Iterator[None]:
    """Another process writes, and does not come to an end."""
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.rollback()
    other.close()


TROUBLES = {"full": full, "locked": locked}
LONG = "My parcel never arrived. " * 60


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_a_webhook_is_answered_503_and_its_message_comes_again(
    shop: Shop, twilio: Twilio, tmp_path: Path, file: Path, trouble: str
) -> None:
    async with texted(shop, twilio, tmp_path) as bot:
        with TROUBLES[trouble](shop, file):
            delivery, answer = await twilio.texts(HER, LONG)
            while answer.status == 200 or not bot.ails(LEDGER):  # what there is room for is kept, and goes well
                delivery, answer = await twilio.texts(HER, LONG)
            assert answer.status == 503
            assert "The record could not be written: the database is away" in await bot.page()
        before = await shop.ledger._database.read(_messages)
        assert (await twilio.deliver(delivery)).status == 200
        assert await shop.ledger._database.read(_messages) == before + 1
        await bot.all_is_sent()
        assert twilio.sent
        assert not bot.ails(LEDGER)
        shop.later(minutes=2)
        assert "could not be written:" not in await bot.page()


def _messages(tx: object) -> int:
    return int(tx.exec_driver_sql("SELECT count(*) FROM messages").scalar_one())  # type: ignore[attr-defined]


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_a_turn_waits_until_it_can_be_written(
    shop: Shop, twilio: Twilio, tmp_path: Path, file: Path, trouble: str
) -> None:
    async with texted(shop, twilio, tmp_path) as bot:
        customers = [f"+155502{number}" for number in range(10, 30)]
        for who in customers:
            await shop.accept(shop.message("sms", who, LONG, route={"to": who, "from": twilio.number}))
        with TROUBLES[trouble](shop, file):
            for who in customers:
                bot.dispatch._call(f"sms:{who}")
            await bot.until(lambda: bot.ails(LEDGER))
        await bot.all_is_sent()
        assert sorted(sent.to for sent in twilio.sent) == customers
        assert await bot.states() == [("sent", False)] * len(customers)


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_mail_is_answered_451_and_taken_when_it_comes_again(
    shop: Shop, tmp_path: Path, file: Path, trouble: str
) -> None:
    channel = make_channel("email", tmp_path, smtp_listen_port=0)
    async with bot_with(channel, tmp_path, shop=shop) as bot:
        tells(shop, bot.office.health.note)
        listening = _listening(channel, bot)
        async with listening as client:
            letter = mail(LONG * 20, head=VERDICT).decode()
            with TROUBLES[trouble](shop, file):
                with pytest.raises(aiosmtplib.SMTPDataError) as refused:
                    await client.sendmail("ann@shop.test", ["support@acme.test"], letter)
                assert refused.value.code == 451
            _, answer = await client.sendmail("ann@shop.test", ["support@acme.test"], letter)
            assert "Kept" in answer


@asynccontextmanager
async def _listening(channel: Any, bot: Bot) -> AsyncIterator[aiosmtplib.SMTP]:
    task = asyncio.create_task(channel.listen(partial(bot.dispatch.deliver, channel)))
    port = await channel.started()
    try:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as client:
            yield client
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_whether_it_can_be_written_again_is_tried(shop: Shop, file: Path, trouble: str) -> None:
    with TROUBLES[trouble](shop, file), pytest.raises(LedgerAway):
        await shop.ledger.probe()
    await shop.ledger.probe()
    await shop.close()


async def test_what_cannot_be_kept_is_not_acknowledged_to_whoever_listens(shop: Shop, file: Path) -> None:
    with locked(shop, file), pytest.raises(LedgerAway):
        await shop.engine.accept(shop.message("slack", "T1/U1", "Hello"), Raw(body=b"", received_at=shop.now))
    assert await shop.accept(shop.message("slack", "T1/U1", "Hello"))
    await shop.close()
