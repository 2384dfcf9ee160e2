"""ACTIONS_FILE: which actions may be set off, and where they are carried out; see docs/actions.md."""

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from core.actions import Action
from core.backends.carrying import Endpoint, hook
from core.errors import Misconfigured

Name = Literal["refund", "credit", "reset", "status", "callback", "flag"]


class Entry(BaseModel):
    """One table of the file."""

    model_config = ConfigDict(extra="forbid")

    url: str = ""
    hook: str = ""
    headers: dict[str, str] = {}
    limit: Annotated[Decimal, Field(ge=0)] = Decimal(0)
    approval: bool = False
    timeout: Annotated[float, Field(gt=0, le=60)] = 5.0

    @model_validator(mode="after")
    def _one_place(self) -> "Entry":
        if bool(self.url) == bool(self.hook):
            raise ValueError("needs either url or hook")
        if self.url and not self.url.startswith(("http://", "https://")):
            raise ValueError("url must start with http:// or https://")
        return self

    @property
    def endpoint(self) -> Endpoint:
        """Where it is carried out."""
        return Endpoint(url=self.url, headers=self.headers, hook=hook(self.hook) if self.hook else None)


_FILE = TypeAdapter(dict[Name, Entry])


def read_actions(file: str) -> tuple[Mapping[str, Action], Mapping[str, Endpoint]]:
    """The actions of a file; none without one. Raises Misconfigured."""
    if not file:
        return {}, {}
    entries = _entries(Path(file))
    actions: dict[str, Action] = {
        name: Action(name=name, limit=e.limit, approval=e.approval, patience=e.timeout) for name, e in entries.items()
    }
    return actions, {name: entry.endpoint for name, entry in entries.items()}


def _entries(path: Path) -> Mapping[Name, Entry]:
    try:
        return _FILE.validate_python(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise Misconfigured("ACTIONS_FILE", f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misconfigured("ACTIONS_FILE", f"{path} is not TOML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Misconfigured(
            "ACTIONS_FILE", f"{path}, [{where}]: {first['msg'].removeprefix('Value error, ')}"
        ) from None
