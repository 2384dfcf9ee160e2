"""The lines that `doctor` prints: a mark, a name, what was seen, and what to do about it."""

import sys
from collections.abc import Collection, Sequence
from typing import TextIO

from core.channel import Finding

_COLOURS = {"ok": "32", "warning": "33", "wrong": "31", "off": "2"}
_MARK, _NAME = 8, 10  # columns
_LONGEST = 1_200  # characters of a line: a record with a long key fits
_SHORTEST_SECRET = 6  # shorter ones are words like any other
_HIDDEN = "(hidden)"


class Report:
    """Counts what it tells. Says nothing that is `hidden`, and nothing that a terminal would obey."""

    def __init__(self, out: TextIO = sys.stdout, *, hidden: Collection[str] = (), colours: bool = True) -> None:
        self._out = out
        # A longer secret first: it may hold a shorter one.
        self._hidden = sorted({h for h in hidden if len(h) >= _SHORTEST_SECRET}, key=len, reverse=True)
        self._live = out.isatty()
        self._colours = colours and self._live
        self.warnings = self.wrong = 0

    def tell(self, name: str, findings: Sequence[Finding]) -> None:
        """A line for each finding, and one for its advice."""
        for finding in findings:
            mark = "wrong" if finding.fatal else "warning" if finding.advice else "ok"
            self.wrong += mark == "wrong"
            self.warnings += mark == "warning"
            self._line(mark, name, finding.what)
            if finding.advice:
                self._write(" " * (_MARK + _NAME) + "→ " + self._plain(finding.advice) + "\n")

    def off(self, name: str, why: str) -> None:
        """A line for a channel that is off."""
        self._line("off", name, why)

    def waiting(self, name: str) -> None:
        """Shows on a terminal what is being waited for."""
        if self._live:
            self._write(f"\r\x1b[K… {name}")

    def end(self, words: str) -> None:
        """The last line."""
        self._write(f"\n{words}\n")

    def _line(self, mark: str, name: str, words: str) -> None:
        before, after = (f"\x1b[{_COLOURS[mark]}m", "\x1b[0m") if self._colours else ("", "")
        erased = "\r\x1b[K" if self._live else ""
        self._write(f"{erased}{before}{mark:{_MARK}}{after}{name:{_NAME}}{self._plain(words)}\n")

    def _plain(self, words: str) -> str:
        for secret in self._hidden:
            words = words.replace(secret, _HIDDEN)
        shown = "".join(c if c.isprintable() else " " for c in words)
        return " ".join(shown.split())[:_LONGEST]

    def _write(self, text: str) -> None:
        encoding = self._out.encoding or "utf-8"
        self._out.write(text.encode(encoding, "replace").decode(encoding))
        self._out.flush()
