"""Proves that the trimmer leaves the author's own words and nothing else, in the manners of many mail programs and
languages; that in doubt it leaves too much, never too little; and that its time is linear on hostile text."""

import sys
from collections.abc import Callable
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    "gmail, wrapped twice": "On Mon, Mar 2, 2026 at 9:00 AM Acme Service\nand Sales <\ns@acme.test> wrote:\n\n> {told}",
    "spark": "On Mar 2, 2026 at 9:00 AM +0100, Acme <s@acme.test>, wrote:\n> {told}",
    "zoho": "---- On Mon, 02 Mar 2026 09:00:00 +0100 Acme <s@acme.test> wrote ---\n\n> {told}",
    "horde": "Quoting Acme <s@acme.test>:\n\n> {told}",
    "pine": "Acme Support wrote:\n> {told}",
    "yandex": '02.03.2026, 09:00, "Acme" <s@acme.test>:\n> {told}',
    "yahoo on android": "  On Mon, Mar 2, 2026 at 9:00 AM, Acme<s@acme.test> wrote:   {told}",
    "yahoo of old": "--- On Mon, 3/2/26, Acme <s@acme.test> wrote:\n\nFrom: Acme\nSubject: Lid\n\n{told}",
    "marked by bars": "On Mon, 2 Mar 2026 09:00:00 +0100, Acme wrote:\n| {told}",
    "marked by initials": "On Mon, 2 Mar 2026 09:00:00 +0100, Acme wrote:\nAS> {told}",
    "apple, wrapped": "> On 2 Mar 2026, at 09:00, Acme Customer Support\n> <s@acme.test> wrote:\n> \n> {told}",
    "polish gmail": "pon., 2 mar 2026 o 09:00 Acme <s@acme.test> napisał(a):\n\n> {told}",
    "polish apple": "Wiadomość napisana przez Acme <s@acme.test> w dniu 02.03.2026, o godz. 09:00:\n\n> {told}",
    "russian gmail": "пн, 2 мар. 2026 г. в 09:00, Acme <s@acme.test>:\n\n> {told}",
    "finnish gmail": "ma 2. maalisk. 2026 klo 9.00 Acme (s@acme.test) kirjoitti:\n\n> {told}",
    "turkish gmail": "Acme <s@acme.test>,\n2 Mar 2026 Pzt, 09:00 tarihinde şunu yazdı:\n\n> {told}",
    "czech gmail": "po 2. 3. 2026 v 9:00 odesílatel Acme <s@acme.test> napsal:\n\n> {told}",
    "danish gmail": "Den man. 2. mar. 2026 kl. 09.00 skrev Acme <s@acme.test>:\n\n> {told}",
    "japanese gmail": "2026年3月2日(月) 9:00 Acme <s@acme.test>:\n\n> {told}",
    "chinese gmail": "Acme <s@acme.test> 于2026年3月2日周一 09:00写道：\n\n> {told}",
    "korean gmail": "2026년 3월 2일 (월) 오전 9:00, Acme <s@acme.test>님이 작성:\n\n> {told}",
    "a language that nobody taught us": "Missatge de Acme <s@acme.test> del dia dl., 2 de març 2026:\n\n> {told}",
    "gmx": 'Gesendet: Montag, 02. März 2026 um 09:00 Uhr\nVon: "Acme" <s@acme.test>\nAn: a@b.test\nBetreff: x\n{told}',
    "hotmail": "Date: Mon, 2 Mar 2026 09:00:00 +0000\nFrom: s@acme.test\nTo: ann@shop.test\nSubject: x\n\n{told}",
    "notes": "----- Forwarded by Ann Lee/Shop on 03/02/2026 -----\n\nFrom: Acme\nTo: Ann\nSubject: x\n\n{told}",
    "outlook, marked": "-----Original Message-----\nFrom: Acme\nSent: Monday\nSubject: Lid\n\n> {told}",
    "russian outlook": "От: Acme\nОтправлено: понедельник\nКому: Ann\nТема: x\n\n{told}",
    "chinese outlook": "发件人: Acme\n发送时间: 2026年3月2日 9:00\n收件人: Ann\n主题: x\n\n{told}",
    "japanese outlook": "差出人: Acme\n送信日時: 2026年3月2日 9:00\n宛先: Ann\n件名: x\n\n{told}",
    "turkish outlook": "Kimden: Acme\nGönderildi: 2 Mart 2026\nKime: Ann\nKonu: x\n\n{told}",
    "zoho, unmarked": "---- On Mon, 02 Mar 2026 09:00:00 +0100 Acme <s@acme.test> wrote ----\n\n\n{told}",
    "notes, in its own words": '-----"Acme" <s@acme.test> wrote: -----\nTo: a@b.test\nFrom: "Acme"\n\n{told}',
    "front": "On March 2, 2026 at 9:00 AM GMT+1 support+abc@acme.test wrote:\n\n{told}",
    "gnus": "Acme Support <s@acme.test> writes:\n\n> {told}",
    "tuta": "Mar 2, 2026, 09:00 by support@acme.test:\n\n> {told}",
    "russian gmail, wrapped": "пн, 2 мар. 2026 г. в 09:00, Acme Support\n<s@acme.test>:\n\n> {told}",
    "qq": '------------------ Original ------------------\nFrom: "Acme"<s@acme.test>;\nDate: Mon\n\n{told}',
    "czech seznam": "---------- Původní e-mail ----------\nOd: Acme <s@acme.test>\nPředmět: x\n{told}",
    "french zimbra": "----- Mail original -----\nDe: Acme <s@acme.test>\nObjet: x\n\n{told}",
    "a ticket system": "##- Please type your reply above this line -##\n\n{told}",
    "a german ticket system": "--- Bitte antworten Sie oberhalb dieser Zeile ---\n\n{told}",
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
    "polish iphone": "Wysłane z iPhone'a",
    "finnish iphone": "Lähetetty iPhonesta",
    "turkish iphone": "iPhone'umdan gönderildi",
    "japanese iphone": "iPhoneから送信",
    "chinese iphone": "发自我的iPhone",
    "an operator's": "Sent via the Samsung Galaxy S21 5G, an AT&T 5G smartphone",
    "k-9": "Sent from my Android phone with K-9 Mail. Please excuse my brevity.",
    "outlook's link on a line of its own": "Get Outlook for Android\n<https://aka.test/AAb9ysg>",
    "windows": "Sent from Mail<https://go.test/fwlink/?LinkId=550986> for Windows 10",
    "a virus scanner": "Virus-free. www.avast.test",
    "a lawyer's": "CONFIDENTIALITY NOTICE: This is for the exclusive and confidential use of\nits intended recipient.",
    "a german lawyer's": "Diese E-Mail ist vertraulich. Wenn Sie nicht der Adressat sind, dann löschen Sie sie bitte.",
    "yahoo in german": "Gesendet von Yahoo Mail auf Android",
    "german proton": "Gesendet mit [Proton Mail](https://proton.test/) sicherer E-Mail.",
    "french proton": "Envoyé avec la messagerie sécurisée [Proton Mail](https://proton.test/).",
    "tuta": "--\nSecured with Tuta Mail: \nhttps://tuta.test/free-email",
    "a picture's place": "[cid:image001.png@01DAF3C1.5E2A3C10]",
    "a mailing list's": "_______________________________________________\nusers mailing list\nusers@lists.test",
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
        "My booking says:\n\nVon: Berlin\nAn: Hamburg\nDatum: 03.03.2026 10:30\nBetreff: Fahrrad\n\nStimmt das?",
        "Is this from you?\n\nFrom: Acme\nDate: 2 March\nSubject: Your account\n\nIt is locked.\n\nI did not click.",
        "Your colleague support@acme.test at 9:00 on 2026-03-02 wrote:\n\nwe refund you.\n\nBut nothing came.",
        "I did this:\n> Settings\n> Account\nand it failed.",
        "The kettle is\n> 5 years old.",
        "On 3 March 2026 at 9:00 bob@acme.test wrote:\n\nwe refund you.\n\nBut nothing came.",
        "--- Original ---\nblue, 3 pieces\n--- Should be ---\nred, 5 pieces",
        "Where is it?\n\nThanks\nAnn\nManager says call +1 555 0100 at 9.",
        "Put this on the bill:\n\nBerg Ltd\nCompany No 00001234\nVAT No GB 000 0000 00",
        "Hello\n\n>From the start it leaked.\nBye",
        "Problem one: it leaks.\n--\nProblem two: it is loud and my order number is 12.",
        "-- the lid\n-- the cord\nare missing.",
        "Where is it?\n--\nThanks",
        "Best regards is what I said, but he hung up.",
        "Thanks\nJohn",
        "Where is it?\n\nKind regards\nAnn\nOrder 48213\nTel: +1 555 0100",
        "Where is it?\n\nThanks,\nAnn\nPlease call me at +1 555 0100",
        "Where is it?\n\nKind regards\nAnn\nTel: +1 555 0100\n\nPS: the lid is broken too.",
        "I have two devices:\niPhone 12",
        "I sent it twice. It was\nSent from my iPhone app yesterday but never arrived",
        "Enviado de Madrid a Paris por Android, mi paquete no llega",
        "This email is confidential: my husband is not the recipient of this present. Where is it?",
        "| item | price |\n| lid | 3 |\nWhich is it?",
        "See my answers in red.\n\nFrom: Acme\nSent: Monday\nTo: Ann\nSubject: Lid\n\nWhich?\nThe red one.",
    ],
)
def test_words_that_only_look_like_a_mail_programs_are_kept(words: str) -> None:
    assert own_words(words) == words
    assert own_words(f"{words}\n\n{QUOTES['gmail'].format(told=TOLD)}") == words


