"""A DNS server of ours over UDP and TCP: answers from its zone as a resolver would, and makes trouble when told to."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.rrset

Trouble = Literal["servfail", "drop"]

_PLAIN = 512  # bytes that a client takes by UDP unless it says more
_STRING = 255  # bytes of one string in a TXT record
_LONGEST_CHAIN = 8


@dataclass(kw_only=True)
class DnsTwin:
    """`zone` holds the records of each name and kind, e.g. `("shop.test", "TXT"): ["v=spf1 -all"]`.

    `troubles` names those that it does not serve; while `open_gate` is not set it answers nobody.
    """

    zone: dict[tuple[str, str], Sequence[str]] = field(default_factory=dict)
    troubles: dict[str, Trouble] = field(default_factory=dict)
    asked: "asyncio.Queue[str]" = field(default_factory=asyncio.Queue)
    by_tcp: list[str] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0
    _answering: set["asyncio.Task[None]"] = field(default_factory=set)

    @property
    def address(self) -> str:
        """As MAIL_DNS wants it."""
        return f"127.0.0.1:{self.port}"

    @asynccontextmanager
    async def open(self) -> AsyncIterator["DnsTwin"]:
        """Answers on a free port of 127.0.0.1 while the block runs."""
        loop = asyncio.get_running_loop()
        self.gate.set()
        server = await asyncio.start_server(self._by_tcp, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), ("127.0.0.1", self.port))
        try:
            yield self
        finally:
            for task in self._answering:
                task.cancel()
            transport.close()
            server.close()

    def receive(self, wire: bytes, transport: asyncio.DatagramTransport, peer: tuple[str, int]) -> None:
        """A question came by UDP."""
        task = asyncio.create_task(self._by_udp(wire, transport, peer))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def answer(self, wire: bytes, *, most: int | None = None) -> bytes | None:
        """The answer to a question, cut to `most` bytes or what the client says; None where it gets none."""
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return None
        reply = self._reply(query)
        if reply is None:
            return None
        await self.gate.wait()
        room = 65_535 if most is None else max(most, query.payload)
        return reply.to_wire(max_size=room, prefer_truncation=True)

    def _reply(self, query: dns.message.Message) -> dns.message.Message | None:
        reply = dns.message.make_response(query, recursion_available=True)
        if query.opcode() != dns.opcode.QUERY or len(query.question) != 1:
            reply.set_rcode(dns.rcode.FORMERR)
            return reply
        name = query.question[0].name.to_text(omit_final_dot=True).lower()
        self.asked.put_nowait(name)
        trouble = self.troubles.get(name)
        if trouble == "servfail":
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif trouble is None:
            self._fill(reply, name, dns.rdatatype.to_text(query.question[0].rdtype))
        return None if trouble == "drop" else reply

    def _fill(self, reply: dns.message.Message, name: str, kind: str) -> None:
        for _ in range(_LONGEST_CHAIN):
            alias = self.zone.get((name, "CNAME"))
            if not alias:
                break
            reply.answer.append(_records(name, "CNAME", alias))
            name = alias[0].rstrip(".").lower()
        if not any(known == name or known.endswith(f".{name}") for known, _ in self.zone):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        elif found := self.zone.get((name, kind)):
            reply.answer.append(_records(name, kind, found))

    async def _by_udp(self, wire: bytes, transport: asyncio.DatagramTransport, peer: tuple[str, int]) -> None:
        answer = await self.answer(wire, most=_PLAIN)
        if answer is not None:
            transport.sendto(answer, peer)

    async def _by_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            wire = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
            answer = await self.answer(wire)
            if answer is not None:
                self.by_tcp.append(dns.message.from_wire(wire).question[0].name.to_text(omit_final_dot=True))
                writer.write(len(answer).to_bytes(2) + answer)
                await writer.drain()
        finally:
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, twin: DnsTwin) -> None:
        self._twin = twin
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert self._transport
        self._twin.receive(data, self._transport, addr)


def _records(name: str, kind: str, values: Sequence[str]) -> dns.rrset.RRset:
    written = [_strings(value) if kind == "TXT" else value for value in values]
    return dns.rrset.from_text_list(dns.name.from_text(name), 60, "IN", kind, written)


def _strings(text: str) -> str:
    """A TXT record as a zone file has it: in strings of at most 255 bytes."""
    return " ".join(f'"{text[at : at + _STRING]}"' for at in range(0, len(text), _STRING))
