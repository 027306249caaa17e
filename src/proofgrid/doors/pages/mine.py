"""Pages of who is signed in: tasks, one task, an operator's provers; and the forms on them."""

from __future__ import annotations

import json
import re

from starlette.responses import Response, StreamingResponse

from proofgrid.doors.pages.site import Asked, NoSuchPage, redirect
from proofgrid.doors.pages.views.provers import provers_page
from proofgrid.doors.pages.views.task import task_page
from proofgrid.primitives.clock import fresh_bytes
from proofgrid.primitives.digests import digest_of, parse_digest
from proofgrid.primitives.errors import InvalidField, ProofgridError
from proofgrid.primitives.ids import TaskId, parse_task_id
from proofgrid.primitives.money import parse_price
from proofgrid.rules.jobs.filters import parse_filter
from proofgrid.rules.jobs.lifecycle import TaskState
from proofgrid.rules.jobs.request import ProofRequest, answers_digest
from proofgrid.rules.jobs.tags import TAG_CHARS_MAX
from proofgrid.wire.codec.texts import read_list

TASKS_SHOWN = 100
PROGRAMS_SHOWN = 200
_HEX = re.compile(r"[0-9a-f-]{1,36}")


async def tasks(asked: Asked) -> Response:
    """The visitor's tasks, by state, tag and program, or by how their ids begin; and what they cost together."""
    use_case = asked.intake.tasks.list_own
    caller = await asked.caller(use_case)
    state, begins = asked.text("state", chars_max=20), asked.text("begins", chars_max=36).strip().lower()
    if begins and not _HEX.fullmatch(begins):
        raise InvalidField("the first hex digits of an id", field="begins")
    tag = "" if begins else asked.text("tag", chars_max=TAG_CHARS_MAX).strip()
    program = "" if begins else asked.text("program", chars_max=64).strip()
    wanted = parse_filter(state=state, program_digest=program, tag=tag, since_ms=0, until_ms=0)
    found = await use_case(caller, wanted, limit=TASKS_SHOWN, begins=begins)
    now_ms = (await asked.intake.overview.now()).now_ms
    return asked.page(
        "tasks.html",
        tasks=found,
        state=state,
        begins=begins,
        tag=tag,
        program=program,
        spent=sum(one.spent for one in found),
        states=list(TaskState),
        now_ms=now_ms,
        limit=TASKS_SHOWN,
    )


async def task(asked: Asked) -> Response:
    """One task."""
    caller = await asked.caller(asked.intake.close_up.of_task)
    seen = await asked.intake.close_up.of_task(caller, task_id_of(asked))
    return asked.page("task.html", page=task_page(seen, network=asked.intake.status.facts.address))


async def bundle(asked: Asked) -> Response:
    """The proof to take home."""
    caller = await asked.caller(asked.intake.tasks.result, asked.intake.artifacts.read)
    task_id = task_id_of(asked)
    digest, size_bytes = await asked.intake.tasks.result(caller, task_id)
    headers = {
        "Content-Length": str(size_bytes),
        "Content-Disposition": f'attachment; filename="{task_id}.bundle"',
        "Cache-Control": "private, no-store",
    }
    pieces = asked.intake.artifacts.read(caller, digest)
    return StreamingResponse(pieces, media_type="application/octet-stream", headers=headers)


async def cancel(asked: Asked) -> Response:
    """End a task."""
    await asked.form()
    caller = await asked.caller(asked.intake.tasks.cancel)
    task_id = task_id_of(asked)
    with asked.acting("CancelTask", {"task_id": str(task_id)}):
        await asked.intake.tasks.cancel(caller, task_id)
    return redirect(f"/tasks/{task_id}")


async def new_task(asked: Asked) -> Response:
    """The form for a request."""
    caller = await asked.caller(asked.intake.tasks.submit)
    programs = await asked.intake.programs.list_for(caller, limit=PROGRAMS_SHOWN)
    filled = {
        "program": asked.text("program", chars_max=64),
        "inputs": "",
        "limit_price": "",
        "key": fresh_bytes(16).hex(),
    }
    return asked.page("new_task.html", programs=programs, filled=filled, error=None)


async def submit(asked: Asked) -> Response:
    """Make a task of the form, or show the form again with what is wrong in it."""
    fields = await asked.form()
    caller = await asked.caller(asked.intake.tasks.submit)
    try:
        asked.intake.callers.weigh_json(caller.address, fields.get("inputs", ""))
        async with asked.intake.gate.place(caller.address):
            request = _request_of(fields, bytes_max=asked.intake.limits.inputs_json_bytes)
            made = await asked.intake.tasks.submit(caller, request)
    except ProofgridError as error:
        programs = await asked.intake.programs.list_for(caller, limit=PROGRAMS_SHOWN)
        filled = {name: fields.get(name, "") for name in ("program", "inputs", "limit_price", "key")}
        return asked.page("new_task.html", status=400, programs=programs, filled=filled, error=error)
    return redirect(f"/tasks/{made.task_id}")


async def provers(asked: Asked) -> Response:
    """An operator's provers."""
    caller = await asked.caller(asked.intake.close_up.of_operator)
    typed = asked.text("ask", chars_max=40).strip()
    wanted = parse_price(typed if "/" in typed else f"{typed}/M", field="ask") if typed else None
    seen = await asked.intake.close_up.of_operator(caller, ask=wanted)
    return asked.page("provers.html", page=provers_page(seen, asked=wanted), typed=typed)


async def sign_in(asked: Asked) -> Response:
    """Where a wallet signs."""
    to = asked.text("to", default="/")
    return asked.page("sign_in.html", to=to if to.startswith("/") and not to.startswith("//") else "/")


def task_id_of(asked: Asked) -> TaskId:
    """Return the task that a path names; raise NoSuchPage for what is no id."""
    try:
        return parse_task_id(asked.request.path_params["task_id"])
    except InvalidField:
        raise NoSuchPage() from None


def _request_of(fields: dict[str, str], *, bytes_max: int) -> ProofRequest:
    price = fields.get("limit_price", "").strip()
    inputs = read_list(fields.get("inputs", "").strip(), field="inputs", bytes_max=bytes_max)
    spelled = json.dumps(inputs, separators=(",", ":")).encode()
    return ProofRequest(
        program_digest=parse_digest(fields.get("program", "").strip(), field="program"),
        inputs=tuple(inputs),
        inputs_digest=answers_digest(digest_of(spelled), aggregate=False),
        limit_price=parse_price(price if "/" in price else f"{price}/M", field="limit_price") if price else 0,
        budget=0,
        deadline_ms=0,
        idempotency_key=fields.get("key", ""),
        hedging=True,
    )
