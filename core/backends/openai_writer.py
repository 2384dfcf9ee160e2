"""The writer over a language model: one structured call of chat.completions to any OpenAI-compatible server."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, get_args

from pydantic import BaseModel, Field, StringConstraints, ValidationError

from core.backends.following import Begun, Broken, Choice, followed
from core.backends.prompt import prompt
from core.errors import WriterFailed
from core.writing import (
    ISSUE_SLOTS,
    PERSON_SLOTS,
    TOLD_SLOTS,
    Answer,
    Brief,
    Category,
    Draft,
    Mood,
    Told,
    Urgency,
)

if TYPE_CHECKING:
    from openai import AsyncOpenAI, OpenAIError
    from openai.types.chat import ChatCompletionMessageParam
    from openai.types.shared_params import ResponseFormatJSONSchema

SLOTS = ISSUE_SLOTS + PERSON_SLOTS
ACTIONS = ("refund", "credit", "reset", "status", "callback", "flag")
_PREFERENCES = ("language", "channel", "technical", "tone", "phone")
_LONGEST_REPLY = 4_000  # characters; who writes more has lost the thread
_LONGEST_VALUE, _LONGEST_ISSUE = 200, 300  # characters
_LONGEST_ANSWER = 20_000  # characters that are searched for the JSON object
_MOST_BRACES = 50
_UNFINISHED = ("length", "content_filter")
_UNAUTHORISED = (401, 403)
_TOO_MANY = 429
_SERVER_ERROR = 500  # and above

Text = Annotated[str, StringConstraints(strip_whitespace=True)]


class _Fact(BaseModel, strict=True):
    slot: str
    value: Text


class _Given(BaseModel, strict=True):
    """What the model answers. Only the reply and the confidence have no default."""

    human_wanted: bool = False
    confidence: Annotated[float, Field(ge=0, le=1)]
    actions: list[str] = []
    reply: Annotated[str, StringConstraints(strip_whitespace=True, max_length=_LONGEST_REPLY, pattern=r"\w")]
    asks: list[str] = []
    case: int | None = None
    issue: Text = ""
    category: Category = "other"
    mood: Mood = "neutral"
    urgency: Urgency = "medium"
    language: str = ""
    facts: list[_Fact] = []
    preferences: list[_Fact] = []
    tried: list[Text] = []
    resolved: bool = False
    pattern: int | None = None


class _Completion(BaseModel):
    choices: Annotated[list[Choice], Field(min_length=1)]
    usage: object = None  # whatever a server says of it, an answer is an answer

    def tokens(self, kind: str) -> int:
        """How many tokens of a kind it took; 0 where the server does not say."""
        counted = self.usage.get(f"{kind}_tokens") if isinstance(self.usage, dict) else None
        return counted if isinstance(counted, int) and counted > 0 else 0


def _strings(*values: str) -> dict[str, object]:
    return {"type": "array", "items": {"type": "string", "enum": list(values)} if values else {"type": "string"}}


def _object(properties: Mapping[str, object]) -> dict[str, object]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _told(slot: object) -> dict[str, object]:
    return {"type": "array", "items": _object({"slot": slot, "value": {"type": "string"}})}


# A strict server writes the properties in this order: decisions first, so that a reply can be streamed once they pass.
SCHEMA = _object(
    {
        "human_wanted": {"type": "boolean"},
        "confidence": {"type": "number"},
        "actions": _strings(*ACTIONS),
        "reply": {"type": "string"},
        "asks": _strings(*SLOTS),
        "case": {"type": ["integer", "null"]},
        "issue": {"type": "string"},
        "category": {"type": "string", "enum": list(get_args(Category))},
        "mood": {"type": "string", "enum": list(get_args(Mood))},
        "urgency": {"type": "string", "enum": list(get_args(Urgency))},
        "language": {"type": "string"},
        "facts": _told({"type": "string", "enum": [*SLOTS, *TOLD_SLOTS]}),
        "preferences": _told({"type": "string", "enum": list(_PREFERENCES)}),
        "tried": _strings(),
        "resolved": {"type": "boolean"},
        "pattern": {"type": ["integer", "null"]},
    }
)
_FORMAT: "ResponseFormatJSONSchema" = {
    "type": "json_schema",
    "json_schema": {"name": "answer", "strict": True, "schema": SCHEMA},
}


def _asking(messages: "Sequence[ChatCompletionMessageParam]") -> dict[str, object]:
    """What takes the place of the library's own arguments: those it walks through by their types, for 2 ms."""
    return {"messages": messages, "response_format": _FORMAT}


