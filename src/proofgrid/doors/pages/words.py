"""Numbers as people read them: money, prices, spans, moments, counts, names; pure."""

from __future__ import annotations

from datetime import UTC, datetime

from proofgrid.primitives.ids import short_prover
from proofgrid.primitives.money import BASE_UNITS_PER_TOKEN, format_amount, format_price

NOTHING = "–"  # noqa: RUF001
DECIMALS_SHORT = 4  #: significant ones of an amount below one token
_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000


def count(number: int | None) -> str:
    """Return 1234567 as '1,234,567'; of nothing a dash."""
    return NOTHING if number is None else f"{number:,}"


def many(number: int, noun: str, nouns: str = "") -> str:
    """Return '1 prover', '3 provers'; `nouns`: of one whose plural is another."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {nouns or noun + 's'}"


def tokens(amount: int) -> str:
    """Return an amount in tokens, short: '1,234.5', '0.001234'; `exact_tokens` is for the title."""
    sign, size = "-" if amount < 0 else "", abs(amount)
    whole, rest = divmod(size, BASE_UNITS_PER_TOKEN)
    digits = f"{rest:09d}"
    leading = len(digits) - len(digits.lstrip("0"))
    kept = digits[:4] if whole else digits[: leading + DECIMALS_SHORT]
    text = f"{whole:,}.{kept}".rstrip("0").rstrip(".")
    return f"{sign}{text}"


def exact_tokens(amount: int) -> str:
    """Return an amount to the last base unit."""
    return f"{format_amount(amount)} tokens"


def price(value: int | None) -> str:
    """Return a price in tokens per million PU; of nothing a dash."""
    return NOTHING if value is None else format_price(value)


def span(milliseconds: int | None) -> str:
    """Return how long something takes: '820 ms', '12.3 s', '4 min 10 s', '2 h 5 min', '3 d 4 h'; of nothing a dash."""
    if milliseconds is None:
        return NOTHING
    whole = max(0, milliseconds)
    if whole < 1_000:
        return f"{whole} ms"
    if whole < _MINUTE:
        return f"{whole / 1_000:.1f} s"
    for unit, name, part, part_name in (
        (_DAY, "d", _HOUR, "h"),
        (_HOUR, "h", _MINUTE, "min"),
        (_MINUTE, "min", 1_000, "s"),
    ):
        if whole >= unit:
            big, small = whole // unit, whole % unit // part
            return f"{big} {name} {small} {part_name}" if small else f"{big} {name}"
    raise AssertionError("a minute is longer than a second")


def ago(at_ms: int, now_ms: int) -> str:
    """Return a moment as seen from now: 'just now', '12 s ago', 'in 3 min', '2 d ago'."""
    away = abs(now_ms - at_ms)
    if away < 1_000:
        return "just now"
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min"), (1_000, "s")):
        if away >= unit:
            text = f"{away // unit} {name}"
            return f"in {text}" if at_ms > now_ms else f"{text} ago"
    raise AssertionError("a second is a second")


def moment(at_ms: int) -> str:
    """Return a moment exactly, for a title: '2026-11-29 15:40:12.345 UTC'."""
    return f"{_utc(at_ms):%Y-%m-%d %H:%M:%S}.{at_ms % 1_000:03d} UTC"


def clock_time(at_ms: int) -> str:
    """Return '15:40:12', for axes."""
    return f"{_utc(at_ms):%H:%M:%S}"


def day(at_ms: int) -> str:
    """Return '2026-11-29'."""
    return f"{_utc(at_ms):%Y-%m-%d}"


def machine_time(at_ms: int) -> str:
    """Return a moment for `datetime` attributes."""
    return f"{_utc(at_ms):%Y-%m-%dT%H:%M:%S}.{at_ms % 1_000:03d}Z"


def short(name: str) -> str:
    """Return an address, digest or id so that a line holds it: '0x12ab…89ef'; short names stay."""
    return name if len(name) <= 14 else f"{name[:6]}…{name[-4:]}"


def prover_name(prover_id: str) -> str:
    """Return a prover's name with its operator's address cut short."""
    return short_prover(prover_id, {})


def share(permille: int) -> str:
    """Return 987 as '98.7%'."""
    return f"{permille / 10:.1f}%"


def size(number: int) -> str:
    """Return bytes for people: '12 kB'."""
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if number >= unit:
            return f"{number / unit:.1f} {name}"
    return f"{number} bytes"


def _utc(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms // 1_000, tz=UTC)
