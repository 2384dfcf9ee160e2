"""Opting out: words by which somebody says that they want to hear no more, or to hear again. Pure.

They are honoured before anything is thought of the message, and never wait for the rest of a burst.
"""

import re
from typing import Literal

Consent = Literal["stop", "start", "help"]

# On the telephone network these words are law, alone in a message.
_STOP = ("stop", "stopall", "stop all", "unsubscribe", "cancel", "end", "quit", "revoke", "optout", "opt out")
_KEYWORDS: dict[str, Consent] = {
    **dict.fromkeys(_STOP, "stop"),
    **dict.fromkeys(("start", "unstop"), "start"),
    **dict.fromkeys(("help", "info"), "help"),
}  # fmt: skip
_NO_MORE = re.compile(
    r"\b(?:stop|quit) (?:texting|messaging|e-?mailing|contacting|writing|spamming)(?: to)? me\b"
    r"|\b(?:do not|don'?t|never) (?:contact|text|message|e-?mail|write(?: to)?) me(?: again| anymore| any more)\b"
    r"|\b(?:unsubscribe|opt) me(?: out)?\b|\bi (?:want|would like|wish) to (?:opt out|unsubscribe)\b"
    r"|\b(?:dejen|deje|deja) de (?:escribirme|contactarme|enviarme)|\bno me (?:escriban|contacten) más\b"
    r"|\bschreib(?:en|t)? (?:sie )?mir (?:bitte )?(?:nicht|nichts) mehr\b|\bkontaktieren sie mich nicht mehr\b"
    r"|\b(?:arrêtez|cessez) de m['’ ](?:écrire|envoyer|contacter)|\bne m['’]écrivez plus\b"
    r"|\bparem de me (?:escrever|contactar|enviar)|\bsmettete(?:la)? di (?:scrivermi|contattarmi)\b"
    r"|\bnon scrivetemi più\b"
    r"|\bstuur me niets meer\b|\bstop met (?:mij|me) (?:te )?(?:berichten|mailen|schrijven|sms)",
    re.IGNORECASE,
)  # fmt: skip
_LOOKED_AT = 300  # characters


def wish(text: str, *, keywords: bool) -> Consent | None:
    """What a message says about hearing from us; None for nothing. `keywords`: the channel's bare words count too."""
    bare = " ".join(re.findall(r"\w+", text.lower())) if len(text) < 40 else ""  # noqa: PLR2004 - a word or two
    if keywords and bare in _KEYWORDS:
        return _KEYWORDS[bare]
    return "stop" if _NO_MORE.search(text[:_LOOKED_AT]) else None
