"""Channels as the contract tests find them: every module in channels/, with the settings of its samples."""

import importlib
import json
import pkgutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import channels
from core.channel import Channel, Line, Site
from core.messages import Raw

SAMPLES = Path(__file__).parent / "samples"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def channel_names() -> list[str]:
    """All channels that there are; a module whose name starts with an underscore is none."""
    return sorted(m.name for m in pkgutil.iter_modules(channels.__path__) if not m.name.startswith("_"))


async def no_transcript(_conversation: str) -> Sequence[Line]:
    return []


def site(var: Path) -> Site:
    """An installation for a channel on its own."""
    return Site(
        name="Throughline",
        brand="Acme",
        base_url="https://support.acme.test",
        secret=b"a secret of thirty-two bytes or so",
        var=var,
        now=lambda: NOW,
        transcript=no_transcript,
    )


def make_channel(name: str, var: Path, **settings: Any) -> Channel[Any]:
    """The channel of this name, set up as its samples' settings.json says, overridden by `settings`."""
    kind = importlib.import_module(f"channels.{name}").CHANNEL
    given = json.loads((SAMPLES / name / "settings.json").read_text()) | settings
    made: Channel[Any] = kind(kind.Settings(**given), site(var))
    return made


def sample_paths(name: str) -> list[Path]:
    """The recorded deliveries of a channel."""
    return sorted(p for p in (SAMPLES / name).glob("*.json") if p.name != "settings.json")


def raw_of(path: Path) -> tuple[Raw, Any]:
    """A recorded delivery, and what it is expected to become: None, the fields of a message, or an error's name."""
    sample = json.loads(path.read_text())
    raw = sample["raw"]
    body = (path.parent / raw["body_file"]).read_bytes() if "body_file" in raw else raw["body"].encode()
    url = "https://support.acme.test" + raw.get("path", "")
    return (
        Raw(
            body=body,
            received_at=NOW,
            headers=raw.get("headers", {}),
            url=raw.get("url", url),
            path=raw.get("path", ""),
            peer=raw.get("peer", "127.0.0.1"),
        ),
        sample["expect"],
    )
