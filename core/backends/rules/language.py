"""Which of the configured languages a text is in. It changes only with enough text to be sure."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial
from math import log

from core.backends.rules.lexicon import section_phrases, strings, table, words_of
from core.backends.rules.text import Phrases, fold, negated
from core.writing import Brief

_KNOWN = frozenset(table("languages")) - {"channels", "prefer"}
_NAMING = ("asked_for", "named", "names")
_ENOUGH, _AHEAD = 3, 2  # typical words that a change of language takes, and the lead over the present one
_MOST_TEXT = 1_000
_UNHEARD = 40  # words on no list whose letters are looked at
_LOOK = 0.5  # points for a word that looks like a language
_CLEARLY = 0.45  # how much better its letters must fit than in any other language
_SHORTEST = 4
_PARTICLE = "(?:de|la|le|los|las|el|du|des|da|do|dos|del|di|van|von|der)"
_NAME = r"[A-ZÀ-Ý][\w'-]{1,30}"
_NAMED = re.compile(rf"\b{_NAME}(?:[ -]{_PARTICLE}){{1,2}}[ -]{_NAME}")
_CLAUSE_END = re.compile(r"[.!?,;:\n]|\b(?:but|and|aber|und|pero)\b")
_CLOSE = 3  # words
_TOLD = frozenset(
    ("why", "is", "was", "are", "were", "came", "comes", "that", "which", "what", "who", "how", "shows", "says")
)
_QUOTED = re.compile(r"[\"“”«»„][^\"“”«»„]{1,80}[\"“”«»„]|(?<!\w)'[^'\n]{1,80}'(?!\w)")
_SENTENCE_START = re.compile(r"(?:^|[.!?:\n])\W*[A-ZÀ-Ý](?=[^\W\d_]*(?:'[^\W\d_]+)?[\s,]+[^A-ZÀ-Ý])")
_CAPITALS = re.compile(r"(?<!\w)[A-ZÀ-Ý][\w'’&-]*")
_SMOOTH, _DISTINCT = 0.3, 5_000


def language_of(text: str, *, languages: Sequence[str], current: str) -> str:
    """One of `languages`: the one asked for, the one written in, else `current` or the first."""
    fallback = current if current in languages else (languages[0] if languages else "en")
    wish = asked_for(text)
    if wish in languages:
        return wish
    points = _all_points(text, languages, fallback)
    unnamed = _without_names(text)
    plain = points if unnamed == text else _all_points(unnamed, languages, fallback)
    if plain.get(fallback, 0) > 0 and plain[fallback] >= max(plain.values()):
        return fallback
    best = max(points, key=lambda language: points[language], default=fallback)
    lead = points.get(best, 0) - points.get(fallback, 0)
    first_words = not current and lead > 0 and not _ends_in(fallback, best, text)
    return best if first_words or (points.get(best, 0) >= _ENOUGH and lead >= _AHEAD) else fallback


def language_for(text: str, brief: Brief) -> str:
    """The language to answer a brief in: the one that they ask for or once asked for, else the one of the text."""
    wished = brief.preferences.get("language", "")
    if wished in brief.languages and not asked_for(text):
        return wished
    return language_of(text, languages=brief.languages, current=brief.language)


def _all_points(text: str, languages: Sequence[str], fallback: str) -> dict[str, float]:
    points: dict[str, float] = {**_points(text, [code for code in languages if code in _KNOWN])}
    for code in _looks(text):
        points[code] = points.get(code, 0) + _LOOK if code in languages else 0
    unsure = not points.get(fallback, 0)  # otherwise letters alone are those of a name
    return {code: found + (_signs(text, code) if found or unsure else 0) for code, found in points.items()}


def _without_names(text: str) -> str:
    """Without what is in quotes, and without words that begin with a capital, but for a single one at the start of a
    sentence."""
    text = text[:_MOST_TEXT]
    if text.isupper():
        return text
    return _CAPITALS.sub(" ", _SENTENCE_START.sub(lambda first: first[0].lower(), _QUOTED.sub(" ", text)))


def _ends_in(fallback: str, best: str, text: str) -> bool:
    """A greeting or a name in one language, and then a message in the one that is expected."""
    words = text[:_MOST_TEXT].split()
    rest = " ".join(words[len(words) // 2 :])
    if _points(text, [fallback])[fallback] < _AHEAD:
        return False
    ending = _points(rest, [fallback, best])
    return ending[fallback] > ending[best]


def asked_for(text: str) -> str:
    """The language that somebody asks to be answered in, or ""."""
    folded = fold(text)
    if not _about_a_language().heard(folded):
        return ""
    return next((code for code in sorted(_KNOWN) if _asks_for(folded, code)), "")


@cache
def _about_a_language() -> Phrases:
    """All words that name a language or ask for one: without any of them a text need not be asked for each."""
    of_all = [table("languages")[code] for code in sorted(_KNOWN)]
    return Phrases(word for one in of_all for kind in _NAMING for word in strings(one, kind))


def _asks_for(folded: str, code: str) -> bool:
    if section_phrases("languages", code, "asked_for").asserted(folded) or _only_names(folded, code):
        return True
    if not section_phrases("languages", code, "named").heard(folded):
        return False
    return any(_only_asks(clause, code) or _requests(clause, code) for clause in _CLAUSE_END.split(folded))


def _only_asks(clause: str, code: str) -> bool:
    """ "in German please", beside another matter."""
    asked = section_phrases("languages", "prefer", "politeness").heard(clause)
    return asked and len(clause.split()) > 1 and _only_names(clause, code)


def _requests(clause: str, code: str) -> bool:
    """Whether the language is named close behind a request; "the menu is in Italian" wishes for nothing."""
    prefer = partial(section_phrases, "languages", "prefer")
    named = list(section_phrases("languages", code, "named").spans(clause))
    asked = [end for _, end in prefer("requests").spans(clause)]
    asked += [end for start, end in prefer("orders").spans(clause) if not clause[:start].strip()]
    return any(_is_close(clause, end, *span) for span in named for end in asked if not negated(clause[: span[0]]))


def _is_close(clause: str, asked: int, start: int, end: int) -> bool:
    between = clause[asked:start].split()
    return asked <= end and len(between) <= _CLOSE and not _TOLD.intersection(between)


def is_language_wish(folded: str) -> bool:
    """Whether a text asks for a language, or whether we speak it, and nothing else."""
    return _about_a_language().heard(folded) and any(_only_names(folded, code) for code in _KNOWN)


def _only_names(folded: str, code: str) -> bool:
    rest = folded
    for kind in _NAMING:
        rest = section_phrases("languages", code, kind).without(rest)
    return rest != folded and not re.search(r"\w", section_phrases("languages", "prefer", "politeness").without(rest))


def _words(text: str) -> list[str]:
    """Folded, without names of the kind of Rio de Janeiro."""
    text = text[:_MOST_TEXT] if text.isupper() else _NAMED.sub(" ", text[:_MOST_TEXT])
    text = _loans().sub(" ", text)
    text = text.lower().replace("’", "'")
    return [fold(word) for word in re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", text)]


@cache
def _loans() -> re.Pattern[str]:
    """Foreign words that are at home in English."""
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, strings(table('languages')['en'], 'loans')))})\b", re.IGNORECASE)


def _points(text: str, languages: Sequence[str]) -> Mapping[str, int]:
    """For each language how many of its typical words and marks occur."""
    words, signs = _words(text), text[:_MOST_TEXT]
    words += [word[: word.index("'") + 1] for word in words if "'" in word]  # l'ordine
    return {code: _listed(words, code) + sum(map(signs.count, _marks(code))) for code in languages}


def _listed(words: Sequence[str], language: str) -> int:
    return sum(map(words_of("languages", language, "words").__contains__, words))


@cache
def _marks(language: str) -> frozenset[str]:
    return frozenset(sign for sign in words_of("languages", language, "signs") if not sign.isalpha())


def _signs(text: str, language: str) -> int:
    """Letters that this language alone has."""
    signs = words_of("languages", language, "signs") - _marks(language)
    return sum(sign in signs for sign in text[:_MOST_TEXT].lower())


# ── words on no list: what they look like ──
def _looks(text: str) -> Iterator[str]:
    """For each word that no language lists, the language whose letters it has, where that is clear."""
    text = text[:_MOST_TEXT] if text.isupper() else re.sub(r"(?<=\S )[A-ZÀ-Ý][\w'-]*", " ", text[:_MOST_TEXT])  # names
    unheard = [word for word in _words(text) if len(word) >= _SHORTEST and word not in _all_listed()]
    for word in unheard[:_UNHEARD]:
        if known := _told_by_examples(word):
            yield known
            continue
        fits = sorted(((_fit(word, letters), code) for code, letters in _letters().items()), reverse=True)
        if fits[0][0] - fits[1][0] >= _CLEARLY:
            yield fits[0][1]


@cache
def _all_listed() -> frozenset[str]:
    return frozenset().union(*(words_of("languages", code, "words") for code in _KNOWN))


def _told_by_examples(word: str) -> str:
    """The one language in whose examples the word occurs, or ""."""
    return _spoken().get(word, "")


@cache
def _spoken() -> Mapping[str, str]:
    found = Counter(word for code in _KNOWN for word in _vocabulary(code))
    return {word: code for code in _KNOWN for word in _vocabulary(code) if found[word] == 1}


def _fit(word: str, letters: Mapping[str, float]) -> float:
    triples = _triples(word)
    return sum(letters.get(triple, letters[""]) for triple in triples) / len(triples)


def _triples(word: str) -> list[str]:
    padded = f" {word} "
    return [padded[i : i + 3] for i in range(len(padded) - 2)]


@cache
def _letters() -> Mapping[str, Mapping[str, float]]:
    """For each language how likely three letters in a row are, by its words and examples; "" is none of them."""
    return {code: _likelihoods(_vocabulary(code)) for code in sorted(_KNOWN)}


@cache
def _vocabulary(code: str) -> set[str]:
    examples = (text for section in table("examples").values() for text in strings(section, code))
    return {word for text in examples for word in _words(text)} | words_of("languages", code, "words")


def _likelihoods(words: set[str]) -> Mapping[str, float]:
    found = Counter(triple for word in words for triple in _triples(word))
    whole = found.total() + _DISTINCT * _SMOOTH
    likely = {triple: log((count + _SMOOTH) / whole) for triple, count in found.items()}
    return likely | {"": log(_SMOOTH / whole)}
