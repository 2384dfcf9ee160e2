"""`python -m bots understand`: what the offline writer makes of messages, without a customer or a ledger.

Reads JSON lines {"text": ...} and prints, line for line, {"category", "mood", "language"}.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO, get_args

from bots.settings import environment, load
from core.backends.embedding import WordLlamaEmbedder
from core.backends.rules.learning import Example, Examples
from core.backends.rules.reading import read
from core.errors import Problem
from core.writing import Brief, Category, Mood

EVERY_LANGUAGE = ("en", "es", "de", "fr", "pt", "it", "nl")


class NotUnderstood(Problem):
    """Some lines were no JSON of the expected shape; what could be read was answered."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Understood:
    """What a message is about, how its writer feels, and the language it is in."""

    category: Category
    mood: Mood
    language: str


def understand(text: str, examples: Examples, languages: Sequence[str] = EVERY_LANGUAGE) -> Understood:
    """What the offline writer makes of a first message."""
    brief = Brief(text=text, channel="web", language="", languages=languages, now=datetime.now(UTC))
    reading = read(brief, examples.category_of)
    return Understood(category=reading.category, mood=reading.mood, language=reading.language)


async def answer_lines(learn: Path | None) -> None:
    """Answers standard input on standard output. Raises NotUnderstood or Problem."""
    examples = Examples(WordLlamaEmbedder)
    examples.learn(list(_corrections(learn)) if learn else ())
    languages = load().languages if environment().get("LANGUAGES", "").strip() else EVERY_LANGUAGE
    answer_stream(sys.stdin, sys.stdout, sys.stderr, examples, languages)


def answer_stream(
    lines: Iterable[str], answers: TextIO, errors: TextIO, examples: Examples, languages: Sequence[str]
) -> None:
    """One answer a line, at once; a line that cannot be read gets a complaint instead. Raises NotUnderstood."""
    bad = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found = understand(_text(line), examples, languages)
        except ValueError as error:
            errors.write(f"line {number}: {error}\n")
            bad += 1
            continue
        told = {"category": found.category, "mood": found.mood, "language": found.language}
        answers.write(json.dumps(told) + "\n")
        answers.flush()
    if bad:
        raise NotUnderstood(f"{bad} line{'s' if bad > 1 else ''} could not be read")


def _text(line: str) -> str:
    text = _object(line).get("text")
    if not isinstance(text, str):
        raise ValueError('not a JSON object with a string "text"')
    return text


def _object(line: str) -> dict[str, object]:
    try:
        read_ = json.loads(line)
    except (json.JSONDecodeError, RecursionError):
        raise ValueError("not JSON") from None
    if not isinstance(read_, dict):
        raise ValueError('not a JSON object with a string "text"')
    return read_


def _corrections(file: Path) -> Iterator[Example]:
    """Lines of {"text", "category"}. Raises Problem, naming the line."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise Problem(f"understand: {file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Problem(f"understand: {file} cannot be read: it is not UTF-8") from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _correction(line, f"understand: {file}, line {number}")


def _correction(line: str, where: str) -> Example:
    try:
        text, named = _text(line), _object(line).get("category")
    except ValueError as error:
        raise Problem(f"{where}: {error}") from None
    category = next((c for c in get_args(Category) if c == named), None)
    if category is None:
        raise Problem(f"{where}: the category must be one of {', '.join(get_args(Category))}")
    return Example(text, category)
