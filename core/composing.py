"""From an answer to what is said and written down: the greeting, the reply's text, the settlement. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core import greeting, rating
from core.channel import Limits
from core.greeting import Continuity
from core.house import House
from core.judgement import NO_ANSWER, WANTS_A_PERSON, Verdict
from core.ledger import UNANSWERED, UNHELPED, NewFact, Settlement, Turn
from core.linking import LinkTalk
from core.messages import Choice, Reply
from core.phrases import say
from core.recollection import Recollection
from core.record import OF_THE_PERSON, Case, CaseStatus, Profile
from core.runs import Run, outcome
from core.voices import NOT_THEIR_OWN, in_their_own_voice
from core.writing import ISSUE_SLOTS, PERSON_SLOTS, Answer, OpenCase, Told
from identity.gate import Permit, Purpose, Standing, permit
from identity.masking import order_number
from identity.policy import Deed, Leave, leave
from identity.proof import Proof

_GAP = timedelta(hours=1)
_ISSUE_LENGTH = 140
_KILO, _MEGA = 1_000, 1_000_000
NOBODY = "nobody"  # the writer of a turn in which there was nothing to write


@dataclass(frozen=True, kw_only=True, slots=True)
class Thought:
    """All that was thought of one turn."""

    turn: Turn
    standing: Standing  # with what a code gave, if one was entered just now
    known: Recollection
    answer: Answer
    runs: Sequence[Run]  # what was asked of the company in this turn
    verdict: Verdict
    talk: LinkTalk | None

    @property
    def just_granted(self) -> bool:
        """A code was accepted in this very turn."""
        return self.talk is not None and self.talk.grant is not None

    @property
    def only_codes(self) -> bool:
        """The message was about codes and nothing else."""
        return self.talk is not None and self.talk.alone

    @property
    def said_of_codes(self) -> str:
        """What is to be said about codes."""
        return self.talk.text(self.answer.language) if self.talk else ""

    @property
    def files(self) -> str:
        """The names of the files that came with it."""
        return ", ".join(a.name for h in self.turn.heard for a in h.message.attachments if a.name)

    @property
    def expects_digits(self) -> int:
        """How many digits we asked for."""
        return len(self.talk.pair) if self.talk else 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Greeting:
    """What is said first: that a machine speaks, and what it remembers. `case` is the one it named."""

    text: str = ""
    case: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Composed:
    """A reply's text; empty for silence."""

    text: str = ""
    asks: tuple[str, ...] = ()
    expects_digits: int = 0
    rates: int | None = None  # the case that it asks to be rated
    choices: tuple[Choice, ...] = ()


def nothing_to_write(turn: Turn, known: Recollection, talk: LinkTalk | None, house: House) -> Answer:
    """The answer to a turn in which nothing was told: a ringing phone, a code, a file without a word."""
    about_codes_only = talk is not None and talk.grant is None
    latest = known.cases[0].id if known.cases and not about_codes_only else None
    heard = known.spoken_in(turn.language, house.languages, is_new=turn.new_conversation)
    spoken = [talk.language if talk else "", heard]
    language = next((one for one in spoken if one in house.languages), house.languages[0])
    seen = 0.0 if turn.said_something and talk is None else 1.0  # nobody but a colleague can look at a file
    return Answer(human_wanted=False, confidence=seen, case=latest, language=language, writer=NOBODY)


def greet(t: Thought, house: House, now: datetime) -> Greeting:
    """The disclosure once per conversation, and the continuity greeting where it is due and allowed."""
    label, language = house.label(t.turn.first.channel), t.answer.language
    opening = greeting.disclosure(house.bot_name, house.brand, language, label) if t.turn.new_conversation else ""
    case = _case_to_greet(t, now)
    if case is None:
        return Greeting(text=opening)
    allowed = permit(t.standing, Purpose.GREET)
    record = t.known.records[case.id]
    continuity = Continuity(
        name=t.known.name if allowed.handles else "",
        issue=greeting.issue_label(case.category, case.issue, _values(t, case), language),
        tried=case.tried,
        channel=house.label(record.last_channel),
        since=now - record.updated_at,
        now=now,
        times=int(case.facts.get("times", "1")) if case.facts.get("times", "1").isdecimal() else 1,
        years=_years(t.known.profile, now) if allowed.handles else 0,
        done=_carried_out(case, language),
    )
    return Greeting(text=_join(opening, greeting.greet(continuity, language, label)), case=case.id)


