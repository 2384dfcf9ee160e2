"""Merges whoever shares an address: of the channel, in the directory, or typed in a message."""

import re

from benchmarks.repeatbench.arms.channel_only import ChannelOnly
from benchmarks.repeatbench.protocol import Inbound, Person, Reset, Seed

_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|\+\d{8,15}")


class TypedAddress(ChannelOnly):
    """One memory for everybody who ever named the same address."""

    def __init__(self) -> None:
        super().__init__()
        self._same: dict[str, str] = {}

    def key(self, message: Inbound) -> str:
        """The person that this address, or one in the text, was seen with first."""
        here = self._person(_plain(super().key(message)))
        for address in _ADDRESS.findall(message.text.lower()):
            self._same[here] = self._person(address)
            here = self._person(here)
        return here

    def keys_of(self, person: Person) -> set[str]:
        """Wherever the directory's addresses lead."""
        return {self._person(_plain(key)) for key in super().keys_of(person)}

    async def reset(self, reset: Reset) -> None:
        """Nobody is the same as anybody any more."""
        await super().reset(reset)
        self._same = {}

    async def seed(self, seed: Seed) -> None:
        """The directory says who is the same."""
        await super().seed(seed)
        for person in seed.directory:
            for key in super().keys_of(person):
                self._same.setdefault(_plain(key), person.id)

    def _person(self, address: str) -> str:
        seen = {address}
        while address in self._same and self._same[address] not in seen:
            address = self._same[address]
            seen.add(address)
        return address


def _plain(key: str) -> str:
    """SMS, voice and a typed number are one; so are a mailbox and its address in a text."""
    channel, _, address = key.partition(":")
    return address.lower() if channel in {"sms", "voice", "email"} else key
