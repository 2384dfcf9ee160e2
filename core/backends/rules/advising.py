"""What may help somebody: a passage of the company's knowledge, or what worked for others in such a case."""

from dataclasses import dataclass

from core.backends.rules.category import category_of
from core.backends.rules.lexicon import kind_of, wording
from core.backends.rules.reading import Reading
from core.backends.rules.text import sentences
from core.knowledge import terms
from core.writing import Article, Brief, Category

_FITS = 0.34  # the share of the question's words that a passage has to hold
_SHARED = 2  # words, at least
_LONGEST_ADVICE = 420
_NO_TERMS = frozenset(terms("cant can't cannot wont won't doesnt dont didnt isnt want need please help hello"))


@dataclass(frozen=True, slots=True)
class Advice:
    """What may help, and where it comes from: an article's title, or a pattern."""

    text: str = ""
    article: str = ""
    pattern: int | None = None


def advice_for(brief: Brief, reading: Reading, category: Category) -> Advice:
    """What the knowledge folder holds on a message, else what worked for others."""
    say, _ = wording(reading.language)
    article = article_on(brief, reading)
    if article is not None:
        return Advice(say["cite"].format(text=_statements(article.text), title=article.title), article=article.title)
    asked = set(terms(reading.text))
    advises = kind_of(category).advice or category == "fault"
    return _pattern(brief, asked, category, say["pattern"]) if advises else Advice()


def article_on(brief: Brief, reading: Reading) -> Article | None:
    """The passage that fits a message best; None where none does well enough."""
    asked = set(terms(reading.text)) - _NO_TERMS
    new = (one for one in brief.articles if reading.is_question() or not _is_said(one.title, brief))
    fitting = [article for article in new if _is_of_the_matter(reading, article)]
    article = max(fitting, key=lambda a: _fit(asked, a), default=None)
    return article if article is not None and _fit(asked, article) >= _FITS else None


def _pattern(brief: Brief, asked: set[str], category: Category, sentence: str) -> Advice:
    """What worked best for others, unless it was told here before."""
    fitting = [
        (pattern.effectiveness, _share(asked, set(terms(pattern.issue))), pattern.id, _statements(pattern.resolution))
        for pattern in brief.patterns
        if pattern.category == category and pattern.effectiveness >= 0
    ]
    new = [fit for fit in fitting if fit[1] >= _FITS and not _is_said(fit[3], brief)]
    best = max(new, default=None)
    return Advice(sentence.format(text=best[3]), pattern=best[2]) if best else Advice()


def _is_said(text: str, brief: Brief) -> bool:
    return any(text in line.text for line in brief.said if line.sender == "bot")


def _fit(asked: set[str], article: Article) -> float:
    """How much of the question a passage holds; all, where the question holds the passage's title."""
    title = set(terms(article.title))
    if len(title) >= _SHARED and title <= asked:
        return 1 + len(title)
    return _share(asked, {*title, *terms(article.text)}) + _share(asked, title) / 2


def _is_of_the_matter(reading: Reading, article: Article) -> bool:
    """Somebody who tells a problem wants no passage that only happens to have the same words."""
    if reading.is_question() or set(terms(article.title)) & set(terms(reading.text)):
        return True
    return reading.category == category_of(f"{article.title}. {article.text}")


def _share(asked: set[str], held: set[str]) -> float:
    shared = len(asked & held)
    return shared / len(asked) if shared >= min(_SHARED, len(asked)) and asked else 0.0


def _statements(text: str) -> str:
    """The beginning of a passage, without its questions: nothing is asked but in our own words."""
    told = ""
    for sentence in sentences(" ".join(text.split())):
        if sentence.endswith("?"):
            continue
        if told and len(told) + len(sentence) > _LONGEST_ADVICE:
            break
        told = f"{told} {sentence}".strip()
    return told[:_LONGEST_ADVICE]
