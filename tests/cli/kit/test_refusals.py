"""A bundle that does not verify: its reader hears which check failed and what not to believe any more."""

from __future__ import annotations

import pytest

from proofgrid.cli.kit.refusals import meaning_of
from proofgrid.primitives.errors import (
    BadBundle,
    BadProof,
    BrokenLink,
    InvalidField,
    ProofgridError,
    UnknownProofSystem,
)


@pytest.mark.parametrize(
    ("error", "check", "meaning"),
    [
        (BadBundle(field="container"), "whole bundle", "Get it again"),
        (BadBundle(field="signature"), "signed it", "believe no name, price or number"),
        (BadBundle(field="program"), "the expected one", "say nothing about yours"),
        (BadProof(field="proofs[0][2]"), "every proof verifies", "Do not use them"),
        (BadProof(field="statement.inputs[0].commitment"), "inputs that it shows", "about other inputs"),
        (BadProof(field="result.outputs[1]"), "outputs that it shows", "do not use its numbers"),
        (BrokenLink(field="links[0][1]"), "fit together", "do not use its outputs"),
        (BadBundle(field="rounds"), "prices are those of the market", "The proofs hold"),
        (BadProof(field="something.new"), "hold for what it shows", "is not proven"),
        (UnknownProofSystem(), "can check it", "says nothing about the bundle"),
        (InvalidField(field="file"), "", "says nothing about the bundle"),
    ],
)
def test_each_check_means_something_to_its_reader(error: ProofgridError, check: str, meaning: str) -> None:
    said = meaning_of(error)
    assert check in said[0]
    assert meaning in said[1]
