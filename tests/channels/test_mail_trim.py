"""Proves that the trimmer leaves the author's own words and nothing else, in the manners of many mail programs and
languages; that in doubt it leaves too much, never too little; and that its time is linear on hostile text."""

import sys
from collections.abc import Callable
from types import FrameType

import pytest

from channels._mail.markup import text_of
from channels._mail.trim import own_words

OWN = "The kettle still leaks.\n\nPlease send another one."
TOLD = "Thank you, we have sent a new lid."

QUOTES = {
    "gmail": "On Mon, Mar 2, 2026 at 9:00 AM Acme <support@acme.test> wrote:\n\n> {told}\n> Acme",
    "gmail wrapped": "On Mon, Mar 2, 2026 at 9:00 AM Acme Customer Support\n<support+abc@acme.test> wrote:\n\n> {told}",
    "gmail wrapped before the year": "On Monday, 2 March\n2026 at 09:00 Acme <support@acme.test>\nwrote:\n> {told}",
    "apple mail": "> On 2 Mar 2026, at 09:00, Acme <support@acme.test> wrote:\n> \n> {told}",
    "apple mail, unmarked head": "On 2 Mar 2026, at 09:00, Acme wrote:\n\n> {told}",
    "thunderbird": "On 3/2/26 09:00, Acme wrote:\n> {told}\n>\n> Acme",
    "yahoo": " On Monday, March 2, 2026, 09:00:00 AM GMT+1, Acme <support@acme.test> wrote:  \n \n {told}\n",
    "outlook": "From: Acme <support@acme.test>\nSent: Monday, March 2, 2026 9:00 AM\nTo: Ann\nSubject: Lid\n\n{told}",
    "outlook with a rule": "____________________________\nFrom: Acme\nSent: Monday\nTo: Ann\nSubject: Lid\n\n{told}",
    "outlook in bold": "*From:* Acme <support@acme.test>\n*Sent:* Monday\n*To:* Ann\n*Subject:* Lid\n\n{told}",
    "outlook express": "-----Original Message-----\nFrom: Acme\nSubject: Lid\n\n{told}",
    "android": "-------- Original message --------\nFrom: Acme <support@acme.test>\nDate: 02/03/2026\n\n{told}",
    "forwarded by gmail": "---------- Forwarded message ---------\nFrom: Acme\nDate: Mon\nSubject: Lid\n\n{told}",
    "forwarded by apple": "Begin forwarded message:\n\nFrom: Acme\nSubject: Lid\n\n{told}",
    "german gmail": "Am Mo., 2. März 2026 um 09:00 Uhr schrieb Acme <support@acme.test>:\n\n> {told}",
    "german android": "Acme <support@acme.test> schrieb am Mo., 2. März 2026, 09:00:\n\n> {told}",
    "german thunderbird": "Am 02.03.26 um 09:00 schrieb Acme:\n> {told}",
    "german outlook": "Von: Acme\nGesendet: Montag, 2. März 2026 09:00\nAn: Ann\nBetreff: Deckel\n\n{told}",
    "german forward": "-------- Weitergeleitete Nachricht --------\nBetreff: Deckel\n\n{told}",
    "french gmail": "Le lun. 2 mars 2026 à 09:00, Acme <support@acme.test> a écrit :\n\n> {told}",
    "french outlook": "De : Acme\nEnvoyé : lundi 2 mars 2026 09:00\nÀ : Ann\nObjet : Couvercle\n\n{told}",
    "spanish gmail": "El lun, 2 mar 2026 a las 9:00, Acme (<support@acme.test>) escribió:\n\n> {told}",
    "spanish outlook": "De: Acme\nEnviado: lunes, 2 de marzo de 2026\nPara: Ann\nAsunto: Tapa\n\n{told}",
    "italian gmail": "Il giorno lun 2 mar 2026 alle ore 09:00 Acme <support@acme.test> ha\nscritto:\n\n> {told}",
    "italian outlook": "Da: Acme\nInviato: lunedì 2 marzo 2026 09:00\nA: Ann\nOggetto: Coperchio\n\n{told}",
    "portuguese gmail": "Em seg., 2 de mar. de 2026 às 09:00, Acme <support@acme.test>\nescreveu:\n\n> {told}",
    "dutch gmail": "Op ma 2 mrt 2026 om 09:00 schreef Acme <support@acme.test>:\n\n> {told}",
    "dutch outlook": "Van: Acme\nVerzonden: maandag 2 maart 2026 09:00\nAan: Ann\nOnderwerp: Deksel\n\n{told}",
    "swedish gmail": "Den mån 2 mars 2026 kl 09:00 skrev Acme <support@acme.test>:\n\n> {told}",
    "norwegian gmail": "man. 2. mar. 2026 kl. 09:00 skrev Acme <support@acme.test>:\n\n> {told}",
    "old gmail": "2026-03-02 9:00 GMT+01:00 Acme <support@acme.test>:\n\n> {told}",
}

