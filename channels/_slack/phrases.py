"""What Slack's own places say: the slash command, the pane of the assistant."""

from collections.abc import Sequence
from typing import Final, NamedTuple


class Hello(NamedTuple):
    """Who says it."""

    name: str  # the bot's
    brand: str
    languages: Sequence[str]


class Phrases(NamedTuple):
    """In one language."""

    explanation: str
    about_erasing: str
    wish_to_be_forgotten: str
    wish_for_a_code: str
    writing: str  # stands behind the bot's name
    offer: str
    about_an_order: str  # a prompt, and what it says
    help_with_an_order: str
    go_on_elsewhere: str  # a prompt


PHRASES: Final = {
    "en": Phrases(
        "I'm {name}, an AI assistant{of}. Write to me in a direct message, or mention me in a channel: the "
        "answer is for your eyes only. `/throughline link` gives you a code with which you can go on elsewhere, by "
        "phone or email for example, without repeating yourself. `/throughline forget` asks us to erase what we know "
        "about you. To speak with a person, just say so.",
        "A colleague gets your request now. Erasing is final, so a person does it and not I; until they answer you "
        "here, nothing is erased.",
        "I would like you to erase everything that you have on record about me.",
        "I would like a code to link my other account.",
        "is writing…",
        "I'm {name}, an AI assistant{of}. How can I help?",
        "Help with an order",
        "I need help with an order.",
        "Go on where I was elsewhere",
    ),
    "es": Phrases(
        "Soy {name}, un asistente de IA{of}. Escríbame por mensaje directo o mencióneme en un canal: la "
        "respuesta solo la ve usted. `/throughline link` le da un código con el que puede seguir en otro canal sin "
        "repetir nada. `/throughline forget` pide que borremos lo que sabemos de usted. Para hablar con una persona, "
        "dígalo.",
        "Una persona de nuestro equipo recibe ahora su petición. Borrar es definitivo, por eso lo hace una persona y "
        "no yo; hasta que le responda aquí no se borra nada.",
        "Quiero que borren todo lo que tienen registrado sobre mí.",
        "Quiero un código para vincular mi otra cuenta.",
        "está escribiendo…",
        "Soy {name}, un asistente de IA{of}. ¿En qué puedo ayudarle?",
        "Ayuda con un pedido",
        "Necesito ayuda con un pedido.",
        "Seguir con lo de otro canal",
    ),
    "de": Phrases(
        "Ich bin {name}, der KI-Assistent{of}. Schreiben Sie mir als Direktnachricht oder erwähnen Sie mich "
        "in einem Kanal: Die Antwort sehen nur Sie. `/throughline link` gibt Ihnen einen Code, mit dem Sie anderswo "
        "weitermachen können, ohne etwas zu wiederholen. `/throughline forget` bittet uns zu löschen, was wir über "
        "Sie wissen. Wenn Sie einen Menschen sprechen möchten, sagen Sie es einfach.",
        "Ein Mensch bekommt jetzt Ihre Bitte. Löschen ist endgültig, deshalb tut es ein Mensch und nicht ich; bis er "
        "Ihnen hier antwortet, wird nichts gelöscht.",
        "Ich möchte, dass Sie alles löschen, was Sie über mich gespeichert haben.",
        "Ich möchte einen Code, um mein anderes Konto zu verbinden.",
        "schreibt …",
        "Ich bin {name}, der KI-Assistent{of}. Wie kann ich helfen?",
        "Hilfe bei einer Bestellung",
        "Ich brauche Hilfe bei einer Bestellung.",
        "Weitermachen, wo ich anderswo war",
    ),
    "fr": Phrases(
        "Je suis {name}, un assistant IA{of}. Écrivez-moi en message privé ou mentionnez-moi dans un canal : "
        "vous seul voyez la réponse. `/throughline link` vous donne un code pour continuer ailleurs sans rien "
        "répéter. `/throughline forget` nous demande d'effacer ce que nous savons de vous. Pour parler à une "
        "personne, dites-le.",
        "Une personne de notre équipe reçoit maintenant votre demande. Effacer est définitif, c'est donc une personne "
        "qui le fait et non moi ; jusqu'à sa réponse ici, rien n'est effacé.",
        "Je voudrais que vous effaciez tout ce que vous avez enregistré sur moi.",
        "Je voudrais un code pour relier mon autre compte.",
        "écrit…",
        "Je suis {name}, un assistant IA{of}. Comment puis-je vous aider ?",
        "Aide pour une commande",
        "J'ai besoin d'aide pour une commande.",
        "Continuer ce que j'ai commencé ailleurs",
    ),
    "pt": Phrases(
        "Sou {name}, um assistente de IA{of}. Escreva-me por mensagem direta ou mencione-me num canal: só quem "
        "escreve vê a resposta. `/throughline link` dá-lhe um código para continuar noutro canal sem repetir nada. "
        "`/throughline forget` pede que apaguemos o que sabemos de si. Para falar com uma pessoa, basta dizê-lo.",
        "Uma pessoa da nossa equipa recebe agora o seu pedido. Apagar é definitivo, por isso é uma pessoa que o faz e "
        "não eu; até ela responder aqui, nada é apagado.",
        "Quero que apaguem tudo o que têm registado sobre mim.",
        "Quero um código para juntar a minha outra conta.",
        "está a escrever…",
        "Sou {name}, um assistente de IA{of}. Como posso ajudar?",
        "Ajuda com uma encomenda",
        "Preciso de ajuda com uma encomenda.",
        "Continuar o que comecei noutro canal",
    ),
    "it": Phrases(
        "Sono {name}, un assistente IA{of}. Mi scriva in un messaggio diretto o mi menzioni in un canale: la "
        "risposta la vede solo lei. `/throughline link` le dà un codice per continuare altrove senza ripetere nulla. "
        "`/throughline forget` ci chiede di cancellare ciò che sappiamo di lei. Per parlare con una persona, lo dica.",
        "Una persona del nostro team riceve ora la sua richiesta. Cancellare è definitivo, perciò lo fa una persona e "
        "non io; finché non le risponde qui, nulla viene cancellato.",
        "Vorrei che cancellaste tutto ciò che avete registrato su di me.",
        "Vorrei un codice per collegare il mio altro account.",
        "sta scrivendo…",
        "Sono {name}, un assistente IA{of}. Come posso aiutarla?",
        "Aiuto con un ordine",
        "Ho bisogno di aiuto con un ordine.",
        "Continuare quanto iniziato altrove",
    ),
    "nl": Phrases(
        "Ik ben {name}, een AI-assistent{of}. Schrijf mij een privébericht of noem mij in een kanaal: het "
        "antwoord ziet u alleen. `/throughline link` geeft u een code waarmee u elders verder kunt zonder iets te "
        "herhalen. `/throughline forget` vraagt ons te wissen wat wij over u weten. Wilt u een mens spreken, zeg het "
        "dan.",
        "Een collega krijgt nu uw verzoek. Wissen is definitief, daarom doet een mens het en niet ik; tot die u hier "
        "antwoordt, wordt er niets gewist.",
        "Ik wil dat u alles wist wat u over mij hebt vastgelegd.",
        "Ik wil een code om mijn andere account te koppelen.",
        "is aan het schrijven…",
        "Ik ben {name}, een AI-assistent{of}. Waarmee kan ik helpen?",
        "Hulp bij een bestelling",
        "Ik heb hulp nodig bij een bestelling.",
        "Verdergaan waar ik elders was",
    ),
}


def language(spoken: Sequence[str]) -> str:
    """The first language that the bot speaks and this page has; Slack does not tell its user's."""
    return next((one for one in spoken if one in PHRASES), "en")
