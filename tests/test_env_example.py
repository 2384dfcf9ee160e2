""".env.example names every setting that the code reads, with its meaning and its default."""

from pathlib import Path

from bots.env_example import env_example
from bots.roster import supported

CHECKOUT = Path(__file__).parents[1]
OURS = {"discord", "email", "slack", "sms", "voice", "web"}


def test_it_is_what_the_code_declares() -> None:
    """A channel that somebody adds for themselves need not stand there; those that we ship do."""
    kept = (CHECKOUT / ".env.example").read_text(encoding="utf-8")
    listed = [name for name in supported() if f"# ── {name}: " in kept]
    assert set(listed) >= OURS
    assert kept == env_example(listed), "run `.venv/bin/python -m bots settings > .env.example`"
