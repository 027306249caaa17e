"""`proofgrid srs`: the structured reference string that proofs are made with."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from proofgrid.cli.kit.console import complain, print_json, say
from proofgrid.cli.kit.options import ClientOptions, JsonOption, run_async, with_client
from proofgrid.primitives.errors import InvalidField

group = typer.Typer(name="srs", help="Make or fetch a structured reference string (SRS).", no_args_is_help=True)

OutOption = Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where to write it.")]


@group.command("new")
def new(
    logrows: Annotated[int, typer.Option("--logrows", min=1, max=26, help="Size, as a power of two.")],
    out: OutOption,
    json: JsonOption = False,
) -> None:
    """Make an SRS FOR DEVELOPMENT: whoever makes one could keep its trapdoor and forge proofs.

    \b
    Example:
      proofgrid srs new --logrows 16 --out development.srs
    """
    from proofgrid.proofs.systems.ezkl.circuits.development import make_development_srs

    if out.exists():
        raise InvalidField(f"{out} exists already", field="out", hint="choose another name")
    make_development_srs(out, logrows)
    if json:
        print_json({"file": str(out), "logrows": logrows, "for_development": True})
        return
    say(f"{out}: 2^{logrows} points")
    complain("WARNING: for development only. Use the file of a real ceremony before anybody relies on your proofs.")


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
    if facts.srs_for_development:
        complain("WARNING: this network's SRS is for development; its maker could forge proofs.")
