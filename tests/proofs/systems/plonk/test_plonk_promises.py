"""PLONK keeps the promises of proof systems; the circuit's public input stands in no constraint."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proofgrid.proofs.kit import conformance
from proofgrid.proofs.kit.conformance import CHECKS, Check, Prepared, complaint, prepare
from proofgrid.proofs.kit.samples import Samples, Source
from proofgrid.proofs.systems.plonk.adapter import PlonkSystem
from tests.proofs.systems.groth16.circom import files_of
from tests.proofs.systems.groth16.test_promises import REFUSED, RIGHT
from tests.proofs.systems.plonk.circuits import trust_or_skip


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    trust = trust_or_skip()
    folder = tmp_path_factory.mktemp("plonk")
    source = Source(files=files_of("product"))
    garbage = folder / "garbage"
    garbage.write_bytes(b"r1cs\x01\x00\x00\x00\xff\xff\xff\xff" + bytes(64))
    # The same inputs, and one constraint more.
    other = Source(files=files_of("other_product"))
    samples = Samples(
        source=source,
        other=other,
        trust=trust,
        inputs=(RIGHT, {"a": ["1", "2", "3"], "b": [4], "limit": 1}),
        malformed=(
            Source(),
            Source(files={"r1cs": source.files["r1cs"]}),
            *(replace(source, files={**source.files, name: garbage}) for name in source.files),
            replace(source, files={**source.files, "r1cs": files_of("membership")["r1cs"]}),
            replace(source, files={**source.files, "wasm": files_of("membership")["wasm"]}),
            replace(source, files={**source.files, "proving_key": garbage}),
            replace(source, settings={"slices": 2}),
            Source(files=files_of("product", prime="bls12377")),
            Source(files=files_of("other_field", prime="bls12381")),
        ),
        refused_inputs=REFUSED,
    )
    return prepare(PlonkSystem(), samples, workdir=folder / "work")


@pytest.mark.thorough  # the same checks run of Groth16
@pytest.mark.parametrize("check", CHECKS, ids=conformance.name_of)
def test_plonk_keeps_its_promises(prepared: Prepared, check: Check) -> None:
    assert complaint(check, prepared) == ""