def test_in_a_mail_that_answers_none_a_quote_has_to_be_announced() -> None:
    shown = "Hello\n\n> npm install\n> error 12\n\nWhat now?"
    assert own_words(shown, answers=False) == shown
    assert own_words(shown) == "Hello\n\nWhat now?"
    assert own_words(f"Hello\n{QUOTES['gmail'].format(told=TOLD)}", answers=False) == "Hello"


def test_what_is_shown_above_the_first_attribution_is_no_quote() -> None:
    assert own_words(f"Hello\n\n> error 12\n\nHelp!\n\n{QUOTES['gmail'].format(told=TOLD)}") == (
        "Hello\n\n> error 12\n\nHelp!"
    )


def test_an_attribution_that_goes_on_in_the_authors_line_takes_none_of_it() -> None:
    mail = 'I will try as soon as I\nam back. On Dec 8, 2026 12:10 PM, "Ann" <a@shop.test>\nwrote:\n\n> Hello'
    assert own_words(mail) == "I will try as soon as I\nam back."


def test_of_a_letters_end_the_name_stays_and_the_address_goes() -> None:
    end = "Best regards,\n\nAnn Lee"
    card = "Head of Purchasing\nThe Corner Shop Ltd.\n12 High Street, Springfield\nTel: +1 555 0100\nwww.shop.test"
    assert own_words(f"{OWN}\n\n{end}\n{card}") == f"{OWN}\n\n{end}"


