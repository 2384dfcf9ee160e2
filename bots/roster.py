"""Which channels there are, and which are on. A channel's module is loaded only when it is."""

import ast
import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel

import channels
from core.channel import Channel, Site
from core.errors import Misconfigured


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A channel of the roster; `missing` names the setting for want of which it is off, "" when it is on."""

    name: str
    missing: str = ""
    left_out: bool = False  # CHANNELS does not name it


def supported() -> Sequence[str]:
    """The names of all channels; a module whose name starts with an underscore is none."""
    return sorted(m.name for m in pkgutil.iter_modules(channels.__path__) if not m.name.startswith("_"))


def roster(wanted: Sequence[str], values: Mapping[str, str]) -> Sequence[Entry]:
    """Every channel, on or off. Raises Misconfigured for one that is wanted and unknown, or lacks a setting."""
    unknown = sorted(set(wanted) - set(supported()))
    if unknown:
        raise Misconfigured("CHANNELS", f"{unknown[0]} is none of {', '.join(supported())}")
    entries = [_entry(name, wanted, values) for name in supported()]
    lacking = next((e for e in entries if e.missing and e.name in wanted), None)
    if lacking:
        raise Misconfigured(lacking.missing, f"is needed for {lacking.name}, which CHANNELS names")
    return entries


class Kind(Protocol):
    """The class of a channel."""

    Settings: type[BaseModel]

    def __call__(self, settings: Any, site: Site, /) -> Channel[Any]: ...


def load(name: str) -> Kind:
    """The class of a channel; its module, and so its vendor, is loaded now."""
    kind: Kind = importlib.import_module(f"channels.{name}").CHANNEL
    return kind


def _entry(name: str, wanted: Sequence[str], values: Mapping[str, str]) -> Entry:
    missing = next((setting for setting in required_settings(name) if setting not in values), "")
    return Entry(name=name, missing=missing, left_out=bool(wanted) and name not in wanted)


def required_settings(name: str) -> Sequence[str]:
    """The settings without which a channel is off, read from its source: loading it would load its vendor."""
    module = _source(name)
    shared = [
        _source(alias.name)
        for n in ast.walk(module)
        if isinstance(n, ast.ImportFrom) and n.module == "channels"
        for alias in n.names
    ]
    nodes = [node for tree in (*shared, module) for node in ast.walk(tree)]
    declared = [node for node in nodes if isinstance(node, ast.ClassDef) and node.name.endswith("Settings")]
    return [
        field.target.id.upper()
        for kind in declared
        for field in kind.body
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and not _has_default(field.value)
    ]


def _source(module: str) -> ast.Module:
    return ast.parse(Path(channels.__path__[0], f"{module}.py").read_text(encoding="utf-8"))


def _has_default(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Call):  # Field(...)
        positional = value.args and not (isinstance(value.args[0], ast.Constant) and value.args[0].value is ...)
        return bool(positional) or any(k.arg in {"default", "default_factory"} for k in value.keywords)
    return value is not None
