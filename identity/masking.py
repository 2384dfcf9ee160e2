"""Stored personal data, masked: what a proven but not confirmed customer may be shown of what is theirs.

Never masked: first name, amounts, product, plan, topic, error codes, device names, years, what was tried. Words are
known in English, Spanish, German, French, Portuguese, Italian and Dutch. Every repetition is bounded, so that masking
is linear in the text.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

HIDDEN = "•••"
MASK = "…"  # stands before the last four of an order number
_LONGEST_NAME = 40
_NAMES_AT_HAND = 256  # surnames whose patterns are kept ready
_ENOUGH_DIGITS = 6
_ORDER_DIGITS = range(6, 9)  # of an order number without letters
_CERTAINLY_PRIVATE = 9  # digits; fewer, in groups, may be a device and a year
_SHORT_NAME = 2  # letters; such names are also words: "Do", "Le"

# How many digits a text has at least in which something is hidden; and for most streets one behind a space.
_OF_A_BIRTHDAY, _OF_AN_IBAN, _OF_A_SECRET, _OF_A_DATE, _OF_A_VALUE = 1, 2, 3, 4, 5
_HOUSE_NUMBER = re.compile(r"[ º°o]\d")
_SECRET = re.compile("cvv|cvc|pin", re.IGNORECASE)

_DIGIT = re.compile(r"\d")
_SOON_A_DIGIT = r"(?=[^\d\n]{1,64}+\d)"  # further off than any word that says what a number is; found at once
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,254}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")

_IBAN = re.compile(
    r"""\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b
    |\b[A-Z]{2}[ ]?\d{2}[ .-]?[A-Z0-9]{4}
        (?:[ .-]?(?:(?-i:[A-Z0-9]{4})|(?=[A-Z]{0,3}\d)[A-Z0-9]{4})){2,6}
        (?:[ .-]?(?=[A-Z]{0,2}\d)[A-Z0-9]{1,3})?\b""",
    re.IGNORECASE | re.VERBOSE,
)

_MONTH = (
    r"(?:jan|ene|gen|feb|fev|fév|mar|mär|mrz|maa|apr|avr|abr|mai|may|mei|mag|jun|juin|giu|jul|juil|lug|"
    r"ago|aug|aou|aoû|sep|set|okt|oct|out|ott|nov|dec|dez|dic|déc)[^\W\d_]{0,7}\.?"
)
_DAY = r"\d{1,2}(?:st|nd|rd|th|er|ste|de|e|\.|[ºª°])?"
_DAY_AND_MONTH = rf"(?:{_DAY}[ -]{{0,2}}(?:of[ ]|de[ ]|d['’])?{_MONTH}|{_MONTH}[ ]{_DAY})"
_DATE = re.compile(
    rf"""\b(?:\d{{1,2}}(?P<sign>[ ]?[./-][ ]?)\d{{1,2}}(?P=sign)(?:19|20)\d{{2}}(?!\d)
    |(?:19|20)\d{{2}}(?P<mark>[./-])\d{{1,2}}(?P=mark)\d{{1,2}}(?!\d)
    |(?<![.,/-])(?:0[1-9]|[12]\d|3[01]|[1-9](?![.]))(?P<dot>[./-])(?:0[1-9]|1[0-2]|[1-9](?![.]))(?P=dot)\d{{2}}(?![\w/-]|[.,]\d)
    |(?=\d{{1,2}}[^\W\d]{{0,3}}[.,º°]?[ -]{{0,2}}[^\W\d]|[^\W\d]{{3,11}}\.?[ ]\d)
        {_DAY_AND_MONTH},?[ -]{{0,2}}(?:of[ ]|del?[ ])?(?:19|20)\d{{2}}(?!\d))""",
    re.IGNORECASE | re.VERBOSE,
)
_BIRTHDAY = re.compile(
    rf"""\b(?=[bdgvjnac])(?P<label>(?:b(?:orn|irth)|d(?:ob|\.o\.b)|geb(?:oren|\.|urts|oorte)|verjaardag|jarig|c(?:umplea|ompleanno)
        |n(?:ée?|a(?:issance|ci|t[oa]|sci(?:ta|d|m)))|an(?:niversaire|ivers))(?=[^\n\d]{{0,40}}\d)[^\d\n]{{0,24}})
    (?<!\d)(?:\d{{1,2}}[./-]\d{{1,2}}(?:[./-]\d{{2,4}})?|{_DAY_AND_MONTH}(?:[ ](?:del?[ ])?'?\d{{2,4}})?)(?!\d)""",
    re.IGNORECASE | re.VERBOSE,
)

_WORD = r"[^\W\d_][\w'’-]{1,24}"
_NAME = r"[A-ZÀ-ÖØ-Þ][\w'’-]{1,24}"
_TITLED = r"[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ'’-]{1,24}"
_OF = r"(?i:(?:(?:del?|della|dello|dei|degli|delle|di|da|do|das|dos|du|des|la|le|les|los|las|el)[ ]|[dl]['’]){0,3})"
_NO_NAME = (
    r"(?=[^\W\d_])(?!(?i:the|an?|my|bis|ter|on|in|at|of|to|for|from|with|and|by|this|your|our|times|"
    r"por|desde|hace|durante|con|en|hasta|há|com|em|depois|dopo|per|après|depuis|pendant|avec|pour|sans|avant)\b)"
)
_NO_STREET = (
    r"(?=[A-ZÀ-Þ])(?!(?i:slack|discord|skype|klarna|visa|bluetooth|amazon|apple|google|teams|zoom|telegram|signal|"
    r"stripe|facebook|instagram|twitter|messenger|outlook|paypal|whatsapp|wi-?fi|e-?mail|mail|post|chat|web|app|internet|hard|flash|"
    r"mein|kein|der|den|ein)\b)"
)
_HOUSE = r",?[ ](?:n\.?[ºo°][ ]?|num\.?[ ]|número[ ])?\d{1,5}[a-zA-Z]?(?!\w)"
_TOWN = (
    rf"(?:,?[ ](?:[A-Z]{{1,2}}-)?\d{{4,5}}(?:-\d{{3}})?(?:[ ][A-Z]{{2}}\b)?(?:[ ]{_NAME}){{1,3}}"
    rf"|,[ ]{_NAME}(?:[ ]{_NAME})?,[ ][A-Z]{{2}}[ ]\d{{5}}(?!\d))?"
)
_ENGLISH_STREET = rf"""(?<![\w.,$€£])\d{{1,5}}[A-Za-z]?,?[ ](?:
    (?:(?:{_NO_STREET}{_NAME}\.?|\d{{1,3}}(?:st|nd|rd|th))[ ]){{1,3}}
        (?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Boulevard|Blvd|Way|Court|Ct|Place|Square|Terrace|Close)\b\.?
    |(?:{_NO_NAME}{_WORD}[ ]){{1,2}}(?i:street|road|avenue|lane|boulevard)\b)"""
_FRENCH_STREET = rf"""(?<![\w.$€£])\d{{1,4}}(?:[ ]?(?:bis|ter|[a-zA-Z]))?,?[ ](?:
    (?i:rue|avenue|av\.|boulevard|bd\.?|allée|chemin|impasse)[ ]{_OF}{_NO_NAME}{_WORD}
    |(?i:place|cours|route|quai|square|passage)[ ]{_OF}{_NAME})(?:[ ]{_OF}{_NAME}){{0,3}}"""
_NUMBER_LAST_STREET = rf"""\b(?:
    (?:(?i:rue|calle|carrer|avenida|viale|piazza|vicolo|rua|travessa|alameda|(?<=in[ ])via)[ ]|C/[ ]?|Av\.[ ]|Avda\.[ ])
        {_OF}{_NO_NAME}{_WORD}(?:[ ]{_OF}{_NO_NAME}{_WORD}){{0,3}}
    |(?i:via|corso|largo|plaza|paseo|praça|avenue|place|boulevard)[ ]
        {_OF}{_NO_STREET}(?:{_TITLED}|[A-Z]\.)(?:[ ]{_OF}{_TITLED}){{0,3}}){_HOUSE}"""
_GERMANIC_STREET = rf"""\b(?=[^\W\d_]){_SOON_A_DIGIT}(?:
    (?=[\w-]{{3,40}}\.?[ ]\d)(?i:(?!speicher|park|arbeit|sitz|stell|steck|aus|heim|unter|hin)[^\W\d_][\w-]{{1,30}}?
        (?:straße|strasse|str\.?|gasse|allee|damm|chaussee|straat|laan|gracht|steeg|dijk|singel|plein|kade|weg|platz))
    |{_NO_STREET}{_NAME}[ ](?:Straße|Strasse|Str\.|Weg|Gasse|Platz|Allee|Ring|Damm)
    |(?P<at>(?<=wohne[ ]))?(?i:am|im|an[ ]de[rmn]|auf[ ]de[rm]|in[ ]de[rmn]|unter[ ]den|zum|zur)[ ]{_NAME}
        (?(at)|(?=[ ]\d{{1,4}}[a-z]?,[ ]\d{{5}}[ ]))
    )[ ]\d{{1,4}}(?:[ ]?[a-z])?\b(?![ ]?(?:[GTM]B|%|[.,]\d))"""
_POST_BOX = r"""\b(?i:P\.?[ ]?O\.?[ ]?Box|Postfach|Postbus|Apartado|Casella[ ]postale|Caixa[ ]postal|Boîte[ ]postale)
    [ ]\d[\d ]{0,8}\d"""
_BRITISH_POSTCODE = r"\b[A-Z]{1,2}\d[A-Z\d]?[ ]\d(?![GTMK]B)[A-Z]{2}\b"


def _address(*streets: str) -> Sequence[re.Pattern[str]]:
    return [re.compile(rf"(?:{street}){_TOWN}", re.VERBOSE) for street in streets]


_NUMBER_FIRST = _address(_FRENCH_STREET, _ENGLISH_STREET)
_NUMBER_LAST = _address(_NUMBER_LAST_STREET, _GERMANIC_STREET, _POST_BOX, _BRITISH_POSTCODE)

_NUMBERED = (
    r"(?:[ ]?(?:id|number|nummer|num|nr|no|número|numéro|numero|code)\b\.?|[ ]?n[º°.]|[ ]?\#)?"
    r"(?:[ ](?:is|was|ist|lautet|est|es|è|é))?[ ]?[:\#]?[ ]?"
)
_LABELLED = re.compile(
    rf"""(?:\b|(?<=_))(?=[^\W\d_]){_SOON_A_DIGIT}(?:(?P<order>
            (?:orders?|invoice|purchase|bestell(?:ung|-?nummer|-?nr)|auftrag(?:snummer)?|pedido|orden
            |rechnung(?:snummer)?|factura|commande|facture|ordine|fattura|encomenda|fatura|compra|bestelling|bestelnummer
            |ordernummer|factuur(?:nummer)?)\.?)
        |(?P<id>id)|(?P<secret>cvv|cvc|pin)
        |(?:tel|tel[eé]f?ono?|telefoon|telefone|phone|téléphone|mobile?|cell|handy|fax|whatsapp
            |passport|passeport|pasaporte|passaporto|passaporte|paspoort|(?:reise)?pass|(?:personal)?ausweis
            |identity[ ]card|id[ ]card|licen[cs]e|licencia|führerschein|permis|patente|rijbewijs|dni|nie|nif|cpf|bsn|ssn
            |carta[ ]d['’]identità|carte[ ]d['’]identité|codice[ ]fiscale|social[ ]security|national[ ]insurance
            |postcode|zip|plz|postleitzahl|code[ ]postal|código[ ]postal|cep
            |account|konto|cuenta|compte|conta|conto|rekening|iban)(?:nummer|nr)?\.?)
    {_NUMBERED}(?P<value>[+(]{{0,2}}[a-z]{{0,4}}[ -]?\d[a-z\d]{{1,24}}
        (?:[ ().\/-]{{1,2}}[a-z]{{0,3}}\d[a-z\d]{{1,12}}){{0,6}})(?![a-z\d])""",
    re.IGNORECASE | re.VERBOSE,
)

_CURRENCY = (
    r"(?:[$€£¥]|(?:EUR|USD|GBP|CHF|BRL)\b|(?:euros?|dollars?|dollari|dólares|pounds?|pfund|libras?|reais|francs?)\b)"
)
_PLAIN_OR_GROUPED = r"(?:\d{1,3}(?:[.,' ]\d{3}){1,3}|\d{1,7})"
_AMOUNT = rf"""(?:[$€£¥]|\b(?:EUR|USD|GBP|CHF|BRL))[ ]?{_PLAIN_OR_GROUPED}(?:[.,]\d{{1,2}})?(?![\d]|[.,/-]\d)
    |(?<![\w.,+-]){_PLAIN_OR_GROUPED}(?:[.,]\d{{1,2}})?[ ]?{_CURRENCY}
    |(?<![\w.,+-])(?!0\d){_PLAIN_OR_GROUPED}[.,]\d{{2}}(?![.,/ -]?\d)
    |(?<![\w.,+-])\d{{1,9}}[ ]?(?:[KMGT]B|k?Wh|mAh|km|kg|ms)\b"""
_NUMBER = re.compile(
    rf"""(?=\d|\b[^\W\d_]{{1,24}}+[-\# ]?\d|[$€£¥\#][ ]?\w|[+(]{{1,2}}\d)(?:(?P<kept>{_AMOUNT}
        |\b0x[0-9a-f]{{2,16}}\b
        |(?<!\d)(?:19|20)\d\d[ ]?[/–-][ ]?(?:(?:19|20)\d\d|\d\d)(?![\d/-])
        |(?<!\d)\d{{1,2}}\.\d\d[ ]?[–-][ ]?\d{{1,2}}\.\d\d(?!\d))
    |(?P<order>(?:\#[^\W\d_]{{0,3}}|(?<![^\W_])[^\W\d_]{{1,24}}[-\#]?
            |(?<!\w)[A-Z][ ](?=\d{{3,4}}[ ]\d{{3,4}}(?![ ]?\d)|\d{{6,8}}\b))
        (?:\d{{6,19}}|\d{{3,4}}[ -]\d{{3,4}}(?![ -]?\d)|\d{{2,6}}(?:-\d{{2,8}}){{1,3}})(?![^\W_]))
    |(?<!\w)[A-Z]{{1,5}}-?\d{{1,5}}(?![\w-])
    |(?P<mixed>(?<!\w)(?=[A-Z]{{0,8}}\d{{1,12}}[A-Z])[A-Z\d]{{7,24}}(?!\w)|(?<!\w)[A-Z]{{2}}(?:[ ]\d\d){{3}}[ ][A-D]\b)
    |(?P<digits>[+(]{{0,2}}(?<!\d)\d(?:[ ()./–-]{{0,3}}\d){{5,60}}))""",
    re.IGNORECASE | re.VERBOSE,
)

_TITLES = frozenset([
    "dr", "dra", "prof", "profa", "mr", "mrs", "ms", "miss", "mx", "sir", "mme", "mlle", "monsieur", "madame",
    "herr", "frau", "hr", "señor", "señora", "srta", "sra", "sr", "dña", "doña", "sig", "sig.ra", "signor",
    "signora", "dott", "dott.ssa", "dhr", "mevr", "mevrouw", "meneer", "senhor", "senhora", "dipl.-ing", "rev",
    "m.", "ing.", "mag.", "fr.",
])  # fmt: skip
_SUFFIXES = frozenset([
    "jr", "sr", "ii", "iii", "iv", "phd", "ph.d", "md", "esq", "júnior",
])  # fmt: skip
_PARTICLES = frozenset([
    "van", "von", "der", "den", "de", "del", "della", "di", "da", "do", "dos", "das", "du", "des", "la", "le",
    "las", "los", "el", "ten", "ter", "zu", "zur", "y", "e", "und", "af", "bin", "al", "st",
])  # fmt: skip
_ACCENTED = re.compile("[À-ɏḀ-ỿ]")
_WITHOUT_ACCENTS = {
    code: unicodedata.normalize("NFD", chr(code))[0] for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00))
}


