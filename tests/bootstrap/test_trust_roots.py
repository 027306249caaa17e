"""A gateway opens every trust root that an installed proof system needs: a ceremony's, or one made for development."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from proofgrid.bootstrap.gateway import adapters
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.signatures import SigningKey
from proofgrid.proofs.setup import Setup
from proofgrid.proofs.systems.ezkl.circuits.development import development_file, make_development_srs
from proofgrid.proofs.systems.ezkl.setup import KzgBn254
from proofgrid.proofs.workers import ProofWorkers
from proofgrid.rules.identity.network_keys import NetworkKeys
from proofgrid.settings.gateway import GatewaySettings
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.database import Database
from tests.proofs.kit.salted_system import SaltSetup

KZG = KzgBn254()
KEY = SigningKey(bytes([1] * 32))


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
async def test_roots_that_nobody_gave_are_begun_for_development_and_published_as_they_are_made(
    tmp_path: Path, workers: ProofWorkers, database: Database
) -> None:
    artifacts = ArtifactStore.open(str(tmp_path / "artifacts"))
    settings = GatewaySettings(srs_logrows=7)

    with capture_logs() as logs:
        roots = await adapters.open_trust_roots(settings, tmp_path, workers, NetworkKeys.of(KEY))
    await adapters.publish_roots(roots, artifacts, database)

    assert roots.paths == {"kzg-bn254": tmp_path / "development-srs", "salt": tmp_path / "development-salt"}
    assert sorted(roots.files) == ["salt.bin", "srs.json"]
    assert roots.for_development
    assert [log["event"] for log in logs] == ["development_srs", "development_salt"]
    await artifacts.fetch_to(roots.files["salt.bin"], tmp_path / "fetched")
    assert (tmp_path / "fetched").read_bytes() == (tmp_path / "development-salt" / "salt.bin").read_bytes()

    development_file(roots.paths["kzg-bn254"], 7)  # as a build would
    await adapters.publish_roots(roots, artifacts, database)
    assert sorted(roots.files) == ["kzg7.srs", "salt.bin", "srs.json"]

    again = await adapters.open_trust_roots(settings, tmp_path, workers, NetworkKeys.of(KEY))
    await adapters.publish_roots(again, artifacts, database)
    assert again == roots


@pytest.mark.usefixtures("installed")
async def test_gateways_of_one_network_make_the_same_roots_and_others_do_not(
    tmp_path: Path, workers: ProofWorkers
) -> None:
    made = []
    for place, key in enumerate((KEY, KEY, SigningKey(bytes([2] * 32)))):
        roots = await adapters.open_trust_roots(
            GatewaySettings(srs_logrows=6), tmp_path / str(place), workers, NetworkKeys.of(key)
        )
        salt = (roots.paths["salt"] / "salt.bin").read_bytes()
        made.append((salt, development_file(roots.paths["kzg-bn254"], 6).read_bytes()))

    assert made[0] == made[1]
    assert made[0][0] != made[2][0]
    assert made[0][1] != made[2][1]


async def test_a_ceremonys_file_is_taken_as_it_is(
    tmp_path: Path, workers: ProofWorkers, database: Database, installed: dict[str, Setup]
) -> None:
    del installed[SaltSetup.kind]
    ceremony = tmp_path / "ceremony.srs"
    make_development_srs(ceremony, 6)
    artifacts = ArtifactStore.open(str(tmp_path / "artifacts"))

    roots = await adapters.open_trust_roots(GatewaySettings(srs_file=ceremony), tmp_path, workers, NetworkKeys.of(KEY))
    await adapters.publish_roots(roots, artifacts, database)

    assert roots.paths == {"kzg-bn254": ceremony}
    assert list(roots.files) == ["kzg6.srs"]
    assert not roots.for_development
    with pytest.raises(InvalidField, match="no file or folder") as caught:
        settings = GatewaySettings(srs_file=tmp_path / "nothing")
        await adapters.open_trust_roots(settings, tmp_path, workers, NetworkKeys.of(KEY))
    assert caught.value.field == "srs_file"
