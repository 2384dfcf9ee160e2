"""Errors, named by what happens next.

Problem
├── Unverified      the sender of a request cannot be trusted      -> 401 or 403, nothing is parsed or kept
├── Malformed       a request or a mail cannot be read             -> 400, or parked for a human where no answer is left
├── SendProblem     a reply did not go out
│   ├── TryAgain        the provider is busy or away               -> sent again, after `after` or with backoff
│   └── Undeliverable   it never will                              -> parked, staff see it
├── WriterFailed    the language model gave no usable answer       -> the offline rules answer, once
├── LedgerAway      the database is locked, full or gone           -> nothing is acknowledged, all is tried again
├── Fenced          another turn of this customer took over        -> this turn is dropped and its messages run again
└── Misconfigured   a setting is wrong or missing                  -> the process does not start and names the setting
"""

from datetime import timedelta


class Problem(Exception):
    """Anything that Throughline itself raises. The message is one line: what, where, what to do."""


class Unverified(Problem):
    """A signature, a token or a session is missing or wrong. `status` is 401 where signing in would help, else 403."""

    def __init__(self, message: str, *, status: int = 403) -> None:
        super().__init__(message)
        self.status = status


class Malformed(Problem):
    """The body cannot be read as what the channel's provider documents."""


class SendProblem(Problem):
    """A reply did not go out."""


class TryAgain(SendProblem):
    """The provider was busy, away, or broke off. `after` is how long it asked us to wait, if it did.

    `maybe_sent` where it broke off after it had all of the reply, so that its customer may get it twice. `away` where
    this speaks of the provider as a whole, and not of this reply: others need not be tried either.
    """

    def __init__(
        self, message: str, *, after: timedelta | None = None, maybe_sent: bool = False, away: bool = False
    ) -> None:
        super().__init__(message)
        self.after = after
        self.maybe_sent = maybe_sent
        self.away = away


class Undeliverable(SendProblem):
    """The provider refused for good: no such address, consent withdrawn, content refused.

    `opted_out`: the customer told the network to take no more of us.
    """

    def __init__(self, message: str, *, opted_out: bool = False) -> None:
        super().__init__(message)
        self.opted_out = opted_out


class WriterFailed(Problem):
    """The language model timed out, refused, was rate-limited or answered nonsense.

    `away` where this speaks of its server as a whole, and not of this one answer.
    """

    def __init__(self, message: str, *, away: bool = False) -> None:
        super().__init__(message)
        self.away = away


class LedgerAway(Problem):
    """The database is locked, full, or cannot be reached. Nothing was written, and it may go well later."""


class Fenced(Problem):
    """The lease of this turn is held by another turn now."""


class Misconfigured(Problem):
    """A setting is wrong. `setting` is its name as it stands in the environment."""

    def __init__(self, setting: str, message: str) -> None:
        super().__init__(f"{setting}: {message}")
        self.setting = setting
