"""The demo of every system at once, without a network: its table, what it hears, the keys of wraps that it keeps."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from proofgrid.cli.demo.every import lacking_here, offers_here, subjects_here
from proofgrid.cli.demo.factors import OTHER_SECRETS, SECRETS, linked_squares, two_numbers
from proofgrid.cli.demo.processes import Fleet
from proofgrid.cli.demo.request import Proven, Request
from proofgrid.cli.demo.subject import Judged
from proofgrid.cli.demo.telling import Telling
from proofgrid.cli.demo.verified import ProvenJob, Verified
from proofgrid.cli.demo.watching import RequestsScreen
from proofgrid.cli.demo.wrap_keys import CACHE, bring_wrap_keys
from proofgrid.primitives.errors import Unprovable
from proofgrid.proofs.bundles.manifest import Wrapped
from proofgrid.proofs.kit.ignition import CARRIERS, POINTS_FILE
from proofgrid.proofs.registry import missing_systems
from proofgrid.sdk.event import Event

PRODUCTS = [p * q for p, q in (SECRETS, OTHER_SECRETS)]
VERIFIED = Verified(checks=(), program="", network="", result={}, jobs=(), jobs_as_said=[])
WRAP = ProvenJob(operator="0xA", units=100, price_buy=9, price_sell=8, paid=800)


def test_every_request_has_a_prover_and_a_name_of_its_own() -> None:
    subjects, offers = subjects_here([]), offers_here([])
    proven = {system for offer in offers for system in offer.systems}
    assert len({subject.name for subject in subjects}) == len({subject.bundle_name for subject in subjects}) == 6
    assert all(set(subject.provers) <= proven for subject in subjects)
    assert len(offers) == 3 and len({offer.operator for offer in offers}) == 2
    assert [subject.system for subject in subjects if subject.wrap_parts] == ["groth16"]


@pytest.mark.parametrize(
    ("missing", "systems", "provers"),
    [
        ([], ["ezkl", "groth16", "noir", "graph", "plonk", "miden"], 3),
        (["miden"], ["ezkl", "groth16", "noir", "graph", "plonk"], 3),
        (["noir"], ["ezkl", "groth16", "plonk", "miden"], 3),
        (["noir", "miden"], ["ezkl", "groth16", "plonk"], 2),
        (["groth16", "plonk", "miden"], ["ezkl", "noir"], 2),
    ],
)
def test_what_cannot_be_proven_here_is_left_out(missing: list[str], systems: list[str], provers: int) -> None:
    assert [subject.system for subject in subjects_here(missing)] == systems
    assert len(offers_here(missing)) == provers
    assert not any(system in missing for offer in offers_here(missing) for system in offer.systems)


def test_a_system_whose_ceremony_is_not_here_is_left_out_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRS_PATH", str(tmp_path))
    for engine in CARRIERS:
        monkeypatch.setitem(sys.modules, engine.package, None)
    lacking = lacking_here()
    assert {"noir", "plonk"} <= set(lacking)
    for name in {"noir", "plonk"} - set(missing_systems()):
        assert "not here" in lacking[name].detail and name in lacking[name].hint
    (tmp_path / POINTS_FILE).touch()
    assert set(lacking_here()) == set(missing_systems())


def test_the_graph_is_about_one_number() -> None:
    subject = linked_squares()
    (given,) = subject.inputs()
    roots = cast(Mapping[str, int], cast(Mapping[str, Any], given)["squares"])
    assert sum(root * root for root in roots.values()) == PRODUCTS[0]
    nodes: dict[str, Any] = {"factors": {"outputs": [[str(PRODUCTS[0])]]}, "squares": {"outputs": [None]}}
    assert subject.judged(replace(VERIFIED, result={"nodes": nodes})).is_right
    assert [subject.part(index, 0) for index in (0, 1)] == ["factors", "squares"]


def test_one_proof_shows_every_number() -> None:
    subject = two_numbers()
    assert subject.judged(replace(VERIFIED, result={"outputs": [[str(one)] for one in PRODUCTS]})).is_right
    half = subject.judged(replace(VERIFIED, result={"outputs": [[str(PRODUCTS[1])]]}))
    assert not half.is_right and str(PRODUCTS[0]) in half.faults[0]
    assert [subject.part(*place) for place in ((0, 0), (0, 1), (1, 0))] == ["number 1", "number 2", "one proof of both"]


def a_request(folder: Path) -> Request:
    return Request(subject=two_numbers(), place=folder / "two", bundle=folder / "two.bundle")


def an_event(kind: str, **data: Any) -> Event:
    return Event(cursor=1, kind=kind, at_ms=0, data=data)


def proven(index: int, number: int, paid: int) -> Event:
    job = {"slice": index, "input": number, "prover": "0xA/a-1", "operator": "0xA"}
    return an_event("proven", **job, units=paid // 8, buy_price=9, sell_price=8, paid=paid, wall_ms=1_000)


def test_a_request_knows_who_was_paid_for_what(tmp_path: Path) -> None:
    request = a_request(tmp_path)
    for event in (proven(0, 0, 80), proven(0, 1, 80), proven(1, 0, 800), an_event("done", spent=1_080, refunded=0)):
        request.take(event)
    judged = Judged(headline="", is_right=True)
    bundle = replace(VERIFIED, jobs=[WRAP], wrapped=Wrapped(jobs=2, units=20, paid=160))
    right = Proven(request=request, verified=bundle, judged=judged, verify_command="")
    assert right.faults == []
    assert [job.paid for job in right.jobs] == [80, 80, 800]
    for wrong in (Wrapped(jobs=2, units=20, paid=161), Wrapped(jobs=3, units=20, paid=160)):
        other = replace(right, verified=replace(bundle, wrapped=wrong))
        assert "the network 0.00000096" in other.faults[0]
    listed = replace(right, verified=replace(bundle, wrapped=None))
    assert listed.jobs == [WRAP]


def test_without_a_terminal_every_step_is_a_sentence_and_the_table_comes_last(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request, other = a_request(tmp_path), a_request(tmp_path)
    sold = {"slice": 1, "input": 0, "prover": "0xA/a-1", "operator": "0xA", "lane": "l", "round": 3}
    with RequestsScreen([request, other], {"0xA": "alice"}) as screen:
        for event in (an_event("sold", **sold, buy_price=900, sell_price=800, units=100), proven(1, 0, 800)):
            request.take(event)
            screen.show(request, event)
    said = capsys.readouterr().out
    before, _, table = said.partition("client pays  ")
    assert "two-numbers    round 3 of l: one proof of both sold to alice/a-1" in before
    assert "two-numbers    one proof of both proven by alice/a-1" in before
    (row,) = [line for line in table.splitlines() if "proven" in line]
    assert "alice/a-1" in row and row.rstrip().endswith("0.0000008")


class _Setup(Fleet):
    """A fleet whose commands write keys of wraps, or fail."""

    def __init__(self, folder: Path, *, code: int = 0, keys: tuple[str, ...] = (".wpk", ".wvk")) -> None:
        super().__init__(folder, folder)
        self.commands: list[tuple[str, ...]] = []
        self._code, self._keys = code, keys

    async def run(self, *arguments: str) -> tuple[int, str, str]:
        self.commands.append(arguments)
        for suffix in self._keys:
            (Path(arguments[2]) / f"circuit{suffix}").write_text(f"key {len(self.commands)}")
        return self._code, "", "the engine says no"


def a_circuit(folder: Path, content: str = "constraints") -> Path:
    folder.mkdir()
    (folder / "factors.r1cs").write_text(content)
    return folder


async def test_keys_of_wraps_are_made_once_for_a_circuit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    fleet, telling = _Setup(tmp_path), Telling({}, is_quiet=True)
    places = [a_circuit(tmp_path / name) for name in ("first", "second")]
    for place in places:
        await bring_wrap_keys(place, 2, fleet, telling)
    assert len(fleet.commands) == 1
    assert [(place / "circuit.wpk").read_text() for place in places] == ["key 1", "key 1"]

    for place, parts in ((a_circuit(tmp_path / "third", "others"), 2), (places[0], 3)):
        (place / "circuit.wpk").unlink(missing_ok=True)
        await bring_wrap_keys(place, parts, fleet, telling)
    assert len(fleet.commands) == 3
    assert fleet.commands[-1][-3:] == ("--one-proof", "3", "--json")


@pytest.mark.parametrize("keys", [(), (".wpk",)])
async def test_a_setup_that_fails_leaves_nothing_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: tuple[str, ...]
) -> None:
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    place, telling = a_circuit(tmp_path / "circuit"), Telling({}, is_quiet=True)
    with pytest.raises(Unprovable, match="the engine says no"):
        await bring_wrap_keys(place, 2, _Setup(tmp_path, code=1, keys=keys), telling)
    again = _Setup(tmp_path)
    await bring_wrap_keys(place, 2, again, telling)
    assert len(again.commands) == 1


async def test_what_lies_between_two_builds_belongs_to_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now)
    telling = Telling({}, is_quiet=True)
    for title in ("one", "two"):
        async with telling.step(title):
            telling.stage("check")
            now += 1
            telling.stage("store")
            now += 2
        now += 100
    assert telling.stage_seconds() == {"check": 2, "store": 4}
