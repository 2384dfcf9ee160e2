"""`python -m bots accounts ...`: the way back in for who has lost a password. Works beside a running `run`."""

import secrets
import sys

from bots.console.passwords import hashed
from bots.settings import load
from bots.wiring import clock, open_ledger
from core.accounts import normalized

_BYTES = 15  # of chance in a password


async def reset(name: str) -> None:
    """Gives an account a new password and prints it, once; its sessions end. Raises NoSuchAccount."""
    password = secrets.token_urlsafe(_BYTES)
    ledger = await open_ledger(load())
    try:
        await ledger.reset_password(normalized(name), hashed(password), by="the command line", now=clock())
    finally:
        await ledger.close()
    sys.stdout.write(f"{normalized(name)} signs in with {password} from now on; change it in the console.\n")
