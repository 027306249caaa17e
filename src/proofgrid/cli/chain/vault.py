"""`proofgrid vault deposit|claim|exit|proof`: money in a vault, with a node and a file, and no gateway."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from proofgrid.cli.chain.asking import ask_to_sign
from proofgrid.cli.kit.console import print_json, say
from proofgrid.cli.kit.options import JsonOption
from proofgrid.cli.kit.setting_options import with_settings
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.event_loop import run_async
from proofgrid.primitives.ids import Address
from proofgrid.primitives.money import parse_amount, tokens_text
from proofgrid.primitives.signatures import parse_address
from proofgrid.rules.ledger.payouts import on_chain
from proofgrid.rules.ledger.vault_batches import Batch, parse_batch
from proofgrid.settings.vault import VaultSettings

if TYPE_CHECKING:
    from proofgrid.chain.vault_desk import VaultDesk, VaultNow, VaultStep

T = TypeVar("T")

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Sign without asking.")]
FileOption = Annotated[
    Path | None, typer.Option("--file", metavar="FILE", help="The public file of a batch: proofgrid vault batch.")
]
AccountArgument = Annotated[
    str, typer.Argument(metavar="[ACCOUNT]", help="Whose money; the address of your key unless said otherwise.")
]

group = typer.Typer(
    name="vault",
    help="Money over a vault on a chain: pay in, be paid out, and leave when the network is gone.",
    short_help="Money over a vault on a chain.",
    no_args_is_help=True,
)


@group.command("deposit")
@with_settings(VaultSettings)
def deposit(
    settings: VaultSettings,
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="In tokens, exactly: 1.5")],
    account: AccountArgument = "",
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Pay into a network's vault: the account is credited in the network when the block is final.

    Two transactions are signed: the vault may take so many base units of the token, and takes them. Nothing else.

    \b
    Example:
      proofgrid vault deposit 25 --rpc https://node.example --vault 0x5fbd... --chain-key wallet.json
    """
    wanted = parse_amount(amount)

    def steps(mine: Address, now: VaultNow) -> list[VaultStep]:
        from proofgrid.chain.vault_desk import VaultStep

        units = on_chain(wanted, now.facts.unit)
        if now.is_frozen:
            raise InvalidField("the vault is frozen: nothing is paid in any more", field="vault")
        if units > now.tokens:
            raise InvalidField(f"{mine} has {now.tokens} base units of the token, not {units}", field="amount")
        wait = f"about {now.block - now.final} blocks, {_time((now.block - now.final) * now.block_seconds)}"
        says = (
            f"pay {tokens_text(wanted)} = {units} base units of {now.facts.token} into {now.facts.vault}"
            f" for {_whose(account, mine)}; credited when it is final, in {wait}"
        )
        return [VaultStep(says=says, name="deposit", arguments=(_whose(account, mine), units), approves=units)]

    _carry_out(settings, "", steps, yes=yes, json=json)


