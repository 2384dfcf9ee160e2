"""Colleagues' accounts: who signs in to the console, what they may do there, and for how long.

While there is no account, whoever has the console's token is the admin. The first account is an admin's, and from then
on the token opens nothing.
"""

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from core.errors import Problem

SESSION_LIFE = timedelta(hours=12)
SESSION_IDLE = timedelta(hours=2)
LONGEST_NAME = 40
LONGEST_EMAIL = 254
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 256

_NAME = re.compile(rf"[^\W_][\w.@-]{{0,{LONGEST_NAME - 1}}}")
_EMAIL = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;]+")
_TAKEN = frozenset({"bot"})  # who the access log names when it was no colleague


class Role(StrEnum):
    """What a colleague may do; each role may do all that the one before it may."""

    AGENT = "agent"  # cases
    LEAD = "lead"  # also what is parked, and decisions about identity
    ADMIN = "admin"  # also accounts

    def covers(self, needed: "Role") -> bool:
        """Whether this role may do what needs another one."""
        roles = list(Role)
        return roles.index(self) >= roles.index(needed)


class NoSuchAccount(Problem):
    """There is no account of this name that could be changed."""


class NotAllowed(Problem):
    """An account cannot be made or changed like this; the message tells why, and `field` what was given wrong."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, kw_only=True, slots=True)
class Colleague:
    """Who is at the console. `by_token`: nobody has an account yet."""

    name: str
    role: Role
    by_token: bool = False
    has_second_factor: bool = False


ADMIN_BY_TOKEN = Colleague(name="admin", role=Role.ADMIN, by_token=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """A colleague's account, without its secrets. `email` is how the sign-in provider may know them; `is_provided`:
    it does, and signs them in."""

    id: int
    name: str
    role: Role
    made_at: datetime
    disabled_at: datetime | None
    email: str
    has_password: bool
    has_second_factor: bool
    is_provided: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Credential:
    """What an account that is not disabled is signed in with. `second_factor`: a code is wanted too."""

    name: str
    password_hash: str
    second_factor: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class NewAccount:
    """An account to be made. `name` and `email` are normalized."""

    name: str
    role: Role
    password_hash: str
    email: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """Somebody signed in. `id` names it and opens nothing."""

    id: str
    began_at: datetime
    seen_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Provided:
    """Whom the sign-in provider vouches for. `email` is "" unless the provider has verified it."""

    issuer: str
    subject: str
    email: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SignIn:
    """A try to sign in. It counts as wrong, under `id`, until it is forgiven; None where there were too many before."""

    id: int | None
    from_source: int  # wrong ones before it, from where it came
    by_name: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Audited:
    """What a colleague did, and about what, e.g. "case 12". Nothing in it is what a customer said or is called."""

    at: datetime
    who: str
    what: str
    about: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditFilter:
    """Which lines of the audit are wanted; what is empty leaves it open. `day` is one in UTC."""

    who: str = ""
    what: str = ""
    day: date | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditChoices:
    """Whom and what the lines of the audit name."""

    who: Sequence[str]
    what: Sequence[str]


class AuditLedger(Protocol):
    """Where it is written down what colleagues do."""

    async def audit(self, who: str, what: str, about: str, *, now: datetime) -> None:
        """Writes a line, e.g. ("bea", "take", "case 12"). Never what a customer said, or is called."""
        ...


class SecondFactorLedger(Protocol):
    """A code beside the password. Secrets come sealed, recovery codes as digests."""

    async def second_factor(self, name: str) -> str:
        """The sealed secret; "" where none is wanted."""
        ...

    async def second_factors(self) -> Sequence[tuple[str, str]]:
        """Every account's name and sealed secret, where it has one."""
        ...

    async def seal_second_factor(self, name: str, before: str, sealed: str) -> bool:
        """Keeps the same secret under another seal; False where it is another one by now."""
        ...

    async def turn_on_second_factor(
        self, name: str, sealed: str, recovery: Collection[str], *, step: int, now: datetime
    ) -> None:
        """Wants a code from now on; `step` is the one that was taken to turn it on. Raises NoSuchAccount."""
        ...

    async def turn_off_second_factor(self, name: str, *, by: str, now: datetime) -> None:
        """Wants no code any more. Raises NoSuchAccount where none was wanted."""
        ...

    async def take_step(self, name: str, step: int) -> bool:
        """Whether a code of this time step is taken: it is newer than the last one that was."""
        ...

    async def take_recovery_code(self, name: str, digest: str, *, now: datetime) -> bool:
        """Whether it was one of those that are left; it is none any more."""
        ...

    async def recovery_codes_left(self, name: str) -> int:
        """How many are left."""
        ...


