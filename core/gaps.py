"""What was asked and not found: questions that went to a person with nothing offered, those alike together; what became
of each; and how well the articles that there are did.

Questions are alike that share half of their words of meaning. What is shown of one has no names, addresses or numbers.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from core.casefile import Reading
from core.desk import Refused
from core.knowledge import Knowledge, terms
from core.queueing import Queued, QueueLedger
from core.writing import Article
from identity import masking

PAGE = 20  # groups
MOST = 1_000  # of the newest questions are looked at
_ALIKE = 0.5  # of the words of two questions, shared
_FITS, _SHARED = 0.34, 2  # the share of a question's words that an article has to hold; at least so many
_EXAMPLES = 3
_CASES = 10
_LONGEST = 300  # characters of a question that are shown


class Mark(StrEnum):
    """What colleagues said of a question."""

    WRITTEN = "written"  # an article covers it now
    NOT_OURS = "not ours"


class Standing(StrEnum):
    """How a group of questions stands."""

    OPEN = "open"
    WRITTEN = "written"
    NOT_OURS = "not ours"


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """One question that found no answer. `turn` is the number by which it is marked; `customer` tells people apart."""

    turn: int
    case: int
    customer: str
    text: str
    at: datetime
    mark: Mark | None = None
    marked_by: str = ""
    marked_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """Questions that are alike, the newest first."""

    questions: Sequence[Question]

    @property
    def newest(self) -> Question:
        """The one that was asked last."""
        return self.questions[0]

    @property
    def customers(self) -> int:
        """How many different customers asked."""
        return len({question.customer for question in self.questions})

    @property
    def cases(self) -> Sequence[int]:
        """The cases in which it was asked, newest first, bounded."""
        return list(dict.fromkeys(question.case for question in self.questions))[:_CASES]

    @property
    def last_mark(self) -> Question | None:
        """The question that was marked last."""
        marked = [question for question in self.questions if question.marked_at]
        return max(marked, key=lambda question: (question.marked_at, question.turn), default=None)

    @property
    def standing(self) -> Standing:
        """As it was marked last; open again when it was asked after an article was written."""
        last = self.last_mark
        if last is None or last.mark is None or last.marked_at is None:
            return Standing.OPEN
        if last.mark is Mark.NOT_OURS:
            return Standing.NOT_OURS
        return Standing.OPEN if self.again else Standing.WRITTEN

    @property
    def again(self) -> int:
        """How often it was asked since an article was said to be written."""
        last = self.last_mark
        if last is None or last.mark is not Mark.WRITTEN or last.marked_at is None:
            return 0
        return sum(question.at > last.marked_at for question in self.questions)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A gap as a page shows it. `article` is the one that would answer it now, if there is one."""

    gap: Gap
    examples: Sequence[str]
    article: Article | None
    cases: Sequence[Queued]


@dataclass(frozen=True, kw_only=True, slots=True)
class Cited:
    """A case in which an article was cited, so often, and how it stands. `escalated`: a colleague had it."""

    title: str
    case: int | None
    times: int
    status: str
    escalated: bool
    satisfaction: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ArticleUse:
    """How an article did. `known`: it is in the folder that the bot reads."""

    title: str
    source: str = ""
    known: bool = True
    times: int = 0
    cases: int = 0
    endings: Mapping[str, int] = field(default_factory=dict)
    ratings: Sequence[int] = ()


class GapsLedger(QueueLedger, Protocol):
    """What this needs of the record."""

    async def unanswered_questions(self, since: datetime, *, most: int, now: datetime) -> Sequence[Question]:
        """The newest questions since a moment that went to a person with nothing offered, newest first."""
        ...

    async def mark_questions(self, turns: Collection[int], mark: Mark | None, *, by: str, now: datetime) -> int:
        """Marks those of these that are unanswered questions, or takes their marks back; how many. Audited."""
        ...

    async def citations(self, since: datetime) -> Sequence[Cited]:
        """Each case in which an article was cited since a moment."""
        ...


