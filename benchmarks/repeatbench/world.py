"""The made-up world of a run: people, what they own, and what happened to them. Every private value occurs once."""

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from benchmarks.repeatbench.protocol import ChannelName, DirectoryHandle, Sender
from benchmarks.repeatbench.protocol import Person as DirectoryRow

Slot = Literal["order_id", "amount", "product", "error_code", "plan", "device"]
Kind = Literal["charge", "delivery", "damaged", "fault", "plan"]

SLOTS: tuple[Slot, ...] = ("order_id", "amount", "product", "error_code", "plan", "device")
OF_THE_PERSON: frozenset[Slot] = frozenset({"plan", "device"})
CHANNELS: tuple[ChannelName, ...] = ("email", "sms", "voice", "slack", "discord", "web")
KINDS: tuple[Kind, ...] = ("charge", "delivery", "damaged", "fault", "plan")
NEEDED: Mapping[Kind, frozenset[Slot]] = {
    "charge": frozenset({"order_id", "amount"}),
    "delivery": frozenset({"order_id"}),
    "damaged": frozenset({"order_id", "product"}),
    "fault": frozenset({"error_code", "device"}),
    "plan": frozenset({"plan"}),
}
WELCOME: Mapping[Kind, frozenset[Slot]] = {
    "charge": frozenset({"product"}),
    "delivery": frozenset({"product"}),
    "damaged": frozenset({"amount"}),
    "fault": frozenset({"product", "order_id"}),
    "plan": frozenset({"amount"}),
}

_FIRST = (
    "Anna", "Bruno", "Carla", "Dmitri", "Elena", "Farid", "Greta", "Hassan", "Ingrid", "Jonas", "Katarina", "Leon",
    "Miriam", "Nadia", "Oscar", "Priya", "Quentin", "Rosa", "Stefan", "Tamara", "Ulrich", "Vera", "Wanda", "Yusuf",
)  # fmt: skip
_LAST = (
    "Abernathy", "Brandt", "Castellano", "Dvorak", "Eriksen", "Fontaine", "Grabowski", "Hallström", "Ivanova", "Jansen",
    "Kowalczyk", "Lindqvist", "Moreau", "Nakamura", "Okafor", "Petrov", "Quiroga", "Rahimi", "Schneider", "Tanaka",
)  # fmt: skip
_NOUNS = (
    "kettle", "toaster", "blender", "desk lamp", "vacuum cleaner", "coffee maker", "office chair", "heater",
    "headphones", "backpack", "rice cooker", "air purifier", "tent", "camera", "speaker", "mattress", "drill", "router",
)  # fmt: skip
_DEVICES = (
    "iPhone 14", "Pixel 8", "Galaxy S23", "MacBook Air", "ThinkPad T14", "iPad Pro", "Surface Laptop", "Fire tablet",
    "Windows PC", "Galaxy Tab", "Chromebook", "iPhone SE", "OnePlus 11", "Dell XPS",
)  # fmt: skip
_HEADS = (
    "Zel",
    "Cor",
    "Mar",
    "Tri",
    "Vel",
    "Bra",
    "Quo",
    "Ner",
    "Pel",
    "Dra",
    "Hol",
    "Fen",
    "Gal",
    "Sor",
    "Lum",
    "Kre",
)
_MIDDLES = ("vo", "va", "di", "mu", "ste", "ri", "lo", "ba", "ne", "ka", "tu", "xi", "po", "ge", "zi", "fa")
_TAILS = ("ra", "ne", "lix", "don", "mar", "tis", "ven", "quo", "bel", "sto", "nia", "rex")
_LONG_WORDS = 0.3
_YEARS = re.compile(r"^(19|20)\d\d$")


@dataclass(frozen=True, kw_only=True)
class Account:
    """An address of somebody on one channel."""

    channel: ChannelName
    address: str
    name: str
    workspace: str = ""
    guild: str = ""

    @property
    def listed(self) -> str:
        """The address as the directory writes it."""
        return f"{self.workspace}/{self.address}" if self.workspace else self.address

    def sender(self, *, auth: Literal["pass", "fail", "none"] = "pass", public: bool = False) -> Sender:
        """This account as the sender of a message."""
        return Sender(
            address=self.address,
            display_name=self.name,
            workspace=self.workspace,
            guild=self.guild,
            auth=auth,
            public=public,
        )


@dataclass(frozen=True, kw_only=True)
class Customer:
    """Somebody, with an account on every channel."""

    id: str
    name: str
    accounts: Mapping[ChannelName, Account]
    plan: str
    device: str

    @property
    def first_name(self) -> str:
        """The name by which friends call them."""
        return self.name.partition(" ")[0]

    def listed(self, *channels: ChannelName, profile: bool = False) -> DirectoryRow:
        """Their row in the company's directory, with these channels verified; `profile` has their plan too."""
        numbers = {"sms", "voice"}
        wanted = [c for c in channels if c != "voice" or "sms" not in channels]
        handles = [DirectoryHandle(channel="sms" if c in numbers else c, value=self.accounts[c].listed) for c in wanted]
        return DirectoryRow(id=self.id, name=self.name, handles=handles, profile={"plan": self.plan} if profile else {})


