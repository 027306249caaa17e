"""Where connected provers say that they are, on a map: places by the names of regions that people use; pure.

The outlines are drawn by hand for this page, a few points each: enough to see which continent a dot is on.
A region's name is its operator's word. One that no place is known of stands in the table alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isqrt

from proofgrid.doors.pages.charts import Frame, line
from proofgrid.doors.pages.words import many

Place = tuple[float, float]  #: degrees east, degrees north

FRAME = Frame(width=860, height=360)
WEST, NORTH = -172.0, 84.0
PER_DEGREE = 860 / 360
TALLER = 1.06  #: degrees of latitude are drawn a little taller than those of longitude: most provers are far north

#: Names as clouds and people spell them: a part of the world, and where in it. What stands there may be a few hundred
#: kilometres off; what is named is a region.
PLACES: Mapping[str, Place] = {
    "af": (20, 2),
    "af-north": (31, 30),
    "af-south": (19, -33),
    "ap": (108, 22),
    "ap-east": (114, 22),
    "ap-northeast": (139, 36),
    "ap-south": (77, 19),
    "ap-southeast": (104, 2),
    "au": (146, -33),
    "au-east": (150, -34),
    "au-southeast": (146, -37),
    "au-west": (116, -31),
    "br": (-47, -22),
    "ca": (-79, 46),
    "ca-east": (-73, 46),
    "ca-west": (-114, 51),
    "cn": (114, 33),
    "de": (10, 51),
    "eu": (10, 49),
    "eu-central": (9, 50),
    "eu-east": (22, 51),
    "eu-north": (17, 60),
    "eu-south": (11, 44),
    "eu-southwest": (-4, 40),
    "eu-west": (-4, 51),
    "fi": (25, 62),
    "fr": (3, 48),
    "gb": (-1, 52),
    "il": (35, 32),
    "in": (77, 21),
    "jp": (139, 36),
    "kr": (127, 37),
    "me": (52, 25),
    "me-central": (55, 25),
    "me-south": (50, 26),
    "me-west": (35, 31),
    "mx": (-101, 21),
    "na": (-98, 41),
    "nl": (5, 52),
    "pl": (20, 52),
    "sa": (-56, -14),
    "sa-east": (-47, -23),
    "sa-west": (-70, -33),
    "se": (16, 60),
    "sg": (104, 2),
    "us": (-98, 39),
    "us-central": (-94, 41),
    "us-east": (-77, 39),
    "us-north": (-93, 45),
    "us-south": (-97, 31),
    "us-southeast": (-84, 33),
    "us-west": (-121, 42),
    "us-northwest": (-121, 46),
    "us-southwest": (-112, 34),
    "za": (27, -27),
}
_ALIKE: Mapping[str, str] = {
    "africa": "af",
    "asia": "ap",
    "australia": "au",
    "brazil": "br",
    "canada": "ca",
    "china": "cn",
    "europe": "eu",
    "france": "fr",
    "germany": "de",
    "india": "in",
    "japan": "jp",
    "korea": "kr",
    "northamerica": "na",
    "singapore": "sg",
    "southamerica": "sa",
    "uk": "gb",
    "usa": "us",
}
_WORDS = re.compile(r"[a-z]+")

#: continents and large islands
LAND: Sequence[Sequence[Place]] = (
    ((-168, 66), (-156, 71), (-128, 70), (-108, 72), (-85, 72), (-80, 67), (-88, 64), (-94, 58), (-82, 54), (-79, 52),
     (-78, 61), (-70, 61), (-64, 58), (-56, 52), (-66, 49), (-61, 46), (-70, 43), (-75, 38), (-81, 31), (-80, 25),
     (-83, 29), (-90, 30), (-97, 27), (-97, 20), (-91, 19), (-87, 21), (-88, 16), (-83, 14), (-78, 9), (-83, 8),
     (-94, 15), (-105, 20), (-112, 30), (-110, 23), (-117, 32), (-124, 40), (-124, 48), (-134, 57), (-150, 60),
     (-160, 55), (-164, 60)),
    ((-78, 8), (-72, 12), (-62, 10), (-52, 5), (-50, 0), (-35, -6), (-39, -16), (-48, -27), (-54, -34), (-62, -39),
     (-67, -46), (-69, -55), (-74, -50), (-71, -30), (-71, -18), (-76, -14), (-81, -5), (-80, 1)),
    ((-6, 35), (10, 37), (20, 32), (32, 31), (35, 27), (43, 12), (51, 12), (41, -2), (40, -14), (35, -20), (32, -28),
     (27, -34), (19, -34), (12, -17), (13, -6), (9, 4), (-8, 5), (-17, 14), (-16, 22), (-10, 30)),
    ((-10, 37), (-9, 43), (-2, 44), (-4, 48), (3, 51), (8, 54), (10, 57), (12, 54), (20, 55), (24, 59), (29, 60),
     (22, 61), (25, 65), (18, 61), (16, 56), (12, 56), (6, 58), (5, 62), (14, 68), (26, 71), (41, 67), (44, 68),
     (68, 69), (80, 73), (104, 77), (113, 74), (140, 73), (160, 70), (180, 68), (163, 60), (156, 51), (157, 61),
     (142, 59), (136, 54), (140, 48), (130, 42), (129, 36), (126, 35), (122, 40), (118, 39), (122, 31), (118, 24),
     (108, 21), (109, 12), (105, 9), (100, 13), (104, 2), (98, 9), (95, 16), (90, 22), (80, 15), (78, 8), (73, 18),
     (67, 25), (57, 26), (50, 30), (52, 25), (59, 22), (52, 16), (44, 13), (35, 28), (36, 36), (27, 37), (23, 37),
     (19, 42), (13, 45), (18, 40), (10, 44), (3, 42), (0, 39), (-2, 37)),
    ((114, -22), (122, -18), (130, -12), (136, -12), (140, -17), (142, -11), (146, -19), (153, -27), (150, -37),
     (144, -38), (138, -35), (131, -31), (123, -34), (115, -34)),
    ((-73, 78), (-60, 82), (-30, 83), (-20, 75), (-25, 70), (-42, 60), (-52, 66)),
    ((-5, 50), (1, 51), (-1, 55), (-3, 59), (-6, 57), (-3, 54)),
    ((131, 32), (137, 34), (141, 36), (144, 43), (141, 45), (139, 38)),
    ((95, 5), (104, -3), (106, -6), (102, -4)),
    ((109, 1), (115, -4), (119, 5), (116, 6)),
    ((131, -1), (141, -3), (150, -10), (138, -8)),
    ((44, -25), (47, -25), (50, -15), (45, -17)),
    ((167, -46), (174, -41), (178, -38), (173, -35), (171, -43)),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A region on the map."""

    x: float
    y: float
    radius: int
    names: tuple[str, ...]  #: as operators spell it
    provers: int

    @property
    def told(self) -> str:
        return f"{', '.join(self.names)}: {many(self.provers, 'prover')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldMap:
    """What the map shows."""

    frame: Frame
    land: Sequence[str]
    dots: Sequence[Dot]  #: largest first, so that the small ones lie on top
    elsewhere: int  #: provers whose region has no place here

    @property
    def told(self) -> str:
        """The same in words."""
        known = "; ".join(one.told for one in self.dots) or "no prover in a known region"
        return (
            f"{known}; {many(self.elsewhere, 'prover')} in a region that is not on this map"
            if self.elsewhere
            else known
        )