class AccountLedger(AuditLedger, SecondFactorLedger, Protocol):
    """What is on record about colleagues. A session is known by the digest of its id."""

    async def has_accounts(self) -> bool:
        """Whether anybody has ever been given an account."""
        ...

    async def accounts(self) -> Sequence[Account]:
        """Everybody, by name."""
        ...

    async def account(self, number: int) -> Account:
        """One of them. Raises NoSuchAccount."""
        ...

    async def own_account(self, name: str) -> Account:
        """The account of this name, unless it is disabled. Raises NoSuchAccount."""
        ...

    async def audited(self, wanted: AuditFilter, *, page: int = 1, most: int = 50) -> Sequence[Audited]:
        """A page of what was done, newest first."""
        ...

    async def audit_choices(self) -> AuditChoices:
        """Whom and what a filter can name."""
        ...

    async def credential(self, name: str) -> Credential | None:
        """How somebody signs in; None for a disabled account and for none."""
        ...

    async def add_account(self, account: NewAccount, *, by: str, now: datetime) -> None:
        """Makes an account, or one that was disabled anew. Raises NotAllowed."""
        ...

    async def disable_account(self, name: str, *, by: str, now: datetime) -> None:
        """Disables an account and ends its sessions. Raises NoSuchAccount, and NotAllowed for the last admin."""
        ...

    async def enable_account(self, name: str, *, by: str, now: datetime) -> None:
        """Opens a disabled account again, as it was. Raises NoSuchAccount."""
        ...

    async def change_role(self, name: str, role: Role, *, by: str, now: datetime) -> None:
        """What they may do from now on. Raises NoSuchAccount, and NotAllowed for the last admin."""
        ...

    async def change_email(self, name: str, email: str, *, by: str, now: datetime) -> None:
        """By which mail address the sign-in provider may know them; who it knew them as is forgotten. Raises
        NoSuchAccount, and NotAllowed for another account's address."""
        ...

    async def provided(self, who: Provided, *, domains: Collection[str], now: datetime) -> Credential:
        """The account of whom the provider vouches for, known by issuer and subject, or the first time by a verified
        address; one is made for an address of these domains. Raises NotAllowed."""
        ...

    async def change_password(self, old: Credential, password_hash: str, *, now: datetime) -> None:
        """Gives an account a new password and ends its sessions. Raises NoSuchAccount when `old` opens it no more."""
        ...

    async def reset_password(self, name: str, password_hash: str, *, by: str, now: datetime) -> None:
        """Gives an account a password that its holder did not choose, ends its sessions. Raises NoSuchAccount."""
        ...

    async def tie(self, name: str, key: str, *, by: str, now: datetime) -> None:
        """Says which handle elsewhere, e.g. slack:T1/U1, is a colleague's; "" for none. Raises NoSuchAccount."""
        ...

    async def begin_sign_in(self, source: str, name: str, *, most: int, since: datetime, now: datetime) -> SignIn:
        """Counts a try before it is looked at, among those `since` then; `most` may come from one source."""
        ...

    async def forgive_sign_in(self, sign_in: int) -> None:
        """It was right after all. The wrong ones before it still count."""
        ...

    async def open_session(self, digest: str, credential: Credential | None, *, now: datetime) -> bool:
        """Begins a session, by the token without a credential; False when that opens nothing any more."""
        ...

    async def session(self, digest: str, *, now: datetime, active: bool) -> Colleague | None:
        """Whose session it is, while it lasts. `active` puts its idle end off."""
        ...

    async def end_session(self, digest: str, *, now: datetime) -> None:
        """Ends a session."""
        ...

    async def sessions(self, name: str, *, now: datetime) -> Sequence[Session]:
        """Where somebody is signed in, newest first."""
        ...

    async def end_sessions(self, name: str, ids: Collection[str], *, by: str, now: datetime) -> None:
        """Ends some of somebody's sessions. Raises NoSuchAccount where one of these is not theirs, or over."""
        ...


def normalized(name: str) -> str:
    """A name as accounts are known by, however it was typed."""
    return unicodedata.normalize("NFKC", name).strip().lower()


def checked_name(typed: str) -> str:
    """The normalized name of a new account. Raises NotAllowed."""
    name = normalized(typed)
    if not _NAME.fullmatch(name) or name in _TAKEN:
        raise NotAllowed(
            f"A name is a letter or digit, then up to {LONGEST_NAME - 1} letters, digits, dots, dashes or @.",
            "name",
        )
    return name


def checked_email(typed: str) -> str:
    """An account's mail address, or "" for none. Raises NotAllowed."""
    email = normalized(typed)
    if email and (len(email) > LONGEST_EMAIL or not _EMAIL.fullmatch(email)):
        raise NotAllowed("An e-mail address looks like bea@example.com; leave it empty where there is none.", "email")
    return email


def checked_password(typed: str, name: str) -> str:
    """A new password. Raises NotAllowed."""
    if not SHORTEST_PASSWORD <= len(typed) <= LONGEST_PASSWORD:
        raise NotAllowed(
            f"A password has at least {SHORTEST_PASSWORD} characters, and at most {LONGEST_PASSWORD}.", "password"
        )
    if normalized(typed) == name:
        raise NotAllowed("The password is the name; choose another one.", "password")
    return typed


def checked_role(typed: str) -> Role:
    """The role of a new account. Raises NotAllowed."""
    if typed not in list(Role):
        raise NotAllowed(f"Choose a role: {', '.join(Role)}.", "role")
    return Role(typed)
