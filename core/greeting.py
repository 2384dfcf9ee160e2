"""What code says around the writer's words: who is speaking, what we already know, and that a colleague takes over.

Never worded by a model. Phrases stand in greeting.toml; a language that is not there is answered in English. A channel
is named by its label: "chat", "phone", "email", "SMS" and, by their own names, all others.
"""

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypedDict

from core.writing import Category
from identity.masking import HIDDEN, mask, order_number

_JUST_NOW = timedelta(hours=1)
_A_WEEK, _TWO_WEEKS, _TWO_MONTHS = 7, 14, 60  # days
_QUOTE, _ISSUE, _TRIED, _VALUE = 100, 160, 60, 40  # characters
_NEAR = 4  # words
_TELLING = ("amount", "product", "error_code", "plan", "device", "order_id")  # an issue is known by these
_PLAN_WORD = re.compile(
    r"^(?:plan|tarif|abo|forfait|formule|plano|piano|abonnement)\s+|\s+(?:plan|tarif|abo|tier|subscription|membership)$",
    re.IGNORECASE,
)
_MASKED = re.compile(r"…\w{4}\b")

# What can be sent seven bits a sign, so that 160 make one segment; one other sign in a text makes it 70.
_GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà^{}\\[~]|€"
)
_PLAIN = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "–": "-", "—": "-", "…": "...", "•": "*"}
)
_SPEAKABLE = frozenset(" .,;:?!'’-$€£%&+@")
_MARKUP = re.compile(r"[#*_`<>\[\]\"“”„«»]+")
_DOT = "[.․。﹒．｡]"  # the full stops of all alphabets, which applications that make links of text may take for one
_LINK = re.compile(
    rf"""(?P<bracket>\()?(?:[a-z][a-z\d+-]{{1,20}}:/\S*
    |\b(?:mailto|tel|sms|javascript|data):\S+
    |\bwww{_DOT}\S*
    |[\w.+-]{{1,64}}@[\w-]{{1,63}}{_DOT}\S+
    |(?<!\w)(?:[\w-]{{1,63}}{_DOT}){{1,5}}(?:xn--[\w-]{{1,59}}|[^\W\d_]{{2,24}})(?:[:/?\#]\S*)?
    |(?<![\w.])\d{{1,3}}(?:\.\d{{1,3}}){{3}}(?:[:/?\#]\S*)?)(?(bracket)\)?)""",
    re.IGNORECASE | re.VERBOSE,
)


class Circumstance(TypedDict):
    """Beginnings of words by which a circumstance is known; see greeting.toml."""

    done: list[str]
    noun: list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Phrases:
    """One language of greeting.toml."""

    hello: str
    hello_unnamed: str
    just: str
    today: str
    yesterday: str
    weekdays: list[str]
    back: str
    coming: list[str]  # today, tomorrow, and the days of the week
    week: str
    weeks: str
    months: str
    and_: str
    again: str
    tried: str
    untried: str
    repeated: str
    nth: list[str]  # from the second on
    years: str
    ending: str
    quote: str
    after: list[str]
    subjects: list[str]
    negations: list[str]
    handed_over_already: str
    noted_for_a_colleague: str
    order: str
    last: dict[str, str]
    issue: dict[str, str]
    circumstances: dict[str, Circumstance]
    disclosure: dict[str, str]
    handoff: dict[str, str]


def _load() -> dict[str, Phrases]:
    tables = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return {language: Phrases(and_=table.pop("and"), **table) for language, table in tables.items()}


PHRASES = _load()


@dataclass(frozen=True, kw_only=True, slots=True)
class Continuity:
    """What we know of somebody who comes back. All of it has passed the gate.

    `name` is a first name or "", `issue` a label, `tried` as in OpenCase, `channel` where it was last talked about,
    `since` how long ago that was, and `now` the time in the zone whose days are meant by "yesterday". `times` is how
    often it happened, where they said so, `years` how long they have been a customer, and `done` what was carried out
    for it, a sentence each.
    """

    name: str
    issue: str
    tried: Sequence[str]
    channel: str
    since: timedelta
    now: datetime
    times: int = 1
    years: int = 0
    done: Sequence[str] = ()


def issue_label(category: Category, issue: str, facts: Mapping[str, str], language: str) -> str:
    """An open issue in the customer's terms, e.g. "the $99 charge after your downgrade (order ending in 9137)".

    Their own words, quoted and masked, where too little is known; "your last message" where they are but a link. Order
    numbers are told by their last four signs.
    """
    phrases = _phrases(language)
    known = _known_values(category, facts)
    named = _named(category, known, phrases)
    circumstance = _circumstance(issue, phrases) if category == "charge" else ""
    quoted = "" if named else _quoted(issue, known, phrases)
    label = f"{named or quoted} {circumstance if named else ''}"
    return _line(f"{label} {_beside(category, label, known)} {_order(known, phrases, label)}")


