"""How colleagues sign in, on record: their tries, their sessions, their second factors, and the sign-in provider."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, or_, select, update

from core.accounts import (
    ADMIN_BY_TOKEN,
    SESSION_IDLE,
    SESSION_LIFE,
    Colleague,
    Credential,
    NewAccount,
    NoSuchAccount,
    NotAllowed,
    Provided,
    Role,
    Session,
    SignIn,
    checked_name,
)
from core.backends.ledger.accounts import (
    add,
    credential_of,
    enabled,
    forget_second_factor,
    has_accounts,
    known,
    opened_by,
)
from core.backends.ledger.auditing import note
from core.backends.ledger.schema import accounts, provided, recovery_codes, sessions, sign_ins

_SEEN_AGAIN = timedelta(minutes=1)  # how often it is written down that a session is used
_ID = 16  # hex digits of a session's digest that name it
_PROVIDER = "the sign-in provider"  # who makes accounts by itself


# ── tries ──
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
    account = opened_by(tx, given) if given else None
    if (account is None) if given else has_accounts(tx):
        return False
    tx.execute(sessions.delete().where(sessions.c.created_at <= now - SESSION_LIFE))
    begun = {"account_id": account.id if account else None, "created_at": now, "last_seen_at": now}
    tx.execute(insert(sessions).values(digest=digest, **begun))
    return True


def session(tx: Connection, digest: str, now: datetime) -> tuple[Colleague, bool] | None:
    """Whose session it is while it lasts, and whether it is time to write down that it is used."""
    row = tx.execute(select(sessions).where(sessions.c.digest == digest, *_lasting(now))).one_or_none()
    colleague = _colleague(tx, row) if row else None
    return (colleague, now - row.last_seen_at >= _SEEN_AGAIN) if row and colleague else None


def _lasting(now: datetime) -> Sequence[ColumnElement[bool]]:
    return [
        sessions.c.ended_at.is_(None),
        sessions.c.created_at > now - SESSION_LIFE,
        sessions.c.last_seen_at > now - SESSION_IDLE,
    ]


def _colleague(tx: Connection, row: Row[Any]) -> Colleague | None:
    if row.account_id is None:
        return None if has_accounts(tx) else ADMIN_BY_TOKEN
    account = enabled(tx, accounts.c.id == row.account_id)
    if account is None:
        return None
    return Colleague(name=account.name, role=Role(account.role), has_second_factor=bool(account.second_factor))


def seen(tx: Connection, digest: str, now: datetime) -> None:
    """Puts a session's idle end off."""
    tx.execute(update(sessions).where(sessions.c.digest == digest).values(last_seen_at=now))


def end_session(tx: Connection, digest: str, now: datetime) -> None:
    """Ends a session."""
    tx.execute(update(sessions).where(sessions.c.digest == digest, sessions.c.ended_at.is_(None)).values(ended_at=now))


def sessions_of(tx: Connection, name: str, now: datetime) -> Sequence[Session]:
    """Where somebody is signed in, newest first."""
    return [
        Session(id=row.digest[:_ID], began_at=row.created_at, seen_at=row.last_seen_at)
        for row in _sessions(tx, name, now)
    ]


def end_sessions(tx: Connection, name: str, ids: Collection[str], by: str, now: datetime) -> None:
    """Ends some of somebody's sessions."""
    ended = {row.digest[:_ID]: row.digest for row in _sessions(tx, name, now) if row.digest[:_ID] in ids}
    if set(ids) - set(ended):
        raise NoSuchAccount("there is no such session of theirs")
    for digest in ended.values():
        end_session(tx, digest, now)
    if ended:
        note(tx, by, "ended sessions", f"{name}, {len(ended)}", now)


def _sessions(tx: Connection, name: str, now: datetime) -> Sequence[Row[Any]]:
    theirs = select(sessions).join(accounts, accounts.c.id == sessions.c.account_id).where(accounts.c.name == name)
    return tx.execute(theirs.where(*_lasting(now)).order_by(sessions.c.created_at.desc())).all()


# ── second factors ──
def second_factor(tx: Connection, name: str) -> str:
    """The sealed secret; "" where none is wanted."""
    row = enabled(tx, accounts.c.name == name)
    return row.second_factor if row else ""


