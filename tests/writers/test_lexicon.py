"""A support lead edits the data files of the rules: what they change is obeyed after a restart, and a mistake is one
clear line that names the file, the section and what is wrong."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import core

PROGRAM = """
import asyncio
from datetime import UTC, datetime
from core.backends.rules import RulesWriter
from core.errors import Problem
from core.writing import Brief

try:
    now = datetime.now(UTC)
    brief = Brief(text="My parcel has not arrived", channel="web", language="", languages=("en",), now=now)
    print(asyncio.run(RulesWriter().answer(brief)).reply)
except Problem as problem:
    print(problem)
"""
CODE = Path(core.__file__).parents[1]
Says = Callable[[str, str, str], str]


@pytest.fixture
def says(tmp_path: Path) -> Says:
    """What a writer says, or fails with, after one file was edited."""
    for package in ("core", "identity"):
        shutil.copytree(CODE / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "ledger"))

    def run(file: str, old: str, new: str) -> str:
        path = tmp_path / "core/backends/rules" / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    return run


NEEDS = '[delivery]\nneeds = ["order_id"]'


def test_what_a_kind_needs_is_asked_for(says: Says) -> None:
    said = says("categories.toml", NEEDS, '[delivery]\nneeds = ["order_id", "product"]')
    assert "your order number and which product it is" in said


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("categories.toml", NEEDS, '[delivery]\nneeds = ["order_number"]', "[delivery]: needs is a list of order_id"),
        ("categories.toml", NEEDS, '[delivery]\nneeds = "order_id"', "[delivery]: needs is a list of order_id"),
        ("categories.toml", NEEDS, '[delivery]\nneed = ["order_id"]', "[delivery]: need is none of"),
        ("categories.toml", NEEDS, '[delivery]\nneeds = ["order_id"', "cannot be read: Unclosed array"),
        ("categories.toml", "[delivery]", "[shipping]", "[shipping]: the kinds are charge"),
        ("categories.toml", "[damaged]", "needs = []\n[damaged]", "[needs]: "),
        ("categories.toml", "strong.en = [", 'strong.en = ["((broken", ', "[damaged]: a wording of en cannot be read"),
        ("categories.toml", "strong.en = [", 'strong.en = ["broken)(", ', "of 'broken)(' do not fit together"),
        ("categories.toml", "strong.en = [", "strong.en = [7, ", "[damaged]: a wording of en cannot be read"),
        ("wordings.toml", "I have noted {facts}", "I have noted {fact}", "[en]: noted cannot fill in {fact}"),
        ("wordings.toml", 'sorry = "Das tut mir leid."', "", "[de]: sorry is missing"),
        ("slots.toml", "[product]", "[product", "slots.toml cannot be read"),
    ],
)
def test_a_mistake_is_one_clear_line(says: Says, file: str, old: str, new: str, told: str) -> None:
    said = says(file, old, new)
    assert told in said
    assert file in said
    assert "\n" not in said