class OpenAIWriter:
    """Asks a language model, once per turn. It never retries: the offline rules answer instead."""

    def __init__(
        self,
        api_key: str,
        base_url: str,
        model: str,
        timeout: float,
        spent: Callable[[str, int], None] = lambda _kind, _tokens: None,
    ) -> None:
        """`base_url` ends in the API's version, as in http://host/v1; `timeout` is for the whole call, in seconds.
        `spent` is told of tokens that the server counted, of the prompt and of the completion."""
        self._api_key = api_key
        self._base_url = base_url
        self._model = model
        self._timeout = timeout
        self._spent = spent

    async def answer(self, brief: Brief) -> Answer:
        """The model's answer to a brief. Raises WriterFailed."""
        await self.warm()
        return await self._answered(brief, self._ask(prompt(brief)))

    async def answer_aloud(self, brief: Brief, draft: Draft) -> Answer:
        """As `answer`; shown to `draft` while the model writes it."""
        await self.warm()
        return await self._answered(brief, self._follow(prompt(brief), draft))

    async def _answered(self, brief: Brief, asking: Awaitable[Choice]) -> Answer:
        try:
            async with asyncio.timeout(self._timeout):
                choice = await asking
            return _answer(_given(choice), brief, self._model)
        except Broken as broken:
            raise self._failed(str(broken)) from None
        except TimeoutError:
            raise self._failed(f"gave no answer within {self._timeout:g} s", away=True) from None
        except self._vendor_error as error:
            raise self._failed(_vendor_reason(error), away=_is_away(error)) from None

    async def warm(self) -> None:
        """Loads the client where that was not done yet, so that the first customer need not wait for it."""
        if "_client" not in vars(self):
            await asyncio.to_thread(getattr, self, "_client")

    async def close(self) -> None:
        """Closes the connections."""
        if "_client" in vars(self):
            await self._client.close()

    @cached_property
    def _client(self) -> "AsyncOpenAI":
        from openai import AsyncOpenAI  # noqa: PLC0415 - half a second and 15 MB

        return AsyncOpenAI(api_key=self._api_key, base_url=self._base_url, timeout=self._timeout, max_retries=0)

    @property
    def _vendor_error(self) -> "type[OpenAIError]":
        from openai import OpenAIError  # noqa: PLC0415 - the same

        return OpenAIError

    async def _ask(self, messages: "Sequence[ChatCompletionMessageParam]") -> Choice:
        # The raw body, because the library hands on whatever a server calls a completion, unchecked.
        response = await self._client.chat.completions.with_raw_response.create(
            model=self._model, messages=[], extra_body=_asking(messages)
        )
        return self._chosen(response.text)

    async def _follow(self, messages: "Sequence[ChatCompletionMessageParam]", draft: Draft) -> Choice:
        async with self._client.chat.completions.with_streaming_response.create(
            model=self._model, messages=[], extra_body=_asking(messages), stream=True
        ) as response:
            if not response.headers.get("content-type", "").startswith("text/event-stream"):
                return self._chosen(await response.text())  # a server that does not stream
            return await followed(response.iter_lines(), lambda begun: draft(_begun(begun)))

    def _chosen(self, body: str) -> Choice:
        """What the model said in a response. Raises Broken."""
        try:
            completion = _Completion.model_validate_json(body)
        except ValidationError:
            raise Broken("sent no readable completion") from None
        for kind in ("prompt", "completion"):
            self._spent(kind, completion.tokens(kind))
        return completion.choices[0]

    def _failed(self, reason: str, *, away: bool = False) -> WriterFailed:
        return WriterFailed(f"The language model {self._model} {reason}; the offline rules answer instead.", away=away)


