"""What kind of issue a text tells of, and what is done with an open one, by rules and, once these are learnt, by
examples: those in examples.toml and steps.toml, and what colleagues corrected."""

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from core.backends.rules import category as by_rules
from core.backends.rules.wishes import human_wanted, resolved
from core.writing import Category

if TYPE_CHECKING:
    from core.backends.embedding import Embedder
    from core.backends.rules.learnt import Learnt

# They tell something, ask how an open matter stands, say that it is over, want a person, put a value right, want to
# carry on elsewhere, want to hear what they told.
Step = Literal["tells", "follows", "solved", "human", "corrects", "links", "recalls"]


class Example(NamedTuple):
    """A text and what it is about."""

    text: str
    category: Category


class Move(NamedTuple):
    """What is done with a matter that is open, and what it is about; `other` where that is not said."""

    step: Step
    about: Category


class Examples:
    """Tells categories by examples. Knows the rules alone until `learn` has run, which loads the embedder."""

    def __init__(self, embedder: "Callable[[], Embedder]") -> None:
        self._make_embedder = embedder
        self._learnt: Learnt | None = None
        self._learning = threading.Lock()

    def learn(self, corrections: Sequence[Example] = ()) -> None:
        """Learns these corrections, and forgets any others. The first time it learns our examples too, which takes a
        second or two."""
        from core.backends.rules import learnt  # noqa: PLC0415 - loads numpy, only where something is learnt

        with self._learning:
            ours = self._learnt or learnt.from_ours(self._make_embedder())
            self._learnt = ours.corrected_by(corrections)

    def category_of(self, text: str) -> Category:
        """The category that fits best."""
        return self._learnt.category_of(text) if self._learnt else by_rules.category_of(text)

    def move_of(self, text: str, with_open: bool) -> Move:
        """What is done in a text by somebody, who has an open matter or not."""
        return self._learnt.move_of(text, with_open) if self._learnt else by_rules_alone(text, with_open)


def by_rules_alone(text: str, _with_open: bool = False) -> Move:
    """As far as it can be told without having learnt."""
    return Move(step_by_rules(text), "other")


def step_by_rules(text: str) -> Step:
    """What is done, as far as rules tell."""
    if human_wanted(text):
        return "human"
    return "solved" if resolved(text) else "tells"
