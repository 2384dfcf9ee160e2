"""A reply as text messages: plain, cheap, within the budget, and honest where something did not fit."""

from collections.abc import Sequence
from typing import Final

from channels._markdown.plain import PLAIN
from channels._markdown.split import split
from channels._markdown.tree import Block, read
from channels._sms.alphabet import alphabet, cheap, segments
from core.messages import Reply

LONGEST: Final = 1_600  # what Twilio takes in one message; a sign beyond the basic alphabets counts as two

# Within GSM-7, whatever the language.
_MORE: Final = {
    "en": "(This was longer than fits into a text. Our team can see all of it: answer HUMAN to talk to a person.)",
    "de": "(Der Text passt nicht ganz in eine SMS. Unser Team sieht alles: Mit MENSCH erreichen Sie jemanden.)",
    "es": "(El texto no cabe entero en un SMS. Nuestro equipo lo ve todo: responda PERSONA para hablar con alguien.)",
    "fr": "(Le texte dépasse un SMS. Notre équipe voit le tout : répondez HUMAIN pour parler à une personne.)",
    "it": "(Era più di quanto sta in un SMS. Il nostro team vede tutto: risponda PERSONA per parlare con qualcuno.)",
    "nl": "(Het was meer dan in een sms past. Ons team ziet alles: antwoord MENS om iemand te spreken.)",
    "pt": "(Era mais do que cabe num SMS. A nossa equipa tem tudo: responda PESSOA para falar com alguém.)",
}


def bodies(reply: Reply, budget: int) -> Sequence[str]:
    """The messages of a reply. What the bot says takes at most so many segments; a colleague's words all arrive."""
    plain = reply.sender != "agent"

    def show(tree: Sequence[Block]) -> str:
        return cheap(PLAIN.show(tree), plain=plain)

    tree = read(reply.text)
    whole = list(split(tree, show, LONGEST, _utf16))
    if not plain or reply.secret or sum(map(segments, whole)) <= budget:
        return whole
    its, more = alphabet(show(tree)), f"\n\n{note(reply.language)}"
    return [next(split(tree, show, budget * its.joined - its.used(more), its.used)) + more]


def note(language: str) -> str:
    """Says that there was more, and how to get it."""
    return _MORE.get(language.partition("-")[0], _MORE["en"])


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
