"""Turns that need no writer: what somebody wants to hear from us, a rating, and what is left to a colleague. Pure."""

from dataclasses import replace
from datetime import datetime

from core import greeting, rating
from core.composing import NOBODY, is_one_of_many, issue_in_their_words
from core.consent import Consent
from core.house import House
from core.ledger import NewFact, Settlement, Turn
from core.messages import Reply
from core.phrases import say
from core.rating import Rating
from core.recollection import Recollection
from core.restraint import Left

FAILED = Left(phrase="sorry", reason="The bot failed at this message; see the log.")


def left_to_a_colleague(
    turn: Turn, known: Recollection | None, house: House, why: Left, *, now: datetime, reply_id: str
) -> Settlement:
    """A turn that the bot does not answer: kept, said honestly, and in front of a human."""
    language = turn.language or house.languages[0]
    latest = known.cases[0] if known and known.cases else None
    issue = issue_in_their_words(turn) or "(nothing was said)"
    reply = Reply(id=reply_id, route=turn.route, text=say(why.phrase, language), language=language)
    return Settlement(
        turn=turn,
        now=now,
        keeper=turn.standing.keeper,
        replies=[] if why.silent or turn.opted_out or is_one_of_many(turn, house) else [reply],
        case=latest.id if latest else None,
        opens_case=latest is None,
        status=None if latest and latest.with_human else "handed_off",  # who waits already keeps their place
        reason=why.reason,
        facts=[] if latest else [NewFact(slot="issue", value=issue, of_case=True)],
        flags=[why.phrase],
    )


def of_consent(turn: Turn, wish: Consent, house: House, *, now: datetime, reply_id: str) -> Settlement:
    """What somebody wants to hear from us is noted, and answered where the network does not answer itself."""
    keywords = house.limits(turn.first.channel).keywords
    phrase = {"stop": "opted_out", "start": "opted_in", "help": "keyword_help"}[wish]
    language = turn.language or house.languages[0]
    text = say(phrase, language, brand=house.brand or house.bot_name)
    # Who sent STOP by text may be sent nothing, not even this; nor does a forger make us write to somebody all day.
    answered = bool(turn.first.wish) or (wish == "stop" and keywords)
    silent = answered or is_one_of_many(turn, house)
    return Settlement(
        turn=turn,
        now=now,
        keeper=turn.standing.keeper,
        replies=[] if silent else [Reply(id=reply_id, route=turn.route, text=text, language=language)],
        opted_out={"stop": True, "start": False, "help": None}[wish],
        language=language,
        writer=NOBODY,
    )


def given_rating(turn: Turn) -> Rating | None:
    """The rating that a message gives, where one was asked for."""
    return rating.rating(turn.text, digits=turn.first.digits) if turn.rates is not None else None


def of_rating(turn: Turn, given: Rating, house: House, *, now: datetime, reply_id: str) -> Settlement:
    """Somebody rated how a case was handled, and told nothing beside."""
    language = turn.language or house.languages[0]
    channel = turn.first.channel
    label = house.label(channel)
    opening = greeting.disclosure(house.bot_name, house.brand, language, label) if turn.new_conversation else ""
    text = "\n\n".join(filter(None, (opening, rating.thanks(given.score, language))))
    silent = is_one_of_many(turn, house) or (turn.opted_out and house.limits(channel).keywords)
    return Settlement(
        turn=turn,
        now=now,
        keeper=turn.standing.keeper,
        replies=[] if silent else [Reply(id=reply_id, route=turn.route, text=text, language=language)],
        language=language,
        writer=NOBODY,
        rating=given.score,
    )


def beside_rating(turn: Turn, given: Rating) -> Turn:
    """The turn with what was told beside a rating, and nothing else."""
    first, *others = turn.heard
    told = [(first, given.rest), *((heard, "") for heard in others)]
    return replace(turn, heard=[replace(h, message=replace(h.message, text=text)) for h, text in told])


def with_rating(settlement: Settlement, given: Rating) -> Settlement:
    """The outcome of a turn that also gave a rating: it is thanked for first."""
    thanked = [
        replace(reply, text=f"{say('rated', reply.language)}\n\n{reply.text}") for reply in settlement.replies[:1]
    ]
    return replace(settlement, rating=given.score, replies=[*thanked, *settlement.replies[1:]])
