"""`python -m bots accounts ...`: a new password for who has lost theirs, and who is who in a room for colleagues. Works
beside a running `run`."""

import re
import secrets
import sys

from bots.console.passwords import hashed
from bots.givens import clock
from bots.settings import load
from bots.wiring import open_ledger
from core.accounts import normalized
from core.errors import Problem

_BY = "the command line"  # in the audit
_BYTES = 15  # of chance in a password
_KEY = re.compile(r"[a-z]+:\S+")


async def reset(name: str, *, second_factor: bool = False) -> None:
    """Gives an account a new password and prints it, once; its sessions end, and with `second_factor` it wants no code
    any more. Raises NoSuchAccount."""
    password = secrets.token_urlsafe(_BYTES)
    ledger = await open_ledger(load())
    try:
        if second_factor:
            await ledger.turn_off_second_factor(normalized(name), by=_BY, now=clock())
        await ledger.reset_password(normalized(name), hashed(password), by=_BY, now=clock())
    finally:
        await ledger.close()
    sys.stdout.write(f"{normalized(name)} signs in with {password} from now on; change it in the console.\n")


async def tie(name: str, key: str) -> None:
    """Lets a colleague act in a room for colleagues: `key` is who they are there, "" ends it. Raises NoSuchAccount."""
    if key and not _KEY.fullmatch(key):
        raise Problem(f"{key}: give the channel and who they are there, e.g. slack:T0123/U0456, as the bot shows it")
    ledger = await open_ledger(load())
    try:
        await ledger.tie(normalized(name), key, by=_BY, now=clock())
    finally:
        await ledger.close()
    sys.stdout.write(
        f"{normalized(name)} is {key} from now on.\n" if key else f"{normalized(name)} is tied to nothing.\n"
    )
