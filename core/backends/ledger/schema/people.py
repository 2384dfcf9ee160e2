"""Who is writing: handles, and all that speaks for or against joining them."""

from sqlalchemy import (
    JSON,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from core.backends.ledger.schema.columns import Instant, handle, identity, metadata

handles = Table(
    "handles",
    metadata,
    identity(),
    Column("channel", Text, nullable=False),
    Column("address", Text, nullable=False),  # "~conversation" for the own handle of a claimed message
    Column("key", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("silent_from", Instant),  # when the epoch before this one was last heard from
    Column("closed_at", Instant),  # when the directory took the key from whom this epoch belonged to
    Column("hint", Text, nullable=False),  # the address that a claimed message named
    Column("display_name", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("heard_at", Instant, nullable=False),
    Column("proven_at", Instant),
    Column("answered_at", Instant),
    Column("opted_out_at", Instant),  # wants to hear no more
    Column("route", JSON, nullable=False),  # where it was last written from
    Column("language", Text, nullable=False),
    UniqueConstraint("channel", "address", "epoch"),
)
Index("handles_by_key", handles.c.key)

evidence = Table(
    "evidence",
    metadata,
    identity(),
    Column("node", Text, nullable=False),  # who holds the key: "d:EXTERNAL_ID" or "h:HANDLE"
    Column("key", Text, nullable=False),
    Column("person", Text),
    Column("source", Text, nullable=False),  # directory | login | workspace
    Column("at", Instant, nullable=False),  # verified
    Column("recorded_at", Instant, nullable=False),
    Column("retired_at", Instant),
    Column("heard_at", Instant),  # last; none where it holds until it is taken back
)
Index("evidence_by_key", evidence.c.key, sqlite_where=evidence.c.retired_at.is_(None))
Index("evidence_by_node", evidence.c.node, sqlite_where=evidence.c.retired_at.is_(None))

links = Table(
    "links",
    metadata,
    identity(),
    Column("a", Text, nullable=False),
    Column("b", Text, nullable=False),
    Column("kind", Text, nullable=False),  # code | operator | operators; tombstones: cut | apart
    Column("made_by", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("retired_at", Instant),  # a retired link is its own tombstone
    Column("retired_by", Text, nullable=False, server_default=""),  # who took it back: customer, or colleagues' names
)
Index("links_by_a", links.c.a)
Index("links_by_b", links.c.b)

# What colleagues decided about two customers, with the links and tombstones that came and went: it can be undone.
decisions = Table(
    "decisions",
    metadata,
    identity(),
    Column("kind", Text, nullable=False),  # merge | unmerge | dismiss
    Column("a", Text, nullable=False),
    Column("b", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("made", JSON, nullable=False),  # ids of links and tombstones
    Column("retired", JSON, nullable=False),  # as well
    Column("undone_at", Instant),
    Column("undone_by", Text, nullable=False, server_default=""),
)
Index("decisions_by_a", decisions.c.a)
Index("decisions_by_b", decisions.c.b)

directory = Table(
    "directory",
    metadata,
    Column("external_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("plan", Text, nullable=False),
    Column("value", Float, nullable=False),
    Column("since", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("imported_at", Instant, nullable=False),
)
Index("directory_by_value", directory.c.value)

codes = Table(
    "codes",
    metadata,
    identity(),
    Column("digest", Text, nullable=False),
    handle(nullable=False),
    Column("proof", Integer, nullable=False),
    Column("linked", JSON, nullable=False),  # the customer's nodes when it was issued
    Column("digits", Integer, nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("used_at", Instant),
)
Index("codes_by_digest", codes.c.digest)
Index("codes_by_handle", codes.c.handle_id, codes.c.issued_at)

grants = Table(
    "grants",
    metadata,
    handle(primary_key=True),
    Column("conversation", Text, primary_key=True),
    Column("code_id", ForeignKey("codes.id"), nullable=False),
    Column("shown_by", ForeignKey("handles.id"), nullable=False),
    Column("proof", Integer, nullable=False),
    Column("since", Instant, nullable=False),
)

pending_links = Table(
    "pending_links",
    metadata,
    identity(),
    handle(nullable=False),  # the entering handle
    Column("conversation", Text, nullable=False),
    Column("shown_by", ForeignKey("handles.id"), nullable=False),
    Column("pair_digest", Text, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("closed_at", Instant),
)
Index("pending_by_handle", pending_links.c.handle_id)

wrong_codes = Table(
    "wrong_codes",
    metadata,
    identity(),
    Column("line", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("at", Instant, nullable=False),
)
Index("wrong_codes_by_time", wrong_codes.c.at)

leases = Table(
    "leases",
    metadata,
    Column("customer", Text, primary_key=True),
    Column("token", Text, nullable=False),
    Column("holder", Text, nullable=False, server_default=""),  # the process
    Column("expires_at", Instant, nullable=False),
)
