"""How customers word things: many ways per matter, four languages, and the manner of each channel."""

import random
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from benchmarks.repeatbench.protocol import ChannelName
from benchmarks.repeatbench.world import Issue, Slot

LANGUAGES = ("en", "es", "de", "fr")
_VALUE = re.compile(r"{(\w+)}")
_ORDER = re.compile(r"\bW(\d{4})(\d{3})\b")
_TYPED = 0.12  # the share of messages with a typo
_ODD_ORDER = 0.25  # the share of order numbers that are written in an unusual way
_SIGNED = 0.4
_BY_HALVES = 0.5  # the share of issues that are told in part, so that something has to be asked
_QUOTED = 0.3
_LONG = 5  # letters; shorter words get no typo
_SIGNATURES = ("Best regards,\n{name}", "Thanks\n{name}", "-- \n{name}\nSent from my phone", "Kind regards\n\n{name}")
_QUOTE = """

On {day}, Support <support@acme.test> wrote:
> Could you tell me your order number and the amount?
> We are happy to assist."""


@dataclass(frozen=True, kw_only=True)
class Wording:
    """A sentence, and what it tells."""

    text: str
    tells: Mapping[Slot, str]


@cache
def _table() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


class Words:
    """Chooses wordings. The same generator of chance gives the same words."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def opening(self, issue: Issue, *, language: str = "en", tells: Collection[Slot] | None = None) -> Wording:
        """How an issue is first told; with just the slots `tells`, where they are given and such a wording exists."""
        choices = _table()[language][issue.kind]
        halves = [c for c in choices if not issue.needed <= _slots(c)]
        among = halves if halves and tells is None and self._rng.random() < _BY_HALVES else choices
        fitting = [c for c in among if tells is None or _slots(c) == set(tells)]
        return self._filled(self._rng.choice(fitting or choices), issue.facts)

    def full(self, issue: Issue, *, language: str = "en") -> Wording:
        """As `opening`, telling all that is needed."""
        choices = [c for c in _table()[language][issue.kind] if issue.needed <= _slots(c)]
        return self._filled(self._rng.choice(choices), issue.facts)

    def answer(self, slot: Slot, value: str, language: str = "en") -> str:
        """What somebody says who was asked for a slot."""
        key = "plan_is" if slot == "plan" else slot
        return self._rng.choice(_table()[language][key]).format(**{slot: value})

    def news(self, issue: Issue, language: str = "en") -> str:
        """How somebody asks what has become of an issue; half of them name its kind."""
        return self.say(self._rng.choice(("news", f"{issue.kind}_news")), language)

    def say(self, what: str, language: str = "en", **values: str) -> str:
        """A sentence of some kind, e.g. `news`; in English, where it is not there in that language."""
        table = _table()[language] if what in _table()[language] else _table()["en"]
        return self._rng.choice(table[what]).format(**values)

    def in_manner(
        self, text: str, channel: ChannelName, name: str, at: datetime, *, values: Collection[str] = ()
    ) -> str:
        """The text as somebody would put it on that channel: signed, quoted, dictated, mistyped but for the values."""
        text = self._odd_order(text)
        if channel == "voice":
            return dictated(text)
        if self._rng.random() < _TYPED:
            text = mistyped(text, self._rng, spare=frozenset(word for value in values for word in value.split()))
        return self._as_mail(text, name, at) if channel == "email" else text

    def _as_mail(self, text: str, name: str, at: datetime) -> str:
        if self._rng.random() < _SIGNED and name:
            text += "\n\n" + self._rng.choice(_SIGNATURES).format(name=name)
        return text + _QUOTE.format(day=f"{at:%d %b %Y}") if self._rng.random() < _QUOTED else text

    def _odd_order(self, text: str) -> str:
        if self._rng.random() > _ODD_ORDER:
            return text
        shape = self._rng.choice(("#W{}{}", "#w{}{}", "W {} {}", "w{}{}"))
        return _ORDER.sub(lambda found: shape.format(found[1], found[2]), text)

    def _filled(self, wording: str, facts: Mapping[Slot, str]) -> Wording:
        told = {slot: facts[slot] for slot in facts if slot in _slots(wording)}
        return Wording(text=wording.format(**told), tells=told)


def dictated(text: str) -> str:
    """As a voice transcript has it: small letters, no punctuation but in values."""
    words = [w if re.search(r"\d", w) else w.lower().strip(".,!?:;¿¡") for w in text.split()]
    return " ".join(w.rstrip(".,!?:;") for w in words if w)


def mistyped(text: str, rng: random.Random, *, spare: frozenset[str] = frozenset()) -> str:
    """With two letters of one ordinary word swapped. Values stay as they are."""
    words = text.split(" ")
    ordinary = [(at, w) for at, w in enumerate(words) if w.isalpha() and w.islower() and w not in spare]
    plain = [at for at, word in ordinary if len(word) >= _LONG]
    if plain:
        at = rng.choice(plain)
        cut = rng.randrange(1, len(words[at]) - 2)
        word = words[at]
        words[at] = word[:cut] + word[cut + 1] + word[cut] + word[cut + 2 :]
    return " ".join(words)


def _slots(wording: str) -> set[str]:
    return set(_VALUE.findall(wording))
