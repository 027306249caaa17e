"""What a client may say about a program: a handful of settings, each with a default and a rule."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidField

PUBLIC = "public"
COMMITTED = "committed"
HASHED = "hashed"
PRIVATE = "private"
VISIBILITIES = (PUBLIC, COMMITTED, HASHED, PRIVATE)
AUTO = "auto"

SCALE_MAX = 16
LOGROWS_MIN = 8
LOGROWS_MAX = 22
SLICES_MAX = 64
LOOKUP_MARGIN_MAX = 16
INPUT_RANGE_MAX = 1 << 20

HELP: Mapping[str, str] = {
    "input_visibility": (
        "'public': the inputs stand in the proof; 'committed': only KZG commitments to them do; 'hashed': only their "
        'Poseidon hashes; \'private\': nothing. {"mask": "private"} says it of single ones; those that are hidden '
        "are hidden alike, and public ones beside them need slices=1. "
        "Neither commitment nor hash is blinded, so an input that can be guessed can be recognised"
    ),
    "output_visibility": (
        "'public', 'committed' or 'hashed', of all outputs alike; {\"label\": \"private\"} leaves single ones out"
    ),
    "fixed": '{"mask": [1, 0]}: inputs that every request has alike; their numbers become a part of the program',
    "scale": f"bits after the binary point of inputs, weights and activations, 1 to {SCALE_MAX}",
    "logrows_max": (
        f"most rows of a slice's circuit, as a power of two, {LOGROWS_MIN} to {LOGROWS_MAX}; "
        "what needs more gets up to 16 times the columns"
    ),
    "slices": (
        f"how many slices, 1 to {SLICES_MAX}, or 'auto': about one per 8192 estimated circuit cells, fewer "
        "around a node that is larger, more where a slice would need more rows than are allowed"
    ),
    "decomposition": "how range checks split a number: base x legs like '1024x3', or 'auto': the fewest rows",
    "lookup_margin": f"safety factor on the lookup range seen in calibration, 1 to {LOOKUP_MARGIN_MAX}",
    "input_range": (
        "[low, high]: calibration inputs are drawn between these when no file gives them; "
        '{"tokens": [0, 99]} says it of single inputs, and the others are drawn from [-1, 1]'
    ),
}

Range = tuple[int, int]
DEFAULT_RANGE: Range = (-1, 1)

#: One word for all tensors, or words by name; tensors that are not named are public.
Visibility = str | Mapping[str, str]

_DECIMAL = re.compile(r"-?\d{1,40}(\.\d{1,40})?(e[+-]?\d{1,3})?")
_DECOMPOSITION = re.compile(r"([1-9]\d{0,6})x([1-9]\d?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class EzklSettings:
    """Validated settings; None stands for 'auto'."""

    input_visibility: Visibility = PUBLIC
    output_visibility: Visibility = PUBLIC
    fixed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  #: decimal numbers by the input's name
    scale: int = 7
    logrows_max: int = 20
    slices: int | None = None
    decomposition: tuple[int, int] | None = None
    lookup_margin: int = 2
    input_range: Range | Mapping[str, Range] = DEFAULT_RANGE  #: of all inputs, or by name

    def canonical(self) -> dict[str, Json]:
        """Return all settings, defaults included, as they stand in a program's identity."""
        return {
            "input_visibility": _plain(self.input_visibility),
            "output_visibility": _plain(self.output_visibility),
            "fixed": {name: list(numbers) for name, numbers in sorted(self.fixed.items())},
            "scale": self.scale,
            "logrows_max": self.logrows_max,
            "slices": AUTO if self.slices is None else self.slices,
            "decomposition": AUTO if self.decomposition is None else decomposition_text(self.decomposition),
            "lookup_margin": self.lookup_margin,
            "input_range": _plain_range(self.input_range),
        }


def parse_settings(given: Mapping[str, Json]) -> EzklSettings:
    """Return the settings with defaults filled in; raise InvalidField naming the first that breaks its rule."""
    for name in given:
        if name not in HELP:
            raise InvalidField("no such setting", field=f"settings.{name}", hint=f"known: {', '.join(HELP)}")
    default = EzklSettings()
    return EzklSettings(
        input_visibility=_visibility(given, "input_visibility", VISIBILITIES),
        output_visibility=_visibility(given, "output_visibility", (PUBLIC, COMMITTED, HASHED)),
        fixed=_fixed(given.get("fixed", {})),
        scale=_integer(given, "scale", default.scale, 1, SCALE_MAX),
        logrows_max=_integer(given, "logrows_max", default.logrows_max, LOGROWS_MIN, LOGROWS_MAX),
        slices=None if given.get("slices", AUTO) == AUTO else _integer(given, "slices", 1, 1, SLICES_MAX),
        decomposition=_decomposition(given.get("decomposition", AUTO)),
        lookup_margin=_integer(given, "lookup_margin", default.lookup_margin, 1, LOOKUP_MARGIN_MAX),
        input_range=_ranges(given.get("input_range", DEFAULT_RANGE)),
    )


