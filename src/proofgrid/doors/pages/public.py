"""Pages for everybody: network, market, operators, proof systems."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

from starlette.responses import Response

from proofgrid.doors.pages.site import Asked, NoSuchPage
from proofgrid.doors.pages.views.lane import WINDOWS, lane_page
from proofgrid.doors.pages.views.network import network_page
from proofgrid.doors.pages.views.operators import operator_page, operators_page
from proofgrid.doors.pages.views.round import round_page
from proofgrid.doors.pages.views.systems import system_cards
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.signatures import parse_address
from proofgrid.rules.identity.key_list import Purpose

ROUNDS_SHOWN = 30


async def network(asked: Asked) -> Response:
    """The first page: what there is, what it costs, how long it takes."""
    overview = asked.intake.overview
    return asked.page("network.html", page=network_page(await overview.now(), await overview.figures()))


async def market(asked: Asked) -> Response:
    """The lanes, as a table of prices."""
    overview = asked.intake.overview
    return asked.page("market.html", page=network_page(await overview.now(), await overview.figures()))


async def lane(asked: Asked) -> Response:
    """A lane: its prices over time, its rounds."""
    name, window = asked.request.path_params["lane"], asked.text("window", default="hour")
    if window not in WINDOWS:
        raise InvalidField(f"no window {window!r}", field="window", hint=", ".join(WINDOWS))
    overview, all_rounds = asked.intake.overview, bool(asked.number("all"))
    points = await overview.prices(name, window_ms=WINDOWS[window])
    rounds = await overview.rounds(name, below=asked.number("below"), limit=ROUNDS_SHOWN, all_rounds=all_rounds)
    now_ms = (await overview.now()).now_ms
    page = lane_page(name, window, points, rounds, now_ms=now_ms, all_rounds=all_rounds, limit=ROUNDS_SHOWN)
    return asked.page("lane.html", page=page)


async def round_of_lane(asked: Asked) -> Response:
    """A round: both clocks, who left, who traded."""
    params = asked.request.path_params
    overview = asked.intake.overview
    found = await overview.round(params["lane"], asked.place("number"))
    page = await asyncio.to_thread(round_page, found)
    signers = asked.intake.keys.ever_named(Purpose.ROUNDS)
    return asked.page("round.html", page=page, signers=signers, now_ms=(await overview.now()).now_ms)


async def record_of_round(asked: Asked) -> Response:
    """A round's record, to the byte as it was hashed and signed: what a browser replays."""
    params = asked.request.path_params
    found = await asked.intake.overview.round(params["lane"], asked.place("number"))
    if not found.transcript:
        raise NoSuchPage()
    name = f"{params['lane'].replace('/', '-')}-{params['number']}.json"
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}", "Cache-Control": "no-cache"}
    return Response(found.transcript, media_type="application/json", headers=headers)


async def operators(asked: Asked) -> Response:
    """All operators, where they are, and what was slashed."""
    return asked.page("operators.html", page=operators_page(await asked.intake.overview.operators()))


async def operator(asked: Asked) -> Response:
    """One operator and its provers."""
    address = parse_address(asked.request.path_params["address"], field="address")
    overview = asked.intake.overview
    page = operator_page(await overview.operators(), address, await overview.slashes_of(address))
    if page is None:
        raise NoSuchPage()
    return asked.page("operator.html", page=page)


async def systems(asked: Asked) -> Response:
    """What can be proven here."""
    cards = system_cards(asked.intake.status.facts.proof_systems, await asked.intake.overview.engines())
    return asked.page("systems.html", cards=cards)
