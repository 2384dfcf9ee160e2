"""What is learnt from examples, with numpy: the kind of issue, what is done with an open one, and what that is about.

Ours are learnt once, in a second or two. The rules' points are added, so that a strong wording keeps its say. What both
miss of the corrections is learnt on top, in a fraction of a second, whenever they change.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, get_args

import numpy as np

from core.backends.embedding import Embedder
from core.backends.rules import category as by_rules
from core.backends.rules.learning import Example, Move, Step, by_rules_alone, step_by_rules
from core.backends.rules.lexicon import kinds, strings, table
from core.backends.rules.likeness import WORD, Fitted, Floats, features, fitted, rarity
from core.backends.rules.text import fold
from core.writing import Category

_CATEGORIES: tuple[Category, ...] = get_args(Category)
_STEPS_TAKEN: tuple[Step, ...] = get_args(Step)
_ABOUT: dict[str, Category] = {name: name for name in _CATEGORIES}
_STEP_OF: dict[str, Step] = {step: step for step in _STEPS_TAKEN}
_EXPECTED = 0.3 * np.array([step == "follows" for step in _STEPS_TAKEN])  # who has an open matter mostly asks after it
_WIDTHS = (len(_CATEGORIES), len(_STEPS_TAKEN), len(_CATEGORIES))
_IN_CATEGORIES, _IN_STEPS, _IN_ABOUTS = slice(0, 9), slice(9, 16), slice(16, 25)  # the columns of what is learnt
_DAMPING = 0.5
_CORRECTED = 0.25  # how far a correction is trusted, beside an example of ours
_RULES = 0.2  # what the rules' points weigh, beside what was learnt
_NOTHING_HEARD = 1.5  # points for `other` where the rules hear nothing


class _Ours(NamedTuple):
    """What was learnt from our own examples, and how much each word tells."""

    fitted: Fitted
    rare: Floats


class _Corrected(NamedTuple):
    """What corrections add to the scores, and what they say of the very same words."""

    fitted: Fitted
    told: Mapping[str, Category]


@dataclass(frozen=True, kw_only=True, slots=True)
class Learnt:
    """Tells categories and moves by what was learnt."""

    embedder: Embedder
    ours: _Ours
    corrected: _Corrected | None = None

    def corrected_by(self, corrections: Sequence[Example]) -> "Learnt":
        """With these corrections, and no others."""
        corrected = _missed(self.ours, corrections, self.embedder) if corrections else None
        return replace(self, corrected=corrected)

    def category_of(self, text: str) -> Category:
        """The category that fits best."""
        if not WORD.search(text):
            return by_rules.category_of(text)
        if self.corrected and (told := self.corrected.told.get(_bare(text))):
            return told
        scores = self._scores(text)[_IN_CATEGORIES] + _RULES * _heard(text)
        return _CATEGORIES[int(scores.argmax())]

    def move_of(self, text: str, with_open: bool) -> Move:
        """What is done in a text by somebody, who has an open matter or not."""
        if not WORD.search(text):
            return by_rules_alone(text, with_open)
        scores = self._scores(text)
        steps = scores[_IN_STEPS] + with_open * _EXPECTED
        return Move(_STEPS_TAKEN[int(steps.argmax())], _CATEGORIES[int(scores[_IN_ABOUTS].argmax())])

    def _scores(self, text: str) -> Floats:
        told = features([text], self.embedder, self.ours.rare)
        scores = self.ours.fitted.scores(told) + (self.corrected.fitted.scores(told) if self.corrected else 0)
        alone: Floats = scores[0]
        return alone


def from_ours(embedder: Embedder) -> Learnt:
    """What our own examples teach."""
    return Learnt(embedder=embedder, ours=_learnt(embedder))


def _learnt(embedder: Embedder) -> _Ours:
    taught, moves = _examples(), _moves()
    names, texts = [example.category for example in taught], [example.text for example in taught]
    steps = [*map(step_by_rules, texts), *(move.step for _, move in moves)]
    abouts = [*names, *(move.about for _, move in moves)]
    rare = rarity(texts)
    told = features([*texts, *(text for text, _ in moves)], embedder, rare)
    unsaid = np.zeros(len(moves))  # a move is no example of a category
    wanted = _wanted([*names, *(move.about for _, move in moves)], steps, abouts)
    trust = _by_column(np.concatenate([_balance(names), unsaid]), _balance(steps), _balance(abouts))
    return _Ours(fitted(told, wanted, trust, _DAMPING), rare)


def _missed(ours: _Ours, corrections: Sequence[Example], embedder: Embedder) -> _Corrected:
    """What our examples and the rules miss of the corrections; these tell nothing of steps."""
    texts, names = [one.text for one in corrections], [one.category for one in corrections]
    told, trusted = features(texts, embedder, ours.rare), np.full(len(texts), _CORRECTED)
    wanted = _wanted(names, ["tells"] * len(names), names) - ours.fitted.scores(told)
    wanted[:, _IN_CATEGORIES] -= _RULES * np.stack([_heard(text) for text in texts])
    learnt = fitted(told, wanted, _by_column(trusted, 0 * trusted, trusted), _DAMPING)
    return _Corrected(learnt, {_bare(one.text): one.category for one in corrections})


def _bare(text: str) -> str:
    return " ".join(WORD.findall(fold(text)))


def _examples() -> list[Example]:
    read = table("examples")
    named = ((name, read[name]) for name in _CATEGORIES)
    return [Example(text, name) for name, section in named for lang in section for text in strings(section, lang)]


def _moves() -> list[tuple[str, Move]]:
    return [
        (text, Move(_STEP_OF.get(name, "follows"), _ABOUT.get(name, "other")))
        for name, section in table("steps").items()
        for lang in section
        for text in strings(section, lang)
    ]


def _wanted(categories: Sequence[str], steps: Sequence[str], abouts: Sequence[str]) -> Floats:
    """1 in the columns that are true of an example; less the mean, of each of the three."""
    columns = ((categories, _CATEGORIES), (steps, _STEPS_TAKEN), (abouts, _CATEGORIES))
    told = [np.equal.outer(np.array(names), np.array(known)) - 1 / len(known) for names, known in columns]
    return np.hstack(told).astype(np.float32)


def _by_column(category: Floats, step: Floats, about: Floats) -> Floats:
    """How much each example is trusted in each of the three, for every column."""
    return np.column_stack([category, step, about]).repeat(_WIDTHS, axis=1).astype(np.float32)


def _balance(labels: Sequence[str]) -> Floats:
    """Labels with few examples weigh more for each."""
    counted = Counter(labels)
    fair = len(labels) / len(counted)
    return np.array([(fair / counted[label]) ** 0.5 for label in labels], np.float32)


def _heard(text: str) -> Floats:
    """The rules' points as shares, in the order of the categories."""
    heard = by_rules.hear(text)
    points = {kind.name: by_rules.points(kind, heard) for kind in kinds()}
    told = np.array([points.get(name, 0.0) for name in _CATEGORIES], np.float32)
    if told.max() < 1:
        told[_CATEGORIES.index("other")] = _NOTHING_HEARD
    shares: Floats = told / (told.sum() + 1)
    return shares
