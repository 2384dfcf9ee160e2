"""Safety is not bought by never greeting: in a town of genuine customers and forgers, the first are recognised and the
others learn nothing."""

import re
from dataclasses import dataclass
from itertools import permutations

import pytest

from identity.proof import Proof
from tests.shop import Shop, voucher
from tests.test_attacks import link

CUSTOMERS = 200
QUARTERS = 4  # of the town, each with a ledger of its own
MISSED_AT_MOST = 0.005
NAMES = ("Ada", "Ben", "Cleo", "Dora", "Emil", "Fay", "Gus", "Hana", "Ivo", "June")
CHANNELS = ("email", "sms", "voice", "slack", "web", "discord")


@dataclass(frozen=True)
class Townsman:
    """A customer, where they write from, and the amount that only they complain about."""

    number: int

    @property
    def name(self) -> str:
        return NAMES[self.number % len(NAMES)]

    @property
    def id(self) -> str:
        return f"cus_{self.number}"

    @property
    def amount(self) -> str:
        return f"${1000 + self.number}.17"

    @property
    def listed(self) -> bool:
        return self.number % 4 != 0

    def address(self, channel: str) -> str:
        number = f"+1555{self.number:07d}"
        own = {"email": f"c{self.number}@town.test", "slack": f"T1/U{self.number}", "web": self.id}
        return own.get(channel, number if channel in {"sms", "voice"} else str(4200 + self.number))

    @property
    def keys(self) -> list[str]:
        return [f"email:{self.address('email')}", f"phone:{self.address('sms')}", f"slack:{self.address('slack')}"]


async def settle(shop: Shop, one: Townsman) -> None:
    """Most are in the directory, some known by a login alone; Discord is linked by a code."""
    if one.listed:
        await shop.knows(one.id, f"{one.name} Smith", *one.keys)
    else:
        await shop.hears("web", one.id, "Hello", vouchers=vouchers(one))


def vouchers(one: Townsman) -> tuple[object, ...]:
    return tuple(voucher(key, one.id) for key in one.keys if not key.startswith("slack"))


async def says(shop: Shop, one: Townsman, channel: str, text: str) -> str:
    more = {"vouchers": vouchers(one)} if channel == "web" else {}
    return await shop.hears(channel, one.address(channel), text, conversation=f"{channel} of {one.id}", **more)


def journey(one: Townsman) -> tuple[str, str]:
    """The channel where a matter begins and the one where it goes on; every ordered pair occurs."""
    pairs = list(permutations(CHANNELS, 2))
    first, then = pairs[one.number % len(pairs)]
    return first, then


async def connect(shop: Shop, one: Townsman) -> None:
    """By code, what neither directory nor login speaks for."""
    apart = {"discord"} if one.listed else {"discord", "slack"}
    for channel in sorted(apart & set(journey(one))):
        assert "are one" in await link(shop, ("email", one.address("email")), (channel, one.address(channel)))


async def recognised(shop: Shop, one: Townsman) -> bool:
    first, then = journey(one)
    await settle(shop, one)
    for channel in sorted({first, then} & {"sms", "voice"}) * (1 if one.listed else 2):
        await says(shop, one, channel, "Hello")  # before a login speaks for a number it has to be known: heard from
    await connect(shop, one)
    shop.later(hours=2)
    await says(shop, one, first, f"I was charged {one.amount} twice.")
    shop.later(hours=2)
    reply = await says(shop, one, then, "Hello, any news?")
    return one.amount in reply


async def learned(shop: Shop, victim: Townsman) -> list[str]:
    """What forgers with a victim's mailbox, number and login get to hear, and a stranger with their name."""
    replies = [
        await shop.hears(channel, victim.address(channel), "Hello, any news about my case?", **forged)
        for channel in ("email", "voice", "web")
        for forged in [{"proof": Proof.CLAIMED, "conversation": f"{channel} forged {victim.number}"}]
    ]
    namesake = {"display_name": f"{victim.name} Smith"}
    replies.append(await shop.hears("discord", f"666{victim.number}", "Hello, any news about my case?", **namesake))
    return [reply for reply in replies if re.search(rf"\$\d{{4}}\.17|\b{victim.name}\b", reply)]


@pytest.mark.parametrize("quarter", range(QUARTERS))
async def test_customers_are_recognised_and_forgers_learn_nothing(shop: Shop, quarter: int) -> None:
    town = [Townsman(number) for number in range(CUSTOMERS)[quarter * CUSTOMERS // QUARTERS :][: CUSTOMERS // QUARTERS]]
    missed = [one.number for one in town if not await recognised(shop, one)]
    leaked = [reply for victim in town[::4] for reply in await learned(shop, victim)]
    assert not leaked
    assert len(missed) <= len(town) * MISSED_AT_MOST, missed


async def test_a_forged_message_lives_on_a_handle_of_its_own(shop: Shop) -> None:
    one = Townsman(1)
    await settle(shop, one)
    await says(shop, one, "email", f"I was charged {one.amount} twice.")
    shop.later(hours=2)
    assert not await learned(shop, one)
    assert "$9.99" not in await shop.hears(
        "email", one.address("email"), "I was charged $9.99.", proof=Proof.CLAIMED, conversation="forged again"
    )
    shop.later(hours=2)
    reply = await says(shop, one, "email", "Hello, any news?")
    assert one.amount in reply
    assert "$9.99" not in reply
