"""For somebody who tries us out: people who are made up, and channels that need not be on."""

from bots.play.acting import ActsForReal
from bots.play.cast import CAST, JOHN, STORY
from bots.play.known import KNOWN

__all__ = ["CAST", "JOHN", "KNOWN", "STORY", "ActsForReal"]
