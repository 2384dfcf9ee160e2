"""What may be done for a message, by its proof. One table, read by one function; see docs/glossary.md for the words."""

from enum import Enum, auto

from identity.proof import Proof


class Deed(Enum):
    """What somebody may want of us."""

    HELP = auto()  # help, open a case, opt out
    CONTINUE = auto()  # go on with what was said
    GREET = auto()  # greet by name, name the open issue and what was tried, from linked handles too
    STATUS = auto()  # status or callback of the own case
    ACT = auto()  # other account actions
    SPEND = auto()  # money
    UNMASK = auto()  # show stored personal data unmasked


class Leave(Enum):
    """How far we go for it."""

    NO = auto()
    CONVERSATION = auto()  # with the rows of this conversation only
    HANDLE = auto()  # with this handle's own rows only
    MASKED = auto()  # with everything of this customer, personal data masked
    YES = auto()
    WITH_APPROVAL = auto()  # prepared; a person approves
    WITHIN_LIMIT = auto()  # within the action's limit (default 0), else a person approves


# An operator may tighten this table, never loosen it but for VOICE_TRUST.
_TABLE: dict[Deed, tuple[Leave, Leave, Leave, Leave]] = {
    #               claimed             plausible     proven               confirmed
    Deed.HELP:     (Leave.YES,          Leave.YES,    Leave.YES,           Leave.YES),
    Deed.CONTINUE: (Leave.CONVERSATION, Leave.HANDLE, Leave.MASKED,        Leave.YES),
    Deed.GREET:    (Leave.NO,           Leave.NO,     Leave.MASKED,        Leave.YES),
    Deed.STATUS:   (Leave.NO,           Leave.NO,     Leave.YES,           Leave.YES),
    Deed.ACT:      (Leave.NO,           Leave.NO,     Leave.WITH_APPROVAL, Leave.YES),
    Deed.SPEND:    (Leave.NO,           Leave.NO,     Leave.WITH_APPROVAL, Leave.WITHIN_LIMIT),
    Deed.UNMASK:   (Leave.NO,           Leave.NO,     Leave.NO,            Leave.YES),
}  # fmt: skip


def leave(deed: Deed, proof: Proof) -> Leave:
    """How far we go with `deed` for a message of this proof."""
    return _TABLE[deed][proof]