def disclosure(bot_name: str, brand: str, language: str, channel: str) -> str:
    """That an AI is speaking (EU AI Act, Article 50), in one sentence."""
    wordings = _phrases(language).disclosure
    wording = wordings.get(channel.lower(), wordings["chat"])
    return _in_manner(wording.format(bot=bot_name, of=of(brand, language)), language, channel)


def of(brand: str, language: str) -> str:
    """ " of Acme", behind what belongs to a company; "" for one without a name."""
    return _phrases(language).disclosure["of"].format(brand=brand) if brand else ""


def greet(continuity: Continuity, language: str, channel: str) -> str:
    """That we know who comes back, from where, about what, and what was tried: nothing need be repeated."""
    phrases = _phrases(language)
    hello = (phrases.hello if continuity.name else phrases.hello_unnamed).format(name=continuity.name)
    last = f"{_last_contact(continuity, phrases)}."
    if channel.lower() == "email":
        greeting = f"{hello}\n\n{_capitalised(last)}"
    else:
        greeting = f"{hello} {_capitalised(last) if hello.endswith('!') else last}"
    told = [greeting, _known(continuity, phrases, channel), _apology(continuity, phrases, channel), *continuity.done]
    return _in_manner(" ".join(filter(None, told)), language, channel)


def handoff(language: str, channel: str, *, back: datetime | None = None, now: datetime | None = None) -> str:
    """That a colleague takes over and knows everything. Promises no time; says that nobody is there until they are
    `back`, in the time zone that this one carries."""
    phrases = _phrases(language)
    who = phrases.handoff["takes_over" if back is None else "absent"]
    when = f" {_back(phrases, back, now or back)}" if back else ""
    return _in_manner(f"{who}{when} {phrases.handoff['kept']}", language, channel)


def _back(phrases: Phrases, back: datetime, now: datetime) -> str:
    away = (back.date() - now.astimezone(back.tzinfo).date()).days
    day = phrases.coming[away if away in (0, 1) else 2 + back.weekday()]
    return phrases.back.format(day=day, time=f"{back:%H:%M}", zone=back.tzname())


def handed_over_already(language: str, channel: str = "chat", told: Mapping[str, str] | None = None) -> str:
    """What is said to a message about a case that a colleague has: which values were noted, where it told any."""
    phrases = _phrases(language)
    harmless = {slot: _trimmed(_harmless(value), _VALUE) for slot, value in (told or {}).items()}
    noted = [phrases.order.format(number=v) if slot == "order_id" else v for slot, v in harmless.items() if v]
    said = phrases.noted_for_a_colleague.format(values=", ".join(noted)) if noted else phrases.handed_over_already
    return _in_manner(said, language, channel)


def _phrases(language: str) -> Phrases:
    return PHRASES.get(re.split(r"[-_]", language.lower())[0], PHRASES["en"])


def _known_values(category: Category, facts: Mapping[str, str]) -> dict[str, str]:
    """The values that tell such an issue, harmless: a plan tells one about a plan only, a device an error only."""
    other_kinds = {"plan": "plan", "device": "fault"}
    told = {
        slot: _trimmed(_harmless(_PLAN_WORD.sub("", value) or value if slot == "plan" else value), _VALUE)
        for slot, value in facts.items()
        if other_kinds.get(slot, category) == category
    }
    known = {slot: value for slot, value in told.items() if value and slot in _TELLING}
    if category == "fault" and "device" not in known and "product" in known:
        known["device"] = known["product"]
    return known


def _named(category: Category, known: Mapping[str, str], phrases: Phrases) -> str:
    """The issue by its slots, as exactly as they are known; nothing where none is."""
    exactly = (category, f"{category}_any", f"{category}_device", f"{category}_vague")
    for wording in filter(None, map(phrases.issue.get, exactly)):
        slots = set(re.findall(r"{(\w+)}", wording))
        if slots <= known.keys() and known:
            return wording.format_map(known)
    return ""


def _quoted(issue: str, known: Mapping[str, str], phrases: Phrases) -> str:
    """Their own words, without an order number that is no longer right."""
    words = mask(issue)
    if "order_id" in known:
        right = order_number(known["order_id"])
        words = _MASKED.sub(lambda found: found[0] if found[0] == right else HIDDEN, words)
    words = _trimmed(_harmless(words), _QUOTE)
    return phrases.quote.format(words=words) if words else phrases.issue["wordless" if issue.strip() else "unknown"]


def _beside(category: Category, label: str, known: Mapping[str, str]) -> str:
    """The sum that a plan costs; and a value, where none has been told yet, so that the issue is known by it."""
    if category == "plan" and known.get("amount", label) not in label:
        return f"({known['amount']})"
    if "order_id" in known or any(value in label for value in known.values()):
        return ""
    value = next((known[slot] for slot in _TELLING if slot in known), "")
    return f"({value})" if value else ""