def order_number(value: str) -> str:
    """An order number but for its last four digits, e.g. `…9137`."""
    bare = re.sub(r"[^\w]", "", value)
    return f"{MASK}{bare[-4:]}"


def mask(text: str, *, surname: str = "") -> str:
    """`text` without addresses, phones, birth dates, bank, card and ID numbers, and every word of `surname`.

    Order numbers keep their last four digits. The text comes back in composed Unicode (NFC).
    """
    text = unicodedata.normalize("NFC", text)
    if "@" in text:
        text = _EMAIL.sub(HIDDEN, text)
    if _DIGIT.search(text):
        text = "\n".join(map(_without_numbers, text.split("\n")))
    return _without_names(text, surname)


def _without_numbers(line: str) -> str:
    """A line without all that has a digit in it: birthdays and addresses too. Nothing is looked for that has more
    digits than the line."""
    digits = len(_DIGIT.findall(line))
    if digits >= _OF_AN_IBAN:
        line = _IBAN.sub(HIDDEN, line)
    if digits >= _OF_A_VALUE or (digits >= _OF_A_SECRET and _SECRET.search(line)):
        line = _LABELLED.sub(_masked_value, line)
    if digits >= _OF_A_BIRTHDAY:
        line = _without_addresses(_BIRTHDAY.sub(rf"\g<label>{HIDDEN}", line))
    if digits >= _OF_A_DATE:
        line = _DATE.sub(HIDDEN, line)
    return _NUMBER.sub(_masked_number, line) if digits >= _ENOUGH_DIGITS else line


