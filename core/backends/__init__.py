"""Where the engine's ports meet the world: the ledger, the memory, the writers."""
