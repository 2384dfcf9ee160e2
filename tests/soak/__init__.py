"""A bounded run of everything at once: see docs/crash-safety.md."""
