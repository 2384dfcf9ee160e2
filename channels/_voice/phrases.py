"""What the telephone itself has to say, and the languages that it hears and speaks."""

from typing import Final, NamedTuple

# The languages that Twilio both hears and speaks under one tag.
_TAGS: Final = {
    "da": "da-DK", "de": "de-DE", "en": "en-US", "es": "es-ES", "fi": "fi-FI", "fr": "fr-FR", "it": "it-IT",
    "ja": "ja-JP", "ko": "ko-KR", "nb": "nb-NO", "nl": "nl-NL", "pl": "pl-PL", "pt": "pt-BR", "ru": "ru-RU",
    "sv": "sv-SE",
}  # fmt: skip


class Phrases(NamedTuple):
    """What the telephone itself has to say in one language."""

    moment: str
    again: str
    goodbye: str
    sorry: str
    connecting: str
    nobody: str  # when no colleague took the call


_PHRASES: Final = {
    "en": Phrases(
        "One moment, please.",
        "Sorry, I did not hear anything. How can I help you?",
        "I still cannot hear you. Goodbye.",
        "I am sorry, I cannot answer right now. Everything you told me is kept. Goodbye.",
        "I am putting you through now.",
        "I am sorry, nobody could take your call. Your case is kept, and a colleague will look at it. Goodbye.",
    ),
    "de": Phrases(
        "Einen Moment, bitte.",
        "Entschuldigung, ich habe nichts gehört. Wie kann ich Ihnen helfen?",
        "Ich kann Sie leider nicht hören. Auf Wiederhören.",
        "Es tut mir leid, ich kann gerade nicht antworten. Was Sie gesagt haben, ist notiert. Auf Wiederhören.",
        "Ich verbinde Sie jetzt.",
        "Leider konnte niemand Ihren Anruf annehmen. Ihr Fall ist notiert, und jemand kümmert sich darum. "
        "Auf Wiederhören.",
    ),
    "es": Phrases(
        "Un momento, por favor.",
        "Perdone, no he oído nada. ¿En qué puedo ayudarle?",
        "Sigo sin oírle. Adiós.",
        "Lo siento, ahora no puedo responder. Todo lo que me ha dicho queda guardado. Adiós.",
        "Le paso ahora mismo.",
        "Lo siento, nadie ha podido atender su llamada. Su caso queda guardado y un compañero lo verá. Adiós.",
    ),
    "fr": Phrases(
        "Un instant, s'il vous plaît.",
        "Pardon, je n'ai rien entendu. Comment puis-je vous aider ?",
        "Je ne vous entends toujours pas. Au revoir.",
        "Je suis désolé, je ne peux pas répondre maintenant. Ce que vous avez dit est conservé. Au revoir.",
        "Je vous mets en relation.",
        "Désolé, personne n'a pu prendre votre appel. Votre dossier est conservé et un collègue le lira. Au revoir.",
    ),
    "it": Phrases(
        "Un momento, per favore.",
        "Mi scusi, non ho sentito nulla. Come posso aiutarla?",
        "Non la sento ancora. Arrivederci.",
        "Mi dispiace, ora non posso rispondere. Quello che mi ha detto è conservato. Arrivederci.",
        "La metto in contatto adesso.",
        "Mi dispiace, nessuno ha potuto rispondere. Il suo caso è conservato e un collega lo leggerà. Arrivederci.",
    ),
    "pt": Phrases(
        "Um momento, por favor.",
        "Desculpe, não ouvi nada. Como posso ajudar?",
        "Ainda não consigo ouvir. Até logo.",
        "Lamento, não consigo responder agora. Tudo o que me disse fica guardado. Até logo.",
        "Vou passar a sua chamada agora.",
        "Lamento, ninguém pôde atender. O seu caso fica guardado e um colega vai analisá-lo. Até logo.",
    ),
    "nl": Phrases(
        "Een ogenblik, alstublieft.",
        "Sorry, ik heb niets gehoord. Waarmee kan ik u helpen?",
        "Ik hoor u nog steeds niet. Tot ziens.",
        "Het spijt me, ik kan nu niet antwoorden. Wat u hebt gezegd is bewaard. Tot ziens.",
        "Ik verbind u nu door.",
        "Het spijt me, niemand kon uw oproep aannemen. Uw zaak is bewaard en een collega bekijkt hem. Tot ziens.",
    ),
}


def phrases(language: str) -> Phrases:
    """The telephone's own phrases for somebody who speaks a language such as "en" or "de-AT"."""
    return _PHRASES[spoken(language)]


def spoken(language: str) -> str:
    """The language in which those phrases are said."""
    return language[:2] if language[:2] in _PHRASES else "en"


def tag(language: str) -> str:
    """A language by the name that Twilio has for it, such as en-US."""
    return _TAGS.get(language[:2], _TAGS["en"])
