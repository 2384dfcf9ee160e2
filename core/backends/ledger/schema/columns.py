"""What all tables are made of."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    ForeignKey,
    Integer,
    MetaData,
    TypeDecorator,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """A moment in UTC, kept as microseconds since 1970: it sorts, and means the same in every database."""

    impl = BigInteger
    cache_ok = True

    # In place of process_bind_param and process_result_value: a call less for each value.
    def bind_processor(self, dialect: Dialect) -> Any:  # noqa: ARG002
        return _microseconds

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:  # noqa: ARG002
        return _moment


def _microseconds(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - _EPOCH) // _MICROSECOND


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else _EPOCH + timedelta(microseconds=microseconds)


metadata = MetaData()


def identity() -> Column[int]:
    return Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)


def handle(name: str = "handle_id", **options: Any) -> Column[int]:
    return Column(name, ForeignKey("handles.id"), **options)