@group.command("claim")
@with_settings(VaultSettings)
def claim(
    settings: VaultSettings,
    account: AccountArgument = "",
    file: FileOption = None,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Claim what you were paid out: by the file of the batch in force. Anybody may for an account; the account is paid.

    \b
    Example:
      proofgrid vault claim --file batch.json --vault 0x5fbd... --chain-key wallet.json
    """
    from proofgrid.chain.vault_desk import claim_steps

    batch = _read(file)
    _carry_out(
        settings,
        account,
        lambda mine, now: claim_steps(_needed(batch), _whose(account, mine), now),
        yes=yes,
        json=json,
    )


@group.command("exit")
@with_settings(VaultSettings)
def leave(
    settings: VaultSettings,
    account: AccountArgument = "",
    file: FileOption = None,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Get your money out when the network is gone: freeze the vault after its silence, leave by the last batch's file.

    It needs a node of the chain and the file, and no gateway: what you are owed, what you were paid out and did not
    claim, and what you paid in that no batch has seen.

    \b
    Example:
      proofgrid vault exit --file batch.json --vault 0x5fbd... --chain-key wallet.json
    """
    from proofgrid.chain.vault_desk import exit_steps

    batch = _read(file)
    _carry_out(settings, account, lambda mine, now: exit_steps(batch, _whose(account, mine), now), yes=yes, json=json)


@group.command("proof")
def proof(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Whose.")],
    file: FileOption = None,
    json: JsonOption = False,
) -> None:
    """Compute what an account claims and leaves by, out of a batch's public file. Nothing is asked of anybody.

    \b
    Example:
      proofgrid vault proof 0x52908400098527886E0F7030069857D2E4169EE7 --file batch.json
    """
    batch, whose = _needed(_read(file)), parse_address(account, field="account")
    found = {
        "account": whose,
        "sequence": batch.sequence,
        **_leaf("payout", whose, batch.payouts, lambda: batch.paid.proof(whose), batch.paid.root),
        **_leaf("balance", whose, batch.balances, lambda: batch.owed.proof(whose), batch.owed.root),
    }
    if json:
        print_json(found)
        return
    for name, value in found.items():
        say(f"{name:<16}{', '.join(value) if isinstance(value, list) else value}")


def _leaf(
    name: str, account: Address, amounts: Mapping[Address, int], proof: Callable[[], list[bytes]], root: bytes
) -> dict[str, object]:
    there = account in amounts
    return {
        name: str(amounts.get(account, 0)),
        f"{name}_root": f"0x{root.hex()}",
        f"{name}_proof": [f"0x{one.hex()}" for one in proof()] if there else [],
    }


def _whose(account: str, mine: Address) -> Address:
    return parse_address(account, field="account") if account else mine


def _read(file: Path | None) -> Batch | None:
    if file is None:
        return None
    try:
        return parse_batch(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidField(f"{file} cannot be read: {error}", field="file") from error


def _needed(batch: Batch | None) -> Batch:
    if batch is None:
        raise InvalidField("which batch?", field="file", hint="--file FILE, from: proofgrid vault batch --out FILE")
    return batch


def _carry_out(
    settings: VaultSettings,
    account: str,
    steps: Callable[[Address, VaultNow], list[VaultStep]],
    *,
    yes: bool,
    json: bool,
) -> None:
    async def look(desk: VaultDesk, mine: Address) -> list[VaultStep]:
        return steps(mine, await desk.look(_whose(account, mine)))

    plan = run_async(_at_desk(settings, look))
    ask_to_sign(*(f"{number}. {step.says}" for number, step in enumerate(plan, 1)), yes=yes, json=json)

    async def work(desk: VaultDesk, _mine: Address) -> None:
        await desk.act(plan)

    if plan:
        run_async(_at_desk(settings, work))
    done = [step.says for step in plan]
    if json:
        print_json({"done": done})
    else:
        say("done" if done else "nothing to do", style="bold green")


async def _at_desk(settings: VaultSettings, work: Callable[[VaultDesk, Address], Awaitable[T]]) -> T:
    from proofgrid.chain.accounts import Sender
    from proofgrid.chain.vault_desk import VaultDesk
    from proofgrid.chain.web3 import connect
    from proofgrid.sdk.keys import read_key

    if not settings.vault:
        raise InvalidField("which vault?", field="vault", hint="--vault ADDRESS; `proofgrid vault status` says it")
    if settings.chain_key is None:
        raise InvalidField("who signs, and pays the gas?", field="chain_key", hint="--chain-key FILE")
    key = read_key(settings.chain_key, password=settings.chain_key_password or None)
    web3 = connect(settings.rpc)
    try:
        vault = parse_address(settings.vault, field="vault")
        return await work(VaultDesk(web3, vault, Sender.with_secret(web3, key.secret)), key.address)
    finally:
        await web3.provider.disconnect()


def _time(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"
