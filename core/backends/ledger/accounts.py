"""Colleagues on record: their accounts, and who changed what about them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, or_, select, update

from core.accounts import Account, Credential, NewAccount, NoSuchAccount, NotAllowed, Role
from core.backends.ledger.auditing import note
from core.backends.ledger.schema import accounts, provided, recovery_codes, sessions

_NONE = "there is no such account"


def has_accounts(tx: Connection) -> bool:
    """Whether anybody has ever been given an account."""
    return tx.execute(select(accounts.c.id).limit(1)).first() is not None


def everybody(tx: Connection) -> Sequence[Account]:
    """Everybody, by name."""
    known = set(tx.execute(select(provided.c.account_id)).scalars())
    return [
        _account(row, is_provided=row.id in known) for row in tx.execute(select(accounts).order_by(accounts.c.name))
    ]


def account(tx: Connection, number: int) -> Account:
    """One of them."""
    return _one(tx, accounts.c.id == number)


def own_account(tx: Connection, name: str) -> Account:
    """The account of this name, unless it is disabled."""
    return _one(tx, accounts.c.name == name, accounts.c.disabled_at.is_(None))


def _one(tx: Connection, *where: ColumnElement[bool]) -> Account:
    row = tx.execute(select(accounts).where(*where)).one_or_none()
    if row is None:
        raise NoSuchAccount(_NONE)
    known = tx.execute(select(provided.c.subject).where(provided.c.account_id == row.id).limit(1)).first()
    return _account(row, is_provided=known is not None)


def _account(row: Row[Any], *, is_provided: bool) -> Account:
    return Account(
        id=row.id,
        name=row.name,
        role=Role(row.role),
        made_at=row.made_at,
        disabled_at=row.disabled_at,
        email=row.email,
        has_password=bool(row.password_hash),
        has_second_factor=bool(row.second_factor),
        is_provided=is_provided,
    )


def credential(tx: Connection, name: str) -> Credential | None:
    """How somebody signs in."""
    row = enabled(tx, accounts.c.name == name)
    return credential_of(row) if row else None


def credential_of(row: Row[Any]) -> Credential:
    """How the holder of an account signs in."""
    return Credential(name=row.name, password_hash=row.password_hash, second_factor=bool(row.second_factor))


# ── changes ──
def add(tx: Connection, new: NewAccount, by: str, now: datetime) -> None:
    """Makes an account, or one that was disabled anew: whose it was before signs in to it no more."""
    if new.role is not Role.ADMIN and not has_accounts(tx):
        raise NotAllowed(
            "The first account has to be an admin's: from then on the console token opens nothing.", "role"
        )
    if credential(tx, new.name):
        raise NotAllowed(f"{new.name} has an account already.", "name")
    _nobody_elses(tx, new.email, new.name)
    _make(tx, new, now)
    note(tx, by, "made an account", f"{new.name} as {new.role}", now)


def _make(tx: Connection, new: NewAccount, now: datetime) -> None:
    values = {"role": new.role, "password_hash": new.password_hash, "email": new.email, "made_at": now}
    old = tx.execute(select(accounts.c.id).where(accounts.c.name == new.name)).scalar()
    if old is None:
        tx.execute(insert(accounts).values(name=new.name, **values))
        return
    forget_provided(tx, old)
    forget_second_factor(tx, old)
    tx.execute(update(accounts).where(accounts.c.id == old).values(**values, disabled_at=None, tied=""))


def disable(tx: Connection, name: str, by: str, now: datetime) -> None:
    """Disables an account and ends its sessions."""
    row = enabled(tx, accounts.c.name == name)
    if row is None:
        raise NoSuchAccount(_NONE)
    _not_the_last_admin(tx, row)
    tx.execute(update(accounts).where(accounts.c.id == row.id).values(disabled_at=now))
    end_all(tx, row.id, now)
    note(tx, by, "disabled the account", name, now)


def enable(tx: Connection, name: str, by: str, now: datetime) -> None:
    """Opens a disabled account again, as it was."""
    which = accounts.c.name == name, accounts.c.disabled_at.is_not(None)
    if not tx.execute(update(accounts).where(*which).values(disabled_at=None)).rowcount:
        raise NoSuchAccount(_NONE)
    note(tx, by, "enabled the account", name, now)


def change_role(tx: Connection, name: str, role: Role, by: str, now: datetime) -> None:
    """What they may do from now on."""
    row = known(tx, name)
    if role is not Role.ADMIN:
        _not_the_last_admin(tx, row)
    tx.execute(update(accounts).where(accounts.c.id == row.id).values(role=role))
    note(tx, by, "changed the role", f"{name} to {role}", now)


def change_email(tx: Connection, name: str, email: str, by: str, now: datetime) -> None:
    """By which mail address the sign-in provider may know them; who it knew them as is forgotten."""
    row = known(tx, name)
    _nobody_elses(tx, email, name)
    forget_provided(tx, row.id)
    tx.execute(update(accounts).where(accounts.c.id == row.id).values(email=email))
    note(tx, by, "changed the e-mail address", name, now)


def change_password(tx: Connection, old: Credential, password_hash: str, now: datetime) -> None:
    """Gives an account a new password and ends its sessions."""
    row = opened_by(tx, old)
    if row is None:
        raise NoSuchAccount("the account was changed meanwhile")
    tx.execute(update(accounts).where(accounts.c.id == row.id).values(password_hash=password_hash))
    end_all(tx, row.id, now)
    note(tx, old.name, "changed the password", old.name, now)


def reset_password(tx: Connection, name: str, password_hash: str, by: str, now: datetime) -> None:
    """Gives an account a password that its holder did not choose, and ends its sessions."""
    row = known(tx, name)
    tx.execute(update(accounts).where(accounts.c.id == row.id).values(password_hash=password_hash))
    end_all(tx, row.id, now)
    note(tx, by, "reset the password", name, now)


def tie(tx: Connection, name: str, key: str, by: str, now: datetime) -> None:
    """Says which handle elsewhere is a colleague's; "" for none. It is nobody else's from then on."""
    row = known(tx, name)
    tx.execute(update(accounts).where(accounts.c.tied == key).values(tied=""))
    tx.execute(update(accounts).where(accounts.c.id == row.id).values(tied=key))
    note(tx, by, "tied to a room" if key else "untied from a room", name, now)


def known(tx: Connection, name: str) -> Row[Any]:
    """The account of this name. Raises NoSuchAccount, naming those that there are."""
    row = enabled(tx, accounts.c.name == name)
    if row is None:
        there = [one.name for one in everybody(tx) if one.disabled_at is None]
        raise NoSuchAccount(f"nobody has an account named {name}; there are: {', '.join(there) or 'none'}")
    return row


def _not_the_last_admin(tx: Connection, row: Row[Any]) -> None:
    admins = accounts.c.role == Role.ADMIN, accounts.c.disabled_at.is_(None)
    count = tx.execute(select(func.count()).select_from(accounts).where(*admins)).scalar_one()
    if row.role == Role.ADMIN and count == 1:
        raise NotAllowed(f"{row.name} is the only admin; make another one first.", "role")


def _nobody_elses(tx: Connection, email: str, name: str) -> None:
    """Two accounts of one address would leave open whom the sign-in provider means."""
    theirs = or_(accounts.c.email.in_([email, name]), accounts.c.name == email), accounts.c.name != name
    if email and tx.execute(select(accounts.c.id).where(*theirs)).first():
        raise NotAllowed("That e-mail address is another account's.", "email")


def forget_provided(tx: Connection, account: int) -> None:
    """Who they are at the sign-in provider."""
    tx.execute(delete(provided).where(provided.c.account_id == account))


def forget_second_factor(tx: Connection, account: int) -> None:
    """Their app, and what was to replace it."""
    tx.execute(delete(recovery_codes).where(recovery_codes.c.account_id == account))
    tx.execute(update(accounts).where(accounts.c.id == account).values(second_factor=""))


def enabled(tx: Connection, *where: ColumnElement[bool]) -> Row[Any] | None:
    """An account that is not disabled."""
    return tx.execute(select(accounts).where(*where, accounts.c.disabled_at.is_(None))).one_or_none()


def opened_by(tx: Connection, given: Credential) -> Row[Any] | None:
    """The account that this still opens."""
    return enabled(tx, accounts.c.name == given.name, accounts.c.password_hash == given.password_hash)


def end_all(tx: Connection, account: int, now: datetime) -> None:
    """Ends every session of an account."""
    of_account = sessions.c.account_id == account, sessions.c.ended_at.is_(None)
    tx.execute(update(sessions).where(*of_account).values(ended_at=now))
