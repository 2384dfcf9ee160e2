"""Codes: how a customer carries a conversation from one channel to another, and makes the link last.

A code speaks for the handle that showed it, never for the one where it is entered. Nothing here reads memory; the
steps it returns are written with the settlement of the turn.
"""

import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from core.ledger import Turn
from core.links import IssueCode, LinkDesk, LinkStep, LiveCode, MakeLink, PendingLink, RedeemCode, UndoLink, WrongCode
from core.phrases import say
from core.wishing import Wish, wish
from identity import codes
from identity.gate import Grant, HandleId, handles_of
from identity.proof import Proof

_UNDO = ("undo", "deshacer", "rückgängig", "annuler", "desfazer", "annulla", "ongedaan")
_CODE_WORD = re.compile(r"\b(?:code|código|codice)\b", re.IGNORECASE)
_FEW = 3  # words


@dataclass(frozen=True, kw_only=True, slots=True)
class Say:
    """A phrase, to be said in the language that the turn turns out to be in."""

    phrase: str
    values: Mapping[str, str] = field(default_factory=dict)

    def text(self, language: str) -> str:
        """The phrase in a language."""
        return say(self.phrase, language, **self.values)


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkTalk:
    """What came of codes in one turn. `alone`: the message was about nothing else, so no writer is asked."""

    says: Sequence[Say] = ()
    steps: Sequence[LinkStep] = ()
    grant: Grant | None = None  # a code was accepted in this very turn
    alone: bool = True
    language: str = ""  # what the customer spoke where they come from
    code: str = ""  # that is shown now
    pair: str = ""  # two digits that, repeated, make the link last
    notify: frozenset[HandleId] = frozenset()
    notice: str = ""  # the channel that the notice names
    needs_a_person: bool = False

    def text(self, language: str) -> str:
        """What is said about codes."""
        return " ".join(one.text(language) for one in self.says)


@dataclass(frozen=True, kw_only=True, slots=True)
class Linking:
    """The rules of codes for one installation. `label` says what customers call a channel; `accepted` are secrets that
    codes which still live may have been made with."""

    secret: bytes
    accepted: Sequence[bytes] = ()
    label: Callable[[str], str]
    call_number: str = ""  # where customers can call us, "" when there is no such channel

    def entered(self, turn: Turn) -> Sequence[str]:
        """What a code that was entered in this turn may be kept as; nothing if none was."""
        found = codes.find_code(_told(turn))
        return [codes.digest(secret, found) for secret in self._secrets] if found else []

    @property
    def _secrets(self) -> Sequence[bytes]:
        return (self.secret, *self.accepted)

    def concerns(self, turn: Turn) -> bool:
        """Whether this turn may be about codes at all, so that most turns ask the ledger nothing."""
        text = _told(turn)
        return bool(codes.find_code(text) or codes.find_pair(text) or _is_undo(text) or wish(text))

    def consider(self, turn: Turn, desk: LinkDesk) -> LinkTalk | None:
        """What is to be done about codes in this turn; None for nothing."""
        text = _told(turn)
        if _is_undo(text) and desk.undoable:
            undone = Say(phrase="undone", values={"channel": self.label(desk.undoable.other_channel)})
            return LinkTalk(says=[undone], steps=[UndoLink(link_id=desk.undoable.id)])
        pair = codes.find_pair(text)
        if pair and desk.pending:
            return self._confirm(turn, desk.pending, pair)
        if self.entered(turn):
            return self._redeem(turn, desk)
        wished = wish(text)
        return self._issue(desk, wished) if wished else None

    def _issue(self, desk: LinkDesk, wished: Wish) -> LinkTalk:
        if desk.issued_today >= codes.A_DAY:
            return LinkTalk(says=[Say(phrase="no_more_codes")], alone=False)
        digits = codes.LONG if _guessed_at(desk) else codes.SHORT
        code = codes.new_code(digits=digits)
        phrase = "code_to_call" if wished == "call" and self.call_number else "code"
        shown = Say(phrase=phrase, values={"code": code, "number": self.call_number})
        step = IssueCode(digest=codes.digest(self.secret, code), digits=digits)
        return LinkTalk(says=[shown], steps=[step], alone=False, code=code)

    def _redeem(self, turn: Turn, desk: LinkDesk) -> LinkTalk:
        code = desk.code
        if code is None or not _opens(turn, desk, code):
            return _wrong(turn, desk)
        if code.handle == turn.standing.handle:
            return LinkTalk(says=[Say(phrase="code_entered_here")])
        grant = Grant(
            shown_by=code.handle,
            nodes=desk.shown_nodes,
            proof=_granted_proof(turn, code),
            since=turn.heard[0].message.received_at,
        )
        pair = codes.new_pair() if _may_last(turn, desk) else ""
        says = [Say(phrase="code_accepted")]
        if pair:
            says += [Say(phrase="confirm_link", values={"channel": self.label(desk.shown_on), "pair": pair})]
        step = RedeemCode(code_id=code.id, grant=grant, pair_digest=self._pairs(pair)[0] if pair else "")
        return LinkTalk(says=says, steps=[step], grant=grant, language=desk.shown_language, pair=pair)

    def _pairs(self, pair: str) -> Sequence[str]:
        return [codes.digest(secret, f"pair {pair}") for secret in self._secrets]

    def _confirm(self, turn: Turn, pending: PendingLink, pair: str) -> LinkTalk | None:
        if not any(hmac.compare_digest(one, pending.pair_digest) for one in self._pairs(pair)):
            if not codes.is_bare(_told(turn)):
                return None
            return LinkTalk(says=[Say(phrase="pair_wrong")], steps=[WrongCode()])
        here, there = turn.standing.handle, pending.shown_by
        return LinkTalk(
            says=[Say(phrase="linked", values={"channel": self.label(pending.shown_on)})],
            steps=[MakeLink(pending_id=pending.id, a=there, b=here)],
            notify=(_handles(turn) | {there}) - {here},
            notice=self.label(turn.first.channel),
        )


