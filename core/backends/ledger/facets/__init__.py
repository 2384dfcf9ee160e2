"""The ledger port, a part for each who needs one; `SqlLedger` is all of them."""
