"""`proofgrid program keygen`: keys for development, for proof systems whose keys are part of a program."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from proofgrid.cli.kit.bars import stage_bar
from proofgrid.cli.kit.console import complain, print_json, say
from proofgrid.cli.kit.options import JsonOption
from proofgrid.primitives.errors import InvalidField


def add_to(group: typer.Typer) -> None:
    group.command("keygen", short_help="Make keys for development.")(run)


def run(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder of the circuit's files; the keys go there too.")
    ],
    system: Annotated[str, typer.Option("--system", help="The proof system.")] = "groth16",
    one_proof: Annotated[
        int,
        typer.Option(
            "--one-proof",
            metavar="N",
            help="Make the keys of wraps instead, for one proof of up to N inputs (1 to 64).",
        ),
    ] = 0,
    json: JsonOption = False,
) -> None:
    """Make a proving and a verifying key for a circuit, for development: whoever made them could forge proofs.

    Groth16's keys are random, so they are part of what is registered, and everybody who registers the circuit with
    the same keys gets the same program. For real use bring the keys of a ceremony.

    Keys of wraps (--one-proof) serve all circuits with as many outputs and public inputs: copy them, and everybody
    who does has made no setup of their own. A setup takes a minute of processor time for each proof that fits in.

    \b
    Example:
      proofgrid program keygen circuit/
      proofgrid program keygen circuit/ --one-proof 8
      proofgrid program register circuit/ --system groth16
    """
    from proofgrid.proofs.kit.source_folders import source_in
    from proofgrid.proofs.offers import MakesKeys, MakesWrapKeys
    from proofgrid.proofs.registry import proof_system

    chosen = proof_system(system)
    if not isinstance(chosen, MakesKeys):
        raise InvalidField(f"programs of {system} bring no keys: the network makes them", field="system")
    source = source_in(folder, system)
    with tempfile.TemporaryDirectory(prefix="proofgrid-keys-") as scratch, stage_bar(json=json) as on_stage:
        if not one_proof:
            made = chosen.make_keys(source, folder, workdir=Path(scratch), report=on_stage)
        elif isinstance(chosen, MakesWrapKeys):
            made = chosen.make_wrap_keys(source, folder, parts=one_proof, workdir=Path(scratch), report=on_stage)
        else:
            raise InvalidField(f"programs of {system} have no wraps", field="one_proof")
    complain(
        "DEVELOPMENT KEYS: whoever runs this command could keep what forges proofs for this circuit.", style="yellow"
    )
    if json:
        print_json({name: str(path) for name, path in made.items()})
        return
    for name, path in made.items():
        say(f"{name}: {path} ({path.stat().st_size} bytes)")
