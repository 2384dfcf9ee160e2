"""What customers want to hear of what they told us: "what was the amount again?"."""

from core.backends.rules.lexicon import section_phrases
from core.backends.rules.text import fold
from core.writing import ISSUE_SLOTS, PERSON_SLOTS

EVERYTHING = (*ISSUE_SLOTS, *PERSON_SLOTS)


def asked_back(text: str) -> tuple[str, ...]:
    """The slots whose values they ask for; all of them where they ask for everything."""
    folded = fold(text)
    if section_phrases("recalling", "all", "cues").heard(folded):
        return EVERYTHING
    if section_phrases("recalling", "not", "cues").heard(folded):
        return ()
    asks = section_phrases("recalling", "ask", "cues").heard(folded)
    theirs = section_phrases("recalling", "theirs", "cues").heard(folded)
    named = (slot for slot in EVERYTHING if section_phrases("recalling", slot, "cues").heard(folded))
    return tuple(named) if asks and theirs else ()