def _values(t: Thought, case: OpenCase) -> dict[str, str]:
    """What is known of a case, with what is put right in this very turn."""
    known = {**t.known.facts, **case.facts}
    return known | ({f.slot: f.value for f in _news(t, case)} if case.id == t.answer.case else {})


def _news(t: Thought, case: OpenCase | None) -> list[Told]:
    """What was told of a case in this turn and was not known; nothing that was put right by a later message."""
    known = {**t.known.facts, **(case.facts if case else {})}
    newer = {slot for slot, at in case.told_at.items() if at > t.turn.told_at} if case else set[str]()
    told = (f for f in t.answer.facts if f.slot in (*ISSUE_SLOTS, *PERSON_SLOTS) and f.slot not in newer)
    return [
        f
        for f in told
        if known.get(f.slot, "").casefold() not in (f.value.casefold(), order_number(f.value).casefold())
    ]


def _years(profile: Profile | None, now: datetime) -> int:
    """For how many whole years somebody has been a customer; 0 where nobody knows."""
    try:
        since = datetime.fromisoformat(profile.since) if profile else now
    except ValueError:
        return 0
    return max((now.date() - since.date()).days // 365, 0)


def _carried_out(case: OpenCase, language: str) -> list[str]:
    """What was done for a case, a sentence each."""
    told = [done.partition(" ") for done in case.done]
    return [say(f"{action}_done", language, amount=amount) for action, _, amount in told if action != "status"]


def _case_to_greet(t: Thought, now: datetime) -> OpenCase | None:
    """The open case to name: the one that the message is about, else the latest; none when it tells a new issue."""
    may = t.just_granted or leave(Deed.GREET, t.standing.strength) is not Leave.NO
    tells_another = (t.answer.case is None and bool(t.answer.issue)) or t.known.opens_again(t.answer)
    if not may or not t.known.cases or tells_another or (t.only_codes and not t.just_granted):
        return None
    case = t.known.case(t.answer.case) or t.known.cases[0]
    return case if t.just_granted or _is_due(t.turn, t.known.records[case.id], now) else None


def _is_due(turn: Turn, record: Case, now: datetime) -> bool:
    """Whether a case is to be named first: after a while, or when it went on elsewhere."""
    last = turn.last_said_at
    if last is None or now - last > _GAP:
        return True
    return record.last_handle != turn.standing.handle and record.updated_at > last


def begins_with_the_answer(turn: Turn, known: Recollection, house: House, now: datetime) -> bool:
    """Whether a turn that is not about codes is answered in the writer's words first, whatever they will be."""
    if turn.new_conversation or turn.opted_out or is_one_of_many(turn, house):
        return False
    return not any(case.with_human or _is_due(turn, known.records[case.id], now) for case in known.cases)


def compose(t: Thought, hello: Greeting, house: House, now: datetime) -> Composed:
    """The reply's text, in order: greeting, codes, answer, and who goes on with it."""
    limits = house.limits(t.turn.first.channel)
    if is_one_of_many(t.turn, house) or (t.turn.opted_out and limits.keywords):
        return Composed()
    start = [t.said_of_codes, hello.text] if t.just_granted else [hello.text, t.said_of_codes]
    match t.verdict.kind:
        case "with_human":
            rest, asks = _leave_to_human(t, hello, house), tuple[str, ...]()
        case "hand_off":
            rest, asks = _hand_off(t, house, now)
        case "answer":
            rest, asks = _answer(t, hello, limits)
    if rest is None:
        return Composed()
    return Composed(text=_join(*start, *rest), asks=asks, expects_digits=t.expects_digits, choices=_choices(t))


def _choices(t: Thought) -> tuple[Choice, ...]:
    """Two digits to repeat; in a conversation that begins, a person to talk to."""
    language = t.answer.language
    if t.talk and t.talk.pair:
        return (Choice(label=say("keep_linked", language), says=t.talk.pair),)
    if t.turn.new_conversation and t.verdict.kind == "answer":
        return (Choice(label=say("to_a_person", language), says=say("wish_for_a_person", language)),)
    return ()


def is_one_of_many(turn: Turn, house: House) -> bool:
    """Whether enough conversations that claim this address were answered today; a loop between two bots ends here."""
    most = house.limits(turn.first.channel).answers_to_claimed
    return 0 < most <= turn.named_today


def _leave_to_human(t: Thought, hello: Greeting, house: House) -> list[str] | None:
    """Silence, but for a word to who comes anew, tells something new, or waits on the telephone."""
    channel = t.turn.first.channel
    news = _news(t, t.known.case(t.answer.case))
    if not (hello.case or t.said_of_codes or news or _comes_anew(t)) and house.limits(channel).reachable:
        return None
    if not t.turn.said_something:
        return [say("colleague_has_it", t.answer.language)]
    if t.only_codes and not t.just_granted:
        return []
    told = {f.slot: order_number(f.value) if f.slot == "order_id" else f.value for f in news}
    return [greeting.handed_over_already(t.answer.language, house.label(channel), told)]


def _comes_anew(t: Thought) -> bool:
    """Whether we have said nothing here for a while: who is not known well enough for a greeting hears as much."""
    last = t.turn.last_said_at
    return last is None or t.turn.heard[-1].message.received_at - last > _GAP


def _hand_off(t: Thought, house: House, now: datetime) -> tuple[list[str], tuple[str, ...]]:
    back = house.hours.opens_next(now)
    handed = greeting.handoff(t.answer.language, house.label(t.turn.first.channel), back=back, now=now)
    return [t.answer.reply, *_outcomes(t), _received(t), handed], tuple(t.answer.asks)


def _answer(t: Thought, hello: Greeting, limits: Limits) -> tuple[list[str], tuple[str, ...]]:
    """The writer's words, unless all that there was to say was said about codes."""
    adds = bool(t.answer.issue or t.answer.facts or t.answer.case is not None)
    worth_saying = adds or not t.said_of_codes
    reply, asks = (t.answer.reply, tuple(t.answer.asks)) if worth_saying else ("", ())
    return [reply, *_outcomes(t), _received(t), _next_step(t, hello, limits)], asks


def _outcomes(t: Thought) -> list[str]:
    """What came of what was asked for; nothing is said to be done but what was."""
    return [outcome(run, t.answer.language) for run in t.runs]


def _received(t: Thought) -> str:
    files = [a for h in t.turn.heard for a in h.message.attachments if a.name]
    names = ", ".join(f"{a.name} ({_size(a.size)})" if a.size else a.name for a in files)
    return say("attachment_kept", t.answer.language, names=names) if names else ""


def _size(count: int) -> str:
    """A number of bytes, as people say it."""
    return f"{count / _MEGA:.1f} MB" if count >= _MEGA else f"{max(1, round(count / _KILO))} kB"


def _next_step(t: Thought, hello: Greeting, limits: Limits) -> str:
    """The question that keeps a conversation going when nothing was asked yet."""
    if t.answer.reply or (t.said_of_codes and (not t.just_granted or t.expects_digits)):
        return ""
    if t.runs:
        return ""
    if hello.case is not None:
        done = any(case.done for case in t.known.cases if case.id == hello.case)
        return say("anything_else" if done else "go_on", t.answer.language)
    may_key_in = limits.live and t.turn.first.opening and t.turn.standing.proof is Proof.CLAIMED
    hint = say("key_in_code", t.answer.language) if may_key_in else ""
    return _join(hint, say("how_can_we_help", t.answer.language))


def with_question(t: Thought, composed: Composed, house: House) -> Composed:
    """The reply to somebody whose case is solved, with the question how satisfied they are; nobody is asked twice."""
    case = t.answer.case
    record = t.known.records.get(case) if case is not None else None
    if record is None or record.rating_asked_at is not None or record.satisfaction is not None:
        return composed
    if _new_status(t) != "resolved" or not composed.text or composed.asks or composed.expects_digits:
        return composed
    channel = t.turn.first.channel
    question = rating.question(t.answer.language, house.label(channel))
    spoken = not house.limits(channel).reachable
    asked = _join(composed.text, question)
    return replace(composed, text=asked, expects_digits=int(spoken), rates=case, choices=rating.CHOICES)


def settlement(
    t: Thought, hello: Greeting, composed: Composed, house: House, *, now: datetime, reply_id: str
) -> Settlement:
    """Everything that the turn changes."""
    answer = t.answer
    was_said = answer.reply in composed.text
    issue = answer.issue or _issue_without_a_name(t)
    opens_case = answer.case is None and bool(issue)
    reply = Reply(
        id=reply_id,
        route=t.turn.route,
        text=composed.text,
        language=answer.language,
        asks=composed.asks,
        secret=t.talk.code if t.talk else "",
        expects_digits=composed.expects_digits,
        hands_over=_awaits_a_colleague(t) and house.hours.are_open(now),
        rates=composed.rates,
        choices=composed.choices,
    )
    return Settlement(
        turn=t.turn,
        now=now,
        keeper=t.standing.keeper,
        drawn_from=t.known.drawn_from,
        replies=[reply] if composed.text else [],
        case=answer.case,
        opens_case=opens_case,
        opens_again=t.known.opens_again(answer),
        status=_new_status(t),
        reason=t.verdict.reason,
        facts=_facts(answer, issue if opens_case else ""),
        language=answer.language,
        opted_out=False if t.turn.opted_out and composed.text else None,  # who writes again wants to be answered
        links=t.talk.steps if t.talk else (),
        runs=t.runs,
        permits=_permits(t, hello),
        writer=answer.writer,
        flags=[*([f"fell back: {answer.fell_back}"] if answer.fell_back else []), *_not_found(t, was_said=was_said)],
        pattern=answer.pattern if was_said else None,
        article=answer.article if was_said else "",
        unhelped=t.verdict.kind == "hand_off" and answer.writer != NOBODY,
    )


def _awaits_a_colleague(t: Thought) -> bool:
    return t.verdict.kind == "hand_off" or (t.verdict.kind == "with_human" and t.answer.human_wanted)


def _not_found(t: Thought, *, was_said: bool) -> list[str]:
    """What colleagues may have to write an article about: nothing was offered, and it went to a person."""
    offered = was_said and (t.answer.article or t.answer.pattern is not None)
    if t.verdict.kind != "hand_off" or t.answer.writer == NOBODY or offered:
        return []
    return {NO_ANSWER: [UNANSWERED], WANTS_A_PERSON: [UNHELPED]}.get(t.verdict.reason, [])


def _permits(t: Thought, hello: Greeting) -> list[tuple[Permit, Sequence[str]]]:
    """What was read, and what for."""
    read: list[tuple[Permit, Sequence[str]]] = [(t.known.permit, t.known.read)]
    if hello.case is not None:
        read.append((permit(t.standing, Purpose.GREET), [f"case:{hello.case}"]))
    return read


def _new_status(t: Thought) -> CaseStatus | None:
    if t.verdict.kind == "hand_off":
        return "handed_off"
    if t.answer.resolved and t.answer.case is not None:
        return "resolved"
    return "open" if t.known.opens_again(t.answer) else None


def _issue_without_a_name(t: Thought) -> str:
    """A case is opened also for a wish for a human, or for a bare order number: in the customer's own words."""
    of_a_case = any(told.slot not in OF_THE_PERSON for told in t.answer.facts)
    if t.answer.case is None and (t.verdict.kind == "hand_off" or of_a_case):
        return issue_in_their_words(t.turn) or t.files or t.verdict.reason
    return ""


def issue_in_their_words(turn: Turn) -> str:
    """What a message tells, where nobody worded it better; "" where nothing was said."""
    return (in_their_own_voice(turn.text) or (NOT_THEIR_OWN if turn.text else ""))[:_ISSUE_LENGTH]


def _facts(answer: Answer, new_issue: str) -> list[NewFact]:
    told = [NewFact(slot=f.slot, value=f.value, of_case=f.slot not in OF_THE_PERSON) for f in answer.facts]
    told += [NewFact(slot=f"prefers_{p.slot}", value=p.value, of_case=False) for p in answer.preferences]
    told += [NewFact(slot="tried", value=value, of_case=True) for value in answer.tried]
    if answer.actions and answer.asks:  # to be gone on with once these are answered
        told += [NewFact(slot="wanted", value=answer.actions[0], of_case=True)]
    if new_issue:
        told += [NewFact(slot="issue", value=new_issue, of_case=True)]
        told += [NewFact(slot="category", value=answer.category, of_case=True)]
    if answer.writer != NOBODY:
        told += [NewFact(slot="mood", value=answer.mood, of_case=True)]
        told += [NewFact(slot="urgency", value=answer.urgency, of_case=True)]
    return told


def _join(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)
