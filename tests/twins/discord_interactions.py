"""Commands, buttons and what is answered to them, on a Discord on loopback."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.twins.discord_gateway import APPLICATION_ID, BOT, GUILD_ID

EPHEMERAL, LOADING = 1 << 6, 1 << 7
GUILD = {"id": GUILD_ID, "features": [], "locale": "en-US"}
LOCALES = {"de", "es-ES", "fr", "it", "nl", "pt-BR"}

# A status and a body, as REST answers.
Told = tuple[int, Mapping[str, Any]]


@dataclass(kw_only=True)
class Asked:
    """An interaction, and what the bot showed for it."""

    id: str
    user: str
    at: datetime
    pressed: dict[str, Any] | None = None
    response: dict[str, Any] | None = None
    original: dict[str, Any] | None = None


class Interactions:
    """What users set off, by the token that the bot gets for it."""

    def __init__(self, new_id: Callable[[], str], now: Callable[[], datetime]) -> None:
        self.asked: dict[str, Asked] = {}
        self.shown: list[tuple[str, str]] = []  # to whom and what, for their eyes alone
        self.commands: list[dict[str, Any]] = []
        self.registrations = 0
        self._new_id = new_id
        self._now = now

    def command(
        self, user: dict[str, Any], where: dict[str, Any], name: str, locale: str, **options: str
    ) -> dict[str, Any]:
        """Somebody gives a command, which has to be registered."""
        assert name in [one["name"] for one in self.commands], f"/{name} is not registered"
        given = [{"name": key, "type": 3, "value": value} for key, value in options.items()]
        return self._begun(user, where, locale, type=2, data={"id": "41", "name": name, "type": 1, "options": given})

    def press(self, user: dict[str, Any], where: dict[str, Any], message: dict[str, Any], label: str) -> dict[str, Any]:
        """Somebody presses a button under a message; it has to be there."""
        buttons = [one for row in message.get("components", []) for one in row["components"]]
        (button,) = [one for one in buttons if one["label"] == label]
        chosen = {"custom_id": button["custom_id"], "component_type": 2}
        told = self._begun(user, where, "en-US", type=3, data=chosen)
        self.asked[told["token"]].pressed = message
        return told | {"message": message}

    def _begun(self, user: dict[str, Any], where: dict[str, Any], locale: str, **more: Any) -> dict[str, Any]:
        made = self._new_id()
        self.asked[f"token-{made}"] = Asked(id=made, user=user["id"], at=self._now())
        permissions = {"app_permissions": "0", "attachment_size_limit": 10_485_760}
        owners: dict[str, Any] = {"entitlements": [], "authorizing_integration_owners": {}}
        who = {"user": user} if where["context"] else {"member": _member(user), "guild_id": GUILD_ID, "guild": GUILD}
        told = {"id": made, "application_id": APPLICATION_ID, "token": f"token-{made}", "version": 1, "locale": locale}
        return told | permissions | owners | who | where | more

    def respond(self, made: str, token: str, body: dict[str, Any]) -> Told:
        """POST interactions/{id}/{token}/callback."""
        asked = self.asked.get(token)
        if asked is None or asked.id != made or self._now() - asked.at > timedelta(seconds=3):
            return 404, {"code": 10062, "message": "Unknown interaction"}
        if asked.response is not None:
            return 400, {"code": 40060, "message": "Interaction has already been acknowledged."}
        if not self._fits(asked, body):
            return 400, {"code": 50035, "message": "Invalid Form Body"}
        asked.response, given = body, body.get("data", {})
        if asked.pressed is not None and body["type"] in (6, 7):
            asked.pressed |= given
            asked.original = asked.pressed
        else:
            loading = LOADING if body["type"] == 5 else 0
            asked.original = _message(self._new_id(), given) | {"flags": given.get("flags", 0) | loading}
            self._show(asked, given)
        return 204, {}

    @staticmethod
    def _fits(asked: Asked, body: dict[str, Any]) -> bool:
        kinds = (4, 5, 6, 7) if asked.pressed is not None else (4, 5)
        return body.get("type") in kinds and (body["type"] != 4 or bool(body["data"]["content"].strip()))

    def follow(self, method: str, token: str, rest: list[str], body: dict[str, Any]) -> Told:
        """webhooks/{application}/{token}, and the original message below it."""
        asked = self.asked.get(token)
        if asked is None or asked.response is None:
            return 404, {"code": 10015, "message": "Unknown Webhook"}
        if self._now() - asked.at > timedelta(minutes=15):
            return 401, {"code": 50027, "message": "Invalid Webhook Token"}
        if not rest and method == "POST":
            self._show(asked, body)
            return 200, _message(self._new_id(), body)
        if rest != ["messages", "@original"] or asked.original is None:
            return 404, {"code": 10008, "message": "Unknown Message"}
        return self._original(method, asked, asked.original, body)

    def _original(self, method: str, asked: Asked, original: dict[str, Any], body: dict[str, Any]) -> Told:
        if method == "DELETE":
            asked.original = None
            return 204, {}
        if method == "PATCH":
            if not 0 < len(body["content"]) <= 2000:
                return 400, {"code": 50035, "message": "Invalid Form Body"}
            original |= body | {"flags": original["flags"] & ~LOADING}
            self._show(asked, body)
        return 200, original

    def _show(self, asked: Asked, given: dict[str, Any]) -> None:
        if given.get("content"):
            self.shown.append((asked.user, given["content"]))

    def register(self, body: Any) -> Told:
        """PUT applications/{id}/commands. Discord adds ids and defaults, and keeps them in an order of its own."""
        wrong = {"code": 50035, "message": "Invalid Form Body"}
        for one in body:
            described = [one["description"], *one.get("description_localizations", {}).values()]
            if not re.fullmatch(r"[a-z]{1,32}", one["name"]) or not all(0 < len(text) <= 100 for text in described):
                return 400, wrong
            if not set(one.get("description_localizations", {})) <= LOCALES:
                return 400, wrong
        self.registrations += 1
        defaults = {"version": "1", "default_member_permissions": None, "nsfw": False, "name_localizations": None}
        self.commands = [{"id": self._new_id(), "application_id": APPLICATION_ID} | defaults | one for one in body][
            ::-1
        ]
        return 200, {"commands": self.commands}


def _message(made: str, given: dict[str, Any]) -> dict[str, Any]:
    return {"id": made, "content": "", "components": [], "author": BOT} | given


def _member(user: dict[str, Any]) -> dict[str, Any]:
    joined = {"roles": [], "joined_at": "2025-01-05T10:00:00.000000+00:00", "deaf": False, "mute": False, "flags": 0}
    return joined | {"user": user, "permissions": "0", "nick": None, "avatar": None, "pending": False}
