"""The slash commands, registered for all servers and direct messages.

Source: https://docs.discord.com/developers/interactions/application-commands
"""

from collections.abc import Iterable, Mapping
from typing import Final

from channels._discord.phrases import PHRASES
from channels._discord.rest import Rest

_LOCALES: Final = {"de": "de", "es": "es-ES", "fr": "fr", "it": "it", "nl": "nl", "pt": "pt-BR"}
_ANYWHERE: Final = {"type": 1, "contexts": [0, 1], "integration_types": [0]}  # in servers and in our direct messages
_CODE: Final = {"type": 3, "name": "code", "description": "The code that another channel gave you", "required": False}


def _command(name: str, about: str) -> dict[str, object]:
    described = {locale: str(getattr(PHRASES[language], about)) for language, locale in _LOCALES.items()}
    return _ANYWHERE | {
        "name": name,
        "description": getattr(PHRASES["en"], about),
        "description_localizations": described,
        "options": [_CODE] if name == "link" else [],
    }


COMMANDS: Final = [_command(name, f"about_{name}") for name in ("help", "human", "link")]


async def registered(rest: Rest, application: str) -> bool:
    """Whether Discord has our commands as they are. Raises TryAgain or Refused."""
    there = await rest.ask("GET", f"applications/{application}/commands", with_localizations="true")
    return _as_compared(there) == _as_compared(COMMANDS)


async def register(rest: Rest, application: str) -> None:
    """Puts our commands in place of what is there, if that differs. Raises TryAgain or Refused."""
    if not await registered(rest, application):
        await rest.ask("PUT", f"applications/{application}/commands", COMMANDS)


def _as_compared(commands: Iterable[object]) -> list[Mapping[str, object]]:
    """Discord adds ids and defaults; an order it does not keep."""
    found = [one for one in commands if isinstance(one, Mapping)]
    compared = [{field: one.get(field) or [] for field in COMMANDS[0]} | {"options": _options(one)} for one in found]
    return sorted(compared, key=lambda one: str(one["name"]))


def _options(command: Mapping[str, object]) -> list[dict[str, object]]:
    options = command.get("options")
    found = [one for one in options if isinstance(one, Mapping)] if isinstance(options, list) else []
    return [{field: one.get(field, False) for field in _CODE} for one in found]