@dataclass(frozen=True, kw_only=True)
class Issue:
    """Something that happened to somebody, with all that can be told of it."""

    id: str
    kind: Kind
    facts: Mapping[Slot, str]

    @property
    def needed(self) -> frozenset[Slot]:
        """What nobody can help without."""
        return NEEDED[self.kind]

    @property
    def welcome(self) -> frozenset[Slot]:
        """What may be asked for."""
        return NEEDED[self.kind] | WELCOME[self.kind]


@dataclass(kw_only=True)
class World:
    """Makes people and values. The same seed makes the same world; no value is made twice."""

    seed: int
    rng: random.Random = field(init=False)
    owners: dict[str, str] = field(default_factory=dict)  # private value -> whose it is
    _used: set[str] = field(default_factory=set)
    _people: int = 0

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)  # noqa: S311 - a reproducible world, not a secret

    def person(self, *, name: str = "") -> Customer:
        """Somebody new. Names are few, so that many share one."""
        self._people += 1
        name = name or f"{self.rng.choice(_FIRST)} {self.rng.choice(_LAST)}"
        who = f"p{self.seed}-{self._people}"
        return Customer(
            id=who,
            name=name,
            accounts=self._accounts(who, name),
            plan=self._own(who, self._unique(self._word)),
            device=self.rng.choice(_DEVICES),
        )

    def issue(self, whose: Customer, kind: Kind | None = None, *, unlike: Issue | None = None) -> Issue:
        """Something that happened to somebody; of another kind than `unlike`."""
        others: list[Kind] = [k for k in KINDS if unlike is None or k != unlike.kind]
        chosen = self.rng.choice(others) if kind is None else kind
        made: Mapping[Slot, Callable[[], str]] = {
            "order_id": lambda: self.order(whose),
            "amount": lambda: self.amount(whose),
            "product": lambda: self.product(whose),
            "error_code": lambda: self.error_code(whose),
            "plan": lambda: whose.plan,
            "device": lambda: whose.device,
        }
        slots = sorted(NEEDED[chosen] | WELCOME[chosen])
        return Issue(id=f"i{self.rng.randrange(10**9)}", kind=chosen, facts={slot: made[slot]() for slot in slots})

    def order(self, whose: Customer) -> str:
        """An order number, whose last four are nobody else's either."""
        last = self._unique(lambda: f"{self.rng.randrange(10_000):04}", _not_a_year)
        return self._own(whose.id, f"W{self.rng.randrange(100, 1000)}{last}")

    def amount(self, whose: Customer) -> str:
        """An amount of money with cents, whose digits are not the last four of an order."""
        made = self._unique(
            lambda: f"${self.rng.randrange(11, 900)}.{self.rng.randrange(11, 99)}",
            lambda amount: re.sub(r"\D", "", amount) not in self._used,
        )
        self._used.add(re.sub(r"\D", "", made))
        return self._own(whose.id, made)

    def product(self, whose: Customer) -> str:
        """A made-up brand and an everyday noun; the brand is the private part."""
        brand = self._own(whose.id, self._unique(self._word))
        return f"{brand} {self.rng.choice(_NOUNS)}"

    def error_code(self, whose: Customer) -> str:
        """What a device shows."""
        return self._own(whose.id, self._unique(lambda: f"KX-{self.rng.randrange(10_000, 100_000)}"))

    def number(self) -> str:
        """A telephone number."""
        return self._unique(lambda: f"+1555{self.rng.randrange(10**6, 10**7)}")

    def _accounts(self, who: str, name: str) -> Mapping[ChannelName, Account]:
        phone, last = self._own(who, self.number()), name.rpartition(" ")[2].lower().replace("ö", "o")
        tag = f"{last}{who.partition('-')[2]}"
        workspace = f"T{self.seed % 90 + 10}ACME"
        mailbox = self._own(who, f"{name[0].lower()}.{tag}@mail{self._people % 7}.test")
        made = [
            Account(channel="email", address=mailbox, name=name),
            Account(channel="sms", address=phone, name=""),
            Account(channel="voice", address=phone, name=""),
            Account(channel="slack", address=f"U{self.rng.randrange(10**8, 10**9)}", name=name, workspace=workspace),
            Account(channel="discord", address=f"{self.rng.randrange(10**17, 10**18)}", name=tag, guild="G77"),
            Account(channel="web", address=who, name=name),
        ]
        return {account.channel: account for account in made}

    def _word(self) -> str:
        middle = self.rng.choice(_MIDDLES) if self.rng.random() < _LONG_WORDS else ""
        return self.rng.choice(_HEADS) + middle + self.rng.choice(_MIDDLES) + self.rng.choice(_TAILS)

    def _unique(self, make: Callable[[], str], fit: Callable[[str], bool] = lambda _: True) -> str:
        made = make()
        while made in self._used or not fit(made):
            made = make()
        self._used.add(made)
        return made

    def _own(self, whose: str, value: str) -> str:
        self.owners[value] = whose
        return value


def _not_a_year(digits: str) -> bool:
    return not _YEARS.match(digits) and not digits.startswith("0")
