"""What DNS says, asked at the servers that the operator named."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from ipaddress import ip_address
from typing import Final

from dns.asyncresolver import Resolver
from dns.exception import DNSException
from dns.name import Name, from_text
from dns.nameserver import Do53Nameserver
from dns.rdata import Rdata
from dns.rdtypes.txtbase import TXTBase
from dns.resolver import NXDOMAIN, NoAnswer

_PORT: Final = 53
_MOST_PORT: Final = 65535
_PAYLOAD: Final = 1232  # bytes of a UDP answer that no network cuts into pieces
_SECONDS: Final = 5.0  # for one question, with all its repetitions

Server = tuple[str, int]


def servers(written: str) -> tuple[Server, ...]:
    """Addresses and ports of DNS servers, e.g. `127.0.0.1:5353, [::1]:53`. Raises ValueError naming the wrong one."""
    return tuple(_server(part.strip()) for part in written.split(",") if part.strip())


def _server(written: str) -> Server:
    host, _colon, port = written.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    try:
        address, number = str(ip_address(bare)), int(port)
    except ValueError:
        raise ValueError(f"{written}: write ADDRESS:PORT, e.g. 127.0.0.1:53 or [::1]:53") from None
    if not 0 < number <= _MOST_PORT:
        raise ValueError(f"{written}: a port is a number from 1 to {_MOST_PORT}")
    return address, number


class Lookup:
    """Asks these servers; the system's own where none is named."""

    def __init__(self, asked: Sequence[Server]) -> None:
        self._servers = asked

    async def records(self, name: str, kind: str) -> list[Rdata]:
        """The records of a name, none where it has none or is no name. Raises DNSException when nobody tells."""
        known = _absolute(name)
        if known is None:
            return []
        try:
            return list(await self._resolver.resolve(known, kind, lifetime=_SECONDS))
        except (NXDOMAIN, NoAnswer):
            return []

    async def texts(self, name: str) -> list[bytes]:
        """The TXT records of a name, each in one piece. Raises DNSException."""
        return [b"".join(record.strings) for record in _text_records(await self.records(name, "TXT"))]

    @cached_property
    def _resolver(self) -> Resolver:
        resolver = Resolver(configure=not self._servers)
        if self._servers:
            resolver.nameservers = [Do53Nameserver(address, port) for address, port in self._servers]
        resolver.use_edns(0, 0, _PAYLOAD)
        return resolver


def _text_records(records: Sequence[Rdata]) -> Iterator[TXTBase]:
    return (record for record in records if isinstance(record, TXTBase))


def _absolute(name: str) -> Name | None:
    try:
        return from_text(name)
    except (DNSException, UnicodeError):
        return None
