"""Tables to take along, as CSV that no spreadsheet runs."""

import csv
import io
from collections.abc import Iterable, Sequence

from starlette.responses import Response

from bots.console.pages import HEADERS

_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
_MARK = "\ufeff"  # without it a spreadsheet takes UTF-8 for something else

Cell = str | int | float | None


def sheet(name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """A table as a file of this name. What would be a formula is kept as text, behind an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([_plain(cell) for cell in header])
    writer.writerows([_plain(cell) for cell in row] for row in rows)
    disposition = {"content-disposition": f'attachment; filename="{name}.csv"'}
    return Response(_MARK + out.getvalue(), 200, {**HEADERS, **disposition}, "text/csv; charset=utf-8")


def _plain(cell: Cell) -> Cell:
    if isinstance(cell, float):
        return round(cell, 4)
    if isinstance(cell, str) and cell.lstrip().startswith(_STARTS_A_FORMULA):
        return f"'{cell}"
    return "" if cell is None else cell
