"""Evidence as a file: what the page hands out verifies, and others than its operator and administrators get nothing."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import httpx
import pytest

from proofgrid.doors.pages.routes import build_pages
from proofgrid.primitives.clock import ManualClock
from proofgrid.primitives.errors import UnknownEvidence
from proofgrid.proofs.bundles.evidence import evidence_record, seal_record, verify_evidence
from proofgrid.roles.intake.evidence import SealedEvidence
from proofgrid.rules.access.rights import ANYBODY, needs
from proofgrid.rules.access.roles import Role
from tests.own_pages_facts import CallersOfFacts, SignedIn
from tests.pages_facts import BOB, an_intake
from tests.proofs.bundles.lies import OPERATOR, Files, a_lie, a_proven_job, contents_of
from tests.proofs.bundles.makers import NETWORK

LIE, UNSIGNED = UUID(int=7), UUID(int=8)
PROOF = b"no proof"


class DeskOfFacts:
    """One lie that was signed, and one that nobody signed."""

    def __init__(self, record: bytes) -> None:
        self._record = record

    @needs(Role.OPERATOR, Role.ADMIN)
    async def get(self, caller: Any, evidence_id: UUID) -> SealedEvidence:
        if evidence_id not in (LIE, UNSIGNED):
            raise UnknownEvidence(field="evidence_id")
        record = self._record if evidence_id == LIE else b""
        facts: Any = SimpleNamespace()
        signature = seal_record(record, NETWORK) if record else ""
        return SealedEvidence(evidence=facts, record=record, signature=signature, keys="", proof=PROOF)


class FilesOfFacts:
    def __init__(self, contents: dict[Any, Any]) -> None:
        self._contents = contents

    @needs(*ANYBODY)
    async def read(self, caller: Any, digest: Any) -> AsyncIterator[bytes]:
        content = self._contents[digest]
        whole = content if isinstance(content, bytes) else content.read_bytes()
        for at in range(0, len(whole), 7):
            yield whole[at : at + 7]


@pytest.fixture
def files(toy_system_on_path: Path, tmp_path: Path) -> Files:
    """What there is to lie about."""
    return a_proven_job(tmp_path)


def a_browser(files: Files, *roles: Role) -> httpx.AsyncClient:
    """Return a browser in which Bob is signed in with these roles."""
    intake = an_intake(
        evidence=DeskOfFacts(evidence_record(a_lie(files, proof=PROOF))),
        artifacts=FilesOfFacts(dict(contents_of(files, proof=PROOF))),
        callers=CallersOfFacts(roles),
    )
    pages = build_pages(intake, ManualClock(), SignedIn(*roles, address=BOB) if roles else None)
    return httpx.AsyncClient(transport=httpx.ASGITransport(pages.app), base_url="http://pages")


async def test_the_file_of_a_page_verifies_and_nothing_of_it_stays_behind(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))

    async with a_browser(files, Role.OPERATOR) as browser:
        answer = await browser.get(f"/evidence/{LIE}")

    assert answer.status_code == 200
    assert f"{LIE}.evidence" in answer.headers["content-disposition"]
    assert answer.headers["cache-control"] == "private, no-store"
    path = tmp_path / "lie.evidence"
    path.write_bytes(answer.content)
    report = verify_evidence(path, expect_network=NETWORK.address, workdir=tmp_path / "w")
    assert (report.kind, report.operator) == ("invalid_proof", OPERATOR.address)
    assert list((tmp_path / "scratch").iterdir()) == []


async def test_what_nobody_signed_has_no_file_and_strangers_get_none(files: Files) -> None:
    async with a_browser(files, Role.OPERATOR) as operator, a_browser(files, Role.CLIENT) as client:
        for path in (f"/evidence/{UNSIGNED}", f"/evidence/{UUID(int=9)}", "/evidence/x"):
            assert (await operator.get(path)).status_code == 404
        assert (await client.get(f"/evidence/{LIE}")).status_code == 403
    async with a_browser(files) as nobody:
        assert (await nobody.get(f"/evidence/{LIE}")).headers["location"].startswith("/sign-in")
