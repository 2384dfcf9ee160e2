"""What a monitoring system reads of us: `GET /metrics`, in the text format of Prometheus. Every one is named here.

Labels are channels, kinds and outcomes, a few words each; nothing of a customer is ever in one.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.metrics import MetricWrapperBase

from core.backlog import Backlog
from core.health import Health

_QUICK = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)  # seconds
_SLOW = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_LONG = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
_OTHER = "other"  # a channel that is none of ours, as a label

_COUNTERS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "messages": ("throughline_messages", "Messages that came in: new, duplicate, parked, refused.", ("channel", "outcome")),
    "turns": (
        "throughline_turns",
        "Turns: answered, handed off, silent, taken over, cut off, failed.",
        ("channel", "outcome"),
    ),
    "sends": (
        "throughline_sends",
        "Replies: sent, put off, parked, maybe twice.",
        ("channel", "outcome"),
    ),
    "model": ("throughline_model_calls", "Calls of the language model: well, failed, cut off.", ("outcome",)),
    "tokens": ("throughline_model_tokens", "Tokens of the language model: prompt, completion.", ("kind",)),
    "memory": ("throughline_memory_calls", "Calls of the memory: well, failed, cut off.", ("outcome",)),
    "action": ("throughline_action_runs", "Actions that the company was asked for: well, refused, failed.", ("outcome",)),
    "transactions": (
        "throughline_transactions",
        "Transactions of the ledger (read, write, durable): well, failed, retried.",
        ("kind", "outcome"),
    ),
}
_TIMES: Mapping[str, tuple[str, str, tuple[str, ...], tuple[float, ...]]] = {
    "accept": ("throughline_accept_seconds", "From a delivery's arrival until it is kept.", ("channel",), _QUICK),
    "turn": ("throughline_turn_seconds", "A turn, from its opening until it is settled.", ("channel",), _SLOW),
    "recall": ("throughline_recall_seconds", "Reading what may be known for a message.", (), _QUICK),
    "settle": ("throughline_settle_seconds", "Writing down what came of a turn.", (), _QUICK),
    "send": ("throughline_send_seconds", "Handing one part of a reply over to its provider.", ("channel",), _SLOW),
    "delivery": (
        "throughline_delivery_seconds",
        "From a message's arrival until its provider has all of the reply.",
        ("channel",),
        _LONG,
    ),
    "model": ("throughline_model_seconds", "A call of the language model.", (), _SLOW),
    "memory": ("throughline_memory_seconds", "A call of the memory.", (), _QUICK),
    "action": ("throughline_action_seconds", "Asking the company for an action.", (), _SLOW),
    "transactions": ("throughline_transaction_seconds", "A transaction of the ledger.", ("kind",), _QUICK),
}


class Metrics:
    """The metrics of one process. What waits is asked of the ledger whenever they are read."""

    def __init__(self, channels: Collection[str]) -> None:
        self._channels = frozenset(channels)
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._counters = {
            what: Counter(name, told, labels, registry=self._registry) for what, (name, told, labels) in _COUNTERS.items()
        }
        self._times = {
            what: Histogram(name, told, labels, buckets=buckets, registry=self._registry)
            for what, (name, told, labels, buckets) in _TIMES.items()
        }
        self._counting: dict[tuple[str, str, str], Callable[[float], None]] = {}
        self._timing: dict[tuple[str, str], Callable[[float], None]] = {}
        self._gauges = _Gauges(self._registry)

    def count(self, what: str, label: str, outcome: str, times: int = 1) -> None:
        """Something happened. `label` is a channel or a kind; "" where it has none."""
        key = what, label, outcome
        add = self._counting.get(key)
        if add is None:
            counter = self._counters[what]
            add = self._counting[key] = _of(counter, *self._labels(label, outcome)).inc
        add(times)

    def lasted(self, what: str, label: str, seconds: float) -> None:
        """Something took so long."""
        key = what, label
        observe = self._timing.get(key)
        if observe is None:
            observe = self._timing[key] = _of(self._times[what], *self._labels(label)).observe
        observe(seconds)
