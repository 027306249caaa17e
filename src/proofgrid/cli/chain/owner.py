"""`proofgrid chain veto|slasher|describe`: what the owner of a network's contract decides, and what pages say of it.

The owner should be a multisig, whose key is nowhere: --call prints what to put into it, and signs nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proofgrid.cli.chain.asking import ask_to_sign
from proofgrid.cli.chain.stake import read_cold_key, say_time, say_tokens, with_reader
from proofgrid.cli.kit.console import print_json, say
from proofgrid.cli.kit.options import JsonOption
from proofgrid.cli.kit.setting_options import with_settings
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.event_loop import run_async
from proofgrid.primitives.signatures import SigningKey, parse_address
from proofgrid.settings.chain import ChainSettings

if TYPE_CHECKING:
    from proofgrid.chain.reading import StakeReader

_URL_CHARS_MAX = 512

OwnerKey = Annotated[
    Path | None,
    typer.Option("--owner-key", metavar="FILE", help="The owner's; its password as that of --stake-key."),
]
OnlyCall = Annotated[bool, typer.Option("--call", help="Print the call for a multisig, and sign nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Sign without asking.")]


def add_to(group: typer.Typer) -> None:
    group.command("veto", short_help="Forbid a proposed slash, as owner.")(veto)
    group.command("slasher", short_help="Let another key propose slashes, as owner.")(slasher)
    group.command("describe", short_help="Say where EigenLayer's pages read about you.")(describe)


@with_settings(ChainSettings)
def veto(
    settings: ChainSettings,
    number: Annotated[int, typer.Argument(metavar="NUMBER", min=0, help="Of the slash, as `chain status` shows it.")],
    owner_key: OwnerKey = None,
    call: OnlyCall = False,
    yes: Yes = False,
    json: JsonOption = False,
) -> None:
    """Forbid a proposed slash, as the owner of the network's contract, before its time is over. Nothing undoes it.

    \b
    Example:
      proofgrid chain veto 3 --avs 0xa852... --owner-key owner.json
      proofgrid chain veto 3 --avs 0xa852... --call
    """

    async def what(reader: StakeReader) -> str:
        slash = await reader.proposed(number)
        left = say_time(max(0, slash.executable_at - slash.block), slash.block_seconds)
        taken = f"{say_tokens(slash.amount)} of {slash.operator}"
        return f"veto slash {number}: {taken}, executable in {left}; it cannot be undone"

    _decide(settings, "veto", (number,), what, owner_key=owner_key, call=call, yes=yes, json=json)


@with_settings(ChainSettings)
def slasher(
    settings: ChainSettings,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Of the key that may propose from now on.")],
    owner_key: OwnerKey = None,
    call: OnlyCall = False,
    yes: Yes = False,
    json: JsonOption = False,
) -> None:
    """Let another key propose slashes, as the owner. The old one may not any more; what it proposed stays.

    Give the anchor the new key at once: until then nothing is proposed.

    \b
    Example:
      proofgrid chain slasher 0x7099... --avs 0xa852... --owner-key owner.json
    """
    named = str(parse_address(address, field="address"))

    async def what(_: StakeReader) -> str:
        return f"let {named} propose slashes, and nobody else; start the anchor with its key"

    _decide(settings, "setSlasher", (named,), what, owner_key=owner_key, call=call, yes=yes, json=json)


@with_settings(ChainSettings)
def describe(
    settings: ChainSettings,
    url: Annotated[str, typer.Argument(metavar="URL", help="Of a JSON file: name, website, description, logo.")],
    network: Annotated[bool, typer.Option("--network", help="Of the network, as its owner; else of you.")] = False,
    owner_key: OwnerKey = None,
    call: OnlyCall = False,
    yes: Yes = False,
    json: JsonOption = False,
) -> None:
    """Say where EigenLayer's pages read about you, or with --network about the network: a public file of JSON.

    \b
    Example:
      proofgrid chain describe https://operator.example/eigenlayer.json --avs 0xa852... --stake-key cold.json
      proofgrid chain describe https://network.example/avs.json --network --avs 0xa852... --call
    """
    if not url.startswith("https://") or len(url) > _URL_CHARS_MAX or not url.isprintable():
        raise InvalidField(f"an address of https, at most {_URL_CHARS_MAX} characters", field="url")

    async def what(_: StakeReader) -> str:
        return f"let pages read about {'the network' if network else 'you'} at {url}; anybody can see that"

    if network:
        _decide(settings, "describe", (url,), what, owner_key=owner_key, call=call, yes=yes, json=json)
        return
    key = read_cold_key(settings)

    async def act(reader: StakeReader) -> None:
        from proofgrid.chain.accounts import Sender
        from proofgrid.chain.stake import Staker

        await Staker(Sender.with_secret(reader.web3, key.secret), reader.service).describe(url)

    ask_to_sign(run_async(with_reader(settings, what)), yes=yes, json=json)
    run_async(with_reader(settings, act))
    _tell({"url": url}, json=json)


def _decide(
    settings: ChainSettings,
    name: str,
    arguments: tuple[object, ...],
    what: Callable[[StakeReader], Awaitable[str]],
    *,
    owner_key: Path | None,
    call: bool,
    yes: bool,
    json: bool,
) -> None:
    """Say what the owner's call does, and make it, or print it."""
    says = run_async(with_reader(settings, what))

    async def spelled(reader: StakeReader) -> dict[str, object]:
        contract = reader.service.avs_of(reader.web3)
        return {"to": reader.service.avs, "value": 0, "data": str(contract.encode_abi(name, args=list(arguments)))}

    if call:
        print_json({"does": says, **run_async(with_reader(settings, spelled))})
        return
    if owner_key is None:
        raise InvalidField(
            "whose decision is it?", field="owner_key", hint="--owner-key FILE, or --call for a multisig"
        )
    from proofgrid.sdk.keys import read_key

    key: SigningKey = read_key(owner_key, password=settings.stake_key_password or None)
    ask_to_sign(says, yes=yes, json=json)

    async def act(reader: StakeReader) -> dict[str, object]:
        from proofgrid.chain.accounts import Sender

        sender = Sender.with_secret(reader.web3, key.secret)
        receipt = await sender.call(reader.service.avs_of(reader.web3), name, *arguments)
        return {"transaction": f"0x{bytes(receipt['transactionHash']).hex()}", "block": int(receipt["blockNumber"])}

    _tell(run_async(with_reader(settings, act)), json=json)


def _tell(done: dict[str, object], *, json: bool) -> None:
    if json:
        print_json(done)
    else:
        say("done: " + ", ".join(f"{name} {value}" for name, value in done.items()), style="bold green")
