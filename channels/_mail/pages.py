"""GET /mail: the letters that were kept for want of a relay, for somebody who tries us out on their own machine."""

from collections.abc import Sequence
from html import escape
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from channels._mail.headers import readable
from channels._mail.reading import read_mail
from core.messages import Raw

MOST_SHOWN: Final = 50
PAGE_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def pages_for(base_url: str) -> Sequence[str]:
    """The path of the page; none where the outside sees us."""
    return ("/mail",) if urlsplit(base_url).hostname in _HERE else ()


def is_newcomer(raw: Raw, pages: Sequence[str]) -> bool:
    """Whether a request comes from this machine, by no proxy and for no other name."""
    forwarded = {"forwarded", "x-forwarded-for", "x-real-ip"} & raw.headers.keys()
    host = urlsplit("//" + raw.headers.get("host", "localhost")).hostname
    return bool(pages) and not forwarded and host in _HERE and _is_loopback(raw.peer)


def page_of(letters: Sequence[bytes], brand: str) -> str:
    """The page."""
    shown = "\n".join(map(_article, letters)) or "<p>Nothing yet.</p>"
    title = f"Mail from {escape(brand)} that was not sent"
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{title}</title></head>\n<body>\n'
        f"<h1>{title}</h1>\n<p>Set SMTP_RELAY_HOST to send mail.</p>\n{shown}\n</body>\n</html>\n"
    )


def _article(letter: bytes) -> str:
    mail = read_mail(letter)
    facts = "".join(f"<li>{name}: {escape(readable(mail.headers.first(name)))}</li>" for name in ("to", "date"))
    subject = escape(readable(mail.headers.first("subject")))
    return f"<article>\n<h2>{subject}</h2>\n<ul>{facts}</ul>\n<pre>{escape(mail.text)}</pre>\n</article>"


def _is_loopback(peer: str) -> bool:
    try:
        return ip_address(peer).is_loopback
    except ValueError:
        return False
