"""Stored personal data, masked: what a proven but not confirmed customer may be shown of what is theirs.

Never masked: first name, amounts, product, plan, topic, error codes, what was tried.
"""

import re

HIDDEN = "•••"
MASK = "…"  # stands before the last four of an order number
_LONGEST_NAME = 40

_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_DATE = re.compile(r"\b(?:\d{1,2}[./-]\d{1,2}[./-](?:19|20)\d{2}|(?:19|20)\d{2}[./-]\d{1,2}[./-]\d{1,2})\b")
_STREET = re.compile(
    r"\b\d{1,5}[a-z]? (?:[A-Z][\w'-]{1,24} ){1,3}"
    r"(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Boulevard|Blvd|Way|Court|Ct)\b\.?"
    r"|\b[A-ZÄÖÜ][\wäöüß-]{1,30}(?:straße|strasse|str\.|weg|gasse|platz|allee) \d{1,5}[a-z]?\b"
    r"|\b(?:rue|calle|via|rua|avenue) (?:[\w'-]{1,24} ){1,4}\d{1,5}\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"(?<![\w.,$€£-])(?P<prefix>#[A-Za-z]{0,3}|[A-Z]{1,3}[ -]?|[a-z](?=\d))?"
    r"(?P<digits>\+?\(?\d(?:[\d ()./-]{4,22})\d)(?![\w,]\d)"
)
_ENOUGH_DIGITS = 6


def order_number(value: str) -> str:
    """An order number but for its last four digits, e.g. `…9137`."""
    bare = re.sub(r"[^\w]", "", value)
    return f"{MASK}{bare[-4:]}"


def mask(text: str, *, surname: str = "") -> str:
    """`text` without addresses, phones, birth dates, bank, card and ID numbers, and the surname; order numbers keep
    their last four digits. Linear in the text: every repetition above is bounded."""
    for pattern in (_EMAIL, _IBAN, _DATE, _STREET):
        text = pattern.sub(HIDDEN, text)
    text = _NUMBER.sub(_masked_number, text)
    if len(surname) > 1:
        text = re.sub(rf"(?<!\w){re.escape(surname)}(?!\w)", HIDDEN, text, flags=re.IGNORECASE)
    return text


def _masked_number(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", found["digits"])
    if len(digits) < _ENOUGH_DIGITS:
        return found[0]
    if found["prefix"]:
        return order_number(found[0])
    return HIDDEN


def first_name(name: str) -> str:
    """The name to greet somebody by, or nothing where it is not fit to be said: too long, a link, digits, controls."""
    name = " ".join(name.split())
    speakable = bool(name) and len(name) <= _LONGEST_NAME and all(c.isalpha() or c in " .'’-" for c in name)
    if not speakable or re.search(r"\w\.\w", name):
        return ""
    return name.split()[0]


def surname(name: str) -> str:
    """The last word of a name of two words or more."""
    words = name.split()
    return words[-1] if len(words) > 1 else ""