@dataclass(frozen=True, kw_only=True)
class Gaps:
    """What was asked and not found. `knowledge` is what the bot knows now; None where no folder is named."""

    ledger: GapsLedger
    knowledge: Callable[[], Knowledge | None]
    now: Callable[[], datetime]

    async def found(self, days: int, standing: Standing | None = None) -> list[Gap]:
        """The gaps of so many days up to now, those that most customers asked first."""
        since = self.now() - timedelta(days=days)
        gaps = grouped(await self.ledger.unanswered_questions(since, most=MOST, now=self.now()))
        wanted = [gap for gap in gaps if standing in (None, gap.standing)]
        return sorted(wanted, key=lambda gap: (gap.customers, len(gap.questions), gap.newest.at), reverse=True)

    async def shown(self, gaps: Sequence[Gap], reader: str) -> list[Shown]:
        """Gaps as a page shows them; the cases that they name are noted as read."""
        numbers = [case for gap in gaps for case in gap.cases]
        read = await self.ledger.queued(list(dict.fromkeys(numbers)), now=self.now())
        readings = [Reading(handle=one.case.handle, rows=[f"case:{one.case.id}"]) for one in read]
        await self.ledger.note_reading(reader, readings, now=self.now())
        cases = {one.case.id: one for one in read}
        return [
            Shown(
                gap=gap,
                examples=_examples(gap, cases),
                article=covering(self.knowledge(), gap.newest.text),
                cases=[cases[case] for case in gap.cases if case in cases],
            )
            for gap in gaps
        ]

    async def mark(self, turns: Collection[int], mark: Mark | None, by: str) -> None:
        """Says what became of questions, or takes that back. Raises Refused where there are none."""
        if not turns or not await self.ledger.mark_questions(turns, mark, by=by, now=self.now()):
            raise Refused("Nothing was changed: these questions are on record no more.")

    async def articles(self, days: int) -> list[ArticleUse]:
        """Every article that is known, or was cited in so many days; those cited most first."""
        knowledge = self.knowledge()
        known = {article.title: article.source for article in knowledge.articles} if knowledge else {}
        cited: defaultdict[str, list[Cited]] = defaultdict(list)
        for one in await self.ledger.citations(self.now() - timedelta(days=days)):
            cited[one.title].append(one)
        every = [_use(title, cited[title], known) for title in {**known, **cited}]
        return sorted(every, key=lambda use: (-use.times, use.title))


def grouped(questions: Sequence[Question]) -> list[Gap]:
    """Questions, newest first, with those that are alike together. One that is alike to several joins the first."""
    groups: list[tuple[frozenset[str], list[Question]]] = []
    having: defaultdict[str, list[int]] = defaultdict(list)
    for question in questions:
        words = frozenset(terms(question.text)) or frozenset([question.text.casefold().strip()])
        near = (at for at in sorted({at for word in words for at in having[word]}) if _alike(words, groups[at][0]))
        at = next(near, None)
        if at is not None:
            groups[at][1].append(question)
            continue
        for word in words:
            having[word].append(len(groups))
        groups.append((words, [question]))
    return [Gap(questions=members) for _, members in groups]


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    return 2 * len(one & other) / (len(one) + len(other)) >= _ALIKE


def covering(knowledge: Knowledge | None, question: str) -> Article | None:
    """The article that would answer a question best, if one holds enough of its words."""
    asked = set(terms(question))
    for article in knowledge.find(question, limit=3) if knowledge and asked else ():
        shared = len(asked & {*terms(article.title), *terms(article.text)})
        if shared >= min(_SHARED, len(asked)) and shared / len(asked) >= _FITS:
            return article
    return None


def _examples(gap: Gap, cases: Mapping[int, Queued]) -> list[str]:
    """Some of its questions, each once, without what names its customer."""
    worded = (redacted(question.text, cases.get(question.case)) for question in gap.questions)
    return list(dict.fromkeys(worded))[:_EXAMPLES]


def redacted(text: str, asked_in: Queued | None) -> str:
    """A question without names, addresses and numbers; bounded. Of a case that is gone nothing is shown."""
    if asked_in is None:
        return masking.HIDDEN
    for word in sorted(set(re.findall(r"\w{2,}", asked_in.name)), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", masking.HIDDEN, text, flags=re.IGNORECASE)
    plain = " ".join(masking.mask(text).split())
    return plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 1]}…"


def _use(title: str, cited: Iterable[Cited], known: Mapping[str, str]) -> ArticleUse:
    cited = list(cited)
    endings = Counter(_ending(one) for one in cited if one.case is not None)
    return ArticleUse(
        title=title,
        source=known.get(title, ""),
        known=title in known,
        times=sum(one.times for one in cited),
        cases=sum(one.case is not None for one in cited),
        endings=endings,
        ratings=[one.satisfaction for one in cited if one.satisfaction is not None],
    )


def _ending(one: Cited) -> str:
    if one.escalated:
        return "escalated"
    return "solved" if one.status == "resolved" else "open"
