"""A prover that cheats, with real proofs: never paid, its slice is proven again elsewhere, the task ends well."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from proofgrid.primitives.canonical import Json
from proofgrid.proofs.base import ProgramFiles
from proofgrid.proofs.systems.ezkl.adapter import EzklProofSystem
from proofgrid.proofs.systems.ezkl.setup import KZG_BN254
from proofgrid.sdk.answers.work import Program
from tests.acceptance.tasks import check_paid_once, events_of, fetch_and_verify
from tests.networks import Network
from tests.proofs.systems.ezkl.models import an_mlp, save
from tests.reference_strings import reference_string

SYSTEM = EzklProofSystem()
WIDTHS = (6, 6, 6, 4)
SETTINGS: Mapping[str, Json] = {"slices": 3, "decomposition": "128x4", "input_range": [0, 1]}
INPUT = [0.5, 0.25, 0.125, 0.75, 0.0, 1.0]
OTHER_INPUT = [1.0, 0.5, 0.25, 0.0, 0.75, 0.125]


@dataclass(frozen=True, slots=True)
class Models:
    """Two models of one shape, built, so that the cheater has something to cheat with."""

    path: Path
    files: ProgramFiles
    foreign: ProgramFiles
    srs: Path


def ignore(stage: str, share: int) -> None:
    """Report nothing."""


def install_cheating_ezkl(site: Path) -> None:
    """What `pip install` of a third party's package named like ours would do."""
    info = site / "cheating_ezkl-1.0.dist-info"
    info.mkdir(parents=True)
    shutil.copy(Path(__file__).parents[1] / "cheating_system.py", site / "cheating_ezkl.py")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: cheating-ezkl\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[proofgrid.proof_systems]\nezkl = cheating_ezkl:CheatingEzkl\n")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    folder = tmp_path_factory.mktemp("models")
    reference_string(11, folder / "srs")
    built = []
    for seed in (0, 5):
        path = save(an_mlp(*WIDTHS, seed=seed), folder / f"model-{seed}.onnx")
        workdir = folder / str(seed)
        workdir.mkdir()
        built.append(
            SYSTEM.build_program(
                {"model": path}, SETTINGS, trust={KZG_BN254: folder / "srs"}, workdir=workdir, report=ignore
            )
        )
    return Models(folder / "model-0.onnx", built[0], built[1], folder / "srs")


def prepare_cheat(models: Models, cache: Path, cheat: str) -> None:
    """Put into a prover's cache what its cheat needs."""
    cache.mkdir(parents=True, exist_ok=True)
    (cache / "cheat").write_text(cheat)
    for job in SYSTEM.normalise(models.files, [OTHER_INPUT], workdir=cache).jobs:
        (cache / f"other-{job.slice_index}").write_bytes(job.input)
    if cheat == "model":
        for job in SYSTEM.normalise(models.foreign, [INPUT], workdir=cache).jobs:
            output = SYSTEM.run_job(
                models.foreign, job.slice_index, job.input, cache=cache, workdir=cache / "foreign", report=ignore
            )
            (cache / f"foreign-{job.slice_index}").write_bytes(output.proof)


@pytest.fixture(scope="module")
def shared_settings(models: Models) -> dict[str, str]:
    return {"SRS_FILE": str(models.srs)}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def program(network_of_file: Network, models: Models) -> Program:
    async with network_of_file.client() as client:
        return await client.register_program({"model": models.path}, settings=SETTINGS)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    "cheat",
    [
        "output",
        *(
            pytest.param(kind, marks=pytest.mark.thorough)
            for kind in ("input", "model", "truncated", "flipped", "garbage")
        ),
    ],
)
async def test_a_cheater_is_caught_unpaid_and_its_slices_are_proven_elsewhere(
    shared_network: Network, program: Program, models: Models, tmp_path: Path, cheat: str
) -> None:
    network, operator = shared_network, f"operator-{cheat}"
    network.add_key(operator)
    await network.grant(operator, "operator")
    site = tmp_path / "cheating-site"
    install_cheating_ezkl(site)
    prepare_cheat(models, network.keys_directory("cheater", operator), cheat)

    async with network.client() as client:
        task = await client.submit(program.digest, [INPUT], limit_price=2_000)
        await network.start_prover("cheater", operator, ask=100, path=site)
        # The last slice alone has an output to lie about; the honest prover comes once the cheater was caught.
        async for event in client.watch(task.task_id):
            if event.kind == "returned":
                break
        await network.start_prover("honest", "bob", ask=900)
        events = await events_of(client, task.task_id)
        task = await client.task(task.task_id)
        report = await fetch_and_verify(client, network, task, tmp_path)
        async with network.client(operator) as its_operator:
            cheaters_account = await its_operator.account()

    caught = [event.data for event in events if event.kind == "returned"]
    assert caught
    assert {(item["reason"], item["prover"].endswith("/cheater")) for item in caught} == {("bad_proof", True)}
    assert "PG-40" in caught[0]["detail"]
    assert task.state == "done"
    honest_jobs = [job for job in report.manifest.jobs if job.prover.endswith("/honest")]
    paid_to_cheater = sum(job.paid for job in report.manifest.jobs if job.prover.endswith("/cheater"))
    assert {item["slice"] for item in caught} <= {job.slice_index for job in honest_jobs}
    assert cheaters_account.earned == paid_to_cheater
    if cheat != "output":  # nothing it handed in was a proof of its job
        assert cheaters_account.earned == 0
    await check_paid_once(network)


def test_the_digest_is_the_same_on_the_clients_machine(models: Models, tmp_path: Path) -> None:
    again = SYSTEM.build_program(
        {"model": models.path}, SETTINGS, trust={KZG_BN254: models.srs}, workdir=tmp_path, report=ignore
    ).program
    assert again.digest == models.files.program.digest != models.foreign.program.digest
