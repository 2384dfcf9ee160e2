"""What a monitoring system reads of us, in the text format of Prometheus. Every metric is named here.

Labels are channels, kinds and outcomes, a few words each; nothing of a customer is ever in one.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from datetime import datetime

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from core.backlog import Backlog
from core.health import Health

_QUICK = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)  # seconds
_SLOW = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_LONG = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
_OTHER = "other"  # for what is none of our channels

CHANNEL, KIND, OUTCOME = "channel", "kind", "outcome"
_NAME = "throughline_{}"

# By what is told of: the metric's name, what it says, its labels.
COUNTERS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "messages": ("messages", "Messages that came in: new, duplicate, parked, refused.", (CHANNEL, OUTCOME)),
    "turn": ("turns", "Turns: answered, handed off, silent, taken over, cut off, failed.", (CHANNEL, OUTCOME)),
    "sends": ("sends", "Replies: sent, put off, parked, maybe twice.", (CHANNEL, OUTCOME)),
    "model": ("model_calls", "Calls of the language model: well, failed, cut off.", (OUTCOME,)),
    "tokens": ("model_tokens", "Tokens that the language model read (prompt) and wrote (completion).", (KIND,)),
    "memory": ("memory_calls", "Calls of the memory: well, failed, cut off.", (OUTCOME,)),
    "action": ("action_runs", "Actions that the company was asked for: well, refused, failed, cut off.", (OUTCOME,)),
    "transactions": ("transactions", "Transactions of the ledger: well, failed, retried.", (KIND, OUTCOME)),
}
# And in which steps its seconds are counted.
TIMES: Mapping[str, tuple[str, str, tuple[str, ...], tuple[float, ...]]] = {
    "accept": ("accept_seconds", "From a delivery's arrival until it is kept.", (CHANNEL,), _QUICK),
    "turn": ("turn_seconds", "A turn, from its opening until it is settled.", (CHANNEL,), _SLOW),
    "recall": ("recall_seconds", "Reading what may be known for a message.", (), _QUICK),
    "settle": ("settle_seconds", "Writing down what came of a turn.", (), _QUICK),
    "send": ("send_seconds", "Handing a part of a reply over to its provider.", (CHANNEL,), _SLOW),
    "delivery": ("delivery_seconds", "From a message's arrival until all of its reply was sent.", (CHANNEL,), _LONG),
    "writer": ("writer_seconds", "Understanding a message and wording its answer.", (), _SLOW),
    "model": ("model_seconds", "A call of the language model.", (), _SLOW),
    "memory": ("memory_seconds", "A call of the memory.", (), _QUICK),
    "action": ("action_seconds", "Asking the company for an action.", (), _SLOW),
    "transactions": ("transaction_seconds", "A transaction of the ledger.", (KIND,), _QUICK),
}
# What is looked up whenever the metrics are read: of the ledger, the same in every process; the last ones of this one.
GAUGES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "messages_waiting": ("Messages that wait for an answer.", ()),
    "lines_waiting": ("Conversations in which messages wait.", ()),
    "oldest_message_seconds": ("For how long the oldest of them has waited.", ()),
    "outbox_waiting": ("Replies on their way.", (CHANNEL,)),
    "outbox_oldest_seconds": ("For how long the oldest of them has waited.", (CHANNEL,)),
    "outbox_parked": ("Replies that could not be delivered.", (CHANNEL,)),
    "unread_deliveries": ("Deliveries that could not be read.", ()),
    "cases_waiting": ("Cases that were handed over and that nobody took.", ()),
    "oldest_case_seconds": ("For how long the oldest of them has waited.", ()),
    "leases": ("Customers who are being answered right now.", ()),
    "ledger_bytes": ("How large the database is.", ()),
    "processes": ("Processes by kind: heard of, or silent.", (KIND, "state")),
    "ledger_up": ("1 while the ledger answers.", ()),
    "listening": ("1 while a channel's own connection or server is up, 0 while it is down.", (CHANNEL,)),
    "resting": ("1 while a provider is left alone since it failed several times in a row.", ("what",)),
    "disk_free_bytes": ("What is free on the disk of var/.", ()),
}
_MOST_LABELS = 40  # values of a label that is not one of a known few


disable_created_metrics()  # type: ignore[no-untyped-call]  # when each was made is of no use to anybody


class Metrics:
    """The metrics of one process."""

    def __init__(self, channels: Collection[str]) -> None:
        self._channels = frozenset(channels)
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._counters = {
            what: Counter(_NAME.format(name), told, labels, registry=self._registry)
            for what, (name, told, labels) in COUNTERS.items()
        }
        self._times = {
            what: Histogram(_NAME.format(name), told, labels, buckets=buckets, registry=self._registry)
            for what, (name, told, labels, buckets) in TIMES.items()
        }
        self._gauges = {
            name: Gauge(_NAME.format(name), told, labels, registry=self._registry)
            for name, (told, labels) in GAUGES.items()
        }
        self._counting: dict[tuple[str, ...], Callable[[float], None]] = {}
        self._timing: dict[tuple[str, ...], Callable[[float], None]] = {}

    def count(self, what: str, *labels: str, times: int = 1) -> None:
        """Something happened, so many times."""
        add = self._counting.get((what, *labels))
        if add is None:
            counter, known = self._counters[what], self._known(COUNTERS[what][2], labels)
            add = self._counting[what, *labels] = (counter.labels(*known) if known else counter).inc
        add(times)

    def lasted(self, what: str, seconds: float, *labels: str) -> None:
        """Something took so many seconds."""
        observe = self._timing.get((what, *labels))
        if observe is None:
            histogram, known = self._times[what], self._known(TIMES[what][2], labels)
            observe = self._timing[what, *labels] = (histogram.labels(*known) if known else histogram).observe
        observe(seconds)

    def _known(self, names: tuple[str, ...], labels: tuple[str, ...]) -> list[str]:
        """Labels of a few words each, whatever was given."""
        given = zip(names, labels, strict=True)
        return [_OTHER if name == CHANNEL and label not in self._channels else label for name, label in given]

    # ── what is looked up ──
    def looked_up(self, backlog: Backlog | None, health: Health, free: Callable[[], int], now: datetime) -> None:
        """Sets what is true right now. No `backlog`: the ledger does not answer, and nothing is said of it."""
        for name, (_, labels) in GAUGES.items():
            if labels:
                self._gauges[name].clear()
        self._set("ledger_up", float(backlog is not None))
        if backlog is not None:
            self._of_the_ledger(backlog, now)
        for what, condition in health.all().items():
            kind, _, channel = what.partition(" ")
            if kind == "listening":
                self._set("listening", float(not condition.ails), channel)
            if condition.rests_until is not None:
                self._set("resting", float(condition.rests_until > now), what)
        with suppress(OSError):
            self._set("disk_free_bytes", float(free()))

    def _of_the_ledger(self, backlog: Backlog, now: datetime) -> None:
        self._set("messages_waiting", backlog.messages)
        self._set("lines_waiting", backlog.lines)
        self._set("oldest_message_seconds", _age(backlog.messages_since, now))
        self._set("unread_deliveries", backlog.unread)
        self._set("cases_waiting", backlog.cases)
        self._set("oldest_case_seconds", _age(backlog.cases_since, now))
        self._set("leases", backlog.leases)
        self._set("ledger_bytes", backlog.bytes)
        for channel in self._channels:
            self._set("outbox_waiting", backlog.outbox.get(channel, 0), channel)
            self._set("outbox_parked", backlog.parked.get(channel, 0), channel)
            self._set("outbox_oldest_seconds", _age(backlog.outbox_since.get(channel), now), channel)
        for kind, state, number in _counted(backlog, now):
            self._set("processes", number, kind, state)

    def _set(self, name: str, value: float, *labels: str) -> None:
        gauge = self._gauges[name]
        (gauge.labels(*labels) if labels else gauge).set(value)

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self._registry)


def _age(since: datetime | None, now: datetime) -> float:
    return max((now - since).total_seconds(), 0) if since else 0.0


def _counted(backlog: Backlog, now: datetime) -> Iterator[tuple[str, str, int]]:
    for kind in sorted({process.kind for process in backlog.processes})[:_MOST_LABELS]:
        heard = [process.is_heard_of(now) for process in backlog.processes if process.kind == kind]
        yield kind, "heard of", sum(heard)
        yield kind, "silent", len(heard) - sum(heard)
