"""The ways to sign a customer in that the page on web chat shows, run as they stand there."""

import asyncio
import re
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from channels._web.logins import Logins

PAGE = (Path(__file__).parents[2] / "docs" / "channels" / "web-chat.md").read_text(encoding="utf-8")
KEY = "kV3n_w0Rz-Qx81LmPt7aYc5sHd2uGb9e"
LANGUAGES = {
    "python": (
        [sys.executable, "-c"],
        'print(chat_token({"id": "cus_7", "email": "é@shop.test", "email_verified": True}))',
    ),
    "javascript": (
        ["node", "-e"],
        'console.log(chatToken({ id: "cus_7", email: "é@shop.test", email_verified: true }));',
    ),
    "php": (["php", "-r"], 'echo chat_token(["id" => "cus_7", "email" => "é@shop.test", "email_verified" => true]);'),
}


def shown(language: str) -> str:
    [found] = re.findall(rf"(?ms)^```{language}\n(.*?)^```", PAGE)
    return str(found)


async def printed(command: Sequence[str]) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, env={"CHAT_KEY": KEY}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return out.decode().strip()


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_token_that_is_signed_as_shown_is_taken(language: str) -> None:
    (program, flag), call = LANGUAGES[language]
    runtime = shutil.which(program)
    if runtime is None:
        pytest.skip(f"no {program} on this machine")
    made = await printed([runtime, flag, f"{shown(language)}\n{call}"])
    logins = Logins({"main": KEY}, issuer="https://shop.example", audience="throughline")
    login = logins.read(f"Bearer {made}", datetime.now(UTC))
    assert login.subject == "cus_7"
    assert [(v.key, v.person) for v in login.vouchers] == [("email:é@shop.test", "cus_7")]
