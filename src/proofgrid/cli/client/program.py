"""`proofgrid program`: build programs here, register them there, look at them."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proofgrid.cli.kit.bars import stage_bar
from proofgrid.cli.kit.console import date_text, plain, print_answers, print_json, print_table, say
from proofgrid.cli.kit.options import ClientOptions, JsonOption, LimitOption, with_client
from proofgrid.cli.kit.proven import agreement_of, agreement_text
from proofgrid.cli.kit.reading import read_settings
from proofgrid.primitives.canonical import Json, canonical_json
from proofgrid.primitives.event_loop import run_async

if TYPE_CHECKING:
    from proofgrid.proofs.base import Program
    from proofgrid.sdk.answers.work import Program as RegisteredProgram

group = typer.Typer(
    name="program",
    help="Build, register and show programs: a model or circuit, its settings, its keys.",
    short_help="Build, register and show programs.",
    no_args_is_help=True,
)

ModelArgument = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL", help="What is to be proven: for ezkl an ONNX file, for others the folder of its files."
    ),
]
SystemOption = Annotated[str, typer.Option("--system", help="The proof system.")]
SettingsOption = Annotated[
    Path | None, typer.Option("--settings", metavar="FILE", help="The program's settings, JSON or TOML.")
]
SettingOption = Annotated[
    list[str] | None, typer.Option("--setting", "-s", metavar="KEY=VALUE", help="One setting; may be given again.")
]
CalibrationOption = Annotated[Path | None, typer.Option("--calibration", metavar="FILE", help="Typical inputs.")]


@group.command("build")
def build(
    model: ModelArgument,
    srs: Annotated[
        Path | None,
        typer.Option("--srs", metavar="DIR", help="The network's SRS, a folder or a file (ezkl): proofgrid srs get."),
    ] = None,
    system: SystemOption = "ezkl",
    settings: SettingsOption = None,
    setting: SettingOption = None,
    calibration: CalibrationOption = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Keep the built files here.")] = None,
    json: JsonOption = False,
) -> None:
    """Build a program on this machine, without a network: the digest is the one that a network names it by.

    So nobody has to believe a gateway about what is being proven.

    \b
    Example:
      proofgrid srs get --out network-srs
      proofgrid program build model.onnx -s slices=4 --srs network-srs
    """
    from proofgrid.cli.client.building import build_apart, trust_for
    from proofgrid.proofs.manifest import program_to_json

    trust = trust_for(system, srs)
    wanted = read_settings(settings, setting or [])
    source = {name: path.absolute() for name, path in _source(model, calibration, system).items()}
    with tempfile.TemporaryDirectory(prefix="proofgrid-build-") as scratch, stage_bar(json=json) as on_stage:
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
        workdir = (out or Path(scratch)).absolute()
        built = run_async(build_apart(system, source, wanted, trust, workdir, Path(scratch), on_stage))
    manifest = program_to_json(built.program)
    if out is not None:
        (out / "program.json").write_bytes(canonical_json(manifest))
    if json:
        print_json({"digest": built.program.digest, **manifest})
    else:
        _print_program(built.program, label="")


@group.command("register")
@with_client
def register(
    options: ClientOptions,
    model: ModelArgument,
    system: SystemOption = "ezkl",
    settings: SettingsOption = None,
    setting: SettingOption = None,
    calibration: CalibrationOption = None,
    label: Annotated[str, typer.Option("--label", help="A name for people.")] = "",
) -> None:
    """Upload a program and have the network build it; prints its digest. The same content is the same program.

    \b
    Example:
      proofgrid program register model.onnx -s slices=4 --label "digits 64-64-32-10"
    """
    run_async(
        _register(options, system, _source(model, calibration, system), read_settings(settings, setting or []), label)
    )


@group.command("list")
@with_client
def list_programs(
    options: ClientOptions,
    limit: LimitOption = 20,
) -> None:
    """List your programs, and those that are shared with you, newest first.

    \b
    Example:
      proofgrid program list
    """
    print_answers(
        options.ask(lambda client: client.programs(limit=limit)),
        ("program", "system", "label", "whose", "slices>", "PU>", "registered (UTC)"),
        lambda one: (
            one.digest,
            one.proof_system,
            one.label,
            f"yours, {one.visibility}" if one.is_yours else one.visibility,
            one.slices,
            one.units,
            date_text(one.created_ms)[:16],
        ),
        empty="no programs",
        json=options.json,
    )


@group.command("show")
@with_client
def show(
    options: ClientOptions,
    digest: Annotated[str, typer.Argument(metavar="DIGEST", help="The program's digest.")],
) -> None:
    """Show a program: settings, slices, units, whom it is shared with; of a stranger's only what everybody may know.

    \b
    Example:
      proofgrid program show 3f9a…
    """
    program = options.ask(lambda client: client.program(digest))
    if options.json:
        print_json(plain(program))
        return
    from proofgrid.proofs.manifest import program_from_json

    _print_program(program_from_json(program.manifest), label=program.label)
    _print_ownership(program)


async def _register(
    options: ClientOptions, system: str, source: Mapping[str, Path], settings: Mapping[str, Json], label: str
) -> None:
    with stage_bar(json=options.json) as on_stage:
        sizes = {path: path.stat().st_size for path in source.values() if path.exists()}
        total = max(1, sum(sizes.values()))
        async with options.client() as client:
            program = await client.register_program(
                source,
                proof_system=system,
                settings=settings,
                label=label,
                on_stage=on_stage,
                on_bytes=lambda sent: on_stage("upload", min(1000, 1000 * sent // total)),
            )
    if options.json:
        print_json(plain(program))
        return
    from proofgrid.proofs.manifest import program_from_json

    _print_program(program_from_json(program.manifest), label=label)
    _print_ownership(program)


def _source(model: Path, calibration: Path | None, system: str) -> dict[str, Path]:
    from proofgrid.proofs.kit.source_folders import source_at

    found = source_at(model, system)
    return found if calibration is None else {**found, "calibration": calibration}


def _print_program(program: Program, *, label: str) -> None:
    say(program.digest, style="bold")
    units = sum(one.units for one in program.slices)
    many = "1 slice" if len(program.slices) == 1 else f"{len(program.slices)} slices"
    say(f"  {program.proof_system}, {many}, {units} PU per input")
    if label:
        say(f"  label: {label}")
    for name in ("inputs", "outputs"):
        tensors = program.summary.get(name)
        for tensor in tensors if isinstance(tensors, list) else ():
            say(f"  {name[:-1]}: {_tensor_text(tensor)}")
    for name, value in program.summary.items():
        if not isinstance(value, list | dict):
            say(f"  {name}: {value}")
    if "agreement" not in program.summary and (agreement := agreement_of(program)):
        say(f"  circuit and model, as measured when it was built: {agreement_text(agreement)}")
    rows = [
        (one.index, one.units, f"{one.memory_bytes >> 20} MiB", ", ".join(map(str, one.depends_on)) or "nothing")
        for one in program.slices
    ]
    rows += [
        (one.index, one.units, f"{one.memory_bytes >> 20} MiB", "the proofs that it wraps") for one in program.wraps
    ]
    print_table(("slice>", "PU>", "memory>", "waits for"), rows, empty="no slices")


def _print_ownership(program: RegisteredProgram) -> None:
    if not program.is_yours:
        say(f"  not yours: {'private' if program.visibility == 'private' else 'shared with you'}")
        return
    shared = "shared with " + ", ".join(program.shared_with) if program.shared_with else "proofgrid program share"
    say(f"  yours, {program.visibility} ({shared}); {program.stored_bytes} bytes count for you")


def _tensor_text(tensor: Json) -> str:
    if not isinstance(tensor, Mapping):
        return str(tensor)
    return f"{tensor.get('name', '')} {tensor.get('shape', '')}".strip()
