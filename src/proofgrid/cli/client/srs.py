"""`proofgrid srs`: the structured reference string that proofs are made with."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from proofgrid.cli.kit.bars import count_bar
from proofgrid.cli.kit.console import complain, print_json, say
from proofgrid.cli.kit.options import ClientOptions, JsonOption, with_client
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.event_loop import run_async

group = typer.Typer(
    name="srs",
    help="Make, import, check or fetch a structured reference string (SRS).",
    short_help="Reference strings: make, import, fetch.",
    no_args_is_help=True,
)


@group.command("make")
def make(
    logrows: Annotated[int, typer.Option("--logrows", min=1, max=26, help="Largest size, as a power of two.")],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="DIR", help="Folder for all usual sizes; a name ending in .srs: one file."),
    ],
    json: JsonOption = False,
) -> None:
    """Make an SRS FOR DEVELOPMENT: whoever makes one could keep its trapdoor and forge proofs.

    A gateway does this by itself, size by size, when programs need them.

    \b
    Example:
      proofgrid srs make --logrows 16 --out development-srs
    """
    from proofgrid.proofs.systems.ezkl.circuits import development

    if out.exists():
        raise InvalidField(f"{out} exists already", field="out", hint="choose another name")
    is_one_file = out.suffix == ".srs"
    write = development.make_development_srs if is_one_file else development.make_development_srs_folder
    with count_bar("points") as on_points:
        write(out, logrows, on_points)
    if json:
        print_json({"file" if is_one_file else "folder": str(out), "logrows": logrows, "for_development": True})
        return
    say(f"{out}: {'2^' if is_one_file else 'up to 2^'}{logrows} rows")
    complain("WARNING: for development only. Use the file of a real ceremony before anybody relies on your proofs.")


@group.command("check")
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .ptau file, or kzg<k>.srs.")],
    json: JsonOption = False,
) -> None:
    """Check that every point of a ceremony's file belongs to one tau; nothing is fetched.

    \b
    Example:
      proofgrid srs check kzg17.srs
      proofgrid srs check powersOfTau28_hez_final_17.ptau
    """
    from proofgrid.proofs.systems.ezkl.reference import importing

    with count_bar("points") as on_points:
        found = importing.check(file, on_points)
    if json:
        print_json({"file": str(file), "form": found.form, "logrows": found.logrows, "ok": True})
        return
    say(f"{file}: every point belongs to one tau; 2^{found.logrows} rows", style="green")
    say("Whether anybody knows that tau, only its ceremony can tell: compare the file's checksum.")


@group.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .ptau file (prepared), or kzg<k>.srs.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for kzg<k>.srs, made when missing.")],
    logrows: Annotated[
        int | None,
        typer.Option("--logrows", min=1, max=26, help="Largest size, as a power of two. [default: the file's]"),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Make a network's SRS of a ceremony's file, checked point by point; nothing is fetched.

    A .ptau file gives every usual size. One of EZKL's gives its own, or a smaller one: minutes from 2^15 on.

    \b
    Example:
      proofgrid srs import powersOfTau28_hez_final_17.ptau --out ceremony --logrows 17
      proofgrid gateway --srs-file ceremony
    """
    from proofgrid.proofs.systems.ezkl.reference import importing

    with count_bar("points") as on_points:
        written = importing.import_ceremony(file, out, logrows=logrows, progress=on_points)
    if json:
        print_json({"folder": str(out), "files": [path.name for path in written]})
        return
    say(f"{out}: {', '.join(path.name for path in written)}, every point checked")
    say(f"Start the network with it: proofgrid gateway --srs-file {out}")


@group.command("get")
@with_client
def get(
    options: ClientOptions,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for its files, made when missing.")],
) -> None:
    """Download the network's SRS, every file checked against its digest, to build programs here.

    \b
    Example:
      proofgrid srs get --out network-srs
    """
    run_async(_get(options, out))


async def _get(options: ClientOptions, out: Path) -> None:
    from proofgrid.primitives.digests import parse_digest
    from proofgrid.sdk.transfer import download_file

    async with options.client() as client:
        facts = await client.facts()
        if not facts.srs_files:
            raise InvalidField("this network has no SRS", field="srs")
        await asyncio.to_thread(out.mkdir, parents=True, exist_ok=True)
        for name, digest in sorted(facts.srs_files.items()):
            await download_file(client.connection, parse_digest(digest), out / Path(name).name)
    if options.json:
        files = dict(facts.srs_files)
        print_json({"folder": str(out), "files": files, "for_development": facts.srs_for_development})
        return
    say(f"{out}: {', '.join(sorted(facts.srs_files))}")
    if not any(name.startswith("kzg") for name in facts.srs_files):
        say("No size is made yet: sizes are made when programs need them. Register your model, then get it again.")
    if facts.srs_for_development:
        complain("WARNING: this network's SRS is for development; its maker could forge proofs.")
