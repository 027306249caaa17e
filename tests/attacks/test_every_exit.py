"""What somebody put into a name, a region or a reason comes out where nobody thought of a terminal, or of an eye.

Pins down: metrics, answers of HTTP, webhooks and pages spell what a terminal acts on and what an eye does not see,
also in texts that were stored before the wire judged them (the command line and logs: test_terminal_escapes.py).
"""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from proofgrid.doors.http.json_text import to_json
from proofgrid.doors.http.problems import problem_of
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import TaskId
from proofgrid.roles.webhooks.sending import body_of
from proofgrid.store.webhooks import Claimed
from proofgrid.telemetry.metrics import exposition
from proofgrid.telemetry.metrics.of_network import LANE_WAITING_JOBS
from proofgrid.telemetry.metrics.snapshot import Snapshot
from tests.attacks.test_terminal_escapes import EVIL, is_clean
from tests.doors.pages.test_pages import a_browser
from tests.pages_facts import OverviewOfFacts, an_intake


@pytest.mark.parametrize("as_open_metrics", [False, True])
def test_metrics(as_open_metrics: bool) -> None:
    snapshot: Snapshot = {LANE_WAITING_JOBS.name: {(EVIL,): 3.0}}
    said = exposition.written(snapshot, as_open_metrics=as_open_metrics).decode()
    assert is_clean(said), repr(said)
    assert "52;c" in said


def test_answers_of_http_and_their_problems() -> None:
    problem = bytes(problem_of(InvalidField(EVIL, field=EVIL, hint=EVIL)).body)
    for said in (to_json({"region": EVIL, "names": [EVIL]}), problem):
        assert is_clean(said.decode("ascii").replace("\x7f", "")), said
    assert json.loads(to_json({"region": EVIL})) == {"region": EVIL}


def test_webhooks() -> None:
    said: dict[str, Any] = dict.fromkeys(Claimed.__dataclass_fields__)
    said |= {"task_id": TaskId(UUID(int=1)), "seq": 1, "kind": "failed", "at_ms": 1}
    claimed = Claimed(**said | {"data": {"code": "PG-511", "detail": EVIL, "reason": EVIL}})
    assert is_clean(body_of(claimed).decode("ascii").replace("\x7f", ""))


async def test_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.pages_facts.EVIL", EVIL)
    async with a_browser(an_intake(OverviewOfFacts())) as browser:
        said = (await browser.get("/systems")).text
    assert "52;c" in said
    assert is_clean(said.replace("\t", " ")), repr(said)