def world_map(regions: Sequence[tuple[str, int]]) -> WorldMap:
    """Return the map of regions as operators name them, each with its provers; names of one place are one dot."""
    found: dict[Place, list[tuple[str, int]]] = {}
    elsewhere = 0
    for name, provers in regions:
        place = place_of(name)
        if place is None:
            elsewhere += provers
        else:
            found.setdefault(place, []).append((name, provers))
    dots = [
        Dot(
            x=_point(place)[0],
            y=_point(place)[1],
            radius=radius_of(sum(provers for _, provers in named)),
            names=tuple(name for name, _ in named),
            provers=sum(provers for _, provers in named),
        )
        for place, named in found.items()
    ]
    return WorldMap(
        frame=FRAME,
        land=[f"{line(map(_point, outline))} Z" for outline in LAND],
        dots=sorted(dots, key=lambda dot: (-dot.provers, dot.x)),
        elsewhere=elsewhere,
    )


def place_of(name: str) -> Place | None:
    """Return where a region is: 'eu-central-1', 'europe-west4', 'US East' and 'germany' are known; None: it is not."""
    words = [_ALIKE.get(word, word) for word in _WORDS.findall(name.lower().replace("north america", "na"))]
    for length in (2, 1):
        place = PLACES.get("-".join(words[:length])) if len(words) >= length else None
        if place is not None:
            return place
    return None


def radius_of(provers: int) -> int:
    """Return how large a dot is: its area grows with the provers, and one is still seen."""
    return min(34, 6 + isqrt(8 * provers))


def _point(place: Place) -> tuple[float, float]:
    east, north = place
    return round((east - WEST) * PER_DEGREE, 1), round((NORTH - north) * PER_DEGREE * TALLER, 1)
