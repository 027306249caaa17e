"""Numbers are kept by bounded labels, add up over processes, and are written as Prometheus reads them."""

from __future__ import annotations

import pickle
import re
from threading import Thread

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_open_metrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from proofgrid.telemetry.metrics import exposition, snapshot
from proofgrid.telemetry.metrics.kinds import (
    OTHER,
    ZEROS_MAX,
    Buckets,
    Counter,
    Gauge,
    Histogram,
    Metric,
    capped,
    closed,
)
from proofgrid.telemetry.metrics.of_gateway import EVENT_LOOP_LAG, HEDGES, SESSIONS, SUBMIT_SECONDS
from proofgrid.telemetry.metrics.table import METRICS

#: How a name ends, by what its unit is; levels of things that are counted end in what they count.
ENDINGS = ("_seconds", "_bytes", "_units", "_ratio", "_base_units", "_total", "_items")


def a_counter(*labels: str) -> Counter:
    return Counter("proofgrid_tests_total", "Of a test.", *(closed(name, ("a", "b")) for name in labels), unit="tests")


def test_labels_are_bounded_by_their_values_or_by_how_many_there_may_be() -> None:
    metric = Counter("proofgrid_x_total", "Of a test.", closed("end", ("good", "bad")), capped("lane", 2), unit="x")
    for number in range(50):
        metric.add(1, "good", f"lane {number}")
        metric.add(1, f"end {number}", "lane 0")

    assert metric.read() == {
        ("good", "lane 0"): 1,
        ("good", "lane 1"): 1,
        ("good", OTHER): 48,
        (OTHER, "lane 0"): 50,
    }


def test_who_leaves_a_label_out_is_told() -> None:
    for metric in (
        a_counter("one", "two"),
        Gauge("proofgrid_x", "Of a test.", capped("one", 1), unit="x", merge="sum"),
    ):
        with pytest.raises(TypeError, match="is told by"):
            (metric.add if isinstance(metric, Counter) else metric.set)(1)


def test_closed_labels_are_shown_as_zero_before_anything_was_counted() -> None:
    assert a_counter("one").read() == {("a",): 0, ("b",): 0}
    many = Counter("proofgrid_x_total", "Of a test.", closed("n", map(str, range(ZEROS_MAX + 1))), unit="x")
    assert many.read() == {}


def test_levels_that_are_shown_together_forget_those_before() -> None:
    lanes = Gauge("proofgrid_x", "Of a test.", capped("lane", 2), unit="x", merge="max")
    lanes.show({("a",): 1, ("b",): 2})
    lanes.show({("c",): 3, ("d",): 4, ("e",): 5, ("f",): 6})
    assert lanes.read() == {("c",): 3, ("d",): 4, (OTHER,): 11}


def test_sizes_are_counted_up_to_and_at_their_bound() -> None:
    sizes = Histogram("proofgrid_x_seconds", "Of a test.", unit="seconds", bounds=(1, 2))
    for value in (0.5, 1.0, 1.5, 2.0, 9.0):
        sizes.observe(value)
    sizes.observe(2.0, number=3)
    assert sizes.read() == {(): Buckets([2, 5, 1], 20.0)}


