"""Who else may be the same customer: scored, with reasons in words, and never acted on.

Measured on made-up customer lists, an equal full name alone is wrong far more often than right; so a name, or a key
that two people share, never gets beyond `WEAK`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WEAK = 0.3  # the most that a namesake or a shared key is worth
_FOLDED, _NAMED, _TYPED, _NAME = 0.8, 0.7, 0.6, 0.2
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
_PHONE = re.compile(r"(?<![\w+])\+\d(?:[ .()-]{0,2}\d){6,14}(?!\d)")
_FULL_NAME = 2  # words


@dataclass(frozen=True, kw_only=True, slots=True)
class Traits:
    """What a customer goes by. `hints` are keys that nobody vouches for: named by a claimed message; `typed`: keys that
    stood in what was said. Keys are as in identity/handles.py."""

    names: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    hints: frozenset[str] = frozenset()
    typed: frozenset[str] = frozenset()
    shared: frozenset[str] = frozenset()  # keys that two people hold


@dataclass(frozen=True, kw_only=True, slots=True)
class Suggestion:
    """How likely two customers are one, from 0 to 1, and why."""

    score: float
    reasons: Sequence[str]


def compare(mine: Traits, theirs: Traits) -> Suggestion | None:
    """Why two customers may be one person; None where nothing speaks for it."""
    strong = [*_alike_mailboxes(mine, theirs), *_hints(mine, theirs), *_hints(theirs, mine)]
    weak = [
        *((WEAK, f"both hold {key}, which two people share") for key in sorted(mine.shared & theirs.shared)),
        *((_NAME, f"the same full name, {name}") for name in _same_names(mine, theirs)),
    ]
    reasons = [*strong, *weak]
    if not reasons:
        return None
    doubt = 1.0
    for weight, _ in reasons:
        doubt *= 1 - weight
    score = 1 - doubt if strong else min(WEAK, 1 - doubt)
    return Suggestion(score=round(score, 2), reasons=[reason for _, reason in reasons])


def fold(mailbox: str) -> str:
    """A mail address without dots and +tag before the @, as some providers deliver it; never evidence."""
    local, _, domain = mailbox.lower().rpartition("@")
    return f"{local.partition('+')[0].replace('.', '')}@{domain}"


def typed_keys(texts: Iterable[str]) -> frozenset[str]:
    """Mail addresses and telephone numbers with their country that stand in texts, as keys."""
    found = set[str]()
    for text in texts:
        found |= {f"email:{mailbox.lower().rstrip('.')}" for mailbox in _MAIL.findall(text)}
        found |= {f"phone:+{re.sub(r'[^0-9]', '', number)}" for number in _PHONE.findall(text)}
    return frozenset(found)


def _alike_mailboxes(mine: Traits, theirs: Traits) -> list[tuple[float, str]]:
    return [
        (_FOLDED, f"{one} and {other} are one mailbox where dots and +tags do not count")
        for one in _mailboxes(mine)
        for other in _mailboxes(theirs)
        if one != other and fold(one) == fold(other)
    ]


def _mailboxes(traits: Traits) -> list[str]:
    return sorted(key.removeprefix("email:") for key in traits.keys - traits.shared if key.startswith("email:"))


def _hints(one: Traits, other: Traits) -> list[tuple[float, str]]:
    """What one says of itself, without proof, that the other holds."""
    held = other.keys - other.shared - one.keys
    named = [(_NAMED, f"a message without proof named {key}") for key in sorted(one.hints & held)]
    typed = [(_TYPED, f"{key} stood in a message") for key in sorted((one.typed - one.hints) & held)]
    return named + typed


def _same_names(mine: Traits, theirs: Traits) -> list[str]:
    folded = {_folded_name(name) for name in theirs.names}
    same = {_folded_name(name): name for name in sorted(mine.names) if _folded_name(name) in folded}
    return [name for key, name in same.items() if len(key.split()) >= _FULL_NAME]


def _folded_name(name: str) -> str:
    return " ".join(name.casefold().split())