def _without_addresses(line: str) -> str:
    for pattern in (*_NUMBER_FIRST, *(_NUMBER_LAST if _HOUSE_NUMBER.search(line) else ())):
        line = pattern.sub(HIDDEN, line)
    return line


def _masked_value(found: re.Match[str]) -> str:
    """What stands after a word that says what it is: an order, a telephone, a passport."""
    value, digits = found["value"], len(_digits(found["value"]))
    if found["order"]:
        shown = order_number(value) if value.isdecimal() and digits in _ORDER_DIGITS else value
    else:
        fewest = 3 if found["secret"] else _ENOUGH_DIGITS if found["id"] else _ENOUGH_DIGITS - 1
        shown = HIDDEN if digits >= fewest else value
    return found[0].removesuffix(value) + shown


def _masked_number(found: re.Match[str]) -> str:
    if found["order"] and len(_digits(found[0])) >= _ENOUGH_DIGITS:
        return order_number(found[0])
    if found["mixed"] and len(_digits(found[0])) >= _ENOUGH_DIGITS:
        return HIDDEN
    return HIDDEN if found["digits"] and _private(found["digits"]) else found[0]


def _private(number: str) -> bool:
    """Whether digits and the signs between them are one number, and not a device, a year and a count."""
    groups = re.findall(r"\d+", number)
    lengths = [len(group) for group in groups]
    if max(lengths) >= _ENOUGH_DIGITS or sum(lengths) >= _CERTAINLY_PRIVATE or number[0] in "+(0":
        return True
    if sum(lengths) == _ENOUGH_DIGITS:
        return lengths == [2, 2, 2]
    counts_or_years = any(len(group) == 1 or re.fullmatch(r"(?:19|20)\d\d", group) for group in groups)
    return not counts_or_years and " / " not in number


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _without_names(text: str, surname: str) -> str:
    """`text` without a surname, however it is capitalised or accented; its "van der" goes only together with it."""
    pattern = _names(surname)
    if pattern is None:
        return text
    pieces, end = [], 0
    for found in pattern.finditer(text.translate(_WITHOUT_ACCENTS) if _ACCENTED.search(text) else text):
        pieces += [text[end : found.start()], HIDDEN]
        end = found.end()
    return "".join([*pieces, text[end:]])