def _is_away(error: Exception) -> bool:
    """Whether this is about the server: 429, 5xx, or no answer."""
    status = getattr(error, "status_code", None)
    return status is None or status == _TOO_MANY or status >= _SERVER_ERROR


def _vendor_reason(error: Exception) -> str:
    status = getattr(error, "status_code", None)
    if status == _TOO_MANY:
        return "refused for too many requests (429)"
    if status in _UNAUTHORISED:
        return f"refused the key ({status}), see OPENAI_API_KEY"
    if status is not None:
        return f"answered with HTTP {status}"
    return "timed out" if "Timeout" in type(error).__name__ else "could not be reached or broke off"


def _begun(begun: Begun) -> Answer:
    """An answer as far as it goes."""
    return Answer(
        human_wanted=begun.human_wanted,
        confidence=begun.confidence,
        actions=_among(begun.actions, ACTIONS),
        reply=begun.reply,
    )


def _given(choice: Choice) -> _Given:
    """The answer in what the model said. Raises Broken."""
    if choice.message.refusal:
        raise Broken("declined to answer")
    if choice.finish_reason in _UNFINISHED:
        raise Broken(f"did not finish ({choice.finish_reason})")
    return _answer_among(choice.message.content or "")


def _answer_among(content: str) -> _Given:
    """The answer among what a model says: bare, in a code fence, after its thoughts, or within prose. Raises Broken."""
    wrong = "sent no JSON answer"
    for found in _objects(content[:_LONGEST_ANSWER]):
        if "reply" in found:
            try:
                return _Given.model_validate(found)
            except ValidationError:
                wrong = "sent an answer of another shape"
    raise Broken(wrong)


def _objects(content: str) -> Iterator[Mapping[str, object]]:
    decoder, at = json.JSONDecoder(), content.find("{")
    for _ in range(_MOST_BRACES):
        if at < 0:
            return
        try:
            found, end = decoder.raw_decode(content, at)
            yield found
        except (json.JSONDecodeError, RecursionError):
            end = at + 1
        at = content.find("{", end)


def _answer(given: _Given, brief: Brief, model: str) -> Answer:
    return Answer(
        human_wanted=given.human_wanted,
        confidence=given.confidence,
        actions=_among(given.actions, ACTIONS),
        reply=given.reply,
        asks=_among(given.asks, SLOTS),
        case=given.case if given.case in {case.id for case in (*brief.cases, *brief.closed)} else None,
        issue=given.issue[:_LONGEST_ISSUE],
        category=given.category,
        mood=given.mood,
        urgency=given.urgency,
        language=_language(given.language, brief),
        facts=_facts(given.facts, SLOTS + TOLD_SLOTS),
        preferences=_facts(given.preferences, _PREFERENCES),
        tried=tuple(step for step in given.tried if 0 < len(step) <= _LONGEST_VALUE),
        resolved=given.resolved,
        pattern=given.pattern if given.pattern in {one.id for one in brief.patterns} else None,
        article=next((one.title for one in brief.articles if one.title in given.reply), ""),
        writer=model,
    )


def _among(given: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in given if name in known))


def _facts(given: Sequence[_Fact], known: Sequence[str]) -> tuple[Told, ...]:
    told = (fact for fact in given if fact.slot in known and 0 < len(fact.value) <= _LONGEST_VALUE)
    return tuple(Told(slot=fact.slot, value=fact.value) for fact in told)


def _language(given: str, brief: Brief) -> str:
    code = given.strip().lower()[:2]
    if code in brief.languages:
        return code
    return brief.language or (brief.languages[0] if brief.languages else "en")
