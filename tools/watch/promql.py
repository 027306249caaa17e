"""What an expression of Prometheus rests on, as far as it can be read without Prometheus: names, labels, buckets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from proofgrid.telemetry.metrics.kinds import Counter, Histogram, Label
from proofgrid.telemetry.metrics.table import METRICS, AnyMetric

_SELECTOR = re.compile(r"\b(?P<name>(?:proofgrid[a-z_:0-9]*|up))\b(?:\{(?P<matchers>[^}]*)\})?")
_MATCHER = re.compile(r'(?P<label>[a-z_]+)\s*(?P<how>=~|!~|!=|=)\s*"(?P<value>[^"]*)"')
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring) \((?P<labels>[^)]*)\)")
_OF_A_RATE = re.compile(r"\b(?P<function>rate|increase|irate)\(\s*(?P<name>[a-z_:0-9]+)")
_SUFFIXES = ("_bucket", "_sum", "_count")
OF_PROMETHEUS = frozenset({"instance", "job", "le"})  #: labels that it adds, and that of buckets


def faults_of(expression: str, recorded: frozenset[str]) -> list[str]:
    """Return what an expression rests on and that is not there. `recorded`: names that rules record."""
    return list(_faults(expression, recorded))


def selectors_of(expression: str) -> list[str]:
    """Return what an expression selects, each as Prometheus takes it."""
    found = []
    for selector in _SELECTOR.finditer(expression):
        matchers = f"{{{selector['matchers']}}}" if selector["matchers"] else ""
        found.append(f"{selector['name']}{matchers}")
    return found


def _faults(expression: str, recorded: frozenset[str]) -> Iterator[str]:
    labels: set[str] = set(OF_PROMETHEUS)
    for selector in _SELECTOR.finditer(expression):
        name = selector["name"]
        if name == "up" or ":" in name:
            if name != "up" and name not in recorded:
                yield f"{name} is recorded by no rule"
            continue
        metric = _metric_of(name)
        if metric is None:
            yield f"{name} is no metric"
            continue
        labels |= {one.name for one in metric.labels}
        yield from _faults_of_matchers(metric, name, selector["matchers"] or "")
        if isinstance(metric, Histogram) == (name == metric.name):
            yield f"{name}: of a histogram _bucket, _sum or _count is asked for, and of nothing else"
    yield from _faults_of_rates(expression)
    for grouping in _GROUPING.finditer(expression):
        for label in filter(None, (one.strip() for one in grouping["labels"].split(","))):
            if label not in labels:
                yield f"nothing in it has the label {label}"


def _faults_of_rates(expression: str) -> Iterator[str]:
    for rate in _OF_A_RATE.finditer(expression):
        metric = _metric_of(rate["name"])
        if metric is not None and not isinstance(metric, Counter | Histogram):
            yield f"{rate['name']} goes up and down, and {rate['function']} is of what only goes up"


def _faults_of_matchers(metric: AnyMetric, name: str, matchers: str) -> Iterator[str]:
    labels: Mapping[str, Label] = {one.name: one for one in metric.labels}
    for matcher in _MATCHER.finditer(matchers):
        label, value = matcher["label"], matcher["value"]
        if label == "le" and isinstance(metric, Histogram) and name.endswith("_bucket"):
            if value not in {"+Inf", *(repr(float(bound)) for bound in metric.bounds)}:
                yield f"{name} has no bucket {value}: {', '.join(repr(float(bound)) for bound in metric.bounds)}"
        elif label not in labels:
            yield f"{name} has no label {label}"
        elif labels[label].is_closed:
            values = value.split("|") if "~" in matcher["how"] else [value]
            yield from (f"{label} of {name} is never {one}" for one in values if one not in labels[label].values)


def _metric_of(name: str) -> AnyMetric | None:
    if name in METRICS:
        return METRICS[name]
    for suffix in _SUFFIXES:
        metric = METRICS.get(name.removesuffix(suffix))
        if name.endswith(suffix) and isinstance(metric, Histogram):
            return metric
    return None
