"""Alerts and their page speak of metrics that exist, with outcomes that happen, and no metric is left out."""

import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bots.metrics import COUNTERS, GAUGES, TIMES, Metrics

DOCS = Path(__file__).parents[1] / "docs"
ALERTS, PAGE = DOCS / "alerts.yml", DOCS / "observability.md"
SUFFIXES = ("", "_bucket", "_sum", "_count")


def known() -> set[str]:
    """The names under which Prometheus has our metrics."""
    families = text_string_to_metric_families(Metrics([]).text().decode())
    names = {f"{family.name}{'_total' if family.type == 'counter' else ''}" for family in families}
    return {name for name in names if name.startswith("throughline_")}


def named(page: Path) -> set[str]:
    return set(re.findall(r"\bthroughline_[a-z_]+", page.read_text(encoding="utf-8")))


def test_there_are_as_many_as_are_declared() -> None:
    assert len(known()) == len(COUNTERS) + len(TIMES) + len(GAUGES)


@pytest.mark.parametrize("page", [ALERTS, PAGE], ids=lambda page: page.name)
def test_every_metric_that_is_named_exists(page: Path) -> None:
    assert named(page) <= {f"{name}{suffix}" for name in known() for suffix in SUFFIXES}


def test_every_metric_has_its_line_on_the_page() -> None:
    assert known() <= named(PAGE)


def test_every_alert_has_all_of_its_parts_and_a_line_on_the_page() -> None:
    rules = ALERTS.read_text(encoding="utf-8").split("- alert: ")[1:]
    assert len(rules) > 10
    for rule in rules:
        name = rule.split(maxsplit=1)[0]
        assert name in PAGE.read_text(encoding="utf-8"), name
        for part in ("expr: ", "labels: {severity: ", "annotations: {summary: "):
            assert rule.count(part) == 1, f"{name}: {part}"
        assert rule.count("(") == rule.count(")"), name


def test_labels_and_their_values_in_alerts_are_those_that_are_told() -> None:
    told = {"outcome": " ".join(said for _, said, _ in COUNTERS.values()), "state": "heard of, or silent"}
    filters = re.findall(r'(\w+)(?:=~|!=|=)"([^"]+)"', ALERTS.read_text(encoding="utf-8"))
    for label, value in filters:
        if label == "job":
            continue
        for one in value.split("|"):
            assert re.search(rf"\b{one}\b", told[label]), (label, one)