ENDINGS = {
    "dashes and a space": "-- \nAnn Lee\nThe Corner Shop\n+1 555 0100",
    "dashes that lost their space": "--\nAnn Lee\nThe Corner Shop",
    "iphone": "Sent from my iPhone",
    "outlook for ios": "Get Outlook for iOS<https://aka.test/o0ukef>",
    "yahoo": "Sent from Yahoo Mail on Android",
    "german iphone": "Von meinem iPhone gesendet",
    "german samsung": "Diese Nachricht wurde von meinem Android Mobiltelefon gesendet.",
    "french iphone": "Envoyé de mon iPhone",
    "spanish iphone": "Enviado desde mi iPhone",
    "italian iphone": "Inviato da iPhone",
    "portuguese iphone": "Enviado do meu iPhone",
    "dutch iphone": "Verstuurd vanaf mijn iPhone",
}


@pytest.mark.parametrize("quote", QUOTES.values(), ids=QUOTES)
def test_a_quote_below_is_cut(quote: str) -> None:
    assert own_words(f"{OWN}\n\n{quote.format(told=TOLD)}\n") == OWN


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_a_signature_is_cut_with_and_without_a_quote_below(ending: str) -> None:
    assert own_words(f"{OWN}\n\n{ending}\n") == OWN
    assert own_words(f"{OWN}\n{ending}\n\n{QUOTES['gmail'].format(told=TOLD)}") == OWN
    assert own_words(f"{OWN}\n{ending}\n\n{QUOTES['outlook'].format(told=TOLD)}") == OWN


def test_an_answer_below_the_quote_is_kept() -> None:
    assert own_words(f"{QUOTES['gmail'].format(told=TOLD)}\n\n{OWN}\n\n-- \nAnn") == OWN


def test_answers_between_the_quotes_are_kept() -> None:
    mail = "On Mon, Mar 2, 2026 Acme <s@acme.test> wrote:\n> Which kettle?\nThe red one.\n> Since when?\n\nSince May.\n"
    assert own_words(mail) == "The red one.\n\nSince May."


def test_answers_below_a_signature_and_between_quotes_are_kept() -> None:
    assert own_words("See below.\n-- \nAnn\n\nOn 2/3/2026 Acme wrote:\n> Which?\nRed.") == "See below.\nRed."


@pytest.mark.parametrize(
    "words",
    [
        "Hello,\nOn 3 March 2026 your colleague wrote:\nwe refund you.\nBut nothing came.",
        "I am travelling\nFrom: Berlin\nTo: Hamburg\nDate: 3 March 2026\nand the app fails.",
        "Two problems.\n--\n" + "\n".join(f"Line {n} of the story." for n in range(12)),
        "Two things.\n--\nThe kettle leaks.\n--\nThe lid is missing.\n--\n" + "More.\n" * 11 + "End.",
        "I paid on 3 March 2026.\nThis is what I typed:\nsupport@acme.test",
        "Sent from my phone shop on Monday:\nthe parcel 12. It never came.",
        "Original message: none.\n\nThe Android app fails.",
        "Sent from my iPhone\n\nSorry, too early: the kettle leaks.",
        "From: the start it leaked.\nSubject: to your terms, I want a refund.",
    ],
)
def test_words_that_only_look_like_a_mail_programs_are_kept(words: str) -> None:
    assert own_words(words) == words


