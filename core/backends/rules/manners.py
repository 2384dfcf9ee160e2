"""In which manner somebody likes to be answered: how technically, and how briefly."""

from functools import cache

from core.backends.rules.lexicon import strings, table
from core.backends.rules.text import Phrases, fold
from core.writing import Told


def manners(text: str) -> tuple[Told, ...]:
    """What they say of it, one value for each manner."""
    folded = fold(text)
    heard = ((slot, value) for (slot, value), phrases in _wordings().items() if phrases.heard(folded))
    return tuple(Told(slot=slot, value=value) for slot, value in dict(heard).items())


@cache
def _wordings() -> dict[tuple[str, str], Phrases]:
    return {
        (slot, value): Phrases(wording for language in lists for wording in strings(lists, language))
        for slot, values in table("manners").items()
        for value, lists in values.items()
        if isinstance(lists, dict)
    }
