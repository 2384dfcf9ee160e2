"""The API as OpenAPI describes it, made from the same list that it is served from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from bots.console.api.shapes import Problem
from bots.console.login import COOKIE

_SCHEMAS = "#/components/schemas/{model}"
_REFUSALS = {
    "401": "There is no session: sign in first, and send its cookie.",
    "403": "The request came from another site, or names no Origin.",
    "404": "There is no such case.",
    "409": "It cannot be done now; nothing was changed.",
    "413": "More was sent than we take.",
    "422": "What was sent is not what is taken; the message names the field.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Described:
    """One operation. `asks` are names of the query with what they mean."""

    method: str
    path: str
    what: str
    gives: type[BaseModel]
    takes: type[BaseModel] | None = None
    asks: Mapping[str, str] | None = None


def document(operations: Sequence[Described], *, title: str, base_url: str) -> dict[str, Any]:
    """An OpenAPI 3.1 document."""
    models = {model for one in operations for model in (one.gives, one.takes) if model} | {Problem}
    _, schemas = models_json_schema(
        [(model, "serialization") for model in sorted(models, key=lambda model: model.__name__)],
        ref_template=_SCHEMAS,
    )
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "1", "description": _ABOUT},
        "servers": [{"url": base_url}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": COOKIE}},
        },
        "security": [{"session": []}],
    }


_ABOUT = (
    "What the console shows and does, for programs. Sign in by POST /console/login (a form with name and password) and "
    "send the cookie that it sets. Each POST names our own address in its Origin header. Every reading is noted in the "
    "access log and every deed in the audit, under the name of the account."
)


def _operation(one: Described) -> dict[str, Any]:
    deed = one.method == "POST"
    refusals = ["401", *(["403"] if deed else []), *(["404"] if "{case}" in one.path else [])]
    refusals += ["409", "413", "422"] if deed else []
    answers = {"200": _answer(one.gives, one.gives.__doc__ or "")}
    answers |= {status: _answer(Problem, _REFUSALS[status]) for status in refusals}
    told: dict[str, Any] = {"summary": one.what, "operationId": _id(one), "responses": answers}
    if parameters := [*_in_path(one.path), *_in_query(one.asks or {})]:
        told["parameters"] = parameters
    if one.takes:
        told["requestBody"] = {"required": True, "content": _json(one.takes)}
    return told


def _id(one: Described) -> str:
    words = [part for part in one.path.split("/")[3:] if not part.startswith("{")]
    return "_".join([one.method.lower(), *words]).replace("-", "_")


def _answer(model: type[BaseModel], description: str) -> dict[str, Any]:
    return {"description": " ".join(description.split()), "content": _json(model)}


def _json(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _SCHEMAS.format(model=model.__name__)}}}


def _in_path(path: str) -> Sequence[dict[str, Any]]:
    if "{case}" not in path:
        return []
    return [{"name": "case", "in": "path", "required": True, "schema": {"type": "integer"}}]


def _in_query(asks: Mapping[str, str]) -> Sequence[dict[str, Any]]:
    return [
        {"name": name, "in": "query", "description": meaning, "schema": {"type": "string"}}
        for name, meaning in asks.items()
    ]
