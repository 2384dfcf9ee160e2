"""How well the detector of questions does on labelled lines: JSON lines {text, asks, known?, confirms?, proof?}."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from benchmarks.repeatbench.asks import questions
from benchmarks.repeatbench.world import Slot


class Labelled(TypedDict, total=False):
    """A line, and what it asks for."""

    text: str
    asks: list[Slot]
    confirms: list[Slot]
    known: dict[Slot, str]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Percentages, over every slot of every line."""

    lines: int
    precision: float
    recall: float
    wrong: Sequence[str]


def labelled() -> list[Labelled]:
    """The labelled lines."""
    lines = Path(__file__).with_name("labelled.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line]


def measure() -> Measured:
    """The detector against the labels."""
    found = right = wanted = 0
    wrong: list[str] = []
    lines = labelled()
    for line in lines:
        asks, label = questions(line["text"], line.get("known")).asks, set(line["asks"])
        found, right, wanted = found + len(asks), right + len(asks & label), wanted + len(label)
        wrong += [f"{line['text']} -> {sorted(asks)}, not {sorted(label)}"] if asks != label else []
    return Measured(
        lines=len(lines),
        precision=100 * right / found if found else 0.0,
        recall=100 * right / wanted if wanted else 0.0,
        wrong=wrong,
    )
