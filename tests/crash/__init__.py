"""Crash safety: the real process killed at every boundary of a turn, and what came of it counted at the outside."""
