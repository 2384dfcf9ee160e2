"""What reading a mail costs: the processor time from its bytes to the author's own words, on real and on hostile mail.

    python -m benchmarks.mail

A hostile mail is read at 1 MB, and at a quarter and at half of that: time that grows faster than the size would let one
mail stop the channel for everybody. An ordinary one of 10 KB is read, and kept in the ledger.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.rows import Figure, keep
from channels.email import Email, Mailbox
from core.errors import Malformed
from core.messages import Raw
from tests.shop import Shop
from tests.site import site

GOAL_STORED: Final = 4.0  # milliseconds of processor time for 10 KB, read and written to the ledger
GOAL_HOSTILE: Final = 200.0  # milliseconds for 1 MB
GOAL_GROWTH: Final = 2.5  # times as long for twice the size
_STORED: Final = 10_000
_HOSTILE: Final = 1_000_000
_MEASURED: Final = 200
_NOISE: Final = 2.0  # milliseconds
_AGAIN: Final = 5  # of these the fastest counts: what else the machine does is none of the mail's
_ORDINARY: Final = "The kettle that I bought from you in May leaks at its lid, and the new lid does not fit.\r\n"
_QUOTE: Final = "\r\nOn Mon, Mar 2, 2026 at 9:00 AM Acme <support@acme.test> wrote:\r\n\r\n"

_TEXT: Final[Mapping[str, str]] = {
    "attributions in one line": "On Mon, ",
    "attributions": "On Mon, Mar 2, 2026 at 9:00 Acme <a@b.test> wrote:\n",
    "attributions, half": "On Mon, Mar 2, 2026 at 9:00 Acme <a@b.test>\n",
    "colons": ":\n",
    "times": "1:11:",
    "brackets": "<a@",
    ">": ">",
    "> on lines": ">\n",
    "> and words": ">\nx\n",
    "header labels": "From: x@y.test\nSubject: y\n",
    "header labels, apart": "From: x\n\n",
    "devices": "Sent from my iPhone\n",
    "links": "Get Outlook for iOS (https://x\n",
    "dashes": "--\n",
    "signatures": "-- \n",
    "closings": "Best regards\nTel: 1\n",
    "notices": "Confidentiality: intended recipient\n",
    "titles": "-----Original Message-----\n",
    "flags": "\x00\x1e\x1f",
    "blank lines": "\n",
    "one line": "x",
    "one word a line": "x\n",
}
_MARKUP: Final[Mapping[str, str]] = {
    "<": "<",
    "<a": "<a ",
    "comments": "<!--",
    "scripts": "<script>",
    "blockquotes": "<blockquote>",
    "indented": "<blockquote style='border:none'>x<p>",
    "divs": "<div>",
    "hidden": "<div style='display:none'>",
    "hidden and closed": "<div style='display:none'>x</div>",
    "cells": "<td>x",
    "pre": "<pre>\nx",
    "classes": "<div class='a b c d e f g h'>",
    "attributes": "<a class=",
    "entities": "&amp;",
    "half entities": "&#x",
}


@dataclass(frozen=True)
class Read:
    """Milliseconds for 1 MB, and how many times as long half of it takes as a quarter."""

    what: str
    spent: float
    growth: float

    @property
    def missed(self) -> bool:
        """Whether it takes too long, or grows too fast; what takes no time has no growth to speak of."""
        return self.spent > GOAL_HOSTILE or (self.spent > _NOISE and self.growth > GOAL_GROWTH)

    def __str__(self) -> str:
        verdict = "missed" if self.missed else "met"
        goal = f"<= {GOAL_HOSTILE:.0f} ms, <= {GOAL_GROWTH} x"
        return f"{self.what:<36} {self.spent:8.1f} {self.growth:6.2f}   {goal}   {verdict}"


def mail(body: str, kind: str = "text/plain", *, head: str = "") -> bytes:
    """A mail with this body."""
    written = f"From: Ann <ann@shop.test>\r\nSubject: Re: Kettle\r\nMessage-ID: <m1@shop.test>\r\n{head}"
    return f"{written}Content-Type: {kind}; charset=utf-8\r\n\r\n{body}\r\n".encode()


def filled(piece: str, size: int) -> str:
    """The piece again and again, up to a size."""
    return (piece * (size // len(piece) + 1))[:size]


def hostile() -> Mapping[str, Callable[[int], bytes]]:
    """Mails that want to be slow, by their size."""
    text = {f"text: {name}": lambda n, p=piece: mail(filled(p, n)) for name, piece in _TEXT.items()}
    markup = {f"html: {name}": lambda n, p=piece: mail(filled(p, n), "text/html") for name, piece in _MARKUP.items()}
    whole: dict[str, Callable[[int], bytes]] = {
        "mail: quotes in To": lambda n: mail("x", head="To: " + chr(34) * min(n, 8000) + "\r\n"),
        "mail: parts": lambda n: mail(filled("--b\r\n\r\nx\r\n", n), "multipart/mixed; boundary=b"),
        "mail: half boundaries": lambda n: mail(filled("--bx\r\n", n), "multipart/mixed; boundary=b"),
        "mail: base64": lambda n: mail(filled("QUFB\r\n", n), head="Content-Transfer-Encoding: base64\r\n"),
        "mail: quoted-printable": lambda n: mail(
            filled("=3E", n), head="Content-Transfer-Encoding: quoted-printable\r\n"
        ),
        "mail: not UTF-8": lambda n: mail("") + b"\xff" * n,
        "mail: flowed": lambda n: mail(filled("> x \r\n", n), "text/plain; format=flowed"),
    }
    return {**text, **markup, **whole}


def compare(channel: Email, what: str, written: Callable[[int], bytes]) -> Read:
    """The time for one kind of mail."""
    quarter, half, whole = (_fastest(channel, written(size)) for size in (_HOSTILE // 4, _HOSTILE // 2, _HOSTILE))
    return Read(what, whole, half / max(quarter, _NOISE / 8))


def _fastest(channel: Email, body: bytes) -> float:
    return min(_spent(channel, body) for _ in range(_AGAIN))


def _spent(channel: Email, body: bytes) -> float:
    raw = _raw(body)
    began = time.thread_time()
    try:
        channel.parse(raw)
    except Malformed:
        return (time.thread_time() - began) * 1_000  # kept, and parked for a human
    return (time.thread_time() - began) * 1_000


def _raw(body: bytes) -> Raw:
    envelope = {"mail-from": "ann@shop.test", "rcpt-to": "support@acme.test"}
    return Raw(body=body, received_at=datetime(2026, 3, 2, 9, tzinfo=UTC), headers=envelope, peer="127.0.0.1")


def ordinary(number: int) -> bytes:
    """A reply of 10 KB: half of it the author's own words, half a quote."""
    own = filled(_ORDINARY, _STORED // 2)
    return mail(own + _QUOTE + filled("> " + _ORDINARY, _STORED // 2)).replace(b"<m1@", b"<m%d@" % number)


async def stored(channel: Email, folder: Path) -> list[float]:
    """Milliseconds of processor time for each mail of 10 KB, from its bytes until it is kept."""
    shop = await Shop.open(folder)
    spent = []
    for number in range(_MEASURED):
        raw = _raw(ordinary(number))
        began = time.process_time()
        message = channel.parse(raw)
        assert message
        await shop.engine.accept(message, raw)
        spent.append((time.process_time() - began) * 1_000)
    await shop.close()
    return spent


def _figures(kept: float, reads: Sequence[Read]) -> Iterator[Figure]:
    """For the table over all benchmarks: of the hostile ones the worst."""
    yield Figure(name="10 KB read and kept, median", value=kept, unit="ms CPU", most=GOAL_STORED)
    slowest = max(read.spent for read in reads)
    yield Figure(
        name=f"1 MB, the slowest of {len(reads)} hostile kinds", value=slowest, unit="ms CPU", most=GOAL_HOSTILE
    )
    growth = max((read.growth for read in reads if read.spent > _NOISE), default=1.0)
    yield Figure(name="twice the size, the most growth", value=growth, unit="x", most=GOAL_GROWTH)


def main() -> int:
    """Prints the table; 1 where a goal is missed."""
    with TemporaryDirectory() as folder:
        channel = Email(Mailbox(support_address="support@acme.test"), site(Path(folder)))
        kept = median(asyncio.run(stored(channel, Path(folder))))
        reads = []
        print(f"{'milliseconds of processor time':<36}     1 MB growth   goal")
        for what, written in hostile().items():
            reads.append(compare(channel, what, written))
            print(reads[-1], flush=True)
    keep(_figures(kept, reads))
    missed = kept > GOAL_STORED
    verdict = "missed" if missed else "met"
    print(f"{'10 KB read and kept, median':<36} {kept:8.2f}          <= {GOAL_STORED:.0f} ms   {verdict}")
    return int(missed or any(read.missed for read in reads))


if __name__ == "__main__":
    sys.exit(main())
