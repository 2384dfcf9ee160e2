"""Codes: how a customer carries a conversation from one channel to another, and makes the link last.

A code speaks for the handle that showed it, never for the one where it is entered. Nothing here reads memory; the
steps it returns are written with the settlement of the turn.
"""

import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from core.ledger import Turn
from core.links import IssueCode, LinkDesk, LinkStep, LiveCode, MakeLink, PendingLink, RedeemCode, UndoLink, WrongCode
from core.phrases import say
from identity import codes
from identity.gate import Grant, HandleId, handles_of
from identity.proof import Proof

Wish = Literal["code", "call", ""]

# "link my other account", "give you a call" in the languages we speak; not "connect my phone to the speaker", nor
# "I'll call my bank", nor a discount code.
_OURS = r"(?:account|channel|chat|conversation|slack|discord|e-?mail|phone number)s?"
_THERE = (
    r"(?:on|by|via|to|over|from) (?:the |my |another |a different |other ){0,2}"
    rf"(?:{_OURS}|phone|sms|text|app|channel|whatsapp)\b"
)
_NO_THING = r"(?!.{0,20}\b(?:subscription|plan|order|payment|contract|number|invoice|money)\b)"
_LINK_WISH = re.compile(
    rf"\b(?:link|connect|join|merge)(?:ing)?\b.{{0,12}}\b(?:my|this|these|both|the two)\b.{{0,20}}\b{_OURS}\b"
    r"|\b(?:can|could|may|do|would|how)\b(?: \w+){0,5} (?:link|connect|join|merge)\b(?: \w+){0,3}"
    rf" (?:my|our|this|these|both|two|another|other)\b(?: \w+){{0,2}} {_OURS}\b"
    r"|\b(?:other|another|second|two|both)\b(?: \w+){0,2} accounts?\b.{0,60}"
    r"\b(?:code|link(?:ed)?|connect(?:ed)?|join(?:ed)?)\b"
    r"|\b(?:give|send|get|show|generate|have|need|want|issue|request|provide|enter|use|require|is there)\b"
    r"(?: (?:me|us|you|to|a|an|the|my|some|one|new|another|fresh|kind|of|for|that)){0,5}"
    r" (?:(?:linking|link|connection|transfer|pairing|one[- ]time|six[- ]digit) )?code\b"
    r"(?=\s*(?:[.,!?]|$|(?:so|to|for|and|please|when|if|in order)\b.{0,60}"
    rf"\b(?:{_OURS}|phone|call|sms|text|whatsapp|link|connect|continue|carry|switch|move|channel|there)\b))"
    r"|\b(?:continue|carry (?:(?:this|it) )?on|go on|switch|move|(?:pick|take) (?:this|it))\b"
    rf"{_NO_THING}(?: \w+){{0,6}} {_THERE}"
    rf"|\b(?:write|reach|contact|message|text|chat)(?:ing)?\b(?: \w+){{0,4}} {_THERE}"
    r"(?=.{0,40}\b(?:instead|from now on|code)\b)"
    r"|\b(?:tie|tying|hook(?:ing)?|attach(?:ing)?|pair(?:ing)?|combin\w+|sync\w*|link(?:ing)?|connect(?:ing)?|join(?:ing)?"
    r"|merg\w+|add(?:ing)?|us(?:e|ing)|put(?:ting)?)\b.{0,30}\b(?:other|second|two|both)\b(?: my)?(?: \w+)?"
    r" (?:accounts?|profiles?|log-?ins?)\b"
    r"|\b(?:send|give|get)\b(?: \w+){0,3} (?:pairing|linking|connection) code(?: please)?(?=\W*$)"
    r"|\b(?:what(?:ever)?|which) code (?:is|do i|should i|must i|will i)\b(?=.{0,12}\b(?:need\w*|enter|use|type)\b)"
    r"|\b(?:write|writing|contact|message)\b.{0,15}\bfrom two (?:places|accounts|addresses|channels)\b"
    r"|\b(?:linking|link) code\b|\bcode (?:to|for) (?:link|linking|call|calling|the other|my other)\b"
    r"|\bc[oó]digo\b(?=.{0,40}\b(?:vincul|enlaz|conect|llamar|continuar|associar|ligar|unir|otra cuenta|outra conta))"
    r"|\b(?:welchen|einen|den|der) code\b(?=.{0,40}\b(?:verknüpf|verbind|koppel|anruf|weitermach|fortsetz|kont[oe]))"
    r"|\bcode\b(?=.{0,40}\b(?:relier|lier|associer|rattacher|appeler|continuer|compte))"
    r"|\bcodice\b(?=.{0,40}\b(?:collegare|unire|associare|chiamar|telefonar|continuare|altro account))"
    r"|\b(?:welke|een|de) code\b(?=.{0,40}\b(?:koppel|verbind|bellen|verder|account))"
    r"|\b(?:vincular|enlazar|conectar|associar|ligar)\b.{0,20}\b(?:mis?|minhas?|otra|outra)\b.{0,12}\b(?:cuenta|conta|canal)"
    r"|\b(?:konto|konten|account|kanal|kanäle|slack|discord)\b.{0,30}\b(?:verknüpfen|verbinden|koppeln)\b"
    r"|\b(?:relier|associer|lier)\b.{0,12}\b(?:mon|mes|un|l)\b.{0,12}\b(?:compte|canal)"
    r"|\bcollegare\b.{0,20}\b(?:account|conto|canale)\b"
    r"|\b(?:account|kanaal)\b.{0,20}\bkoppelen\b|\bkoppel\w*\b.{0,20}\b(?:account|kanaal)\b",
    re.IGNORECASE,
)
_CALL_WISH = re.compile(
    r"\b(?:i'?ll|i will|going to|gonna|about to|want to|wanna|can i|could i|should i|shall i|let me|rather|may i"
    r"|like to|i can|i might|prefer to|able to|i'm) (?:just |also |rather |now |quickly |maybe ){0,2}"
    r"(?:call|calling|phone|phoning|ring|ringing)(?= you| instead| now| in\b| support| about it| because| and"
    r"| so\b|[.,!?]|\s*$)"
    r"|\b(?:give|giving) (?:you|you guys|your team|support) a (?:quick )?(?:call|ring|bell|buzz)\b"
    r"|\b(?:rather|prefer|like|want|easier|better|continue|talk|speak|discuss)\b(?: \w+){0,6}"
    r" (?:on|over|by) the (?:phone|telephone)\b"
    r"|\bby phone instead\b|\b(?:what|which) (?:phone )?number (?:can|do|should|may|could) i (?:call|ring|phone|dial)\b"
    r"|\b(?:les|os|le) (?:voy a llamar|llamo|llamaré)\b|\bvoy a llamar(?:les|os)\b"
    r"|\b(?:kann|darf|könnte|möchte|soll|würde) ich (?:sie |euch |lieber ){0,2}anrufen\b"
    r"|\b(?:puedo|podría|quiero|prefiero|quisiera) llamar(?:les|os|le)\b"
    r"|\b(?:posso|vorrei|preferisco) (?:chiamar|telefonar)(?:vi|la|le)\b"
    r"|\b(?:posso|prefiro|quero|queria) (?:ligar|telefonar)(?:-vos|-lhes| para (?:vocês|vos))"
    r"|\bich rufe (?:sie |euch |gleich |dann |jetzt |lieber ){0,3}an\b|\bje (?:vais )?vous (?:appelle|appeler)\b"
    r"|\bvou ligar(?:-vos)?\b|\bvi (?:chiamo|telefono|chiamerò)\b|\bik (?:ga |zal )?(?:u |jullie )bel(?:len)?\b",
    re.IGNORECASE,
)
_UNDO = ("undo", "deshacer", "rückgängig", "annuler", "desfazer", "annulla", "ongedaan")
_CODE_WORD = re.compile(r"\b(?:code|código|codice)\b", re.IGNORECASE)
_LOOKED_AT = 500  # characters of a message; a wish for a code comes early or not at all
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
    """The rules of codes for one installation. `label` says what customers call a channel."""

    secret: bytes
    label: Callable[[str], str]
    call_number: str = ""  # where customers can call us, "" when there is no such channel

    def entered(self, turn: Turn) -> str:
        """The digest of the code that was entered in this turn, "" if none was."""
        found = codes.find_code(_told(turn))
        return codes.digest(self.secret, found) if found else ""

    def concerns(self, turn: Turn) -> bool:
        """Whether this turn may be about codes at all, so that most turns ask the ledger nothing."""
        text = _told(turn)
        return bool(codes.find_code(text) or codes.find_pair(text) or _is_undo(text) or _wish(text))

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
        wish = _wish(text)
        return self._issue(desk, wish) if wish else None

    def _issue(self, desk: LinkDesk, wish: Wish) -> LinkTalk:
        if desk.issued_today >= codes.A_DAY:
            return LinkTalk(says=[Say(phrase="no_more_codes")], alone=False)
        digits = codes.LONG if _guessed_at(desk) else codes.SHORT
        code = codes.new_code(digits=digits)
        phrase = "code_to_call" if wish == "call" and self.call_number else "code"
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
        step = RedeemCode(code_id=code.id, grant=grant, pair_digest=self._pair(pair) if pair else "")
        return LinkTalk(says=says, steps=[step], grant=grant, language=desk.shown_language, pair=pair)

    def _pair(self, pair: str) -> str:
        return codes.digest(self.secret, f"pair {pair}")

    def _confirm(self, turn: Turn, pending: PendingLink, pair: str) -> LinkTalk | None:
        if not hmac.compare_digest(self._pair(pair), pending.pair_digest):
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


def without_wishes(text: str) -> str:
    """What is left of a text without its wish for a code, a link or a call."""
    return _CALL_WISH.sub(" ", _LINK_WISH.sub(" ", text))


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


def _wish(text: str) -> Wish:
    start = text[:_LOOKED_AT]
    if _CALL_WISH.search(start):
        return "call"
    return "code" if _LINK_WISH.search(start) else ""