def decomposition_text(decomposition: tuple[int, int]) -> str:
    """Return (1024, 3) as '1024x3'."""
    return f"{decomposition[0]}x{decomposition[1]}"


def visibility_of(visibility: Visibility, name: str) -> str:
    """Return what a setting says of the tensor `name`."""
    return visibility if isinstance(visibility, str) else visibility.get(name, PUBLIC)


def check_visibilities(settings: EzklSettings, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Raise InvalidField when a circuit of the engine cannot show tensors of these names as the settings want it.

    It takes all its inputs in one way and puts all its outputs out in one. Public inputs can still stand beside hidden
    ones: the circuit puts them out again, which only the last one can, and only if outputs are public.
    """
    for setting, value, names in (
        ("input_visibility", settings.input_visibility, inputs),
        ("input_range", settings.input_range, inputs),
        ("output_visibility", settings.output_visibility, outputs),
    ):
        for name, word in value.items() if isinstance(value, Mapping) else ():
            if name not in names and not (setting == "output_visibility" and word == PRIVATE):
                where, hint = f"settings.{setting}.{name}", f"it has {', '.join(names)}"
                raise InvalidField("the program has no such tensor", field=where, hint=hint)
    shown = {visibility_of(settings.output_visibility, name) for name in outputs}
    if len(shown) > 1:
        raise InvalidField("outputs are shown in one way, all of them", field="settings.output_visibility")
    taken = {visibility_of(settings.input_visibility, name) for name in inputs}
    if len(taken - {PUBLIC}) > 1:
        hidden = ", ".join(sorted(taken - {PUBLIC}))
        where = "settings.input_visibility"
        raise InvalidField(f"hidden inputs are hidden in one way, all of them: {hidden}", field=where)
    if len(taken) > 1 and (shown != {PUBLIC} or settings.slices not in (None, 1)):
        raise InvalidField(
            "public inputs beside hidden ones need slices=1 and public outputs", field="settings.input_visibility"
        )


def _plain(visibility: Visibility) -> Json:
    return visibility if isinstance(visibility, str) else dict(sorted(visibility.items()))


def _visibility(given: Mapping[str, Json], setting: str, alike: tuple[str, ...]) -> Visibility:
    """Read one word for all tensors, one of `alike`, or words by name."""
    value, where = given.get(setting, PUBLIC), f"settings.{setting}"
    if not isinstance(value, Mapping):
        return _word(value, alike, where)
    return {name: _word(word, VISIBILITIES, f"{where}.{name}") for name, word in value.items()}


def _word(value: Json, allowed: tuple[str, ...], where: str) -> str:
    if not isinstance(value, str) or value not in allowed:
        hint = "give its numbers in the setting 'fixed'" if value == "fixed" else ""
        raise InvalidField(f"one of {', '.join(allowed)}", field=where, hint=hint)
    return value


def _fixed(value: Json) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, Mapping):
        raise InvalidField('numbers by the name of their input, like {"mask": [1, 0]}', field="settings.fixed")
    return {name: tuple(_decimals(numbers, f"settings.fixed.{name}")) for name, numbers in value.items()}


def _decimals(value: Json, where: str) -> list[str]:
    if isinstance(value, list | tuple):
        return [text for one in value for text in _decimals(one, where)]
    text = str(int(value)) if isinstance(value, bool) else value if isinstance(value, str) else repr(value)
    if not _DECIMAL.fullmatch(text):
        raise InvalidField("a list of numbers", field=where)
    return [text]


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


def range_in(settings: EzklSettings, name: str) -> Range:
    """Return what the input range is of the tensor `name`."""
    ranges = settings.input_range
    return ranges.get(name, DEFAULT_RANGE) if isinstance(ranges, Mapping) else ranges


def widest_range(settings: EzklSettings) -> Range:
    """Return the least and the largest number of any input's range."""
    ranges = settings.input_range
    every = [DEFAULT_RANGE, *ranges.values()] if isinstance(ranges, Mapping) else [ranges]
    return min(low for low, _ in every), max(high for _, high in every)


def _plain_range(ranges: Range | Mapping[str, Range]) -> Json:
    if isinstance(ranges, Mapping):
        return {name: list(ends) for name, ends in sorted(ranges.items())}
    return list(ranges)


def _ranges(value: Json) -> Range | Mapping[str, Range]:
    field = "settings.input_range"
    if isinstance(value, Mapping):
        return {name: _range(ends, f"{field}.{name}") for name, ends in value.items()}
    return _range(value, field)


def _range(value: Json, field: str) -> Range:
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
