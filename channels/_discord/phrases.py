"""What Discord itself has to say."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from core.greeting import of


class Hello(NamedTuple):
    """Who says it."""

    name: str  # the bot's
    brand: str
    languages: Sequence[str]


class Phrases(NamedTuple):
    """In one language. What begins with `about` describes a command, in at most 100 characters."""

    explanation: str
    wish_for_a_code: str
    closed: str  # said in public: nothing personal
    not_yours: str
    about_help: str
    about_link: str
    about_human: str


PHRASES: Final = {
    "en": Phrases(
        "I'm {name}, an AI assistant{of}. Write to me in a direct message, in your own words; what we say there "
        "nobody else can read. /link gives you a code with which you can go on elsewhere, by phone or email for "
        "example, without repeating yourself. /human asks for a colleague of ours.",
        "I would like a code to link my other account.",
        "I could not write to you privately. Please allow direct messages from members of this server, and ask again.",
        "This button is not meant for you.",
        "What I can do",
        "Go on elsewhere without repeating yourself: gives you a code, or takes one",
        "Talk to a person",
    ),
    "es": Phrases(
        "Soy {name}, un asistente de IA{of}. Escríbame por mensaje directo, con sus propias palabras; nadie más "
        "puede leerlo. /link le da un código con el que puede seguir en otro canal sin repetir nada. /human avisa a "
        "una persona de nuestro equipo.",
        "Quiero un código para vincular mi otra cuenta.",
        "No he podido escribirle en privado. Permita los mensajes directos de este servidor y vuelva a preguntar.",
        "Este botón no es para usted.",
        "Qué puedo hacer",
        "Seguir en otro canal sin repetir nada: da un código, o lo recibe",
        "Hablar con una persona",
    ),
    "de": Phrases(
        "Ich bin {name}, der KI-Assistent{of}. Schreiben Sie mir als Direktnachricht, in Ihren eigenen Worten; "
        "das kann sonst niemand lesen. /link gibt Ihnen einen Code, mit dem Sie anderswo weitermachen können, ohne "
        "etwas zu wiederholen. /human ruft einen Menschen.",
        "Ich möchte einen Code, um mein anderes Konto zu verbinden.",
        "Ich konnte Ihnen nicht privat schreiben. Bitte erlauben Sie Direktnachrichten von diesem Server und fragen "
        "Sie noch einmal.",
        "Diese Schaltfläche ist nicht für Sie gedacht.",
        "Was ich kann",
        "Anderswo weitermachen, ohne etwas zu wiederholen: gibt einen Code oder nimmt ihn an",
        "Mit einem Menschen sprechen",
    ),
    "fr": Phrases(
        "Je suis {name}, un assistant IA{of}. Écrivez-moi en message privé, avec vos propres mots ; personne "
        "d'autre ne peut le lire. /link vous donne un code pour continuer ailleurs sans rien répéter. /human appelle "
        "une personne de notre équipe.",
        "Je voudrais un code pour relier mon autre compte.",
        "Je n'ai pas pu vous écrire en privé. Autorisez les messages privés de ce serveur, puis reposez la question.",
        "Ce bouton ne vous est pas destiné.",
        "Ce que je sais faire",
        "Continuer ailleurs sans rien répéter : donne un code, ou le reçoit",
        "Parler à une personne",
    ),
    "pt": Phrases(
        "Sou {name}, um assistente de IA{of}. Escreva-me por mensagem direta, com as suas palavras; mais "
        "ninguém a pode ler. /link dá-lhe um código para continuar noutro canal sem repetir nada. /human chama uma "
        "pessoa da nossa equipa.",
        "Quero um código para juntar a minha outra conta.",
        "Não consegui escrever-lhe em privado. Permita mensagens diretas deste servidor e pergunte de novo.",
        "Este botão não é para si.",
        "O que posso fazer",
        "Continuar noutro canal sem repetir nada: dá um código, ou recebe-o",
        "Falar com uma pessoa",
    ),
    "it": Phrases(
        "Sono {name}, un assistente IA{of}. Mi scriva in un messaggio privato, con parole sue; nessun altro può "
        "leggerlo. /link le dà un codice per continuare altrove senza ripetere nulla. /human chiama una persona.",
        "Vorrei un codice per collegare il mio altro account.",
        "Non ho potuto scriverle in privato. Consenta i messaggi diretti da questo server e chieda di nuovo.",
        "Questo pulsante non è per lei.",
        "Che cosa so fare",
        "Continuare altrove senza ripetere nulla: dà un codice, o lo riceve",
        "Parlare con una persona",
    ),
    "nl": Phrases(
        "Ik ben {name}, een AI-assistent{of}. Schrijf mij een privébericht, in uw eigen woorden; niemand "
        "anders kan het lezen. /link geeft u een code waarmee u elders verder kunt zonder iets te herhalen. /human "
        "roept een mens.",
        "Ik wil een code om mijn andere account te koppelen.",
        "Ik kon u geen privébericht sturen. Sta privéberichten van deze server toe en vraag het opnieuw.",
        "Deze knop is niet voor u bedoeld.",
        "Wat ik kan",
        "Elders verdergaan zonder iets te herhalen: geeft een code, of neemt er een aan",
        "Met een mens spreken",
    ),
}


def language(locale: str, spoken: Sequence[str]) -> str:
    """The language of Discord's locale ("pt-BR"), or else the first that the bot speaks and this page has."""
    wanted = locale.partition("-")[0]
    if wanted in PHRASES and wanted in spoken:
        return wanted
    return next((one for one in spoken if one in PHRASES), "en")


def explanation(hello: Hello, language: str) -> str:
    """What the bot is and can do."""
    return PHRASES[language].explanation.format(name=hello.name, of=of(hello.brand, language))
