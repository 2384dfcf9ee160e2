"""SECRET_KEY changes: what lasts is sealed anew, what is short-lived is accepted for a while, a wrong one is named."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest
import pytest_asyncio

from bots.console.login import Doorkeeper, seal_anew
from channels._mail.seal import Seal
from channels._sms.enclosing import Addresses, Enclosed
from channels._web.sessions import Sessions
from core.accounts import NewAccount, Role
from core.backends.ledger.database import open_database
from core.backends.ledger.sql import SqlLedger
from core.errors import Misconfigured
from core.messages import Raw
from tests.ledger.test_backups import forgets
from tests.shop import Shop
from tests.twins.postgres import new_database

BEFORE, AFTER = b"the key before, as it was derived", b"the key after, as it is derived"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
THREAD = "abcdefghijklmnop"


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    yield f"sqlite:///{tmp_path}/ledger.db" if request.param == "sqlite" else await new_database()


async def with_keys(url: str, folder: Path, key: bytes, *accepted: bytes) -> Shop:
    ledger = SqlLedger(open_database(url), secret=key, accepted=accepted)
    try:
        await ledger.migrate()
    except Misconfigured:
        await ledger.close()
        raise
    return await Shop.open(folder, ledger=ledger)


async def test_forgotten_people_stay_forgotten_through_every_change(url: str, tmp_path: Path) -> None:
    shop = await with_keys(url, tmp_path, BEFORE)
    await shop.knows("cus_7", "Ann Keller", "phone:+15550177")
    said = shop.message("sms", "+15550177", "I was charged twice.")
    await shop.accept(said)
    await forgets(shop, tmp_path, "cus_7")
    await shop.close()
    with pytest.raises(Misconfigured, match="SECRET_KEY"):
        await with_keys(url, tmp_path, AFTER)
    for keys in ((AFTER, BEFORE), (AFTER,), (b"a third one", AFTER), (b"a third one",)):
        shop = await with_keys(url, tmp_path, *keys)
        assert not await shop.ledger.accept(said, Raw(body=b"", received_at=shop.now))
        await shop.knows("cus_7", "Ann Keller", "phone:+15550177")
        with pytest.raises(Exception, match="cus_7"):
            await shop.ledger.export("cus_7", reader="bea", now=shop.now)
        await shop.close()


async def test_second_factors_are_sealed_anew_and_their_codes_go_on(url: str, tmp_path: Path) -> None:
    shop = await with_keys(url, tmp_path, b"")
    await shop.ledger.add_account(NewAccount(name="bea", password_hash="x", role=Role.ADMIN), by="test", now=NOW)
    clock = [NOW]

    def keeper(secret: bytes, *accepted: bytes) -> Doorkeeper:
        return Doorkeeper(ledger=shop.ledger, token="t", secret=secret, accepted=accepted, now=lambda: clock[0])

    shared, _ = keeper(BEFORE).offers("bea")
    app = pyotp.TOTP(shared)
    recovery = await keeper(BEFORE).turns_on("bea", shared, app.at(NOW))

    async def takes(keeper: Doorkeeper, code: str = "") -> bool:
        clock[0] += timedelta(minutes=16)
        credential = await shop.ledger.credential("bea")
        assert credential
        return await keeper.takes(credential, code or app.at(clock[0]), "203.0.113.7")

    assert not await takes(keeper(AFTER))
    assert await takes(keeper(AFTER, BEFORE))
    assert await takes(keeper(AFTER, BEFORE), recovery[0])
    assert await seal_anew(shop.ledger, AFTER, [BEFORE]) == 1
    assert await seal_anew(shop.ledger, AFTER, [BEFORE]) == 0
    assert await takes(keeper(AFTER))
    assert not await takes(keeper(AFTER), recovery[1])
    await shop.close()


def test_what_channels_sealed_opens_while_its_key_is_accepted() -> None:
    mark = Seal(BEFORE, "thread").close(THREAD, "ann@shop.test")
    assert Seal(AFTER, "thread", [BEFORE]).open(mark, "ann@shop.test") == THREAD
    assert Seal(AFTER, "thread", [BEFORE]).open(mark, "eve@shop.test") is None
    assert Seal(AFTER, "thread").open(mark, "ann@shop.test") is None
    token = Sessions(BEFORE).opened(NOW)
    assert Sessions(AFTER, [BEFORE]).read(token, NOW)
    assert Sessions(AFTER).read(token, NOW) is None
    file = Enclosed("reply", 0)
    (address,) = Addresses(BEFORE, "", []).of([file], NOW)
    assert Addresses(AFTER, "", [BEFORE]).opened(address, NOW) == file
    assert Addresses(AFTER, "").opened(address, NOW) is None
    anew = Seal(AFTER, "thread", [BEFORE]).close(THREAD)
    assert Seal(AFTER, "thread").open(anew) == THREAD
