"""Pages for administrators: what stopped, what failed for good, who is kept out, money of the network, who did what."""

from __future__ import annotations

import json
from dataclasses import dataclass

from starlette.responses import Response

from proofgrid.doors.pages.mine import task_id_of
from proofgrid.doors.pages.site import Asked, NoSuchPage, redirect
from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidField
from proofgrid.roles.intake.incidents import Story

LISTED = 100
AUDIT_LISTED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """An entry of the audit log, as a line."""

    position: int
    at_ms: int
    by: str
    act: str
    outcome: str
    what: str


async def incidents(asked: Asked) -> Response:
    """Incidents: those that are open first."""
    caller = await asked.caller(asked.intake.incidents.list_all)
    closed = bool(asked.number("closed"))
    found = await asked.intake.incidents.list_all(limit=LISTED, closed=closed)
    return asked.page(
        "admin_incidents.html",
        incidents=sorted(found, key=lambda one: one.closed_ms is not None),
        closed=closed,
        now_ms=await _now_ms(asked),
        caller=caller,
    )


async def incident(asked: Asked) -> Response:
    """One incident: its timeline, evidence, acts, who was told, and the draft of a post-mortem."""
    story = await _story(asked)
    evidence = [(name, _spelled(value)) for name, value in sorted(story.incident.facts.items())]
    return asked.page("admin_incident.html", story=story, evidence=evidence, now_ms=await _now_ms(asked))


async def post_mortem(asked: Asked) -> Response:
    """The draft of a post-mortem, to take home."""
    story = await _story(asked)
    headers = {
        "Content-Disposition": f'attachment; filename="incident-{story.incident.incident_id}.md"',
        "Cache-Control": "no-store",
    }
    return Response(story.post_mortem, media_type="text/markdown; charset=utf-8", headers=headers)


async def close_incident(asked: Asked) -> Response:
    """End an incident, with a reason for its timeline."""
    fields = await asked.form()
    caller = await asked.caller(asked.intake.incidents.close)
    number = asked.place("incident_id")
    with asked.acting("CloseIncident", {"incident_id": number}):
        await asked.intake.incidents.close(caller, number, why=fields.get("why", "").strip())
    return redirect("/admin?closed=1")


async def dead_letters(asked: Asked) -> Response:
    """Tasks that nobody could prove."""
    await asked.caller(asked.intake.dead_letters.list_all)
    replayed = bool(asked.number("replayed"))
    letters = await asked.intake.dead_letters.list_all(limit=LISTED, replayed=replayed)
    return asked.page("admin_dead_letters.html", letters=letters, replayed=replayed, now_ms=await _now_ms(asked))


async def replay_dead_letter(asked: Asked) -> Response:
    """Make a new task of a dead one, for the same client."""
    await asked.form()
    await asked.caller(asked.intake.dead_letters.replay)
    task_id = task_id_of(asked)
    with asked.acting("ReplayDeadLetter", {"task_id": str(task_id)}):
        await asked.intake.dead_letters.replay(task_id)
    return redirect("/admin/dead-letters?replayed=1")


async def quarantines(asked: Asked) -> Response:
    """Engines that were stopped, and provers that are paused."""
    caller = await asked.caller(asked.intake.engines.stop, asked.intake.engines.list_all)
    engines = await asked.intake.engines.list_all(caller)
    operators = await asked.intake.overview.operators()
    paused = [
        prover for report in operators.reports for prover in report.provers if prover.paused_until_ms > operators.now_ms
    ]
    stopped = [one for one in engines if one.shown.stopped_reason]
    return asked.page("admin_quarantines.html", stopped=stopped, paused=paused, now_ms=operators.now_ms)


async def subnetworks(asked: Asked) -> Response:
    """All subnetworks."""
    caller = await asked.caller(asked.intake.subnetworks.get, asked.intake.subnetworks.list_for)
    found = await asked.intake.subnetworks.list_for(caller)
    return asked.page("admin_subnetworks.html", subnetworks=found, now_ms=await _now_ms(asked))


async def treasury(asked: Asked) -> Response:
    """What the network owns, and whether the ledger adds up."""
    await asked.caller(asked.intake.treasury.balance, asked.intake.accounts.check_ledger)
    balance = await asked.intake.treasury.balance()
    health = await asked.intake.accounts.check_ledger()
    return asked.page("admin_treasury.html", balance=balance, health=health)


async def audit(asked: Asked) -> Response:
    """Who did what, newest first."""
    await asked.caller(asked.intake.audit.list_all)
    by, act, before = (
        asked.text("by", chars_max=64),
        asked.text("act", chars_max=64),
        asked.text("before", chars_max=20),
    )
    if before and not (before.isascii() and before.isdecimal()):
        raise InvalidField("the place of an entry", field="before")
    found = await asked.intake.audit.list_all(
        limit=AUDIT_LISTED, before=int(before) if before else None, by=by.strip(), act=act.strip()
    )
    lines = [_line(one.position, one.spelled) for one in found]
    older = lines[-1].position if len(lines) == AUDIT_LISTED else 0
    return asked.page("admin_audit.html", lines=lines, by=by, act=act, older=older, now_ms=await _now_ms(asked))


async def _story(asked: Asked) -> Story:
    await asked.caller(asked.intake.incidents.story)
    try:
        return await asked.intake.incidents.story(asked.place("incident_id"))
    except InvalidField:
        raise NoSuchPage() from None


def _spelled(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _line(position: int, spelled: bytes) -> AuditLine:
    entry = json.loads(spelled)
    return AuditLine(
        position=position,
        at_ms=int(entry.get("at_ms", 0)),
        by=str(entry.get("by", "")),
        act=str(entry.get("act", "")),
        outcome=str(entry.get("outcome", "")),
        what=json.dumps(entry.get("what", {}), ensure_ascii=False),
    )


async def _now_ms(asked: Asked) -> int:
    return (await asked.intake.overview.now()).now_ms
