"""The company's directory: a CSV of customers, read into rows. Pure.

Columns: external_id,name,email,phone,plan,ltv,since,language and, where wanted, slack (workspace/user), discord,
email_verified, phone_verified (yes unless it says no) and verified_at (ISO 8601; the time of the first import by
default).
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from core.errors import Malformed
from core.record import DirectoryRow, Profile

_KNOWN = ("external_id", "name", "email", "phone", "plan", "ltv", "since", "language")
_OPTIONAL = ("slack", "discord", "email_verified", "phone_verified", "verified_at")
_COLUMNS = frozenset((*_KNOWN, *_OPTIONAL))
_NO = frozenset({"no", "false", "0", "n"})
_E164 = re.compile(r"\+[1-9]\d{6,14}")
_MAILBOX = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")


def read(text: str) -> Sequence[DirectoryRow]:
    """The rows of a CSV. Raises Malformed naming the line and what to write instead; then nothing is imported."""
    table = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), skipinitialspace=True)
    names = [name.strip() for name in table.fieldnames or []]
    unknown = sorted(set(names) - _COLUMNS)
    if "external_id" not in names or unknown:
        what = f"column {unknown[0]} is unknown" if unknown else "column external_id is missing"
        raise Malformed(f"line 1: {what}; the columns are {', '.join((*_KNOWN, *_OPTIONAL))}")
    rows: dict[str, DirectoryRow] = {}
    for line, values in enumerate(table, start=2):
        row = _row(line, {k.strip(): (v or "").strip() for k, v in values.items() if isinstance(k, str)})
        if row.profile.external_id in rows:
            raise Malformed(f"line {line}: external_id {row.profile.external_id} stands twice")
        rows[row.profile.external_id] = row
    return list(rows.values())


def _row(line: int, values: Mapping[str, str]) -> DirectoryRow:
    if not values["external_id"]:
        raise Malformed(f"line {line}: external_id is empty")
    email, phone = _email(line, values.get("email", "")), _phone(line, values.get("phone", ""))
    profile = Profile(
        external_id=values["external_id"],
        name=values.get("name", ""),
        plan=values.get("plan", ""),
        value=_number(line, values.get("ltv", "")),
        since=values.get("since", ""),
        language=values.get("language", "").lower(),
        email=email,
        phone=phone,
    )
    return DirectoryRow(profile=profile, keys=_keys(values, email, phone), verified_at=_time(line, values))


def _keys(values: Mapping[str, str], email: str, phone: str) -> list[str]:
    held = {
        f"email:{email}": email and values.get("email_verified", "").lower() not in _NO,
        f"phone:{phone}": phone and values.get("phone_verified", "").lower() not in _NO,
        f"slack:{values.get('slack')}": values.get("slack"),
        f"discord:{values.get('discord')}": values.get("discord"),
    }
    return [key for key, is_held in held.items() if is_held]


def _email(line: int, value: str) -> str:
    if value and not _MAILBOX.fullmatch(value):
        raise Malformed(f"line {line}: email {value!r} is no mail address")
    return value.lower()


def _phone(line: int, value: str) -> str:
    number = re.sub(r"[\s().-]", "", value)
    if number and not _E164.fullmatch(number):
        raise Malformed(f"line {line}: phone {value!r}: write it with its country, e.g. +15550100")
    return number


def _number(line: int, value: str) -> float:
    try:
        return float(re.sub(r"[,$€£\s]", "", value) or 0)
    except ValueError:
        raise Malformed(f"line {line}: ltv {value!r} is no number") from None


def _time(line: int, values: Mapping[str, str]) -> datetime | None:
    value = values.get("verified_at", "")
    if not value:
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        raise Malformed(f"line {line}: verified_at {value!r}: write it as 2026-03-02 or 2026-03-02T09:00:00Z") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
