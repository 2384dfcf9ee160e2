"""What a domain publishes in DNS about its mail, as far as ours depends on it: MX, SPF, DKIM, DMARC."""

import asyncio
import base64
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from dns.exception import DNSException
from dns.rdtypes.ANY.MX import MX

from channels._mail.checks import POLICIES, is_dmarc, organisation, tags_of
from channels._mail.lookup import Lookup
from channels._mail.proof import comes_from, networks
from channels._mail.senders import may_send
from channels._mail.signing import private_key
from core.channel import Finding

_INSIDE: Final = networks("127.0.0.0/8, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, ::1/128, fc00::/7")
_PATIENCE: Final = 7.0  # seconds for one kind of record, with all that it refers to
_MOST_ADDRESSES: Final = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningKey:
    """The public half of the key that signs our mail, as DNS has to have it."""

    selector: str
    kind: str  # "rsa" | "ed25519"
    public: str  # base64

    @property
    def record(self) -> str:
        """The TXT record."""
        return f"v=DKIM1; k={self.kind}; p={self.public}"


def signing_key(selector: str, pem: bytes) -> SigningKey:
    """The public half of a private key in PEM. Raises UnusableKey."""
    key = private_key(pem)
    if isinstance(key, Ed25519PrivateKey):
        raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return SigningKey(selector=selector, kind="ed25519", public=base64.b64encode(raw).decode())
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return SigningKey(selector=selector, kind="rsa", public=base64.b64encode(der).decode())


async def published(domain: str, *, relay: str, key: SigningKey | None, lookup: Lookup) -> Sequence[Finding]:
    """What stands there, and what is missing. `relay` is the host that our mail goes out by, "" for none."""
    asked = [
        _told("MX", domain, _mx(domain, lookup)),
        _told("SPF", domain, _spf(domain, relay, lookup)),
        _told("DKIM", domain, _dkim(domain, key, lookup)),
        _told("DMARC", domain, _dmarc(domain, lookup)),
    ]
    return await asyncio.gather(*asked)


async def _told(kind: str, domain: str, asking: Awaitable[Finding]) -> Finding:
    try:
        async with asyncio.timeout(_PATIENCE):
            return await asking
    except (DNSException, TimeoutError) as error:
        said = f"{kind} of {domain}: DNS does not tell ({type(error).__name__})"
        return Finding(said, "Ask again; if it stays so, see MAIL_DNS or the domain's name servers.")


async def _mx(domain: str, lookup: Lookup) -> Finding:
    records = sorted((r.preference, r.exchange.to_text(omit_final_dot=True)) for r in await _mx_records(domain, lookup))
    if not records:
        advice = f"At the DNS of {domain} add MX 10 and the name of the server that takes its mail and passes it to us."
        return Finding(f"MX of {domain}: none, so that customers' mail may not arrive", advice)
    hosts = [host for _, host in records]
    if hosts == ["."]:
        return Finding(f"MX of {domain}: it says that it takes no mail", "Replace it by your mail server's name.")
    return Finding(f"MX of {domain}: {', '.join(hosts)}.")


async def _mx_records(domain: str, lookup: Lookup) -> list[MX]:
    return [record for record in await lookup.records(domain, "MX") if isinstance(record, MX)]


async def _spf(domain: str, relay: str, lookup: Lookup) -> Finding:
    policies = [text for text in await lookup.texts(domain) if text.lower().split(b" ")[0] == b"v=spf1"]
    wanted = f"v=spf1 a:{relay} -all" if relay else "v=spf1 (the hosts that send your mail) -all"
    if not policies:
        advice = f'At the DNS of {domain} add a TXT record, "{wanted}", or the one that your mail provider names.'
        return Finding(f"SPF of {domain}: none", advice)
    if len(policies) > 1:
        return Finding(f"SPF of {domain}: {len(policies)} records, which counts as none", "Make them one.")
    seen = f"SPF of {domain}: {policies[0].decode('ascii', 'replace')}"
    if b"+all" in policies[0].lower().split():
        return Finding(f"{seen}, which lets everybody send", "Write -all instead of +all.")
    return await _covers(seen, domain, relay, lookup)


async def _covers(seen: str, domain: str, relay: str, lookup: Lookup) -> Finding:
    """Whether the relay may send by this policy. A relay on our own network sends from an address we cannot know."""
    addresses = [a for a in await _addresses(relay, lookup) if not comes_from(a, _INSIDE)]
    allowed = [await may_send(address, f"postmaster@{domain}", lookup) for address in addresses]
    if not addresses:
        return Finding(f"{seen}; see that it names the address from which your mail leaves.")
    if not any(allowed):
        advice = f"Add a:{relay}, or what its provider says (include:...), unless it sends from other addresses."
        return Finding(f"{seen}; {relay} ({', '.join(addresses)}) is not in it", advice)
    return Finding(f"{seen}; {relay} is in it.")


async def _addresses(host: str, lookup: Lookup) -> Sequence[str]:
    try:
        return [str(ip_address(host))]
    except ValueError:
        records = [*await lookup.records(host, "A"), *await lookup.records(host, "AAAA")] if host else []
        return [record.to_text() for record in records[:_MOST_ADDRESSES]]


async def _dkim(domain: str, key: SigningKey | None, lookup: Lookup) -> Finding:
    if key is None:
        return Finding("DKIM: we do not sign (DKIM_SELECTOR is empty); let your relay do it.")
    name = f"{key.selector}._domainkey.{domain}"
    records = await lookup.texts(name)
    advice = f'At the DNS of {domain} let {key.selector}._domainkey be one TXT record: "{key.record}"'
    if len(records) != 1:
        return Finding(
            f"DKIM: {name} has {len(records) or 'no'} TXT records, so that our signature counts for nothing", advice
        )
    tags = tags_of(records[0])
    if "".join(tags.get("p", "").split()) != key.public or tags.get("k", "rsa").lower() != key.kind:
        return Finding(
            f"DKIM: {name} has another key than DKIM_KEY_FILE, so that our signature fails", advice, fatal=True
        )
    if "y" in tags.get("t", "").split(":"):
        return Finding(f"DKIM: {name} is marked as being tried out (t=y)", "Take t=y away.")
    return Finding(f"DKIM: {name} has our key.")


async def _dmarc(domain: str, lookup: Lookup) -> Finding:
    for place in dict.fromkeys((domain, organisation(domain) or domain)):
        if records := [text for text in await lookup.texts(f"_dmarc.{place}") if is_dmarc(text)]:
            return _policy(place, records)
    advice = f'At its DNS add a TXT record at _dmarc.{domain}, "v=DMARC1; p=none; rua=mailto:(who reads the reports)".'
    return Finding(f"DMARC of {domain}: none, so that anybody can send in its name", advice)


def _policy(place: str, records: Sequence[bytes]) -> Finding:
    seen = f"DMARC of {place}: {records[0].decode('ascii', 'replace')}"
    if len(records) > 1:
        return Finding(f"DMARC of {place}: {len(records)} records, which counts as none", "Leave one.")
    policy = tags_of(records[0].lower()).get("p", "")
    if policy not in POLICIES:
        return Finding(f"{seen}, which is no policy", "Let p be none, quarantine or reject.")
    if policy == "none":
        return Finding(f"{seen}; forgers are let through", "When its reports are clean, write p=quarantine.")
    return Finding(f"{seen}.")
