"""Colleagues on record: their accounts, their sessions, and what they changed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select, update

from core.accounts import (
    ADMIN_BY_TOKEN,
    SESSION_IDLE,
    SESSION_LIFE,
    Account,
    Colleague,
    Credential,
    NewAccount,
    NoSuchAccount,
    NotAllowed,
    Role,
    SignIn,
)
from core.backends.ledger.auditing import note
from core.backends.ledger.schema import accounts, sessions, sign_ins

_SEEN_AGAIN = timedelta(minutes=1)  # how often it is written down that a session is used


def has_accounts(tx: Connection) -> bool:
    """Whether anybody has ever been given an account."""
    return tx.execute(select(accounts.c.id).limit(1)).first() is not None


def everybody(tx: Connection) -> Sequence[Account]:
    """Everybody, by name."""
    return [
        Account(name=row.name, role=Role(row.role), made_at=row.made_at, disabled_at=row.disabled_at)
        for row in tx.execute(select(accounts).order_by(accounts.c.name))
    ]


def credential(tx: Connection, name: str) -> Credential | None:
    """How somebody signs in."""
    row = _enabled(tx, accounts.c.name == name)
    return Credential(name=row.name, password_hash=row.password_hash) if row else None


# ── changes ──
def add(tx: Connection, new: NewAccount, by: str, now: datetime) -> None:
    """Makes an account, or one that was disabled anew."""
    if new.role is not Role.ADMIN and not has_accounts(tx):
        raise NotAllowed("The first account has to be an admin's: from then on the console token opens nothing.")
    if credential(tx, new.name):
        raise NotAllowed(f"{new.name} has an account already.")
    values = {"role": new.role, "password_hash": new.password_hash, "made_at": now, "disabled_at": None}
    again = update(accounts).where(accounts.c.name == new.name).values(**values)
    if not tx.execute(again).rowcount:
        tx.execute(insert(accounts).values(name=new.name, **values))
    note(tx, by, "made an account", f"{new.name} as {new.role}", now)


def disable(tx: Connection, name: str, by: str, now: datetime) -> None:
    """Disables an account and ends its sessions."""
    row = _enabled(tx, accounts.c.name == name)
    if row is None:
        raise NoSuchAccount("there is no such account")
    if row.role == Role.ADMIN and _admins(tx) == 1:
        raise NotAllowed(f"{name} is the only admin; make another one first.")
    tx.execute(update(accounts).where(accounts.c.id == row.id).values(disabled_at=now))
    _end_all(tx, row.id, now)
    note(tx, by, "disabled the account", name, now)


def change_password(tx: Connection, old: Credential, password_hash: str, now: datetime) -> None:
    """Gives an account a new password and ends its sessions."""
    row = _opened_by(tx, old)
    if row is None:
        raise NoSuchAccount("the account was changed meanwhile")
    tx.execute(update(accounts).where(accounts.c.id == row.id).values(password_hash=password_hash))
    _end_all(tx, row.id, now)
    note(tx, old.name, "changed the password", old.name, now)


def reset_password(tx: Connection, name: str, password_hash: str, by: str, now: datetime) -> None:
    """Gives an account a password that its holder did not choose, and ends its sessions."""
    row = _known(tx, name)
    tx.execute(update(accounts).where(accounts.c.id == row.id).values(password_hash=password_hash))
    _end_all(tx, row.id, now)
    note(tx, by, "reset the password", name, now)


def tie(tx: Connection, name: str, key: str, by: str, now: datetime) -> None:
    """Says which handle elsewhere is a colleague's; "" for none. It is nobody else's from then on."""
    row = _known(tx, name)
    tx.execute(update(accounts).where(accounts.c.tied == key).values(tied=""))
    tx.execute(update(accounts).where(accounts.c.id == row.id).values(tied=key))
    note(tx, by, "tied to a room" if key else "untied from a room", name, now)


def _known(tx: Connection, name: str) -> Row[Any]:
    row = _enabled(tx, accounts.c.name == name)
    if row is None:
        known = [one.name for one in everybody(tx) if one.disabled_at is None]
        raise NoSuchAccount(f"nobody has an account named {name}; there are: {', '.join(known) or 'none'}")
    return row


def _admins(tx: Connection) -> int:
    admins = accounts.c.role == Role.ADMIN, accounts.c.disabled_at.is_(None)
    return tx.execute(select(func.count()).select_from(accounts).where(*admins)).scalar_one()


def _enabled(tx: Connection, *where: ColumnElement[bool]) -> Row[Any] | None:
    return tx.execute(select(accounts).where(*where, accounts.c.disabled_at.is_(None))).one_or_none()


def _opened_by(tx: Connection, given: Credential) -> Row[Any] | None:
    return _enabled(tx, accounts.c.name == given.name, accounts.c.password_hash == given.password_hash)


# ── signing in ──
def begin_sign_in(tx: Connection, source: str, name: str, *, most: int, since: datetime, now: datetime) -> SignIn:
    """Counts a try before it is looked at."""
    tx.execute(sign_ins.delete().where(sign_ins.c.at <= since))
    from_source, by_name = _tries(tx, sign_ins.c.source == source), _tries(tx, sign_ins.c.name == name)
    if from_source >= most:
        return SignIn(id=None, from_source=from_source, by_name=by_name)
    new = insert(sign_ins).values(at=now, source=source, name=name).returning(sign_ins.c.id)
    return SignIn(id=tx.execute(new).scalar_one(), from_source=from_source, by_name=by_name)


def _tries(tx: Connection, *where: ColumnElement[bool]) -> int:
    return tx.execute(select(func.count()).select_from(sign_ins).where(*where)).scalar_one()


def forgive_sign_in(tx: Connection, sign_in: int) -> None:
    """It was right after all."""
    tx.execute(sign_ins.delete().where(sign_ins.c.id == sign_in))


# ── sessions ──
def open_session(tx: Connection, digest: str, given: Credential | None, now: datetime) -> bool:
    """Begins a session, unless what it was asked with was changed meanwhile."""
    account = _opened_by(tx, given) if given else None
    if (account is None) if given else has_accounts(tx):
        return False
    tx.execute(sessions.delete().where(sessions.c.created_at <= now - SESSION_LIFE))
    begun = {"account_id": account.id if account else None, "created_at": now, "last_seen_at": now}
    tx.execute(insert(sessions).values(digest=digest, **begun))
    return True


def session(tx: Connection, digest: str, now: datetime) -> tuple[Colleague, bool] | None:
    """Whose session it is while it lasts, and whether it is time to write down that it is used."""
    row = tx.execute(select(sessions).where(sessions.c.digest == digest, sessions.c.ended_at.is_(None))).one_or_none()
    if row is None or now - row.created_at >= SESSION_LIFE or now - row.last_seen_at >= SESSION_IDLE:
        return None
    colleague = _colleague(tx, row)
    return (colleague, now - row.last_seen_at >= _SEEN_AGAIN) if colleague else None


def _colleague(tx: Connection, row: Row[Any]) -> Colleague | None:
    if row.account_id is None:
        return None if has_accounts(tx) else ADMIN_BY_TOKEN
    account = _enabled(tx, accounts.c.id == row.account_id)
    return Colleague(name=account.name, role=Role(account.role)) if account else None


def seen(tx: Connection, digest: str, now: datetime) -> None:
    """Puts a session's idle end off."""
    tx.execute(update(sessions).where(sessions.c.digest == digest).values(last_seen_at=now))


def end_session(tx: Connection, digest: str, now: datetime) -> None:
    """Ends a session."""
    tx.execute(update(sessions).where(sessions.c.digest == digest, sessions.c.ended_at.is_(None)).values(ended_at=now))


def _end_all(tx: Connection, account: int, now: datetime) -> None:
    of_account = sessions.c.account_id == account, sessions.c.ended_at.is_(None)
    tx.execute(update(sessions).where(*of_account).values(ended_at=now))
