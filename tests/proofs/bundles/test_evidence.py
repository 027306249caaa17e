"""Evidence in a file: it holds when the operator signed a lie, and says which check failed when nothing is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import BadBundle
from proofgrid.proofs.bundles import evidence
from proofgrid.proofs.bundles.evidence import evidence_record, seal_record, verify_evidence, write_evidence
from proofgrid.rules.staking.results import ResultClaim, public_digest, sign_result
from tests.makers import a_key
from tests.proofs.bundles.lies import OPERATOR, OTHER_PUBLIC, Files, a_lie, a_proven_job, contents_of
from tests.proofs.bundles.makers import NETWORK


@pytest.fixture
def files(toy_system_on_path: Path, tmp_path: Path) -> Files:
    """What there is to lie about."""
    return a_proven_job(tmp_path)


def a_file(folder: Path, files: Files, *, proof: bytes = b"no proof", **changes: Any) -> Path:
    """Evidence of an invalid proof; `changes` of its row."""
    lie = a_lie(files, proof=proof, **changes)
    record = evidence_record(lie)
    contents = {} if lie.kind == "equivocation" else contents_of(files, proof=proof)
    path = folder / "lie.evidence"
    write_evidence(path, record, seal_record(record, NETWORK), contents)
    return path


def test_a_signed_lie_is_shown(files: Files, tmp_path: Path) -> None:
    report = verify_evidence(a_file(tmp_path, files), expect_network=NETWORK.address, workdir=tmp_path / "w")
    assert (report.kind, report.operator) == ("invalid_proof", OPERATOR.address)
    assert len(report.checks) == 3


def test_two_signed_results_of_one_lease_are_shown(files: Files, tmp_path: Path) -> None:
    report = verify_evidence(a_file(tmp_path, files, kind="equivocation"), workdir=tmp_path / "w")
    assert (report.kind, report.operator) == ("equivocation", OPERATOR.address)
    assert report.checks[-1].endswith(f"other public values: {OTHER_PUBLIC}")


def test_evidence_of_the_time_when_another_proof_was_enough_still_verifies_and_says_so(
    files: Files, tmp_path: Path
) -> None:
    path = a_file(tmp_path, files, kind="equivocation", other_public="")
    report = verify_evidence(path, workdir=tmp_path / "w")
    assert report.kind == "equivocation"
    assert "by its first rule" in report.checks[-1]


def test_another_proof_of_the_same_is_no_evidence_of_todays_format(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network that calls it one gets no further than its own signature."""
    monkeypatch.setattr(evidence, "_format_of", lambda lie: evidence.FORMAT_OF_CONTRADICTIONS)
    with pytest.raises(BadBundle) as refusal:
        verify_evidence(a_file(tmp_path, files, kind="equivocation", other_public=""), workdir=tmp_path / "w")
    assert refusal.value.field == "other_claim"
    with pytest.raises(BadBundle) as refusal:
        verify_evidence(a_file(tmp_path, files), workdir=tmp_path / "w")
    assert refusal.value.field == "container"


def test_a_right_proof_is_no_evidence_against_anybody(files: Files, tmp_path: Path) -> None:
    with pytest.raises(BadBundle) as refusal:
        verify_evidence(a_file(tmp_path, files, proof=files[2].proof), workdir=tmp_path / "w")
    assert refusal.value.field == "proof"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"operator": a_key(3).address}, "signature"),
        ({"signature": ""}, "signature"),
        ({"network": a_key(3).address}, "network"),
        ({"public": "{}"}, "public"),
        ({"claim": "{}"}, "claim"),
        ({"kind": "missed_deadline"}, "kind"),
        ({"kind": "equivocation", "other_signature": ""}, "other_signature"),
        # Found by fuzzing: the network signs what it likes, if it is somebody's own.
        ({"facts": ""}, "facts"),
        ({"facts": "[" * 5_000}, "facts"),
        ({"facts": "[]"}, "facts"),
        ({"public": "\ud800"}, "public"),
        ({"claim": "[" * 200_000}, "claim"),
        ({"claim": "\ud800"}, "claim"),
    ],
)
def test_whatever_does_not_fit_is_refused_with_its_name(
    files: Files, tmp_path: Path, changes: dict[str, Any], field: str
) -> None:
    if changes == {"public": "{}"}:
        changes = {"public": '{"other":1}'}
    with pytest.raises(BadBundle) as refusal:
        verify_evidence(a_file(tmp_path, files, **changes), workdir=tmp_path / "w")
    assert refusal.value.field == field


def test_the_same_result_twice_is_no_equivocation(files: Files, tmp_path: Path) -> None:
    built, _, output = files
    claim = ResultClaim(
        network=NETWORK.address,
        lease_id="lease",
        fence=1,
        job_id="job",
        program=built.program.digest,
        slice=0,
        proof=digest_of(b"no proof"),
        public=public_digest(output.public),
    )
    same: dict[str, Any] = {"other_claim": claim.text, "other_signature": sign_result(claim, OPERATOR)}
    with pytest.raises(BadBundle) as refusal:
        verify_evidence(a_file(tmp_path, files, kind="equivocation", **same), workdir=tmp_path / "w")
    assert refusal.value.field == "other_claim"


def test_another_network_than_the_expected_one_is_refused(files: Files, tmp_path: Path) -> None:
    with pytest.raises(BadBundle) as refusal:
        verify_evidence(a_file(tmp_path, files), expect_network=OPERATOR.address, workdir=tmp_path / "w")
    assert refusal.value.field == "network"
