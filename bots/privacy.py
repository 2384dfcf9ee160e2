"""`python -m bots customers forget|export NAME`, and the job that keeps no longer than it may. Work beside a running
`run`."""

import asyncio
import logging
import sys
from collections.abc import Collection, Mapping
from datetime import timedelta
from email import policy
from email.parser import BytesHeaderParser
from email.utils import getaddresses
from pathlib import Path

from bots.aegis import memory_of
from bots.givens import clock, new_id
from bots.settings import VAR, Settings, load
from bots.wiring import open_ledger
from core.backends.erasures import ErasuresFile
from core.backends.ledger.sql import SqlLedger
from core.erasing import Forgetting, Receipt
from core.exporting import to_json
from core.memory import Memory
from core.retention import Housekeeping

log = logging.getLogger(__name__)

_DAY = timedelta(days=1)
_READER = "command line"
_BY = "the command line"  # in the audit


async def forget(name: str) -> None:
    """Erases a customer, by an external id or channel:address, everywhere, and prints the receipt. Raises
    NoSuchCustomer or StillBusy."""
    settings = load()
    ledger, memory = await open_ledger(settings), memory_of(settings)
    try:
        receipt, letters = await forgetting(settings, ledger, memory).forget(name, receipt=new_id(), now=clock)
        await ledger.audit(_BY, "forget", f"receipt {receipt.id}", now=clock())
    finally:
        await memory.close()
        await ledger.close()
    sys.stdout.write(_printed(receipt, letters))


async def export(name: str) -> None:
    """Prints everything about a customer as one JSON object. Raises NoSuchCustomer."""
    ledger = await open_ledger(load())
    try:
        exported = await ledger.export(name, reader=_READER, now=clock())
        await ledger.audit(_BY, "export", "a customer", now=clock())
    finally:
        await ledger.close()
    sys.stdout.write(f"{to_json(exported)}\n")


def forgetting(settings: Settings, ledger: SqlLedger, memory: Memory) -> Forgetting:
    """What erases customers here."""
    outside = ErasuresFile(Path(settings.erasures_file))
    return Forgetting(ledger=ledger, memory=memory, letters=erase_letters, outside=outside)


async def catch_up(settings: Settings, ledger: SqlLedger, memory: Memory) -> None:
    """Erases again whom a ledger that was restored from a backup has brought back; before anybody is served."""
    again = await forgetting(settings, ledger, memory).catch_up(receipt=new_id(), now=clock)
    if again:
        log.warning("erased again what a backup had brought back: %s", _counted(again.erased))
        await ledger.audit(_BY, "forget again", f"receipt {again.id}", now=clock())


async def keep_house(settings: Settings, ledger: SqlLedger, memory: Memory) -> None:
    """Erases what is too old."""
    erasing = forgetting(settings, ledger, memory)
    house = Housekeeping(retention=settings.retention, ledger=ledger, memory=memory, forgetting=erasing)
    await erasing.keep_outside(since=clock() - _DAY)  # other machines erase too
    gone = await house.enforce(clock())
    if any(gone.values()):
        log.info("erased what was too old: %s", _counted(gone))


async def erase_letters(addresses: Collection[str], folder: Path = VAR / "mail") -> int:
    """Deletes the kept letters to any of these addresses; how many there were."""
    return await asyncio.to_thread(_erase_letters, {address.casefold() for address in addresses}, folder)


def _erase_letters(addresses: Collection[str], folder: Path) -> int:
    theirs = [path for path in folder.glob("*") if _recipients(path) & set(addresses)]
    for path in theirs:
        path.unlink(missing_ok=True)
    return len(theirs)


def _recipients(path: Path) -> set[str]:
    try:
        letter = BytesHeaderParser(policy=policy.compat32).parsebytes(path.read_bytes())
    except FileNotFoundError:  # a draft that has just got its name
        return set()
    return {address.casefold() for _, address in getaddresses([str(to) for to in letter.get_all("To", [])])}


def _printed(receipt: Receipt, letters: int) -> str:
    counts = {**receipt.erased, "letters": letters}
    when = receipt.at.isoformat(timespec="seconds")
    return f"Forgotten. Erased: {_counted(counts)}.\nReceipt {receipt.id} of {when}; it is kept, without a name.\n"


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {table.replace('_', ' ')}" for table, count in sorted(counts.items()) if count)
