"""`python -m bots customers ...`: the company's directory of customers. Works beside a running `run`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from bots.givens import clock
from bots.settings import load
from bots.wiring import open_ledger
from core.directory import read
from core.errors import Malformed
from core.exporting import from_json
from core.merging import NotDone, Order, Plan, Side
from core.record import DirectoryRow

_BY = "the command line"  # who did it, where nobody is named


async def import_file(path: Path, *, restore: bool = False) -> None:
    """Adds or updates the customers of a CSV by their external_id, or the one of an export in JSON; forgotten ones only
    where they are to be restored.

    Raises Malformed; then nothing was changed.
    """
    if path.suffix == ".json":
        await _take_in(path, restore=restore)
        return
    rows = _rows(path)
    ledger = await open_ledger(load())
    try:
        taken = await ledger.import_directory(rows, now=clock(), restore=restore)
        await ledger.audit(_BY, "import customers", f"{taken} rows", now=clock())
    finally:
        await ledger.close()
    sys.stdout.write(f"{taken} customers are in the directory, added or updated.\n")
    if taken < len(rows):
        sys.stdout.write(f"{len(rows) - taken} were forgotten and are left out; --restore takes them in again.\n")


async def _take_in(path: Path, *, restore: bool) -> None:
    export = from_json(_text(path))
    ledger = await open_ledger(load())
    try:
        taken = await ledger.take_in(export, now=clock(), restore=restore)
        await ledger.audit(_BY, "import an export", f"{taken} facts", now=clock())
    finally:
        await ledger.close()
    sys.stdout.write(f"{export.external_id} is in the directory; {taken} facts were added.\n")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Malformed(f"{path}: cannot be read ({error}); give a CSV or an export in UTF-8") from None


def _rows(path: Path) -> Sequence[DirectoryRow]:
    text = _text(path)
    try:
        return read(text)
    except Malformed as error:
        raise Malformed(f"{path}, {error}") from None


async def merge(a: str, b: str, by: str, second: str) -> None:
    """Makes two customers one, once both sides' evidence is printed. Raises NoSuchCustomer or NotDone."""
    order = _order(a, b, by, second)
    ledger = await open_ledger(load())
    try:
        _print_sides(await ledger.plan_merge(order))
        _print_changes(await ledger.merge(order))
        await ledger.audit(order.by, "merge customers", _with(order), now=clock())
    finally:
        await ledger.close()


async def unmerge(a: str, b: str, by: str, second: str) -> None:
    """Makes one customer two, once both sides' evidence is printed. Raises NoSuchCustomer or NotDone."""
    order = _order(a, b, by, second)
    ledger = await open_ledger(load())
    try:
        _print_sides(await ledger.plan_unmerge(order))
        _print_changes(await ledger.unmerge(order))
        await ledger.audit(order.by, "unmerge customers", _with(order), now=clock())
    finally:
        await ledger.close()


def _order(a: str, b: str, by: str, second: str) -> Order:
    if second and not by:
        raise NotDone("--and NAME says who else decides; say with --by NAME who does")
    return Order(a=a, b=b, by=by or _BY, second=second, at=clock())


def _with(order: Order) -> str:
    return f"with {order.second}" if order.second else ""


def _print_sides(plan: Plan) -> None:
    for letter, side in (("A", plan.a), ("B", plan.b)):
        sys.stdout.write("\n".join([f"{letter}: {side.asked_for}", *(f"   {line}" for line in _lines(side))]) + "\n")


def _lines(side: Side) -> Sequence[str]:
    about = [f"{person} in the directory" for person in side.people] + [f"{handle}" for handle in side.handles]
    return [
        *about,
        *(f"because {line}" for line in side.evidence),
        f"{side.cases} case{'' if side.cases == 1 else 's'}",
    ]


def _print_changes(plan: Plan) -> None:
    sys.stdout.write("".join(f"{change}.\n" for change in plan.changes))
