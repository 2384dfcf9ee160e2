"""Codes: how a customer carries a conversation from one channel to another, and makes the link last.

A code speaks for the handle that showed it, never for the one where it is entered. Nothing here reads memory; the
steps it returns are written with the settlement of the turn.
"""

import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from core.ledger import (
    IssueCode,
    LinkDesk,
    LinkStep,
    LiveCode,
    MakeLink,
    RedeemCode,
    Turn,
    UndoLink,
    WrongCode,
)
from core.phrases import say
from identity import codes
from identity.gate import Grant, HandleId
from identity.partition import persons
from identity.proof import Proof

Asked = Literal["code", "call", ""]

# "link my other account", "which code", "I'm going to call you" in the languages we speak; not "I'll call my bank".
_LINK_WISH = re.compile(
    r"\b(?:link|connect|join|merge)\b.{0,30}\b(?:account|channel|number|chat|slack|discord|e-?mail|phone)\b"
    r"|\b(?:which|what|need|send|get|give me)\b.{0,20}\bcode\b.{0,30}\b(?:need|link|enter|use|please|other)\b"
    r"|\b(?:vincular|enlazar|conectar|associar|ligar)\b.{0,30}\b(?:cuenta|conta|canal)\b"
    r"|\b(?:verbinden|verknüpfen)\b|\bkonto\b.{0,20}\bverknüpf|\b(?:relier|associer|lier)\b.{0,30}\bcompte\b"
    r"|\bcollegare\b.{0,30}\b(?:account|conto)\b|\bkoppel\w*\b.{0,30}\baccount\b|\baccount\b.{0,20}\bkoppel",
    re.IGNORECASE,
)  # fmt: skip
_CALL_WISH = re.compile(
    r"\b(?:i'?ll|i will|going to|about to|want to|can i|could i|let me|rather|may i|like to) "
    r"(?:just )?(?:call|phone|ring)\b(?! (?:my|the|a|an|him|her|them|it|back)\b)"
    r"|\bgive you (?:a|guys a) (?:call|ring)\b"
    r"|\b(?:les|os|le) (?:voy a llamar|llamo|llamaré)\b|\bvoy a llamar(?:les|os)?\b"
    r"|\bich rufe (?:sie |euch |gleich |dann |jetzt ){0,3}an\b|\bje (?:vais )?vous (?:appelle|appeler)\b"
    r"|\bvou ligar\b|\bvi (?:chiamo|telefono|chiamerò)\b|\bik (?:ga |zal )?(?:u |jullie )?bel(?:len)?\b",
    re.IGNORECASE,
)  # fmt: skip
_UNDO = frozenset({"undo", "deshacer", "rückgängig", "annuler", "desfazer", "annulla", "ongedaan"})
_CODE_WORD = re.compile(r"\b(?:code|código|codice)\b", re.IGNORECASE)
_LOOKED_AT = 500  # characters of a message; a wish for a code comes early or not at all


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkTalk:
    """What came of codes in one turn. `alone`: the message was about nothing else, so no writer is asked."""

    steps: Sequence[LinkStep] = ()
    text: str = ""
    grant: Grant | None = None  # a code was accepted in this very turn
    alone: bool = True
    expects_digits: int = 0
    notify: frozenset[HandleId] = frozenset()
    notice: str = ""  # the channel that the notice names


