"""How many processes a gateway has, and what each of them gets."""

from __future__ import annotations

import os

import pytest

from proofgrid.primitives.errors import InvalidField
from proofgrid.settings.declared import load_settings
from proofgrid.settings.gateway import CONNECTIONS_MIN, GatewaySettings
from proofgrid.settings.process_count import AUTO_MAX


@pytest.mark.parametrize(("cores", "processes"), [(1, 1), (2, 2), (64, AUTO_MAX)])
def test_auto_is_one_for_each_core(cores: int, processes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    assert load_settings(GatewaySettings, processes="auto").processes == processes


def test_where_the_kernel_spreads_nothing_auto_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert load_settings(GatewaySettings, processes="auto").processes == 1


@pytest.mark.parametrize("said", ["0", "-1", "two", "", "1.5"])
def test_what_is_no_number_of_processes_is_refused(said: str) -> None:
    with pytest.raises(InvalidField, match="is no number of processes") as refused:
        load_settings(GatewaySettings, processes=said)
    assert (refused.value.field, refused.value.hint) == ("processes", "1, 2, ... or auto")


def test_too_many_are_refused() -> None:
    with pytest.raises(InvalidField, match="less than or equal to 16"):
        load_settings(GatewaySettings, processes="17")


@pytest.mark.parametrize(("processes", "workers", "connections"), [(1, 2, 10), (2, 1, 5), (3, 1, 4), (4, 1, 3)])
def test_workers_and_connections_are_divided(processes: int, workers: int, connections: int) -> None:
    each = GatewaySettings(processes=processes).of_each_process()
    assert (each.workers, each.database_connections, each.processes) == (workers, connections, 1)
    assert each.database_connections >= CONNECTIONS_MIN
