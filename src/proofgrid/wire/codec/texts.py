"""JSON inside messages: texts that strangers wrote. Malformed ones give MalformedMessage."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import NoReturn

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.digests import Digest, parse_digest
from proofgrid.primitives.errors import MalformedMessage
from proofgrid.rules.jobs.offers import Leases

JSON_DEPTH_MAX = 32
OBJECT_BYTES_MAX = 4 << 20

_CONTAINERS = frozenset({dict, list})


def read_json(text: str, *, field: str, bytes_max: int) -> Json:
    """Return the JSON value of `text`; NaN and Infinity are not JSON, and neither is a text nested too deep."""
    if len(text) > bytes_max or len(text.encode(errors="surrogatepass")) > bytes_max:
        raise MalformedMessage(f"more than {bytes_max} bytes", field=field)
    try:
        value: Json = _STRICT.decode(text)
    except RecursionError:
        raise MalformedMessage("nested too deep", field=field) from None
    except ValueError as error:
        raise MalformedMessage(f"not JSON: {error}", field=field) from None
    # What opens fewer brackets is not nested deeper.
    if text.count("[") + text.count("{") > JSON_DEPTH_MAX:
        _check_depth(value, field=field)
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON")


_STRICT = json.JSONDecoder(parse_constant=_refuse_constant)  # made once: that costs more than most texts


def _check_depth(value: Json, *, field: str) -> None:
    # Level by level: inputs may hold a million numbers, and few lists.
    level: list[Json] = [value]
    depth = 0
    while level:
        depth += 1
        if depth > JSON_DEPTH_MAX:
            raise MalformedMessage(f"nested more than {JSON_DEPTH_MAX} deep", field=field)
        level = [inner for one in level for inner in _inside(one) if type(inner) in _CONTAINERS]


def _inside(value: Json) -> Iterable[Json]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def read_object(text: str, *, field: str, bytes_max: int = OBJECT_BYTES_MAX) -> Mapping[str, Json]:
    """Return the JSON object of `text`; an empty text is an empty object."""
    if text in ("", "{}"):  # what most provers say of most jobs
        return {}
    value = read_json(text, field=field, bytes_max=bytes_max)
    if not isinstance(value, dict):
        raise MalformedMessage("a JSON object", field=field)
    return value


def read_list(text: str, *, field: str, bytes_max: int) -> list[Json]:
    """Return the JSON list of `text`: one element per input."""
    value = read_json(text, field=field, bytes_max=bytes_max)
    if not isinstance(value, list):
        raise MalformedMessage("a list with one element per input", field=field)
    return value


def read_manifests(leases: Leases) -> dict[Digest, Mapping[str, Json]]:
    """Return the manifests of the leases' programs; raise MalformedMessage for what is none."""
    return {
        parse_digest(digest, field="manifests"): read_object(text, field="manifests")
        for digest, text in leases.manifests.items()
    }
