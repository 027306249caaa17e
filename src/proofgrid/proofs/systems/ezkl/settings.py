"""What a client may say about a program: a handful of settings, each with a default and a rule."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidField

PUBLIC = "public"
COMMITTED = "committed"
AUTO = "auto"

SCALE_MAX = 16
LOGROWS_MIN = 8
LOGROWS_MAX = 22
SLICES_MAX = 64
LOOKUP_MARGIN_MAX = 16
INPUT_RANGE_MAX = 1 << 20

HELP: Mapping[str, str] = {
    "input_visibility": (
        "'public': the input stands in the proof; 'committed': only a KZG commitment to it does. "
        "The commitment is not blinded, so an input that can be guessed can be recognised"
    ),
    "scale": f"bits after the binary point of inputs, weights and activations, 1 to {SCALE_MAX}",
    "logrows_max": f"most rows of a slice's circuit, as a power of two, {LOGROWS_MIN} to {LOGROWS_MAX}",
    "slices": (
        f"how many slices, 1 to {SLICES_MAX}, or 'auto': about one per 8192 estimated circuit cells, fewer "
        "around a node that is larger, more where a slice would need more rows than are allowed"
    ),
    "decomposition": "how range checks split a number: base x legs like '1024x3', or 'auto': the fewest rows",
    "lookup_margin": f"safety factor on the lookup range seen in calibration, 1 to {LOOKUP_MARGIN_MAX}",
    "input_range": "[low, high]: calibration inputs are drawn between these when no file gives them",
}

_DECOMPOSITION = re.compile(r"([1-9]\d{0,6})x([1-9]\d?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class EzklSettings:
    """Validated settings; None stands for 'auto'."""

    input_visibility: str = PUBLIC
    scale: int = 7
    logrows_max: int = 20
    slices: int | None = None
    decomposition: tuple[int, int] | None = None
    lookup_margin: int = 2
    input_range: tuple[int, int] = (-1, 1)

    def canonical(self) -> dict[str, Json]:
        """Return all settings, defaults included, as they stand in a program's identity."""
        return {
            "input_visibility": self.input_visibility,
            "scale": self.scale,
            "logrows_max": self.logrows_max,
            "slices": AUTO if self.slices is None else self.slices,
            "decomposition": AUTO if self.decomposition is None else decomposition_text(self.decomposition),
            "lookup_margin": self.lookup_margin,
            "input_range": list(self.input_range),
        }


def parse_settings(given: Mapping[str, Json]) -> EzklSettings:
    """Return the settings with defaults filled in; raise InvalidField naming the first that breaks its rule."""
    for name in given:
        if name not in HELP:
            raise InvalidField("no such setting", field=f"settings.{name}", hint=f"known: {', '.join(HELP)}")
    default = EzklSettings()
    return EzklSettings(
        input_visibility=_visibility(given.get("input_visibility", default.input_visibility)),
        scale=_integer(given, "scale", default.scale, 1, SCALE_MAX),
        logrows_max=_integer(given, "logrows_max", default.logrows_max, LOGROWS_MIN, LOGROWS_MAX),
        slices=None if given.get("slices", AUTO) == AUTO else _integer(given, "slices", 1, 1, SLICES_MAX),
        decomposition=_decomposition(given.get("decomposition", AUTO)),
        lookup_margin=_integer(given, "lookup_margin", default.lookup_margin, 1, LOOKUP_MARGIN_MAX),
        input_range=_range(given.get("input_range", default.input_range)),
    )


def decomposition_text(decomposition: tuple[int, int]) -> str:
    """Return (1024, 3) as '1024x3'."""
    return f"{decomposition[0]}x{decomposition[1]}"


def _visibility(value: Json) -> str:
    if value not in (PUBLIC, COMMITTED):
        raise InvalidField("'public' or 'committed'", field="settings.input_visibility")
    return str(value)


def _integer(given: Mapping[str, Json], name: str, default: int, least: int, most: int) -> int:
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        hint = "or 'auto'" if name == "slices" else ""
        raise InvalidField(f"a whole number from {least} to {most}", field=f"settings.{name}", hint=hint)
    return value


def _decomposition(value: Json) -> tuple[int, int] | None:
    if value == AUTO:
        return None
    found = _DECOMPOSITION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise InvalidField("'auto' or base x legs like '1024x3'", field="settings.decomposition")
    base, legs = int(found[1]), int(found[2])
    if not (2 <= base <= 1 << 20 and legs <= 16):
        raise InvalidField(f"a base from 2 to {1 << 20} and at most 16 legs", field="settings.decomposition")
    return base, legs


def _range(value: Json) -> tuple[int, int]:
    field = "settings.input_range"
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise InvalidField("two whole numbers [low, high]", field=field)
    low, high = (_end_of_range(end, field) for end in value)
    if low >= high:
        raise InvalidField("low must be below high", field=field)
    return low, high


def _end_of_range(value: Json, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > INPUT_RANGE_MAX:
        raise InvalidField(f"two whole numbers of at most {INPUT_RANGE_MAX} in size", field=field)
    return value
