"""How well one message's handle is vouched for."""

from enum import IntEnum


class Proof(IntEnum):
    """The proof of one message, never of a person: the next message has to bring its own.

    claimed: an address somebody typed or could forge. plausible: probably its owner. proven: the channel vouches
    for the owner. confirmed: the owner has just signed in, or has shown a fresh code on top of a proven handle.
    """

    CLAIMED = 0
    PLAUSIBLE = 1
    PROVEN = 2
    CONFIRMED = 3


def weigh(vouched: Proof, *, must_be_known: bool, known: bool, shared: bool) -> Proof:
    """The proof of a message, from what its channel vouches for and what we know of the handle.

    `must_be_known`: a telephone number proves nothing before it is in the directory, linked, or heard from lately.
    `shared`: two people hold this handle (a household phone), so it can never prove which of them is writing.
    """
    if vouched <= Proof.PLAUSIBLE:
        return vouched
    if shared or (must_be_known and not known):
        return Proof.PLAUSIBLE
    return vouched