@pytest.mark.parametrize(
    ("end", "card"),
    [
        ("Viele Grüße\nAnn Lee", "Einkauf\n\nLee GmbH\nHof 1 | 20457 Hamburg\nTel. +49 40 000\nAmtsgericht X HRB 12"),
        ("Pozdrawiam\nAnn Lee", "Specjalista ds. zakupów\nLee Sp. z o.o.\ntel. +48 000 000\nNIP: 000-000, KRS 000"),
        ("С уважением,\nАнна Ли", "Менеджер по закупкам\nООО «Ли»\nТел.: +7 000 000-00-00"),
        ("Cordialement,\nAnn Lee", "Responsable Achats\nTél. : +33 2 00 00 00 00\nSIRET 000 000 | Capital social 10 €"),
    ],
)
def test_cards_bear_posts_companies_and_registers_of_other_countries(end: str, card: str) -> None:
    assert own_words(f"{OWN}\n\n{end}\n{card}") == f"{OWN}\n\n{end}"


def test_an_answer_below_a_whole_quoted_mail_is_kept() -> None:
    head = "----- Original Message ----- \nFrom: Acme <s@acme.test>\nSent: Monday\nSubject: Kettle\n\n"
    assert own_words(f"{head}> {TOLD}\n\n{OWN}\n") == OWN


