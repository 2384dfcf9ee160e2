"""Processes of ours that run, or ran and did not take their leave."""

from sqlalchemy import JSON, Column, Integer, Table, Text

from core.backends.ledger.schema.columns import Instant, metadata

processes = Table(
    "processes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),  # its command, e.g. run, web, worker, listen discord
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("health", JSON, nullable=False),  # what went well and what did not, as core/health.py writes it down
)
