"""How long a step of the demo may take, and what is said when it fails."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

import aiohttp
import aiosmtplib

from core.errors import Problem

T = TypeVar("T")

PATIENCE = 20.0  # seconds


async def within(step: str, awaited: Awaitable[T]) -> T:
    """The step's outcome. Raises Problem, naming the step, when it takes too long or a connection breaks."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await awaited
    except TimeoutError:
        raise Problem(f"{step}: nothing came within {PATIENCE:.0f} s") from None
    except (aiohttp.ClientError, aiosmtplib.SMTPException, OSError) as error:
        raise Problem(f"{step}: {type(error).__name__}: {error}") from None
    except Problem as problem:
        raise Problem(f"{step}: {problem}") from None