@given(st.lists(st.sampled_from([*QUOTES.values(), *ENDINGS.values(), OWN, "> ", "", "--", "\x1e> x", "\x1fx"])))
def test_nothing_crashes_and_something_is_always_left(pieces: list[str]) -> None:
    text = "\n".join(pieces)
    assert own_words(text) or not text.replace("\x1e", "").replace("\x1f", "").strip()


_SIGNS = st.characters(categories=("L", "N", "P", "Zs"), exclude_characters=">＞|》")


# Sign by sign: of whole texts Hypothesis tries those that stand in our own lists of what mail programs write.
@given(st.lists(st.lists(_SIGNS, max_size=60).map("".join), max_size=30))
def test_of_plain_lines_above_a_quote_none_is_lost(lines: list[str]) -> None:
    own = [*lines, "and so I ask you for help with this, please?"]
    kept = own_words("\n".join([*own, "", QUOTES["gmail"].format(told=TOLD)]))
    assert " ".join(kept.split()) == " ".join(" ".join(own).split())


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
    "gmail in a language that nobody taught us": '<div>The kettle leaks.</div><div class="gmail_quote"><div class='
    '"gmail_attr">Wol 2 mar Acme xyz:<br></div><blockquote class="gmail_quote">Which one?</blockquote></div>',
    "gmail's forward": '<div>The kettle leaks.<br><div class="gmail_quote"><div class="gmail_attr">---------- Forwarded'
    " message ---------<br>From: <b>Acme</b><br>Subject: Kettle<br></div><br>Which one?</div></div>",
    "gmail's signature above": '<div class="gmail_signature">Ann<div>Shop</div></div><div>The kettle leaks.</div>',
    "outlook on a phone": '<div>The kettle leaks.</div><div id="ms-outlook-mobile-signature"><div>Get <a href="x">'
    'Outlook for iOS</a></div></div><hr><div id="divRplyFwdMsg"><b>Zzz:</b> Acme</div><div>Which one?</div>',
    "outlook, a paragraph for each": "<p>The kettle leaks.</p><p><b>From:</b> Acme</p><p><b>Sent:</b> Monday</p>"
    "<p><b>To:</b> Ann</p><p><b>Subject:</b> Kettle</p><p>Which one?</p>",
    "outlook of old": "<div>The kettle leaks.</div><div class=OutlookMessageHeader><b>Zzz:</b> x</div><p>Which?</p>",
    "yahoo": '<div>The kettle leaks.</div><div id="yahoo_quoted_1" class="yahoo_quoted"><div>On Monday, Acme:</div>'
    "<div>Which?</div></div>",
    "gmx": '<div>The kettle leaks.<div name="quote" style="border-left:2px"><b>Gesendet:</b> x<br>Which?</div></div>',
    "mail.ru": '<div>The kettle leaks.</div><blockquote style="border-left:1px solid">Понедельник, 2 марта 2026, 9:00'
    " от Acme &lt;s@acme.test&gt;:<br>Which?</blockquote>",
    "hidden": '<div style="display:none">Preview</div>The kettle <span style="display: none">x</span>leaks.',
    "hidden and never ended": '<div style="display:none">The kettle leaks.',
    "a table": "<table><tr><td>The kettle</td><td>leaks.</td></tr></table>",
    "preformatted": '<pre class="moz-quote-pre">The kettle leaks.\n</pre>',
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


@pytest.mark.parametrize(
    "piece",
    ["<", "<a ", "<!--", "<script>", "<blockquote>", "&#", "&amp", "</", "<a b='", "<p>", "<div style='display:none'>"],
)
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