def test_threads_that_count_at_once_lose_nothing() -> None:
    metric = a_counter("one")

    def count() -> None:
        for _ in range(5_000):
            metric.add(1, "a")

    threads = [Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert metric.of("a") == 20_000


def test_every_metric_has_the_house_s_name_its_unit_and_words_that_need_no_escaping() -> None:
    for metric in METRICS.values():
        assert re.fullmatch(r"proofgrid_[a-z]+(_[a-z]+)*", metric.name), metric.name
        assert re.fullmatch(r"[A-Z0-9][^\\\n\"]+[.]", metric.help), metric.name
        assert (metric.name.endswith("_total")) == isinstance(metric, Counter), metric.name
        assert not isinstance(metric, Histogram) or metric.name.endswith(("_seconds", "_items")), metric.name
        assert not metric.name.endswith(("_count", "_sum", "_bucket")), metric.name
        unit = {"seconds": "seconds", "bytes": "bytes", "PU": "units", "ratio": "ratio", "base units": "base_units"}
        if ending := unit.get(metric.unit):
            assert metric.name.removesuffix("_total").endswith(ending), metric.name
    assert all(isinstance(metric, Metric) for metric in METRICS.values())


def test_every_label_is_bounded() -> None:
    for metric in METRICS.values():
        for label in metric.labels:
            assert label.is_closed or 0 < label.most <= 200, (metric.name, label.name)
            assert re.fullmatch(r"[a-z_]+", label.name)
            assert all(re.fullmatch(r"[a-z_0-9]+", value) for value in label.values), (metric.name, label.name)


@pytest.mark.parametrize("as_open_metrics", [False, True])
def test_what_is_written_is_read_by_prometheus_s_own_readers(as_open_metrics: bool) -> None:
    SUBMIT_SECONDS.observe(0.003, trace="a" * 32)
    METRICS["proofgrid_rounds_total"].add(2, 'odd "lane"\\with\nbreaks')  # type: ignore[union-attr]
    text = exposition.written(snapshot.take(), as_open_metrics=as_open_metrics).decode()
    families = list((read_open_metrics if as_open_metrics else read_text)(text))
    by_name = {one.name: one for one in families}

    rounds = {
        one.labels["lane"]: one.value for one in by_name["proofgrid_rounds"].samples if one.name.endswith("_total")
    }
    assert rounds['odd "lane"\\with\nbreaks'] >= 2
    submits = by_name["proofgrid_submit_seconds"]
    assert submits.type == "histogram"
    counts = [one.value for one in submits.samples if one.name.endswith("_bucket")]
    assert counts == sorted(counts)
    assert counts[-1] == next(one.value for one in submits.samples if one.name.endswith("_count")) >= 1
    # Of the bucket that this fell into: what other tests of this process observed may have left some in others.
    examples = {float(one.labels["le"]): one.exemplar.labels for one in submits.samples if one.exemplar}
    ours = min(float(one.labels["le"]) for one in submits.samples if float(one.labels.get("le", 0)) >= 0.003)
    assert examples.get(ours) == ({"trace_id": "a" * 32} if as_open_metrics else None)
    assert bool(examples) == as_open_metrics


def test_processes_of_one_gateway_add_up_and_take_the_worst_where_that_is_what_counts() -> None:
    one: snapshot.Snapshot = {
        HEDGES.name: {(): 3.0},
        SESSIONS.name: {(): 10.0},
        EVENT_LOOP_LAG.name: {(): 0.5},
        SUBMIT_SECONDS.name: {(): Buckets([1, 0, 2], 4.0, {0: ("a", 1.0)})},
    }
    other = pickle.loads(pickle.dumps(one | {EVENT_LOOP_LAG.name: {(): 0.2}}))  # noqa: S301 - our own, as pipes hand it on
    both = snapshot.together([one, other])

    assert both[HEDGES.name] == {(): 6.0}
    assert both[SESSIONS.name] == {(): 20.0}
    assert both[EVENT_LOOP_LAG.name] == {(): 0.5}
    assert both[SUBMIT_SECONDS.name] == {(): Buckets([2, 0, 4], 8.0, {0: ("a", 1.0)})}
    assert one[HEDGES.name] == {(): 3.0}, "what is added up is not changed by it"


def test_of_a_process_that_is_gone_counts_stay_and_levels_go() -> None:
    left = snapshot.that_lasts({HEDGES.name: {(): 3.0}, SESSIONS.name: {(): 10.0}, SUBMIT_SECONDS.name: {}})
    assert set(left) == {HEDGES.name, SUBMIT_SECONDS.name}
