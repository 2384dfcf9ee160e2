"""How a mood went, as the drawing of it: where each point, word and date stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.casefile import Felt
from core.sentiment import HEIGHTS

_LEFT, _TOP, _STEP = 82, 12, 26  # in units of the drawing
_WIDTH, _RIGHT = 320, 10
_BOTTOM = _TOP + _STEP * (len(HEIGHTS) - 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """A mood, and where it stands."""

    x: float
    y: int
    mood: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """A line that falls as the mood does, over an axis of words."""

    points: Sequence[Point]
    levels: Sequence[tuple[str, int]]  # each mood's word, and its height
    left: int = _LEFT
    right: int = _WIDTH - _RIGHT
    bottom: int = _BOTTOM
    width: int = _WIDTH
    height: int = _BOTTOM + 24

    @property
    def line(self) -> str:
        """The points as an SVG polyline has them."""
        return " ".join(f"{point.x:g},{point.y}" for point in self.points)

    @property
    def words(self) -> str:
        """What it shows, e.g. "neutral, angry"."""
        return ", ".join(point.mood for point in self.points)


def drawing(felt: Sequence[Felt]) -> Drawing:
    """The drawing of moods, oldest first; of unknown ones nothing is drawn."""
    known = [one for one in felt if one.mood in HEIGHTS]
    step = (_WIDTH - _RIGHT - _LEFT - 12) / max(len(known) - 1, 1)
    points = [
        Point(x=round(_LEFT + 6 + n * step, 1), y=_height(one.mood), mood=one.mood, at=one.at)
        for n, one in enumerate(known)
    ]
    return Drawing(points=points, levels=[(mood, _height(mood)) for mood in HEIGHTS])


def _height(mood: str) -> int:
    return _BOTTOM - HEIGHTS[mood] * _STEP
