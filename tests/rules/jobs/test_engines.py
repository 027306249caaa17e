"""Engines: how they are named, and which of those that built a program gets its jobs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.engine_errors import EngineNotHere, EngineNotOffered, EngineStopped
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Engine
from proofgrid.rules.jobs.classes import JobClass, class_of_lane, lane_of, stack_of, wide_lane_of
from proofgrid.rules.jobs.engines import (
    VERSION_CHARS_MAX,
    KnownEngine,
    choose_engine,
    engine_of,
    engine_of_lane,
    parse_engine,
    system_of,
    version_of,
)

OLD, NEW = Engine("zk@1.0"), Engine("zk@2.0")


def known(engine: Engine, *, stopped: str | None = None, offered: bool = True, others: bool = True) -> KnownEngine:
    return KnownEngine(engine=engine, stopped=stopped, is_offered=offered, others_are_offered=others)


@pytest.mark.parametrize(
    ("system", "told", "engine"),
    [
        ("ezkl", "ezkl 23.0.5", "ezkl@23.0.5"),
        ("groth16", "gnark 0.14.0", "groth16@gnark-0.14.0"),
        ("miden", "miden-vm 0.23.5", "miden@miden-vm-0.23.5"),
        ("noir", "Barretenberg 5.0.0, Noir 1.0.0-beta.26", "noir@barretenberg-5.0.0-noir-1.0.0-beta.26"),
        ("x", "x", "x"),
        ("x", "", "x"),
        ("x", " //@@ ", "x"),
    ],
)
def test_an_engine_is_named_by_its_system_and_what_it_tells(system: str, told: str, engine: str) -> None:
    assert engine_of(system, told) == engine


@given(st.text(max_size=300))
def test_whatever_an_engine_tells_its_name_is_one_part_of_a_lane(told: str) -> None:
    engine = engine_of("zk", told)
    assert parse_engine(engine, field="engine") == engine
    assert (system_of(engine), len(version_of(engine)) <= VERSION_CHARS_MAX) == ("zk", True)
    lane = lane_of(subnetwork="default", engine=engine, job_class=JobClass.SMALL, constraints="ab")
    assert engine_of_lane(lane) == engine_of_lane(stack_of(lane)) == engine_of_lane(wide_lane_of(lane)) == engine
    assert class_of_lane(lane) is JobClass.SMALL


def test_long_versions_that_begin_alike_stay_apart() -> None:
    one, other = (engine_of("zk", "v" * 200 + end) for end in "ab")
    assert one != other


@pytest.mark.parametrize("text", ["", "a/b", "zk@", "@1", "zk@1@2", "zk 1", "z" * 65, "zk@" + "1" * 65, "zk\n", "Ω"])
def test_what_can_be_no_engine_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidField) as caught:
        parse_engine(text, field="asks")
    assert caught.value.field == "asks"


def test_the_newest_that_somebody_offers_gets_the_jobs() -> None:
    assert choose_engine([known(NEW), known(OLD)], here=None) == NEW
    assert choose_engine([known(NEW, offered=False), known(OLD)], here=None) == OLD


def test_while_no_prover_of_the_system_is_there_the_newest_waits_for_one() -> None:
    nobody = [known(one, offered=False, others=False) for one in (NEW, OLD)]
    assert choose_engine(nobody, here=None) == NEW


def test_a_version_that_nobody_offers_is_refused_with_its_name() -> None:
    with pytest.raises(EngineNotOffered, match=r"built by zk 1\.0, and no connected prover runs it"):
        choose_engine([known(OLD, offered=False)], here={OLD})


def test_a_version_that_this_gateway_cannot_verify_is_refused_with_what_it_runs() -> None:
    with pytest.raises(EngineNotHere, match=r"zk 1\.0, which this gateway does not run: it runs 2\.0"):
        choose_engine([known(OLD)], here={NEW, "zk"})


def test_a_stopped_version_gets_nothing_while_another_is_there() -> None:
    assert choose_engine([known(NEW, stopped="unsound"), known(OLD)], here={OLD, NEW}) == OLD
    with pytest.raises(EngineStopped, match=r"zk 2\.0 was stopped by an administrator: unsound"):
        choose_engine([known(NEW, stopped="unsound"), known(OLD)], here={NEW})
