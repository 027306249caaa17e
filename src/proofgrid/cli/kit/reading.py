"""Reads what people type: amounts, durations, settings and inputs. Pure but for the files it is told to read."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidField, InvalidInput
from proofgrid.proofs.kit.input_files import batch_of, read_batch
from proofgrid.rules.jobs.ladder import Ladder

_LADDER = re.compile(r"([0-9]{1,4})(\.[0-9])?%/(.+)")
_DURATION = re.compile(r"([0-9]+)(ms|s|m|h|d)")
_DURATION_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def parse_duration_ms(text: str, *, field: str = "deadline") -> int:
    """Return a duration in milliseconds: 500ms, 90s, 10m, 1h30m, 2d."""
    parts = _DURATION.findall(text)
    total = sum(int(number) * _DURATION_MS[unit] for number, unit in parts)
    if not parts or "".join(number + unit for number, unit in parts) != text or not 0 < total <= 2**53:
        raise InvalidField(f"{text!r} is no duration", field=field, hint="like 90s, 10m or 1h30m")
    return total


def parse_moment_ms(text: str, *, field: str) -> int:
    """Return a moment in milliseconds since the epoch: 2026-03-01 or 2026-03-01T12:00, UTC unless it says otherwise."""
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidField(f"{text!r} is no moment", field=field, hint="like 2026-03-01 or 2026-03-01T12:00") from None
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def parse_ladder(text: str | None, price_max: int | None) -> Ladder | None:
    """Return the ladder of `10%/5s` and its last price; None when there is neither."""
    if text is None and price_max is None:
        return None
    found = _LADDER.fullmatch(text or "")
    if found is None or price_max is None:
        raise InvalidField("--raise 10%/5s and --up-to PRICE belong together", field="raise")
    permille = int(found[1]) * 10 + int((found[2] or ".0")[1:])
    return Ladder(permille=permille, every_ms=parse_duration_ms(found[3], field="raise"), price_max=price_max)


def read_settings(file: Path | None, pairs: Sequence[str]) -> dict[str, Json]:
    """Return a program's settings: a JSON or TOML file, then `key=value` pairs over it (values are JSON or text)."""
    settings = {} if file is None else _read_settings_file(file)
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not name or not equals:
            raise InvalidField(f"{pair!r} is no key=value", field="settings", hint="like -s slices=4")
        try:
            settings[name] = json.loads(text)
        except ValueError:
            settings[name] = text
    return settings


def read_inputs(files: Sequence[Path], texts: Sequence[str]) -> list[Json]:
    """Return the inputs of a batch: those of each file, in any form of `kit.input_files`, then each JSON text."""
    inputs: list[Json] = []
    for file in files:
        inputs += read_batch(_read_bytes(file, field="inputs"), field=f"inputs ({file})")
    for text in texts:
        inputs += _inputs_of(text)
    if not inputs:
        raise InvalidInput("there is no input", field="inputs", hint="give a file, or --input '[0.5, 1]'")
    return inputs


def _inputs_of(text: str) -> list[Json]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"this is no JSON: {error}", field="--input") from None
    return batch_of(value, field="--input")


def _read_settings_file(file: Path) -> dict[str, Json]:
    text = _read_text(file, field="settings")
    try:
        value = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
    except ValueError as error:
        raise InvalidField(f"{file}: {error}", field="settings") from None
    if not isinstance(value, dict):
        raise InvalidField(f"{file} holds no JSON object", field="settings")
    return value


def _read_bytes(file: Path, *, field: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise InvalidField(f"{file} cannot be read: {error.strerror}", field=field) from None


def _read_text(file: Path, *, field: str) -> str:
    try:
        return _read_bytes(file, field=field).decode()
    except ValueError:
        raise InvalidField(f"{file} is no text file", field=field) from None
