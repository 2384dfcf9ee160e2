"""The engine: what was said, what we know, what we say."""
