"""Who is writing, how sure we are, and what may be said to them. Standard library only; no I/O."""
