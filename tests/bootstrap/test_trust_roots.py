"""A gateway opens every trust root that an installed proof system needs: a ceremony's, or one made for development."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from proofgrid.bootstrap.gateway import adapters
from proofgrid.primitives.errors import InvalidField
from proofgrid.proofs.setup import Setup
from proofgrid.proofs.systems.ezkl.circuits.development import make_development_srs
from proofgrid.proofs.systems.ezkl.setup import KzgBn254
from proofgrid.proofs.workers import ProofWorkers
from proofgrid.settings.gateway import GatewaySettings
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.database import Database
from tests.proofs.kit.salted_system import SaltSetup

KZG = KzgBn254()


@pytest.fixture
async def workers() -> AsyncIterator[ProofWorkers]:
    workers = ProofWorkers(1)
    yield workers
    await workers.close()


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, Setup]:
    """What proof systems need: ezkl's kind, and one that no setting knows."""
    setups: dict[str, Setup] = {KZG.kind: KZG, SaltSetup.kind: SaltSetup()}
    monkeypatch.setattr(adapters, "installed_setups", lambda: setups)
    return setups


@pytest.mark.usefixtures("installed")
async def test_roots_that_nobody_gave_are_made_for_development_and_published(
    tmp_path: Path, workers: ProofWorkers, database: Database
) -> None:
    artifacts = ArtifactStore.open(str(tmp_path / "artifacts"))
    settings = GatewaySettings(srs_logrows=6)

    with capture_logs() as logs:
        roots = await adapters.open_trust_roots(settings, tmp_path, workers, artifacts, database)

    assert roots.paths == {"kzg-bn254": tmp_path / "development-srs", "salt": tmp_path / "development-salt"}
    assert sorted(roots.files) == ["kzg6.srs", "salt.bin"]
    assert roots.for_development
    assert [log["event"] for log in logs] == ["development_srs", "development_salt"]
    await artifacts.fetch_to(roots.files["salt.bin"], tmp_path / "fetched")
    assert (tmp_path / "fetched").read_bytes() == (tmp_path / "development-salt" / "salt.bin").read_bytes()

    again = await adapters.open_trust_roots(settings, tmp_path, workers, artifacts, database)
    assert again == roots


async def test_a_ceremonys_file_is_taken_as_it_is(
    tmp_path: Path, workers: ProofWorkers, database: Database, installed: dict[str, Setup]
) -> None:
    del installed[SaltSetup.kind]
    ceremony = tmp_path / "ceremony.srs"
    make_development_srs(ceremony, 6)
    artifacts = ArtifactStore.open(str(tmp_path / "artifacts"))

    roots = await adapters.open_trust_roots(GatewaySettings(srs_file=ceremony), tmp_path, workers, artifacts, database)

    assert roots.paths == {"kzg-bn254": ceremony}
    assert list(roots.files) == ["kzg6.srs"]
    assert not roots.for_development
    with pytest.raises(InvalidField, match="no file or folder") as caught:
        settings = GatewaySettings(srs_file=tmp_path / "nothing")
        await adapters.open_trust_roots(settings, tmp_path, workers, artifacts, database)
    assert caught.value.field == "srs_file"
