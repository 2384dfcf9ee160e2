"""What can be done for a case's customer, to whom and how much: worked out of the record alone. Pure.

Which actions make sense for which kind of issue, and how they are told, stands in quick.toml.
"""

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from core.actions import DEEDS
from core.casefile import CaseFile
from core.desk import Refused
from core.runs import Money, money
from identity.gate import HandleId
from identity.policy import Deed, Leave, leave
from identity.proof import Proof

How = Literal["now", "lead", "task", "never"]

_FILE = Path(__file__).with_name("quick.toml")
_UNPROVEN = {
    Proof.CLAIMED: "Nobody vouches for who wrote last, so nothing may be done for them here. Let them show a code, or"
    " write from an address that is proven.",
    Proof.PLAUSIBLE: "Who wrote last is probably, but not surely, this customer, so nothing may be done for them here."
    " Let them show a code, or write from an address that is proven.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """An action that makes sense for a case. `how` it goes on: now, once a lead agrees, as a task, or not at all, and
    `why` so. `amount` and `most` are figures such as "50.00"; "" where no money is meant."""

    action: str
    how: How
    why: str = ""
    deed: str = ""  # what exactly would be done: "Refund $50.00 to Ann Keller (cus_7) for order W4829137"
    money: Money | None = None
    most: Money | None = None

    @property
    def amount(self) -> str:
        """The figure that the record gives."""
        return f"{self.money.value:.2f}" if self.money else ""

    @property
    def seal(self) -> str:
        """Changes with what would be done, and with whom it would take."""
        return hashlib.sha256(f"{self.how} {self.deed}".encode()).hexdigest()[:20]


def why_never(file: CaseFile, name: str, offer: Offer) -> str:
    """Why an action cannot be run for a case, whoever asks; "" where it can."""
    if leave(DEEDS[name], file.proof) is Leave.NO:
        return _UNPROVEN[file.proof]
    if file.profile is None:
        return "The directory does not know this customer, so the company could not tell whom it is for."
    if DEEDS[name] is Deed.SPEND and offer.money is None:
        return "The record does not say how much; ask the customer for the amount."
    if any(run.action == name and run.state in ("waiting", "running", "unknown") for run in file.runs):
        return "It was asked for already, and how it ends is not known yet; see above."
    return ""


def amount_of(typed: str, known: Offer) -> Money:
    """What a colleague typed, in the customer's currency. Raises Refused."""
    found = money(typed) if "-" not in typed else None
    if found is None or found.value <= 0 or found.value != round(found.value, 2):
        raise Refused("Nothing was done: type an amount such as 25.00.")
    if known.most is not None and found.value > known.most.value:
        raise Refused(f"Nothing was done: on record are {known.most.exact}, and no more can be given back.")
    return Money(found.value, known.money.around) if known.money else found


def facts_of(file: CaseFile) -> Mapping[str, str]:
    """The newest value of each slot of a case, and the plan that they name."""
    here = [fact for fact in reversed(file.facts) if fact.case == file.case.id or fact.slot == "plan"]
    return {fact.slot: fact.value for fact in here}


def handles_of(file: CaseFile) -> list[HandleId]:
    """All handles of a case's customer."""
    return [contact.handle for contact in file.contacts]


def was_done(file: CaseFile, name: str) -> bool:
    """Whether it was done for this case before."""
    return any(run.action == name and run.state == "done" for run in file.runs)


def deed_of(file: CaseFile, name: str, sum_: Money | None) -> str:
    """What would be done, to the letter."""
    number = f" ({file.profile.external_id})" if file.profile else ""
    order = facts_of(file).get("order_id", "")
    amount = sum_.exact if sum_ else "an amount not known yet"
    return _deeds()[name].format(who=f"{file.name}{number}", amount=amount, of=f" for order {order}" if order else "")


def offered(file: CaseFile) -> Sequence[str]:
    """What makes sense for this kind of issue; what the customer asked for comes first."""
    wanted = file.value("wanted")
    names = dict.fromkeys(([wanted] if wanted in DEEDS else []) + _offers().get(file.category, []))
    return list(names)


@cache
def _offers() -> Mapping[str, list[str]]:
    offers: dict[str, list[str]] = tomllib.loads(_FILE.read_text(encoding="utf-8"))["offers"]
    return offers


@cache
def _deeds() -> Mapping[str, str]:
    deeds: dict[str, str] = tomllib.loads(_FILE.read_text(encoding="utf-8"))["deeds"]
    return deeds
