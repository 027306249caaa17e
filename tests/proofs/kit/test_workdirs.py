"""Calls that follow each other find an empty folder each, and pay for one only where something was left behind."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from proofgrid.proofs.kit.workdirs import KEPT_MAX, EmptyFolders, KeptPlaces, empty_folders


def test_calls_that_leave_nothing_behind_share_a_folder(tmp_path: Path) -> None:
    with empty_folders(tmp_path) as folders:
        first = folders.next()
        assert folders.next() == first
    with empty_folders(tmp_path) as folders:
        assert folders.next() == first
    assert list(tmp_path.rglob("*")) == [first.parent, first]


def test_what_a_call_leaves_behind_is_not_there_for_the_next_one(tmp_path: Path) -> None:
    with empty_folders(tmp_path) as folders:
        first = folders.next()
        (first / "left").write_text("a witness")
        second = folders.next()
        assert second != first
        assert not list(second.iterdir())
    assert not list(tmp_path.iterdir())
    with empty_folders(tmp_path) as folders:
        (folders.next() / "left").write_text("by the last call")
    assert not list(tmp_path.iterdir())


def test_what_failed_leaves_nothing_either(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), empty_folders(tmp_path) as folders:
        (folders.next() / "left").write_text("by a call that failed")
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())


def test_a_folder_that_somebody_removed_is_made_again(tmp_path: Path) -> None:
    with empty_folders(tmp_path) as folders:
        folders.next()
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    with empty_folders(tmp_path) as folders:
        assert not list(folders.next().iterdir())


def test_two_calls_at_once_have_two_places(tmp_path: Path) -> None:
    with empty_folders(tmp_path) as outer, empty_folders(tmp_path) as inner:
        assert outer.next() != inner.next()
    assert len(list(tmp_path.iterdir())) == 1


def test_few_places_are_kept(tmp_path: Path) -> None:
    places = KeptPlaces(EmptyFolders)
    for number in range(KEPT_MAX + 3):
        with places.place(tmp_path, f"program {number}") as folders:
            folders.next()
    assert len(list(tmp_path.iterdir())) == KEPT_MAX
