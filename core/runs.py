"""What is asked of the company for a customer, and what came of it: the words in which actions are spoken of."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from core.errors import Problem
from core.phrases import say

RunState = Literal["waiting", "running", "done", "refused", "unknown", "declined"]

_MONEY = re.compile(r"^\D*?(?P<figure>\d[\d.,]*)\D*$")


class NoSuchRun(Problem):
    """There is no such action, or it waits for nobody any more."""


@dataclass(frozen=True, slots=True)
class Money:
    """A sum in the customer's own spelling: "$49", "49,90 €". `around` is that spelling with {} for the figure."""

    value: Decimal
    around: str

    def __str__(self) -> str:
        whole = self.value == self.value.to_integral()
        return self.around.format(f"{self.value:.0f}") if whole else self.exact

    @property
    def exact(self) -> str:
        """With two decimals: "$49.00"."""
        return self.around.format(f"{self.value:.2f}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What is asked of the company. The same `id` is the same request, however often it arrives."""

    id: str
    action: str
    customer: str  # the directory's external_id
    amount: str  # as "50.00"; "" where it is not about money
    shown: str  # the same as the customer writes it: "$50"
    facts: Mapping[str, str]
    language: str
    proof: str
    requested_at: str  # ISO 8601


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What the company answered: a reference for staff, and what the customer may be told in its own words."""

    reference: str = ""
    message: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One action that a customer asked for, on record, and what came of it."""

    id: int
    action: str
    state: RunState
    request: Request
    reference: str = ""
    message: str = ""
    error: str = ""
    asked_by: str = ""  # a colleague; "" for the customer
    why: str = ""  # in that colleague's words
    approved_by: str = ""

    @property
    def told(self) -> str:
        """The action and its sum, as it is kept among what was done for a case."""
        return f"{self.action} {self.request.shown}".strip()

    @property
    def why_a_person(self) -> str:
        """Why a colleague has to look at it; "" where it was done."""
        match self.state:
            case "done":
                return ""
            case "waiting":
                return f"{self.asked_by or 'The customer'} asks for a {self.told}. A person has to approve it."
            case "declined":
                return f"The {self.told} was declined by a colleague."
            case "refused":
                return f"The {self.told} was refused: {self.error}"
            case _:
                return f"The {self.told}: {self.error or 'the outcome is not known'}. See whether it was done."


def owed(facts: Mapping[str, str]) -> Money | None:
    """What was charged beyond what was due, or what the plan costs that they name; all of it where neither is told."""
    charged = money(facts.get("amount", ""))
    due = money(facts.get("amount_due", "")) or money(facts.get("plan", ""))
    if charged is None or due is None or due.value >= charged.value:
        return charged
    return Money(charged.value - due.value, charged.around)


def money(text: str) -> Money | None:
    """A sum in words as a number. None where there is none."""
    match = _MONEY.match(text.strip())
    if match is None:
        return None
    figure = match["figure"].rstrip(".,")
    whole, _, cents = figure, "", ""
    if re.search(r"[.,]\d{1,2}$", figure):
        whole, cents = re.split(r"[.,](?=\d{1,2}$)", figure)
    value = Decimal(f"{re.sub(r'[.,]', '', whole)}.{cents or '0'}")
    start = match.start("figure")
    before, after = text.strip()[:start], text.strip()[start + len(figure) :]
    return Money(value, f"{_literal(before)}{{}}{_literal(after)}")


def _literal(text: str) -> str:
    return text.replace("{", "").replace("}", "")


def outcome(run: Run, language: str) -> str:
    """What a customer is told of something that was asked of the company; nothing is said to be done but what was."""
    if run.state == "done":
        done = say(f"{run.action}_done", language, amount=run.request.shown)
        return " ".join(filter(None, (done, run.message)))
    kind = {"waiting": "action_waits", "refused": "action_refused"}.get(run.state, "action_failed")
    return say(kind, language, action=say(f"{run.action}_called", language))
