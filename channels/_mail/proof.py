"""What our own mail server found out about a mail's author: Authentication-Results (RFC 8601), read without trust."""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import pairwise
from typing import Final

from channels._mail.author import Author, ascii_domain
from channels._mail.headers import Headers
from channels._mail.lexer import Token, tokens
from identity.proof import Proof

Network = IPv4Network | IPv6Network

_IS: Final = Token("mark", "=")
_VERSION: Final = Token("mark", "/")
_DMARC: Final = Token("word", "dmarc")


def networks(written: str) -> tuple[Network, ...]:
    """Addresses and CIDRs, separated by commas. Raises ValueError naming the wrong one."""
    return tuple(ip_network(part.strip()) for part in written.split(",") if part.strip())


def weigh_mail(headers: Headers, author: Author, *, peer: str, authserv_id: str, relays: Sequence[Network]) -> Proof:
    """Proven if the topmost verdict is that of our own server, came by a trusted relay, and is a sole DMARC pass."""
    verdict = headers.first("authentication-results")
    trusted = bool(authserv_id) and author.certain and comes_from(peer, relays)
    return Proof.PROVEN if trusted and passes_dmarc(verdict, authserv_id, author.domain) else Proof.CLAIMED


def passes_dmarc(verdict: str, authserv_id: str, domain: str) -> bool:
    """Whether a header of this server holds exactly one DMARC result, a pass, for this domain."""
    try:
        server, *results = _sections([t._replace(text=t.text.lower()) for t in tokens(verdict, marks=";=/")])
    except ValueError:
        return False
    if not _is_of(server, authserv_id.lower()) or sum(map(_dmarc_results, results)) != 1:
        return False
    return any(_is_pass_for(domain, result) for result in results)


def comes_from(peer: str, relays: Sequence[Network]) -> bool:
    """Whether the peer is one of these relays."""
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in relay for relay in relays)


def _sections(found: Sequence[Token]) -> Iterator[list[Token]]:
    section: list[Token] = []
    for token in found:
        if token == Token("mark", ";"):
            yield section
            section = []
        else:
            section.append(token)
    yield section


def _is_of(server: list[Token], authserv_id: str) -> bool:
    match server:
        case [Token("word", name)]:
            return name == authserv_id
        case [Token("word", name), Token("word", version)]:
            return name == authserv_id and version.isdigit()
    return False


def _dmarc_results(section: list[Token]) -> int:
    return sum(a == _DMARC and b in (_IS, _VERSION) for a, b in pairwise(section))


def _is_pass_for(domain: str, section: list[Token]) -> bool:
    match [token.text for token in section[:5]]:
        case ["dmarc", "=", "pass", *_]:
            properties = section[3:]
        case ["dmarc", "/", "1", "=", "pass"]:
            properties = section[5:]
        case _:
            return False
    return all(t.kind != "quoted" for t in section[:5]) and _sole_from(properties) == domain


def _sole_from(properties: list[Token]) -> str | None:
    names, signs, values = properties[0::3], properties[1::3], properties[2::3]
    if len(properties) % 3 or any(sign != _IS for sign in signs):
        return None
    found = [value for name, value in zip(names, values, strict=True) if name == Token("word", "header.from")]
    return ascii_domain(found[0].text) if len(found) == 1 and found[0].kind == "word" else None