def _told(turn: Turn) -> str:
    return turn.first.digits or turn.text


def _guessed_at(desk: LinkDesk) -> bool:
    return codes.guessed_at(wrong_last_hour=desk.wrong_last_hour, live_codes=desk.live_codes)


def _opens(turn: Turn, desk: LinkDesk, code: LiveCode) -> bool:
    """A fresh code, from a sender who did not guess; while many guess, a short one only from who proved something."""
    if desk.wrong_by_sender >= codes.TRIES or not codes.redeemable(code.state, turn.heard[-1].message.received_at):
        return False
    return not (_guessed_at(desk) and code.six_digits and turn.standing.proof is Proof.CLAIMED)


def _wrong(turn: Turn, desk: LinkDesk) -> LinkTalk:
    """A bare number may be the answer to a question of ours; it counts as a guess, but is heard as an answer."""
    meant_as_code = bool(turn.first.digits or _CODE_WORD.search(turn.text)) or not turn.asked
    closed = _guessed_at(desk) and bool(turn.first.digits)
    says = [Say(phrase="code_wrong")] if meant_as_code else []
    return LinkTalk(says=says, steps=[WrongCode()], alone=meant_as_code, needs_a_person=closed)


def _may_last(turn: Turn, desk: LinkDesk) -> bool:
    """A link can last where the entering handle is more than claimed, and the two are not one already."""
    apart = desk.shown_nodes.isdisjoint(turn.standing.nodes)
    return desk.may_last and apart and turn.standing.proof is not Proof.CLAIMED


def _handles(turn: Turn) -> frozenset[HandleId]:
    grant = turn.standing.grant
    return handles_of(turn.standing.nodes | (grant.nodes if grant else frozenset()))


def _granted_proof(turn: Turn, code: LiveCode) -> Proof:
    """The showing handle's proof; a fresh code on top of two proven handles that were one before makes it confirmed."""
    were_one = f"h:{turn.standing.handle}" in code.linked
    if were_one and min(code.proof, turn.standing.proof) >= Proof.PROVEN:
        return Proof.CONFIRMED
    return code.proof


def _is_undo(text: str) -> bool:
    """The one word, be it with a please, or with a signature on the lines below."""
    words = re.findall(r"\w+", text.strip().partition("\n")[0].lower())
    return 0 < len(words) <= _FEW and words[0] in _UNDO
