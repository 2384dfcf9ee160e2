"""The company's knowledge: a folder of Markdown, cut into passages and ranked by words."""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from core.errors import Misconfigured
from core.writing import Article

PASSAGE = 900  # characters of one passage, at most
_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t#]*$", re.MULTILINE)
_WORD = re.compile(r"\w+")
_ENDINGS = ("ingly", "ings", "ing", "ied", "ies", "ed", "es", "s")
_SHORTEST = 3
_TITLE_WEIGHT = 2
_SATURATION, _LENGTH_SHARE = 1.2, 0.6  # BM25's k1 and b
_COMMON = frozenset(
    [
        "the",
        "and",
        "for",
        "are",
        "was",
        "were",
        "you",
        "your",
        "our",
        "with",
        "that",
        "this",
        "have",
        "has",
        "had",
        "not",
        "but",
        "can",
        "could",
        "would",
        "should",
        "how",
        "what",
        "when",
        "where",
        "which",
        "who",
        "why",
        "does",
        "did",
        "will",
        "from",
        "they",
        "them",
        "there",
        "about",
        "into",
        "been",
        "its",
        "any",
        "all",
        "get",
        "got",
        "please",
        "want",
        "need",
        "der",
        "die",
        "das",
        "und",
        "ist",
        "ein",
        "eine",
        "ich",
        "nicht",
        "wie",
        "was",
        "mit",
        "für",
        "von",
        "den",
        "dem",
        "auf",
        "mein",
        "meine",
        "les",
        "des",
        "une",
        "est",
        "pas",
        "que",
        "qui",
        "pour",
        "avec",
        "vous",
        "mon",
        "comment",
        "los",
        "las",
        "una",
        "por",
        "para",
        "con",
        "como",
        "del",
        "esta",
        "mis",
        "uma",
        "com",
        "não",
        "che",
        "per",
        "con",
        "sono",
        "come",
        "del",
        "della",
        "het",
        "een",
        "van",
        "ik",
        "niet",
        "hoe",
        "wat",
        "met",
        "voor",
        "mijn",
    ]
)


def terms(text: str) -> list[str]:
    """The words of a text that carry meaning, without accents, case and endings."""
    plain = text.lower()
    if not plain.isascii():
        plain = "".join(c for c in unicodedata.normalize("NFD", plain) if not unicodedata.combining(c))
    return [_stem(word) for word in _WORD.findall(plain) if len(word) >= _SHORTEST and word not in _COMMON]


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST:
            word = word.removesuffix(ending)
            break
    word = word.removesuffix("e")
    return word[:-1] if word[-1] == word[-2] else word


class Knowledge:
    """What the company knows. Read once; an empty folder knows nothing."""

    def __init__(self, folder: Path) -> None:
        """`folder` holds *.md, also in folders below. Raises Misconfigured."""
        self._articles = [article for path in _markdown(folder) for article in _passages(path, folder)]
        self._words = [Counter(terms(a.title) * _TITLE_WEIGHT + terms(a.text)) for a in self._articles]
        self._known_by = Counter(word for words in self._words for word in words)
        self._average = sum(words.total() for words in self._words) / max(len(self._words), 1)

    @property
    def sources(self) -> Sequence[str]:
        """The files that say something, each once."""
        return sorted({article.source for article in self._articles})

    @property
    def articles(self) -> Sequence[Article]:
        """All passages, in the folder's order."""
        return self._articles

    def find(self, query: str, *, limit: int = 3) -> Sequence[Article]:
        """The passages that share words with `query`, best first; equal ones in the folder's order."""
        wanted = set(terms(query))
        scores = [self._score(wanted, words) for words in self._words]
        ranked = sorted((n for n, score in enumerate(scores) if score > 0), key=lambda n: (-scores[n], n))
        return [self._articles[n] for n in ranked[:limit]]

    def _score(self, wanted: set[str], words: Counter[str]) -> float:
        norm = _SATURATION * (1 - _LENGTH_SHARE + _LENGTH_SHARE * words.total() / self._average)
        shared = sorted(wanted & words.keys())
        return sum(self._rarity(word) * words[word] * (_SATURATION + 1) / (words[word] + norm) for word in shared)

    def _rarity(self, word: str) -> float:
        known = self._known_by[word]
        return math.log(1 + (len(self._articles) - known + 0.5) / (known + 0.5))


def _markdown(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise Misconfigured("KNOWLEDGE_DIR", f"{folder} is not a folder; create it or name another")
    return sorted(folder.rglob("*.md"))


def _passages(path: Path, folder: Path) -> Iterator[Article]:
    source = path.relative_to(folder).as_posix()
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise Misconfigured("KNOWLEDGE_DIR", f"{source} is not UTF-8 text; save it as UTF-8") from None
    for title, body in _sections(text, path.stem.replace("-", " ").replace("_", " ").capitalize()):
        for passage in _pieces(body):
            yield Article(title=title, text=passage, source=source)


def _sections(text: str, title: str) -> Iterator[tuple[str, str]]:
    headings = list(_HEADING.finditer(text))
    edges = [0, *(heading.start() for heading in headings), len(text)]
    titles = [title, *(heading[2] for heading in headings)]
    for name, (start, end) in zip(titles, pairwise(edges), strict=True):
        yield name, _HEADING.sub("", text[start:end], count=1).strip()


def _pieces(body: str) -> list[str]:
    pieces: list[str] = []
    for paragraph in filter(None, (part.strip() for part in re.split(r"\n{2,}", body))):
        if pieces and len(pieces[-1]) + len(paragraph) + 2 <= PASSAGE:
            pieces[-1] += "\n\n" + paragraph
        else:
            pieces.extend(paragraph[at : at + PASSAGE] for at in range(0, len(paragraph), PASSAGE))
    return pieces
