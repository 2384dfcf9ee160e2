"""What we promised: the sentences of a colleague's reply that say what will be done. Pure."""

import re
import tomllib
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("promises.toml")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_LONGEST, _MOST = 200, 3


def promises(text: str) -> list[str]:
    """The promises in a text, at most three, each shortened to 200 characters. A question promises nothing."""
    told = [" ".join(sentence.split()) for sentence in _SENTENCE_END.split(text)]
    found = [sentence[:_LONGEST] for sentence in told if not sentence.endswith("?") and _wordings().search(sentence)]
    return found[:_MOST]


@cache
def _wordings() -> re.Pattern[str]:
    languages: dict[str, list[str]] = tomllib.loads(_FILE.read_text(encoding="utf-8"))["wordings"]
    words = sorted((re.escape(word) for wordings in languages.values() for word in wordings), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)", re.IGNORECASE)