@lru_cache(_NAMES_AT_HAND)
def _names(surname: str) -> re.Pattern[str] | None:
    """What finds a surname in a text without accents; None where there is nothing to find."""
    parts = [part for word in surname.split() for part in re.split(r"[-–]", word) if len(part) > 1]
    if not parts:
        return None
    particles = "|".join(_spelled(part) for part in parts[:-1] if part.casefold() in _PARTICLES)
    names = "|".join(_spelled(part) for part in parts if part.casefold() not in _PARTICLES or part is parts[-1])
    before = rf"(?:(?:{particles})[ ]{{1,3}}){{0,4}}" if particles else ""
    return re.compile(rf"(?:\b|(?<=_)){before}(?:{names})s?(?![^\W_])", re.IGNORECASE)


def _spelled(name: str) -> str:
    """A pattern for a name in a text without accents: Müller also as Mueller, Groß also as Gross."""
    spelled = "".join(
        f"{plain}e?" if sign in "äöüÄÖÜ" else "(?:ß|ss)" if sign == "ß" else re.escape(plain)
        for sign, plain in ((sign, sign.translate(_WITHOUT_ACCENTS)) for sign in unicodedata.normalize("NFC", name))
    )
    return f"(?-i:{spelled})" if len(name) <= _SHORT_NAME else spelled


