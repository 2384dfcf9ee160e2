"""The ledger's tables. Memory hangs on handles; a customer is nowhere stored, it is what the evidence says now."""

from core.backends.ledger.schema.columns import Instant, metadata
from core.backends.ledger.schema.matters import action_runs, cases, corrections, facts, pattern_votes, patterns, turns
from core.backends.ledger.schema.people import (
    codes,
    directory,
    evidence,
    grants,
    handles,
    leases,
    links,
    pending_links,
    wrong_codes,
)
from core.backends.ledger.schema.said import conversations, messages, outbox, parked, raw_messages, unchecked, wires
from core.backends.ledger.schema.staff import (
    access_log,
    accounts,
    audit,
    calls,
    receipts,
    sessions,
    sign_ins,
    tombstones,
)

__all__ = [
    "Instant",
    "access_log",
    "accounts",
    "action_runs",
    "audit",
    "calls",
    "cases",
    "codes",
    "conversations",
    "corrections",
    "directory",
    "evidence",
    "facts",
    "grants",
    "handles",
    "leases",
    "links",
    "messages",
    "metadata",
    "outbox",
    "parked",
    "pattern_votes",
    "patterns",
    "pending_links",
    "raw_messages",
    "receipts",
    "sessions",
    "sign_ins",
    "tombstones",
    "turns",
    "unchecked",
    "wires",
    "wrong_codes",
]
