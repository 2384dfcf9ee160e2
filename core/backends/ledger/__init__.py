"""The ledger in SQL: one module per part of the record, each a set of functions that work inside one transaction."""
