""".env.example, made from the settings that the code declares."""

from collections.abc import Mapping, Sequence

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from bots.roster import load
from bots.settings import Settings

_WIDTH = 100


def env_example(channels: Sequence[str]) -> str:
    """Every setting with its meaning and its default, ours first, then each channel's; each name once."""
    seen: set[str] = set()
    parts = [_part("Throughline", Settings.model_fields, seen)]
    for name in channels:
        fields: Mapping[str, FieldInfo] = load(name).Settings.model_fields
        required = [field.upper() for field, info in fields.items() if info.is_required()]
        title = f"{name}: on when {' and '.join(required)} {'are' if len(required) > 1 else 'is'} set"
        parts.append(_part(title if required else f"{name}: always on", fields, seen))
    return "\n".join(["# Copy to .env and fill in what you need; everything has a default.\n", *parts])


def _part(title: str, fields: Mapping[str, FieldInfo], seen: set[str]) -> str:
    new = {name: info for name, info in fields.items() if name not in seen}
    seen |= set(new)
    lines = [f"# ── {title} ".ljust(_WIDTH, "─")]
    for name, info in new.items():
        lines += [f"# {info.description}", f"#{name.upper()}={_default(info)}"]
    return "\n".join(lines) + "\n"


def _default(info: FieldInfo) -> str:
    value = info.get_default(call_default_factory=True) if not info.is_required() else ""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None or value == {} else str(value)
