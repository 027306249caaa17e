"""Pages of money: what the visitor owns, what moved, what may be spent, and below which balance it is told."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing
from dataclasses import astuple, fields
from datetime import UTC, date, datetime, time
from typing import cast

from starlette.responses import Response, StreamingResponse

from proofgrid.doors.pages.site import Asked, redirect
from proofgrid.doors.pages.views.access import key_lines
from proofgrid.doors.pages.views.money import limit_lines
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.money import parse_amount
from proofgrid.roles.intake.statements import Closing, Movement, Opening, Part
from proofgrid.rules.access.api_keys import parse_key_id
from proofgrid.rules.access.roles import Role

TRANSFERS_SHOWN = 100
DAY_MS = 86_400_000
COLUMNS = tuple(one.name for one in fields(Movement))


async def money(asked: Asked) -> Response:
    """What the visitor owns, what moved, its caps and limits."""
    caller = await asked.caller(asked.intake.accounts.get, asked.intake.quotas.get)
    account = await asked.intake.accounts.get(caller, None, transfers_limit=TRANSFERS_SHOWN)
    now_ms = (await asked.intake.overview.now()).now_ms
    is_client = Role.CLIENT in caller.roles
    keys = await asked.intake.api_keys.list_for(caller, None) if is_client else ()
    return asked.page(
        "money.html",
        account=account,
        caps=[one for one in key_lines(keys, now_ms=now_ms) if one.is_live and one.spend_per_day],
        limits=limit_lines(await asked.intake.quotas.get(caller)),
        is_client=is_client,
        now_ms=now_ms,
    )


async def set_low_balance(asked: Asked) -> Response:
    """Have the visitor's webhooks told below an amount; nothing filled in: no more."""
    form = await asked.form()
    caller = await asked.caller(asked.intake.accounts.set_low_balance)
    amount = parse_amount(form.get("amount", "").strip() or "0", field="amount")
    with asked.acting("SetLowBalance", {"amount": amount}):
        await asked.intake.accounts.set_low_balance(caller, amount)
    return redirect("/money#low")


async def set_cap(asked: Asked) -> Response:
    """Say anew what an API key may spend a day."""
    form = await asked.form()
    caller = await asked.caller(asked.intake.api_keys.set_spend)
    key_id = parse_key_id(asked.request.path_params["key_id"])
    spend_per_day = parse_amount(form.get("spend", "").strip(), field="spend_per_day")
    with asked.acting("SetApiKey", {"key_id": key_id, "spend_per_day": spend_per_day}):
        await asked.intake.api_keys.set_spend(caller, key_id, spend_per_day=spend_per_day)
    return redirect("/money#caps")


async def statement(asked: Asked) -> Response:
    """Every movement from one day to another, as a file; without days all there was."""
    caller = await asked.caller(asked.intake.statements.read_for)
    first, last = _day(asked.text("from", chars_max=10), "from"), _day(asked.text("to", chars_max=10), "to")
    if first is not None and last is not None and last < first:
        raise InvalidField("a statement ends after it begins", field="to")
    until_ms = 0 if last is None else _ms(last) + DAY_MS  # the last day is in it
    parts = asked.intake.statements.read_for(caller, "", from_ms=0 if first is None else _ms(first), to_ms=until_ms)
    headers = {"Content-Disposition": 'attachment; filename="statement.csv"', "Cache-Control": "private, no-store"}
    return StreamingResponse(_as_csv(parts), media_type="text/csv; charset=utf-8", headers=headers)


async def _as_csv(parts: AsyncIterator[Part]) -> AsyncIterator[bytes]:
    """Spell a statement: its opening and its closing are lines too, as `proofgrid account statement --csv` has them."""
    ends_ms = 0
    yield _line(COLUMNS)
    async with aclosing(cast("AsyncGenerator[Part, None]", parts)) as found:
        async for part in found:
            if isinstance(part, Opening):
                ends_ms = part.to_ms
                yield _edge(part.from_ms, "opening", part.balance)
            elif isinstance(part, Closing):
                yield _edge(ends_ms, "closing", part.balance)
            else:
                yield b"".join(map(_movement, part))


def _movement(movement: Movement) -> bytes:
    return _line("" if one is None else one for one in astuple(movement))


def _edge(at_ms: int, reason: str, balance: int) -> bytes:
    known: dict[str, object] = {"at_ms": at_ms, "reason": reason, "balance": balance}
    return _line(known.get(name, "") for name in COLUMNS)


def _line(values: Iterable[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(values)
    return text.getvalue().encode()


def _day(text: str, field: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidField("a day, like 2026-03-01", field=field) from None


def _ms(day: date) -> int:
    return max(0, int(datetime.combine(day, time(), tzinfo=UTC).timestamp()) * 1_000)
