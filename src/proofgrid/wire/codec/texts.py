"""JSON inside messages: texts that strangers wrote. Malformed ones give MalformedMessage."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import NoReturn

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.digests import Digest, parse_digest
from proofgrid.primitives.errors import InvalidField, MalformedMessage
from proofgrid.primitives.reading import JsonBounds, check_json
from proofgrid.rules.jobs.offers import Leases

JSON_DEPTH_MAX = 32
#: A gateway reads it on its event loop: a text at these bounds takes a fifth of a second.
BOUNDS = JsonBounds(depth=JSON_DEPTH_MAX, containers=1 << 17, elements=1 << 20)
OBJECT_BYTES_MAX = 4 << 20

#: Escapes of NUL or of halves of pairs, and numbers that may be beyond what a float holds.
_SUSPICIOUS = re.compile(r"\\u(?:0000|[dD][89a-fA-F])|[eE]\+?0*[1-9][0-9]{2}|(?<![0-9])[0-9]{309}")
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def read_json(text: str, *, field: str, bytes_max: int) -> Json:
    """Return the JSON value of `text`, which is bounded before it is read.

    NaN and Infinity are not JSON, nor are numbers that become one; NUL and halves of pairs are no text.
    """
    if len(text) > bytes_max or len(text.encode(errors="surrogatepass")) > bytes_max:
        raise MalformedMessage(f"more than {bytes_max} bytes", field=field)
    try:
        check_json(text, field, BOUNDS)
        value: Json = _STRICT.decode(text)
    except InvalidField as error:
        raise MalformedMessage(error.detail, field=field) from None
    except RecursionError:
        raise MalformedMessage("nested too deep", field=field) from None
    except ValueError as error:
        raise MalformedMessage(f"not JSON: {error}", field=field) from None
    if _SUSPICIOUS.search(text):
        _check_values(text, value, field=field)
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON")


_STRICT = json.JSONDecoder(parse_constant=_refuse_constant)  # made once: that costs more than most texts


def _check_values(text: str, value: Json, *, field: str) -> None:
    # No column holds them: whoever wrote one down with others would bring all of them down.
    if _NUL.search(text):
        raise MalformedMessage("no text holds the character U+0000", field=field)
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        raise MalformedMessage("half of a surrogate pair is no character", field=field) from None
    except ValueError:
        raise MalformedMessage("a number is too large", field=field) from None


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
