"""`proofgrid program solidity` and `calldata`: contracts that verify a program's proofs, and the calls of them."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proofgrid.cli.kit.bars import stage_bar
from proofgrid.cli.kit.console import complain, print_json, say
from proofgrid.cli.kit.options import JsonOption
from proofgrid.cli.kit.reading import read_settings
from proofgrid.primitives.digests import parse_digest
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.event_loop import run_async

if TYPE_CHECKING:
    from proofgrid.proofs.offers import Contract

ProgramOption = Annotated[
    str | None, typer.Option("--program", metavar="DIGEST", help="The program that a bundle must be of.")
]


def add_to(group: typer.Typer) -> None:
    group.command("solidity", short_help="Write the contract that verifies its proofs.")(solidity)
    group.command("calldata", short_help="Turn a bundle into calls of that contract.")(calldata)


def solidity(
    source: Annotated[
        Path, typer.Argument(metavar="DIR|BUNDLE", help="The folder that was registered, or a bundle of the program.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where to write it.")] = Path("Verifier.sol"),
    system: Annotated[str, typer.Option("--system", help="The proof system of a folder.")] = "groth16",
    setting: Annotated[
        list[str] | None, typer.Option("--setting", "-s", metavar="KEY=VALUE", help="As when it was registered.")
    ] = None,
    srs: Annotated[
        Path | None, typer.Option("--srs", metavar="DIR", help="The network's SRS, for systems that need one.")
    ] = None,
    program: ProgramOption = None,
    json: JsonOption = False,
) -> None:
    """Write the contract that verifies this program's proofs on a chain, in Solidity; nothing of it is trusted to us.

    A folder is built first, as by `program build`, so that contract and program belong together; a bundle is verified
    first. A program of several slices gets a contract for each, Verifier-0.sol, Verifier-1.sol, …, and one that holds
    them together: it is deployed with the list of their addresses, and takes all proofs of a request at once.
    One that makes one proof of many inputs gets a last one, for that proof.

    \b
    Example:
      proofgrid program solidity circuit/ --out Verifier.sol
      proofgrid program solidity answer.bundle --program 3f9a…
      proofgrid program calldata answer.bundle --program 3f9a…
    """
    from proofgrid.cli.client.building import build_apart, trust_for
    from proofgrid.proofs.bundles.contracts import contracts_in, contracts_of, writer_of
    from proofgrid.proofs.kit.source_folders import source_in

    with tempfile.TemporaryDirectory(prefix="proofgrid-contract-") as folder:
        scratch = Path(folder)
        if source.is_file():
            contracts = contracts_in(source, expect_program=_pinned(program), workdir=scratch)
        else:
            if program is not None:
                raise InvalidField("a folder's program is what is built of it", field="program")
            writer_of(system)  # before a long build
            files, wanted = source_in(source, system), read_settings(None, setting or [])
            paths = {name: path.absolute() for name, path in files.items()}
            trust = trust_for(system, srs)
            with stage_bar(json=json) as on_stage:
                built = run_async(build_apart(system, paths, wanted, trust, scratch, scratch, on_stage))
            program = built.program.digest
            contracts = contracts_of(built, workdir=scratch)
    written = _write(contracts, out)
    if json:
        rows = [{"file": str(path), "contract": one.name} for path, one in zip(written, contracts, strict=True)]
        print_json({"program": program, "contracts": rows})
        return
    for path, one in zip(written, contracts, strict=True):
        say(f"{path}: contract {one.name}" + (f", for the program {program}" if program else ""))


def calldata(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="The bundle: proofgrid result TASK --out FILE.")],
    program: ProgramOption = None,
    json: JsonOption = False,
) -> None:
    """Verify a bundle and print each of its proofs as a call of its contract, a line of hex digits each.

    Of a program of several slices a last line calls the contract that holds theirs together, with all proofs.

    The call returns where the proof is right, and reverts (or returns false) where it is not. A contract checks a
    proof and its public values; what they mean, and whether they were seen before, is up to whoever calls it.

    \b
    Example:
      proofgrid program calldata answer.bundle --program 3f9a…
      proofgrid program calldata answer.bundle --json
    """
    from proofgrid.proofs.bundles.contracts import calls_in

    if not bundle.is_file():
        raise InvalidField(f"there is no file {bundle}", field="bundle", hint="proofgrid result TASK --out FILE")
    with tempfile.TemporaryDirectory(prefix="proofgrid-contract-") as folder:
        calls = calls_in(bundle, expect_program=_pinned(program), workdir=Path(folder))
    if json:
        print_json(
            [
                {
                    "input": one.input_index,
                    "slice": one.slice_index,
                    "function": one.call.function,
                    "arguments": list(one.call.arguments),
                    "calldata": one.call.calldata,
                }
                for one in calls
            ]
        )
        return
    for one in calls:
        which = "all proofs" if one.slice_index is None else f"input {one.input_index}, slice {one.slice_index}"
        complain(f"{which}: {one.call.function}")
        typer.echo(one.call.calldata)


def _write(contracts: list[Contract], out: Path) -> list[Path]:
    """Write each contract to a file of its own; return the files."""
    if len(contracts) == 1:
        paths = [out]
    else:
        paths = [out.with_name(f"{out.stem}-{index}{out.suffix}") for index in range(len(contracts))]
    for path, one in zip(paths, contracts, strict=True):
        path.write_text(one.source)
    return paths


def _pinned(program: str | None) -> str | None:
    return parse_digest(program, field="program") if program else None
