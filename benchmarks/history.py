"""Customers with a long history, put into the ledger row by row as turns would have left them: telling 10,000 messages
one after the other would take minutes."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select

from core.backends.ledger.schema import cases, facts, handles, messages, outbox
from identity.proof import Proof

A_CASE = 4  # messages
_EVERY = timedelta(hours=3)
_THINGS = ("kettle", "toaster", "router", "lamp", "scale", "fan", "radio", "blender")
_KINDS = ("charge", "delivery", "fault", "damaged")
_Rows = dict[Table, list[dict[str, Any]]]


def addresses(customer: int) -> tuple[tuple[str, str], tuple[str, str]]:
    """The mailbox and the number of a customer."""
    return ("email", f"c{customer}@shop.test"), ("sms", f"+1555{customer:07d}")


def people(tx: Connection, customers: Sequence[int], now: datetime) -> dict[int, list[int]]:
    """Handles for customers who have not written yet: a mailbox and a number each."""
    rows = [_handle(channel, who, now) for customer in customers for channel, who in addresses(customer)]
    tx.execute(insert(handles), rows)
    ids = {(row.channel, row.address): row.id for row in tx.execute(select(handles))}
    return {customer: [ids[address] for address in addresses(customer)] for customer in customers}


def person(tx: Connection, channel: str, who: str, now: datetime) -> int:
    """A handle of somebody who has not written yet."""
    row = insert(handles).values(_handle(channel, who, now)).returning(handles.c.id)
    return int(tx.execute(row).scalar_one())


def tell(tx: Connection, held: Sequence[int], count: int, now: datetime) -> list[int]:
    """So many messages of one customer, over all of their handles in turn, the newest just before `now`.

    Each was answered. Every fourth begins a case; all but the newest two are closed. The ids of the cases.
    """
    rows: _Rows = {messages: [], outbox: [], cases: [], facts: []}
    first_case, first_message = _next(tx, cases), _next(tx, messages)
    for n in range(count):
        at = now - _EVERY * (count - n)
        handle, case = held[n // A_CASE % len(held)], first_case + n // A_CASE
        is_open = n // A_CASE >= (count - 1) // A_CASE - 1
        rows[messages].append(_message(handle, first_message + n, _says(n), at))
        rows[outbox].append(_answer(handle, case, f"Thank you, I have noted that about case {case}.", at))
        if n % A_CASE == 0:
            rows[cases].append(_case(handle, case, at, is_open=is_open))
        rows[facts] += _facts(handle, case, n, at)
    for table in (messages, cases, facts, outbox):
        tx.execute(insert(table), rows[table])
    return [row["id"] for row in rows[cases]]


def _next(tx: Connection, table: Table) -> int:
    return int(tx.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()) + 1


def _says(n: int) -> str:
    thing = _THINGS[n // A_CASE % len(_THINGS)]
    return (
        f"My {thing} number {n // A_CASE} does not work and I was charged ${10 + n % 90}.",
        f"The order was W{1_000_000 + n}, I have it in front of me.",
        "I already restarted it and I checked the invoice, but nothing changed.",
        "Is there any news? I have been waiting for a while now and would like an answer.",
    )[n % A_CASE]


def _handle(channel: str, who: str, now: datetime) -> dict[str, Any]:
    key = f"phone:{who}" if channel == "sms" else f"{channel}:{who}"
    times = {"opened_at": now, "heard_at": now, "proven_at": now}
    named = {"channel": channel, "address": who, "key": key, "epoch": 1, "hint": "", "display_name": ""}
    return named | times | {"route": {"to": who}, "language": "en"}


def _message(handle: int, number: int, text: str, at: datetime) -> dict[str, Any]:
    return {
        "id": number,
        "channel": "email",
        "external_id": f"old-{number}",
        "line": f"email:old-{handle}",
        "handle_id": handle,
        "conversation": f"with {handle}",
        "vouched": int(Proof.PROVEN),
        "proof": int(Proof.PROVEN),
        "text": text,
        "body": {"attachments": [], "route": {}},
        "received_at": at,
        "told_at": at,
        "state": "answered",
    }


def _answer(handle: int, case: int, text: str, at: datetime) -> dict[str, Any]:
    where = {"channel": "email", "conversation": f"with {handle}", "destination": f"email:with {handle}"}
    sent = {"state": "sent", "maybe_twice": False, "parts_sent": 1, "attempts": 1, "error": ""}
    said = {"text": text, "reply": {}, "drawn_from": [handle], "sender": "bot", "created_at": at}
    return {"handle_id": handle, "case_id": case} | where | said | sent


def _case(handle: int, number: int, at: datetime, *, is_open: bool) -> dict[str, Any]:
    ended: dict[str, Any] = {"resolved_at": None, "resolution": ""}
    if not is_open:
        ended = {"resolved_at": at + 3 * _EVERY, "resolution": "The second charge was refunded and a new one was sent."}
    return {
        "id": number,
        "handle_id": handle,
        "status": "open" if is_open else "resolved",
        "opened_at": at,
        "updated_at": at + 3 * _EVERY,
        "last_handle_id": handle,
        "last_channel": "email",
        "last_conversation": f"with {handle}",
        "contacts": 1,
    } | ended


def _facts(handle: int, case: int, n: int, at: datetime) -> Iterator[dict[str, Any]]:
    told: tuple[tuple[str, str], ...] = (
        (("issue", _says(n)), ("category", _KINDS[n // A_CASE % len(_KINDS)]), ("amount", f"${10 + n % 90}")),
        (("order_id", f"W{1_000_000 + n}"), ("mood", "neutral"), ("urgency", "medium")),
        (("tried", "restarted it"), ("tried", "checked the invoice")),
        (("mood", "frustrated"),),
    )[n % A_CASE]
    for slot, value in told:
        fact = {"handle_id": handle, "case_id": case, "slot": slot, "value": value, "told_at": at}
        yield fact | {"proof": int(Proof.PROVEN)}