@dataclass(frozen=True, kw_only=True, slots=True)
class Linking:
    """The rules of codes for one installation. `label` says what customers call a channel."""

    secret: bytes
    label: Callable[[str], str]
    call_number: str = ""  # where customers can call us, "" when there is no such channel

    def entered(self, turn: Turn) -> str:
        """The digest of the code that was entered in this turn, "" if none was."""
        found = codes.find_code(turn.first.digits or turn.text)
        return codes.digest(self.secret, found) if found else ""

    def concerns(self, turn: Turn) -> bool:
        """Whether this turn may be about codes at all, so that most turns ask the ledger nothing."""
        text = turn.first.digits or turn.text
        return bool(codes.find_code(text) or codes.find_pair(text) or _is_undo(text) or _wish(text))

    def consider(self, turn: Turn, desk: LinkDesk, language: str) -> LinkTalk | None:
        """What is to be done about codes in this turn; None for nothing."""
        text = turn.first.digits or turn.text
        if _is_undo(text) and desk.undoable:
            channel = self.label(desk.undoable.other_channel)
            return LinkTalk(steps=[UndoLink(link_id=desk.undoable.id)], text=say("undone", language, channel=channel))
        pair = codes.find_pair(text)
        if pair and desk.pending:
            return self._confirm(turn, desk, pair, language)
        if self.entered(turn):
            return self._redeem(turn, desk, language)
        wish = _wish(text)
        if wish:
            return self._issue(desk, wish, language)
        return None

    def _issue(self, desk: LinkDesk, wish: Asked, language: str) -> LinkTalk:
        if desk.issued_today >= codes.A_DAY:
            return LinkTalk(text=say("no_more_codes", language), alone=False)
        digits = codes.digits_needed(wrong_last_hour=desk.wrong_last_hour, live_codes=desk.live_codes)
        code = codes.new_code(digits=digits)
        phrase = "code_to_call" if wish == "call" and self.call_number else "code"
        text = say(phrase, language, code=code, number=self.call_number)
        return LinkTalk(steps=[IssueCode(digest=codes.digest(self.secret, code))], text=text, alone=False)

    def _redeem(self, turn: Turn, desk: LinkDesk, language: str) -> LinkTalk | None:
        code = desk.code
        if (
            code is None
            or desk.wrong_by_sender >= codes.TRIES
            or not codes.redeemable(code.state, turn.heard[-1].message.received_at)
        ):
            return self._wrong(turn, language)
        if code.handle == turn.standing.handle:
            return LinkTalk(text=say("code_entered_here", language))
        grant = Grant(
            shown_by=code.handle,
            nodes=desk.shown_nodes,
            proof=_granted_proof(turn, code),
            since=turn.heard[0].message.received_at,
        )
        text, pair_digest, digits = self._offer_link(turn, desk, language)
        step = RedeemCode(code_id=code.id, grant=grant, pair_digest=pair_digest)
        return LinkTalk(steps=[step], text=text, grant=grant, expects_digits=digits)

    def _wrong(self, turn: Turn, language: str) -> LinkTalk:
        """A bare number may be the answer to a question of ours; it counts as a guess, but is heard as an answer."""
        meant_as_code = bool(turn.first.digits or _CODE_WORD.search(turn.text)) or not turn.asked
        text = say("code_wrong", language) if meant_as_code else ""
        return LinkTalk(steps=[WrongCode()], text=text, alone=meant_as_code)

    def _offer_link(self, turn: Turn, desk: LinkDesk, language: str) -> tuple[str, str, int]:
        """Asks for two digits where the link can last: not for a claimed handle, nor where two people would meet."""
        accepted = say("code_accepted", language)
        nodes = turn.standing.nodes
        already_one = not desk.shown_nodes.isdisjoint(nodes)
        two_people = len(persons(desk.shown_nodes | nodes)) > 1
        if turn.standing.proof is Proof.CLAIMED or already_one or two_people:
            return accepted, "", 0
        pair = codes.new_pair()
        ask = say("confirm_link", language, channel=self.label(desk.shown_on), pair=pair)
        return f"{accepted} {ask}", codes.digest(self.secret, f"pair {pair}"), len(pair)

    def _confirm(self, turn: Turn, desk: LinkDesk, pair: str, language: str) -> LinkTalk | None:
        pending = desk.pending
        if pending is None:
            return None
        if not hmac.compare_digest(codes.digest(self.secret, f"pair {pair}"), pending.pair_digest):
            return LinkTalk(steps=[WrongCode()], text=say("pair_wrong", language))
        here, there = turn.standing.handle, pending.shown_by
        return LinkTalk(
            steps=[MakeLink(pending_id=pending.id, a=there, b=here)],
            text=say("linked", language, channel=self.label(pending.shown_on)),
            notify=(_handles(turn) | {there}) - {here},
            notice=self.label(turn.first.channel),
        )


def _handles(turn: Turn) -> frozenset[HandleId]:
    grant = turn.standing.grant
    nodes = turn.standing.nodes | (grant.nodes if grant else frozenset())
    return frozenset(int(node.removeprefix("h:")) for node in nodes if node.startswith("h:"))


def _granted_proof(turn: Turn, code: LiveCode) -> Proof:
    """The showing handle's proof; a fresh code on top of two proven handles that were one before makes it confirmed."""
    were_one = f"h:{turn.standing.handle}" in code.linked
    if were_one and min(code.proof, turn.standing.proof) >= Proof.PROVEN:
        return Proof.CONFIRMED
    return code.proof


def _is_undo(text: str) -> bool:
    return text.strip(" .!\"'“”").lower() in _UNDO


def _wish(text: str) -> Asked:
    start = text[:_LOOKED_AT]
    if _CALL_WISH.search(start):
        return "call"
    return "code" if _LINK_WISH.search(start) else ""
