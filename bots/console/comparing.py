"""Two customers side by side: the same rows, aligned, and what each row says of the two in words."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from core.house import House
from core.merging import Side


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One thing about two customers. `kind` is same, partly, different, or one-sided."""

    label: str
    one: Sequence[str]
    other: Sequence[str]

    @property
    def shared(self) -> frozenset[str]:
        """What stands on both sides, in lower case."""
        return _folded(self.one) & _folded(self.other)

    @property
    def kind(self) -> str:
        """How the two compare."""
        if not (self.one and self.other):
            return "one-sided"
        if _folded(self.one) == _folded(self.other):
            return "same"
        return "partly" if self.shared else "different"

    @property
    def verdict(self) -> str:
        """The same in words."""
        if self.kind == "one-sided":
            return "only on the left" if self.one else "only on the right"
        return {"same": "the same", "partly": "partly the same", "different": "different"}[self.kind]


def compared(one: Side, other: Side, house: House) -> Sequence[Row]:
    """Everything about two customers that helps to tell whether they are one; rows that are empty on both sides are
    left out."""
    return [row for row in _rows(one, other, house) if row.one or row.other]


def _rows(one: Side, other: Side, house: House) -> Iterator[Row]:
    def row(label: str, told: Callable[[Side], Iterable[str]]) -> Row:
        return Row(label=label, one=_each(told(one)), other=_each(told(other)))

    yield row("Name", lambda side: (known.title for known in (*side.people, *side.handles) if known.proven))
    yield row("Name, not proven", lambda side: (known.title for known in side.handles if not known.proven))
    yield row("In the directory as", lambda side: (known.name for known in side.people))
    for channel in sorted({known.name.partition(":")[0] for known in (*one.handles, *other.handles)}):
        yield row(house.label(channel).capitalize(), lambda side, on=channel: _addresses(side, on))  # type: ignore[misc]
    yield row("Keys that are vouched for", lambda side: (voucher.key for voucher in side.vouchers))
    yield row("Joined by", lambda side: map(str, side.links))
    yield row("Cases", lambda side: [str(side.cases)] if side.cases else [])


def _addresses(side: Side, channel: str) -> Iterator[str]:
    for known in side.handles:
        on, _, address = known.name.partition(":")
        if on == channel:
            yield address if known.proven else f"{address} (not proven)"


def _each(values: Iterable[str]) -> Sequence[str]:
    return list(dict.fromkeys(value for value in values if value.strip()))


def _folded(values: Iterable[str]) -> frozenset[str]:
    return frozenset(" ".join(value.split()).casefold() for value in values)