def _order(known: Mapping[str, str], phrases: Phrases, label: str) -> str:
    number = order_number(known["order_id"]) if "order_id" in known else ""
    return phrases.issue["order"].format(last=number.strip("…")) if number and number not in label else ""


def _circumstance(issue: str, phrases: Phrases) -> str:
    words = re.findall(r"[\w'’]+", issue.lower())
    for at, word in enumerate(words):
        before = set(words[max(0, at - _NEAR) : at])
        for phrase, signs in phrases.circumstances.items():
            if not before & set(phrases.negations) and _happened(word, before, signs, phrases):
                return phrase
    return ""


def _happened(word: str, before: set[str], signs: Circumstance, phrases: Phrases) -> bool:
    """Whether a word tells that something has been done, and not only that it is wanted or talked about."""
    by_them = not phrases.subjects or bool(before & set(phrases.subjects))
    if by_them and word.startswith(tuple(signs["done"])):
        return True
    return bool(before & set(phrases.after)) and word.startswith(tuple(signs["noun"]))


def _last_contact(continuity: Continuity, phrases: Phrases) -> str:
    wording = phrases.last.get(continuity.channel.lower(), phrases.last["other"])
    recent = continuity.since < _JUST_NOW
    return _line(
        wording.format(
            just=phrases.just if recent else "",
            when="" if recent else _when(continuity, phrases),
            channel=continuity.channel,
            issue=_trimmed(continuity.issue, _ISSUE),
        )
    )


def _when(continuity: Continuity, phrases: Phrases) -> str:
    then = continuity.now - continuity.since
    days = (continuity.now.date() - then.date()).days
    if days < 1:
        return phrases.today
    if days == 1:
        return phrases.yesterday
    if days < _A_WEEK:
        return phrases.weekdays[then.weekday()]
    if days < _TWO_WEEKS:
        return phrases.week
    if days < _TWO_MONTHS:
        return phrases.weeks.format(n=days // 7)
    return phrases.months.format(n=days // 30)


def _known(continuity: Continuity, phrases: Phrases, channel: str) -> str:
    most = 1 if channel.lower() == "sms" else 3
    told = (_trimmed(_harmless(deed), _TRIED) for deed in continuity.tried)
    tried = [deed for deed in told if deed][-most:]
    if not tried:
        return phrases.untried.format(again=phrases.again)
    listed = f" {phrases.and_} ".join(filter(None, (", ".join(tried[:-1]), tried[-1])))
    return phrases.tried.format(tried=listed, again=phrases.again)


def _apology(continuity: Continuity, phrases: Phrases, channel: str) -> str:
    """For somebody to whom it happened more than once."""
    if not 1 < continuity.times <= len(phrases.nth) + 1:
        return ""
    sorry = phrases.repeated.format(nth=phrases.nth[continuity.times - 2])
    loyal = continuity.years > 1 and channel.lower() != "sms"
    return f"{sorry} {phrases.years.format(years=continuity.years)}" if loyal else sorry


def _in_manner(text: str, language: str, channel: str) -> str:
    if channel.lower() == "phone":
        return _speakable(text, _phrases(language))
    return _sendable(text) if channel.lower() == "sms" else text


def _speakable(text: str, phrases: Phrases) -> str:
    """For a voice: no brackets, no quotation marks, no signs that are read out as names of signs."""
    text = re.sub(r"…(\w+)", lambda found: phrases.ending.format(last=found[1]), text)
    text = text.replace(HIDDEN, " ").replace(" (", ", ")
    spoken = "".join(c if c.isalnum() or unicodedata.combining(c) or c in _SPEAKABLE else " " for c in text)
    return re.sub(r" +([.,])", r"\1", _line(spoken))


def _sendable(text: str) -> str:
    """For SMS: accents that cost a segment are left out. A name in another alphabet stays as it is."""
    return "".join(c if c in _GSM7 else _bare(c) for c in text.translate(_PLAIN))


def _bare(sign: str) -> str:
    base = "".join(c for c in unicodedata.normalize("NFKD", sign) if not unicodedata.combining(c))
    return base if base and set(base) <= _GSM7 else sign


def _harmless(text: str) -> str:
    """A customer's words without links, addresses, markup and unseen signs; nothing where no word is left."""
    seen = "".join(sign for sign in text if sign.isprintable() or sign.isspace())
    words = _LINK.sub(" ", _MARKUP.sub("", seen))
    return words if any(map(str.isalnum, words)) else ""


def _trimmed(text: str, length: int) -> str:
    """One line of at most `length` characters, cut between words, without the full stop."""
    line = _line(text).rstrip(".")
    if len(line) <= length:
        return line
    cut = line[:length]
    return cut[: cut.rfind(" ")].rstrip(" ,;:.-") + "…" if " " in cut else cut + "…"


def _line(text: str) -> str:
    return " ".join(text.split())


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
