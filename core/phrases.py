"""What code itself says, in the customer's language; the wording stands in phrases.toml."""

import tomllib
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("phrases.toml")


@cache
def _phrases() -> dict[str, dict[str, str]]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


def say(phrase: str, language: str, **values: str) -> str:
    """A phrase in a language, or in English where we do not speak that one."""
    spoken = _phrases().get(language) or _phrases()["en"]
    return spoken[phrase].format(**values)
