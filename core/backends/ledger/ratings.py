"""How satisfied customers are: asked once for a case, and taken within a week."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update

from core.backends.ledger import playbook
from core.backends.ledger.dialects import upsert
from core.backends.ledger.people import node_of
from core.backends.ledger.schema import cases, conversations
from core.casefile import Destination
from core.ledger import Settlement
from core.memory import Vote
from core.rating import DISPLEASED, PLEASED
from identity.gate import Standing

_WITHIN = timedelta(days=7)  # a number that comes later means something else


def awaited(tx: Connection, talk: Row[Any] | None, standing: Standing, now: datetime) -> int | None:
    """The case that a conversation was lately asked to rate, if it still is this customer's."""
    if talk is None or talk.rates is None:
        return None
    lately = cases.c.rating_asked_at > now - _WITHIN, cases.c.satisfaction.is_(None)
    handle = tx.execute(select(cases.c.handle_id).where(cases.c.id == talk.rates, *lately)).scalar()
    nodes = standing.grant.nodes if standing.grant else standing.nodes
    return int(talk.rates) if handle is not None and node_of(handle) in nodes else None


def asked(tx: Connection, case: int, to: Destination, now: datetime) -> None:
    """Notes that a case is to be rated, and in which conversation; one that is new is still to be opened by words."""
    note_asked(tx, case, now)
    values = {"rates": case, "asked": []}
    new = {"language": to.language, "last_at": now - _WITHIN}
    row = upsert(tx, conversations).values(handle_id=to.handle, conversation=to.conversation, **new, **values)
    tx.execute(row.on_conflict_do_update(index_elements=["handle_id", "conversation"], set_=values))


def note_asked(tx: Connection, case: int, now: datetime) -> None:
    """Nobody is asked twice."""
    tx.execute(update(cases).where(cases.c.id == case).values(rating_asked_at=now))


def still_awaited(s: Settlement) -> int | None:
    """The case to be rated after a turn: a new question of ours, or another matter, takes the place of the last."""
    asked_now = next((reply.rates for reply in s.replies if reply.rates is not None), None)
    if asked_now is not None or s.rating is not None:
        return asked_now
    asks_else = any(reply.asks or reply.expects_digits for reply in s.replies)
    return None if asks_else or s.case not in (None, s.turn.rates) or s.opens_case else s.turn.rates


def settle(tx: Connection, s: Settlement) -> tuple[list[Vote], int | None]:
    """Writes down a rating: what it says of patterns, and the case, where the bot alone did well."""
    case, score = s.turn.rates, s.rating
    if case is None or score is None:
        return [], None
    not_yet = cases.c.id == case, cases.c.satisfaction.is_(None)
    rated = update(cases).where(*not_yet).values(satisfaction=score, rated_at=s.now).returning(cases.c.assignee)
    row = tx.execute(rated).one_or_none()
    if row is None:
        return [], None
    by_bot = not row.assignee
    return judged(tx, case, score, s.now), case if by_bot and score >= PLEASED else None


def judged(tx: Connection, case: int, score: int, now: datetime) -> list[Vote]:
    """What a rating says of what was offered."""
    return playbook.rated(tx, case, score, pleased=PLEASED, displeased=DISPLEASED, now=now)
