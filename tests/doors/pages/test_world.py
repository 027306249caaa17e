"""Regions on a map: names that people use have places, others are counted, one place is one dot."""

from __future__ import annotations

import pytest

from proofgrid.doors.pages.views.world import FRAME, LAND, PLACES, Place, place_of, radius_of, world_map


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("eu-central", "eu-central"),
        ("eu-central-1", "eu-central"),
        ("europe-west4", "eu-west"),
        ("US East (Ohio)", "us-east"),
        ("us", "us"),
        ("us-moon", "us"),
        ("Germany", "de"),
        ("asia_northeast1", "ap-northeast"),
        ("North America", "na"),
        ("southamerica-east1", "sa-east"),
    ],
)
def test_a_region_is_where_people_say(name: str, place: str) -> None:
    assert place_of(name) == PLACES[place]


@pytest.mark.parametrize("name", ["", "moon", "<script>", "1", "basement", "eastern"])
def test_other_names_are_nowhere(name: str) -> None:
    assert place_of(name) is None


def test_names_of_one_place_are_one_dot_and_what_is_nowhere_is_counted() -> None:
    seen = world_map([("eu-central", 3), ("europe-central2", 1), ("us-east-1", 5), ("moon", 2)])

    assert [(dot.names, dot.provers) for dot in seen.dots] == [
        (("us-east-1",), 5),
        (("eu-central", "europe-central2"), 4),
    ]
    assert seen.elsewhere == 2
    assert seen.told == (
        "us-east-1: 5 provers; eu-central, europe-central2: 4 provers; 2 provers in a region that is not on this map"
    )


def test_everything_lies_within_the_frame() -> None:
    points: list[Place] = [(dot.x, dot.y) for dot in world_map([(name, 1) for name in PLACES]).dots]
    for outline in world_map([]).land:
        numbers = outline.replace("M", "").replace("L", "").replace("Z", "").split()
        points += [(float(x), float(y)) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]

    assert all(0 <= x <= FRAME.width and 0 <= y <= FRAME.height for x, y in points)
    assert len(LAND) == len(world_map([]).land)


def test_a_dot_grows_with_its_provers_and_stays_a_dot() -> None:
    sizes = [radius_of(provers) for provers in (1, 4, 20, 100, 100_000)]

    assert sizes == sorted(sizes)
    assert sizes[-1] == 34


def test_an_empty_network_says_so() -> None:
    assert world_map([]).told == "no prover in a known region"
