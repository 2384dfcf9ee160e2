"""Forgetting reaches every table: each hangs on what is a customer's, or stands here with why it does not."""

from core.backends.ledger import erasing
from core.backends.ledger.erasing import Customer
from core.backends.ledger.schema import metadata

NOT_A_CUSTOMERS = {
    "accounts": "colleagues",
    "sessions": "colleagues",
    "sign_ins": "colleagues",
    "provided": "colleagues",
    "recovery_codes": "colleagues",
    "audit": "names no customer",
    "processes": "processes of ours",
    "receipts": "kept, without a name",
    "tombstones": "kept, as digests",
    "keyring": "keys, no customer's",
}
BY_NAME = {"handles", "directory", "parked", "leases"}  # erased, or blanked, by statements of their own
SOMEBODY = Customer(
    nodes=frozenset({"h:1"}),
    handles=frozenset({1}),
    keys=frozenset(),
    addresses=frozenset(),
    lines=frozenset({"slack:T1/U1"}),
    called=frozenset(),
)


def test_every_table_is_reached_or_says_why_not() -> None:
    reached = {table.name for table in metadata.sorted_tables if erasing._theirs(table, SOMEBODY)} | BY_NAME
    for table in metadata.sorted_tables:
        hangs_on = {key.column.table.name for key in table.foreign_keys if key.ondelete == "CASCADE"}
        reached |= {table.name} if hangs_on & reached else set()
    missed = {table.name for table in metadata.sorted_tables} - reached
    assert missed <= NOT_A_CUSTOMERS.keys(), "a new table keeps rows of who was forgotten"
