"""How a customer's mood went, over all of their cases."""

from collections.abc import Sequence
from typing import Literal

Trend = Literal["improving", "declining", "stable", "too little"]

HEIGHTS = {"angry": 0, "frustrated": 1, "neutral": 2, "positive": 3}
_ENOUGH = 4  # moods
_CHANGE = 0.5  # of a step between two moods


def trend(moods: Sequence[str]) -> Trend:
    """The way that moods went, oldest first: the later half beside the earlier one."""
    heights = [HEIGHTS[mood] for mood in moods if mood in HEIGHTS]
    if len(heights) < _ENOUGH:
        return "too little"
    half = len(heights) // 2
    rise = sum(heights[-half:]) / half - sum(heights[:half]) / half
    if abs(rise) < _CHANGE:
        return "stable"
    return "improving" if rise > 0 else "declining"
