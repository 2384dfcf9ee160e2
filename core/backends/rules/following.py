"""What a question about the state of things is about: the replacement, the refund, the parcel."""

from core.backends.rules.lexicon import phrases
from core.backends.rules.text import fold
from core.writing import Category

# In this order: a replacement parcel is one for what was damaged.
_KINDS: tuple[Category, ...] = ("damaged", "charge", "fault", "plan", "delivery")


def followed(text: str) -> tuple[Category, ...]:
    """The kinds of issue whose usual things are named."""
    folded = fold(text)
    return tuple(kind for kind in _KINDS if phrases(f"about_{kind}").heard(folded))
