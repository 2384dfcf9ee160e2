"""Which of the configured languages a text is in. It changes only with enough text to be sure."""

import re
from collections.abc import Sequence

from core.backends.rules.lexicon import section_phrases, table, words_of
from core.backends.rules.text import fold

_KNOWN = frozenset(table("languages")) - {"channels", "prefer"}
_ENOUGH, _AHEAD = 3, 2  # typical words that a change of language takes, and the lead over the present one
_MOST_TEXT = 1_000


def language_of(text: str, *, languages: Sequence[str], current: str) -> str:
    """One of `languages`: the one asked for, the one written in, else `current` or the first."""
    fallback = current if current in languages else (languages[0] if languages else "en")
    wish = asked_for(text)
    if wish in languages:
        return wish
    points = {language: _points(text, language) for language in languages if language in _KNOWN}
    best = max(points, key=lambda language: points[language], default=fallback)
    lead = points.get(best, 0) - points.get(fallback, 0)
    first_words = not current and lead > 0
    return best if first_words or (points.get(best, 0) >= _ENOUGH and lead >= _AHEAD) else fallback


def asked_for(text: str) -> str:
    """The language that somebody asks to be answered in, or ""."""
    folded = fold(text)
    return next((code for code in sorted(_KNOWN) if _asks_for(folded, code)), "")


def _asks_for(folded: str, code: str) -> bool:
    return section_phrases("languages", code, "asked_for").asserted(folded) or _only_names(folded, code)


def is_language_wish(folded: str) -> bool:
    """Whether a text asks for a language, or whether we speak it, and nothing else."""
    return any(_only_names(folded, code) for code in _KNOWN)


def _only_names(folded: str, code: str) -> bool:
    rest = section_phrases("languages", code, "asked_for").without(folded)
    rest = section_phrases("languages", code, "names").without(rest)
    return rest != folded and not re.search(r"\w", section_phrases("languages", "prefer", "politeness").without(rest))


def _points(text: str, language: str) -> int:
    text = text[:_MOST_TEXT].lower().replace("’", "'")
    words = [fold(word) for word in re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", text)]
    words += [word[: word.index("'") + 1] for word in words if "'" in word]  # l'ordine
    signs = words_of("languages", language, "signs")
    return sum(word in words_of("languages", language, "words") for word in words) + sum(c in signs for c in text)