def test_only_the_last_of_several_dashes_begins_a_signature() -> None:
    assert own_words("Two things.\n--\nThe kettle.\n--\nAnn") == "Two things.\n--\nThe kettle."


def test_a_line_right_above_a_wrapped_attribution_is_kept() -> None:
    quote = "On Mon, Mar 2, 2026 at 9:00 AM\nAcme <support@acme.test>\nwrote:\n> x"
    assert own_words(f"I paid in 2026\n{quote}") == "I paid in 2026"


def test_where_nothing_is_left_the_whole_text_stays() -> None:
    for mail in (QUOTES["forwarded by gmail"].format(told=TOLD), "> only a quote", "-- \nAnn"):
        assert own_words(mail) == mail


HTML = {
    "gmail": '<div dir="ltr">The kettle leaks.<br></div><br><div class="gmail_quote"><div class="gmail_attr">On Mon,'
    ' Mar 2, 2026 at 9:00 AM Acme &lt;<a href="mailto:s@acme.test">s@acme.test</a>&gt; wrote:<br></div>'
    '<blockquote class="gmail_quote" style="margin:0">Which one?</blockquote></div>',
    "outlook.com": '<style>p {color:red}</style><div>The kettle leaks.</div><div id="appendonsend"></div><hr><div id='
    '"divRplyFwdMsg"><b>From:</b> Acme<br><b>Sent:</b> Monday<br></div><div>Which one?</div>',
    "outlook": "<p class=MsoNormal>The kettle leaks.<o:p></o:p></p><div><p><b>From:</b> Acme &lt;s@acme.test&gt;<br>"
    "<b>Sent:</b> Monday<br><b>To:</b> Ann<br><b>Subject:</b> Kettle</p></div><p>Which one?</p>",
    "apple mail": "<html><body>The kettle leaks.<br><br><div>Sent from my iPhone</div><div><br><blockquote type="
    '"cite">On 2 Mar 2026, at 09:00, Acme wrote:<br><br></blockquote></div><blockquote type="cite">Which?</blockquote>',
    "thunderbird": '<p>The kettle leaks.</p><div class="moz-cite-prefix">On 3/2/26 09:00, Acme wrote:<br></div>'
    '<blockquote type="cite"><p>Which one?</p></blockquote><div class="moz-signature">Ann</div>',
    "an indented line": '<blockquote style="margin:0 0 0 40px; border: none">The kettle leaks.</blockquote>',
    "entities and a script": "<title>x</title>The&nbsp;kettle\nleaks&#46;<script>if (a < b) { alert() }</script>",
}


@pytest.mark.parametrize("html", HTML.values(), ids=HTML)
def test_html_is_read_and_trimmed(html: str) -> None:
    assert own_words(text_of(html)) == "The kettle leaks."


HOSTILE: dict[str, Callable[[int], str]] = {
    "attributions": lambda n: "On Mon, " * (n // 8),
    "attributions on lines": lambda n: "On Mon, Mar 2, 2026 a@b.test wrote\n" * (n // 35),
    "colons": lambda n: ":\n" * (n // 2),
    "quote characters": lambda n: '>"' * (n // 2),
    "header labels": lambda n: "From: x\n" * (n // 8),
    "devices": lambda n: "Sent from my iPhone\n" * (n // 20),
    "dashes": lambda n: "--\n" * (n // 3),
    "blank lines": lambda n: "\n" * n,
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_the_work_on_hostile_text_is_linear(hostile: Callable[[int], str]) -> None:
    assert calls(own_words, hostile(40_000)) <= 9 * calls(own_words, hostile(5_000)) + 1000


@pytest.mark.parametrize("piece", ["<", "<a ", "<!--", "<script>", "<blockquote>", "&#", "&amp", "</", "<a b='", "<p>"])
def test_the_work_on_hostile_html_is_linear(piece: str) -> None:
    assert calls(text_of, piece * 8000) <= 9 * calls(text_of, piece * 1000) + 1000


def calls(work: Callable[[str], str], text: str) -> int:
    """How many functions are called, Python's own among them."""
    counted = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        work(text)
    finally:
        sys.setprofile(None)
    return counted
