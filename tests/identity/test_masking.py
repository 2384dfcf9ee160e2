"""What is masked of stored personal data in seven languages, and what never is; which part of a name is said."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.masking import HIDDEN, first_name, mask, order_number, surname

# What must go stands in braces. Addresses of mail, banks, houses; telephones; birth dates; cards and IDs.
PRIVATE = """
write to {ann@shop.test}
a mail: {ann.o+shop@mail.shop.test}.
mailto:{ann@shop.test}?subject=late
call {+1 555 010 0142}
call {(555) 010-0142} after six
call {555.010.0142}
my number is:{5550100142},{5550100143}
first,{5550100142}
TEL {5550100142}
tel:{5550100142}
TEL{5550100142}
TEL{-5550100142}
my phone number is {555 0142}
mobile no. {555-0142}
Telefon: {030 5550142}
Handy {0155 5010 142}
Fax {030 / 555 01 42}
teléfono {55 501 01 42}
téléphone : {01 55 50 10 14}
cellulare {+39 555 010 0142}
telefone {(11) 55501-0142}
telefoonnummer is {020-5550142}
_{5550100142}_
ring {5550100142}, please
{0015550100142} is mine
I am on {555 010 0142} all day
card {4111 1111 1111 1111}
card {4111-1111-1111-1111}
card {4111111111111111}
CVV {123}
PIN {4821}
{DE02 1203 0000 0000 2020 51} is my account
pay to {de89370400440532013000}
pay to {de89 3704 0044 0532 0130 00} today
{NL91 ABNA 0417 1643 00}
{nl91abna0417164300}
{GB29 NWBK 6016 1331 9268 19}
{FR76-3000-6000-0112-3456-7890-189}
IBAN: {AT61 1904 3002 3457 3201}
account number {12345678}
Kontonummer: {1234567}
born on {12.04.1987}
born {1987-04-12}
{12/04/87} is my birthday
{12. 4. 1987}
{3 March 1985}
{March 3, 1985}
{3rd of March 1985}
the {3rd March, 1985}
{3 Mar 1985}
{3. März 1985}
am {24. Dezember 1971}
{3 de marzo de 1985}
el {15 de enero del 1990}
le {3 mars 1985}
le {1er août 1979}
il {3 marzo 1985}
il {12 luglio 1968}
em {3 de março de 1985}
op {3 maart 1985}
op {21 mei 1993}
my birthday is {3 March}
{1/2/85} it was
the {Calle Mayor n.º5} it is
to {Hauptstraße 7}
to {7 rue Nova}
to {Postbus 12}
{GB12 ABCD EFGH IJKL MNOP} is mine
konto {12345}
national insurance number is: {12345}
dob {3.4.}
verjaardag op {3 maart}
jarig op {3 mei}
anniversaire le {3 mars}
cumpleaños el {3 de abril}
born {3/4/85}
geboren am {3.4.}
Geburtsdatum: {3. April 85}
date de naissance {3 mars 85}
nacida el {3 de abril}
nato il {3 aprile}
nascido em {3 de abril}
geboortedatum {3 april '85}
I live at {42 Elm Street}
I live at {42 elm street}
{221B Baker Street}
{350 5th Avenue}
{7 Old Mill Rd.} is mine
{9 Ocean Drive, Springfield, IL 62704}
my zip code is {62704}
postcode {SW1A 2AB}
I am in {SW1A 2AB}
{P.O. Box 1234}
{Lindenallee 7}
{Hauptstr. 12}, links
{hauptstraße 12a}
{Berliner Straße 5, 10115 Berlin}
{Kölner Str. 8}
ich wohne {Am Anger 3}
Adresse: {Unter den Ulmen 5, 10115 Berlin}
{Postfach 12 34 56}
{12 rue de la Paix}
{12, rue de la paix}
{12 rue de la Paix, 75002 Paris}
{8 bis avenue Foch}
{3 place de la République}
{4 allée des Tilleuls}
{Calle Mayor 5}
{calle de Alcalá, 42}
{Avenida de América 10}
{C/ Mayor 5}
{Plaza Mayor, 3}
{Via Roma 12}
abito in {via roma 12}
{Via Giuseppe Verdi, 8, 20121 Milano}
{Corso Italia 5}
{Rua das Flores, 123}
{Rua das Flores nº 12}
{Avenida da Liberdade 110}
{Keizersgracht 123}
{Kerkstraat 12, 1012 AB Amsterdam}
{dorpsweg 3}
passport {C01X00T47}
passport no. {AB12345}
passport X{1234567}
Reisepass: {L01X00T471}
Personalausweis Nr. {L01X00T471}
pasaporte {XDA123456}
passeport n° {12AB34567}
ID number {482913705}
ID: {X1234567}
SSN {123-45-6789}
DNI {12345678Z}
NIE {X1234567L}
CPF {123.456.789-09}
BSN {123456782}
codice fiscale {RSSMRA85M01H501Z}
it is {RSSMRA85M01H501Z}
{QQ 12 34 56 C}
numéro {1 85 03 75 123 456 78}
driver's license {D1234567}
customer {48291370512}
order {5550100142}
""".strip().splitlines()

ORDERS = """
order W4829137
order #4829137
Order 4829137
order number 4829137
order no. 4829137
order number is 4829137
order id 4829137
ORDER-4829137
order W 4829 137
it is #w4829137
it is INV-2024-829137
invoice 829137
invoice # 829137
Bestellung 4829137
Bestellung Nr. 4829137
Bestellnummer: 4829137
Rechnung Nr. 829137
pedido 4829137
pedido nº 4829137
pedido número 4829137
factura 829137
commande 4829137
commande n° 4829137
la facture numéro 829137
ordine 4829137
ordine n. 4829137
encomenda 4829137
bestelling 4829137
bestelnummer 4829137
factuur nr. 829137
""".strip().splitlines()

KEPT = """
it was $49.37
it was $ 1,299.00
it was $1234567
charged $99, $49 and $128.50
99 dollars
120000 dollars
1.299,00 €
1 299,00 € de trop
EUR 250000
12'500.00 CHF
1299.00 too much
12.345,67 zu viel
R$ 1.234.567,00
£1,234,567.89
from 99 to 49 euros
error KX-48213
error KX-48213 3 times
error KX-48213 12 times
Fehler KX-48213
error ID KX-48213
code KX48213
error 0x80070005
error E-404
error 500
the Corvane plan
the Corvane 2000 plan
iPhone 14
iPhone 14 2024
iPhone 14 Pro Max 512 GB
ThinkPad X1 8GB
ThinkPad X1 Carbon Gen 11
Fritzbox 7590
Fritzbox 7590 AX
Fritzbox 7590 2024
Fritzbox 7590 / 7530
WH-1000XM4
SM-G991B
Galaxy S23 Ultra
RTX 4090
Windows 11
iOS 17.4.1
updated it to 17.4.12
am Montag 3 Pakete
PlayStation 5
Pixel 8
10000 mAh
Speicherplatz 128 GB
in 2026
since 2019
in 2024/2025
2024-25
March 2026
im März 2026
en marzo
on 3 March
the first of March
3 days ago
2 days on the way
restarted the router 3 times
I paid 2 times in 2025 and 3 times in 2026
between 14.30 - 16.00
from 9:00 to 17:30
100-200 steps
128 256 or 512
2 Google Drive accounts
my 4 Hard Drive cases
sent via Slack 3 times
via email 2 weeks ago
via SMS 3 mal
unterwegs 3 Tage
Parkplatz 12
Arbeitsplatz 3
desde hace 3 días en la calle
na rua por 3 horas
2 cours de français
in Spring 2026
checked the invoice, waited 14 days
die Rechnung geprüft
vérifié la facture 2 fois
ho controllato la fattura
de factuur bekeken
reiniciei o roteador 2 vezes
comprobé la factura
24/7
10 % off
case 48213
order 12345
my ID card was refused
order 66 items
the phone 14 arrived
mobile 5G is slow
ticket 4829
""".strip().splitlines()


@pytest.mark.parametrize("line", PRIVATE)
def test_it_is_masked(line: str) -> None:
    text = re.sub(r"[{}]", "", line)
    masked = mask(text)
    for secret in re.findall(r"{(.+?)}", line):
        for word in re.findall(r"\w*\d\w*|[A-ZÀ-Þ]\w{3,}", secret):
            assert word not in masked
        assert secret not in masked
    assert HIDDEN in masked
    assert mask(masked) == masked


@pytest.mark.parametrize("line", PRIVATE)
def test_what_stands_around_it_is_not_masked(line: str) -> None:
    assert mask(re.sub(r"[{}]", "", line)).startswith(re.split(r"{|X{", line)[0])


@given(st.lists(st.sampled_from([*PRIVATE, *ORDERS, *KEPT]), max_size=5))
def test_lines_are_masked_as_each_of_them_alone(lines: list[str]) -> None:
    bare = [re.sub(r"[{}]", "", line) for line in lines]
    assert mask("\n".join(bare)) == "\n".join(map(mask, bare))


@pytest.mark.parametrize("line", ORDERS)
def test_an_order_number_keeps_its_last_four(line: str) -> None:
    assert mask(f"where is {line}?").endswith("…9137?")
    assert HIDDEN not in mask(line)
    assert not re.search("48|82", mask(line))


@pytest.mark.parametrize("line", KEPT)
def test_it_is_not_masked(line: str) -> None:
    assert mask(line) == line
    assert mask(f"Hello, {line}, thanks.") == f"Hello, {line}, thanks."


def test_order_numbers_keep_their_last_four() -> None:
    assert order_number("W4829137") == "…9137"
    assert mask("order W4829137 and #w4829137 and W 4829 137") == "order …9137 and …9137 and …9137"


@given(st.text(st.sampled_from("0123456789 -./()+,x"), max_size=60))
def test_no_long_number_is_ever_left(text: str) -> None:
    assert not re.search(r"(?<![\d.,' ])\d{8,}(?![\d.,' ])", mask(text))


@pytest.mark.parametrize(
    ("name", "first", "rest"),
    [
        ("John Miller", "John", "Miller"),
        ("Ana García López", "Ana", "García López"),
        ("Ann Miller-Smith", "Ann", "Miller-Smith"),
        ("John Miller Jr.", "John", "Miller"),
        ("John Miller, Jr.", "John", "Miller"),
        ("John Miller III", "John", "Miller"),
        ("Miller, John", "John", "Miller"),
        ("Jan van der Berg", "Jan", "van der Berg"),
        ("Dr. John Miller", "John", "Miller"),
        ("Herr Prof. Dr. Jürgen Müller", "Jürgen", "Müller"),
        ("Frau Müller", "", "Müller"),
        ("Dott.ssa Anna Rossi", "Anna", "Rossi"),
        ("Sra. Lucía Gómez", "Lucía", "Gómez"),
        ("Mme Zoë Petit", "Zoë", "Petit"),
        ("  Ann-Marie  O'Neil ", "Ann-Marie", "O'Neil"),
        ("Zoë", "Zoë", ""),
        ("Dr.", "", ""),
        ("", "", ""),
    ],
)
def test_the_first_name_is_greeted_and_the_rest_is_masked(name: str, first: str, rest: str) -> None:
    assert first_name(name) == first
    assert surname(name) == rest


@pytest.mark.parametrize(
    ("name", "text", "shown"),
    [
        ("John Miller", "John Miller wrote", "John ••• wrote"),
        ("John Miller", "MILLER's parcel, says miller", "•••'s parcel, says •••"),
        ("Ana García López", "Soy García, Ana Garcia Lopez", "Soy •••, Ana ••• •••"),
        ("Ann Miller-Smith", "Ask for Miller or Smith or Miller-Smith", "Ask for ••• or ••• or •••-•••"),
        ("John Miller Jr.", "John Miller here", "John ••• here"),
        ("Jan van der Berg", "Jan van der Berg of van Gelder", "Jan ••• of van Gelder"),
        ("Ana de la Cruz", "la caja de Cruz, Ana de la Cruz", "la caja ••• , Ana •••"),
        ("Jürgen Müller", "Mueller, Muller, Müllers Paket, Mu\u0308ller", "•••, •••, ••• Paket, •••"),
        ("Eva Groß", "Gross und Groß", "••• und •••"),
        ("Anh Do", "what do I do, Anh Do", "what do I do, Anh •••"),
        ("Frau Müller", "hier Müller", "hier •••"),
        ("John Mill", "the Miller case", "the Miller case"),
        ("Zoë", "Zoë here", "Zoë here"),
    ],
)
def test_surnames_go_and_first_names_stay(name: str, text: str, shown: str) -> None:
    assert mask(text, surname=surname(name)).replace("•••,", "••• ,") == shown.replace("•••,", "••• ,")


@pytest.mark.parametrize("name", ["http://evil.test", "Ann 4", "evil.test", "A" * 41, "Ann\u202eb", "<b>Ann</b>", ""])
def test_an_unspeakable_name_is_not_greeted(name: str) -> None:
    assert first_name(name) == ""


HOSTILE = ["1 ", "a@", "1", "a", "A1", "12 Elm ", "1 rue de la ", "via Roma ", "order ", "born ", "DE89 ", "3 March "]
HOSTILE += ["tel (", "passport a", "$1,", "1.", "#a-", "Hauptstr", "de la ", "- ", "(", "\u0301", "wohne am ", "C/ a "]


@pytest.mark.parametrize("piece", HOSTILE)
def test_masking_a_hostile_megabyte_comes_to_an_end(piece: str) -> None:
    assert mask(piece * (1_000_000 // len(piece)), surname="van der Berg")
