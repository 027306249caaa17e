"""`proofgrid program share`, `unshare`, `delete`: what an owner decides about a program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from proofgrid.cli.kit.console import plain, print_json, say
from proofgrid.cli.kit.options import ClientOptions, with_client

if TYPE_CHECKING:
    from proofgrid.sdk.answers.work import Program

DigestArgument = Annotated[str, typer.Argument(metavar="DIGEST", help="The program's digest, or its first digits.")]
WithOption = Annotated[
    list[str] | None,
    typer.Option("--with", metavar="AUDIENCE", help="An address, subnetwork:NAME, or *; may be given again."),
]


def add_to(group: typer.Typer) -> None:
    group.command("share", short_help="Let others have it proven.")(share)
    group.command("unshare", short_help="Take that back.")(unshare)
    group.command("delete", short_help="Own it no more; its files go.")(delete)


@with_client
def share(
    options: ClientOptions,
    digest: DigestArgument,
    audiences: WithOption = None,
    public: Annotated[bool, typer.Option("--public", help="With everybody: --with '*'.")] = False,
) -> None:
    """Let others have a program of yours proven, and see its label and shapes.

    A program that you register is private. Sharing gives nobody its files: the model stays with you and the provers
    that prove with it. The clients of a subnetwork (--with subnetwork:NAME) may use it in that subnetwork's lanes.

    \b
    Example:
      proofgrid program share 3f9a… --with 0x71C7656EC7ab88b098defB751B7401B5f6d8976F
      proofgrid program share 3f9a… --with subnetwork:acme
      proofgrid program share 3f9a… --public
    """
    wanted = [*(audiences or []), *(["*"] if public else [])]
    _print(options, options.ask(lambda client: client.ownership.share(digest, wanted)))


@with_client
def unshare(options: ClientOptions, digest: DigestArgument, audiences: WithOption = None) -> None:
    """Share a program of yours with these no more, or with nobody; tasks that are open go on.

    \b
    Example:
      proofgrid program unshare 3f9a… --with subnetwork:acme
      proofgrid program unshare 3f9a…
    """
    _print(options, options.ask(lambda client: client.ownership.unshare(digest, audiences or [])))


@with_client
def delete(options: ClientOptions, digest: DigestArgument) -> None:
    """Own a program no more: nobody has it proven any longer, and its files go, unless somebody else owns it as well.

    Bundles that were made with it still verify. Not while tasks of it are open (PG-144).

    \b
    Example:
      proofgrid program delete 3f9a…
    """
    deleted = options.ask(lambda client: client.ownership.delete(digest))
    if options.json:
        print_json(plain(deleted))
        return
    if not deleted.was_yours:
        say("It is not yours, or not any more.")
        return
    say("Deleted." + (" Others who registered the same content still own it." if deleted.has_other_owners else ""))
    say(f"{deleted.released_bytes} bytes stop counting for you within the hour.")
    if deleted.kept_bytes:
        say(f"{deleted.kept_bytes} bytes that verify its proofs stay, and count for you.")


def _print(options: ClientOptions, program: Program) -> None:
    if options.json:
        print_json(plain(program))
        return
    say(f"{program.digest} is {program.visibility}.")
    for audience in program.shared_with:
        say(f"  shared with {'everybody' if audience == '*' else audience}")