def first_name(name: str) -> str:
    """The name to greet somebody by, without a title; "" where it is not fit to be said: too long, a link, digits,
    controls, or a title and a surname only."""
    words = _words(name)
    spoken = " ".join(words)
    speakable = len(name.strip()) <= _LONGEST_NAME and all(c.isalpha() or c in " .'’-" for c in spoken)
    titled_surname = len(words) == 1 and _titles(name)
    if not words or not speakable or titled_surname or re.search(r"\w\.\w", spoken):
        return ""
    return words[0]


def surname(name: str) -> str:
    """Every word of a name but the first, without titles and suffixes, e.g. "García López"."""
    words = _words(name)
    return " ".join(words if _titles(name) and len(words) == 1 else words[1:])


def _words(name: str) -> list[str]:
    """A name's words in spoken order ("Miller, John" is John Miller), without titles and suffixes."""
    family, _, given = name.partition(",")
    words = given.split() + family.split() if given and not _is_suffix(given.strip()) else family.split()
    words = words[_titles(" ".join(words)) :]
    while len(words) > 1 and _is_suffix(words[-1]):
        words = words[:-1]
    return words


def _titles(name: str) -> int:
    """How many titles a name begins with."""
    words = name.casefold().split()
    untitled = (at for at, word in enumerate(words) if not {word, word.rstrip(".")} & _TITLES)
    return next(untitled, len(words))


def _is_suffix(word: str) -> bool:
    return word.casefold().rstrip(".") in _SUFFIXES