def second_factors(tx: Connection) -> list[tuple[str, str]]:
    """Every account's name and sealed secret, where it has one."""
    wanted = select(accounts.c.name, accounts.c.second_factor).where(accounts.c.second_factor != "")
    return [(row.name, row.second_factor) for row in tx.execute(wanted)]


def seal_second_factor(tx: Connection, name: str, before: str, sealed: str) -> bool:
    """Keeps the same secret under another seal; False where it is another one by now."""
    same = accounts.c.name == name, accounts.c.second_factor == before
    return bool(tx.execute(update(accounts).where(*same).values(second_factor=sealed)).rowcount)


def turn_on(tx: Connection, name: str, sealed: str, recovery: Collection[str], *, step: int, now: datetime) -> None:
    """Wants a code from now on."""
    row = enabled(tx, accounts.c.name == name, accounts.c.second_factor == "")
    if row is None:
        raise NoSuchAccount("there is no account without a second factor of this name")
    tx.execute(update(accounts).where(accounts.c.id == row.id).values(second_factor=sealed, second_step=step))
    tx.execute(insert(recovery_codes), [{"digest": digest, "account_id": row.id} for digest in recovery])
    note(tx, name, "turned on the second factor", name, now)


def turn_off(tx: Connection, name: str, by: str, now: datetime) -> None:
    """Wants no code any more."""
    row = known(tx, name)
    if not row.second_factor:
        raise NoSuchAccount(f"{name} has no second factor")
    forget_second_factor(tx, row.id)
    note(tx, by, "turned off the second factor", name, now)


def take_step(tx: Connection, name: str, step: int) -> bool:
    """Whether a code of this time step is taken, once."""
    newer = accounts.c.name == name, accounts.c.second_factor != "", accounts.c.second_step < step
    return bool(tx.execute(update(accounts).where(*newer).values(second_step=step)).rowcount)


def take_recovery_code(tx: Connection, name: str, digest: str, now: datetime) -> bool:
    """Whether it was one of those that are left."""
    account = select(accounts.c.id).where(accounts.c.name == name).scalar_subquery()
    theirs = recovery_codes.c.digest == digest, recovery_codes.c.account_id == account
    if not tx.execute(delete(recovery_codes).where(*theirs)).rowcount:
        return False
    note(tx, name, "used a recovery code", name, now)
    return True


def recovery_codes_left(tx: Connection, name: str) -> int:
    """How many are left."""
    of = select(func.count()).select_from(recovery_codes).join(accounts, accounts.c.id == recovery_codes.c.account_id)
    return tx.execute(of.where(accounts.c.name == name)).scalar_one()


# ── the sign-in provider ──
def provided_for(tx: Connection, who: Provided, domains: Collection[str], now: datetime) -> Credential:
    """The account of whom the provider vouches for."""
    this = provided.c.issuer == who.issuer, provided.c.subject == who.subject
    row = tx.execute(select(accounts).join(provided, provided.c.account_id == accounts.c.id).where(*this)).one_or_none()
    if row is None:
        row = _by_email(tx, who, domains, now)
        tx.execute(insert(provided).values(issuer=who.issuer, subject=who.subject, account_id=row.id, at=now))
        note(tx, row.name, "is known to the sign-in provider", row.name, now)
    if row.disabled_at:
        raise NotAllowed("the account is disabled")
    return credential_of(row)


def _by_email(tx: Connection, who: Provided, domains: Collection[str], now: datetime) -> Row[Any]:
    if not who.email:
        raise NotAllowed("the provider has verified no e-mail address")
    rows = tx.execute(select(accounts).where(or_(accounts.c.name == who.email, accounts.c.email == who.email))).all()
    if len(rows) > 1:
        raise NotAllowed("two accounts have the e-mail address")
    row = rows[0] if rows else _made(tx, who, domains, now)
    if row.disabled_at:
        raise NotAllowed("the account is disabled")
    # A mailbox may have been given to somebody else, whom the provider knows under another subject.
    if tx.execute(select(provided.c.subject).where(provided.c.account_id == row.id)).first():
        raise NotAllowed("the account is somebody else's at the provider")
    return row


def _made(tx: Connection, who: Provided, domains: Collection[str], now: datetime) -> Row[Any]:
    if who.email.rpartition("@")[2] not in domains:
        raise NotAllowed("no account has the e-mail address")
    name = checked_name(who.email)
    add(tx, NewAccount(name=name, role=Role.AGENT, password_hash=""), _PROVIDER, now)
    return known(tx, name)
