"""How long something will take, as far as its part so far tells."""

from __future__ import annotations

import pytest

from proofgrid.cli.kit.bars import TimeLeft, stage_bar


class Clock:
    """Seconds that a test sets."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_time_left_follows_from_the_time_so_far() -> None:
    clock = Clock()
    left = TimeLeft(clock)
    assert left.text(500) == ""  # nothing is known yet
    clock.now += 30
    assert left.text(250) == ""  # less than before: something new begins
    clock.now += 10
    assert left.text(250) == "about 30 s left"
    clock.now += 290
    assert left.text(500) == "about 5 min left"
    assert left.text(1000) == ""


def test_what_has_hardly_begun_is_no_ground_for_an_estimate() -> None:
    clock = Clock()
    left = TimeLeft(clock)
    clock.now += 60
    assert left.text(99) == ""
    assert left.text(100) == "about 9 min left"
    clock.now += 3_540
    assert left.text(200) == "about 4.0 h left"


def test_without_a_terminal_each_slice_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with stage_bar(json=False) as on_stage:
        for stage, permille in (("calibrate slice 1/2", 50), ("calibrate slice 2/2", 60), ("calibrate slice 1/2", 70)):
            on_stage(stage, permille)
    with stage_bar(json=True) as on_stage:
        on_stage("setup slice 1/2", 300)
    assert capsys.readouterr().err.splitlines() == ["calibrate slice 1/2 …", "calibrate slice 2/2 …"]
