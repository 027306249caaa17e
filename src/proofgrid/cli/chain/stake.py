"""`proofgrid chain join|allocate|rotate|leave|status`: an operator's stake on EigenLayer.

What takes time or cannot be undone is said before anything is signed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from proofgrid.cli.chain.asking import ask_to_sign
from proofgrid.cli.kit.console import print_json, print_table, say
from proofgrid.cli.kit.options import JsonOption, read_signer_of
from proofgrid.cli.kit.setting_options import with_settings
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.event_loop import run_async
from proofgrid.primitives.ids import Address
from proofgrid.primitives.money import parse_amount
from proofgrid.primitives.signatures import SigningKey, parse_address
from proofgrid.rules.staking.onchain import StakeTerms, staked
from proofgrid.settings.chain import ChainSettings

if TYPE_CHECKING:
    from proofgrid.chain.reading import StakeOnChain, StakeReader
    from proofgrid.chain.stake import Staker

T = TypeVar("T")
_TOKEN = 10**18

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Sign without asking.")]
PartOption = Annotated[int, typer.Option("--part", min=1, max=1_000, help="Allocate so much of your stake, in 1/1000.")]
HotKeyOption = Annotated[Path | None, typer.Option("--hot-key", metavar="FILE", help="The key of your provers.")]

group = typer.Typer(
    name="chain",
    help="Your stake on EigenLayer, and a local chain to try it on.",
    short_help="Your stake on EigenLayer.",
    no_args_is_help=True,
)


@dataclass(frozen=True, slots=True)
class Step:
    """One transaction, as it is said before it is signed."""

    says: str
    act: Callable[[Staker], Awaitable[None]]


@group.command("status")
@with_settings(ChainSettings)
def status(
    settings: ChainSettings,
    operator: Annotated[str, typer.Argument(metavar="[OPERATOR]", help="Yours unless said otherwise.")] = "",
    json: JsonOption = False,
) -> None:
    """Show an operator's stake: what can be slashed, what it stands for, what changes at which block.

    \b
    Example:
      proofgrid chain status 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --rpc http://127.0.0.1:8545 --avs 0xa852...
    """
    address = parse_address(operator, field="operator") if operator else read_cold_key(settings).address
    seen = run_async(_looked(settings, address))
    if json:
        print_json(asdict(seen) | {"stands_for": staked(seen.samples, StakeTerms())})
    else:
        _show(seen)


@group.command("join")
@with_settings(ChainSettings)
def join(
    settings: ChainSettings,
    hot_key: HotKeyOption = None,
    deposit: Annotated[str, typer.Option("--deposit", metavar="TOKENS", help="Deposit so much first.")] = "0",
    part: PartOption = 1_000,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Join a network with stake: become an operator of EigenLayer, deposit, allocate, join. What is done is left out.

    A new operator waits for EigenLayer's configuration delay between registering and allocating: run it again then.

    \b
    Example:
      proofgrid chain join --avs 0xa852... --stake-key cold.json --hot-key operator.key --deposit 100
    """
    from proofgrid.chain.eigenlayer import WAD

    hot, amount = (
        read_signer_of(hot_key, settings.stake_key_password),
        parse_amount(deposit, field="deposit") * StakeTerms().unit,
    )

    def steps(seen: StakeOnChain) -> list[Step]:
        found = []
        if not seen.is_operator:
            wait = _time(seen.delays.configuration + 1, seen)
            found.append(
                Step(
                    f"register as an operator of EigenLayer; run this again in {wait} to allocate and join",
                    lambda me: me.register(),
                )
            )
        if amount:
            wait = _time(seen.delays.withdrawal, seen)
            found.append(
                Step(f"deposit {say_tokens(amount)}: it takes {wait} to come back", lambda me: me.deposit(amount))
            )
        if seen.is_operator and not seen.allocated and not seen.pending:
            wait = _time(seen.delays.deallocation, seen)
            says = f"allocate {part}/1000 of your stake: it can be slashed until {wait} after you take it back"
            found.append(Step(says, lambda me: me.allocate(WAD * part // 1_000)))
        if seen.is_operator and not seen.is_member:
            says = f"join with the hot key {hot.address}: what it signs is your word, also after you change it"
            found.append(Step(says, lambda me: me.join(hot)))
        return found

    _carry_out(settings, steps, yes=yes, json=json)


@group.command("allocate")
@with_settings(ChainSettings)
def allocate(
    settings: ChainSettings,
    part: Annotated[int, typer.Argument(metavar="PART", min=0, max=1_000, help="Of your stake, in 1/1000.")],
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Change how much of your stake the network can slash. More counts soon, less only after a delay.

    \b
    Example:
      proofgrid chain allocate 500 --avs 0xa852... --stake-key cold.json
    """
    from proofgrid.chain.eigenlayer import WAD

    def steps(seen: StakeOnChain) -> list[Step]:
        wanted = WAD * part // 1_000
        if wanted == seen.allocated:
            return []
        less = f"what you take back can be slashed for {_time(seen.delays.deallocation, seen)} more"
        says = less if wanted < seen.allocated else "it can be slashed from then on"
        return [Step(f"allocate {part}/1000 of your stake: {says}", lambda me: me.allocate(wanted))]

    _carry_out(settings, steps, yes=yes, json=json)


@group.command("rotate")
@with_settings(ChainSettings)
def rotate(
    settings: ChainSettings, hot_key: HotKeyOption = None, yes: YesOption = False, json: JsonOption = False
) -> None:
    """Let another hot key sign your results. What the old one signed stays your word.

    \b
    Example:
      proofgrid chain rotate --hot-key new.key --avs 0xa852... --stake-key cold.json
    """
    hot = read_signer_of(hot_key, settings.stake_key_password)

    def steps(seen: StakeOnChain) -> list[Step]:
        if not seen.is_member:
            raise InvalidField("only members have a hot key", field="stake_key", hint="proofgrid chain join")
        return [] if seen.signer == hot.address else [Step(f"sign with {hot.address}", lambda me: me.rotate(hot))]

    _carry_out(settings, steps, yes=yes, json=json)


@group.command("leave")
@with_settings(ChainSettings)
def leave(settings: ChainSettings, yes: YesOption = False, json: JsonOption = False) -> None:
    """Leave the network. Your stake can be slashed for EigenLayer's delay, and you cannot join again before its end.

    \b
    Example:
      proofgrid chain leave --avs 0xa852... --stake-key cold.json
    """

    def steps(seen: StakeOnChain) -> list[Step]:
        if not seen.is_member:
            return []
        wait = _time(seen.delays.deallocation, seen)
        return [Step(f"leave: no more leases; slashable, and unable to join again, for {wait}", lambda me: me.leave())]

    _carry_out(settings, steps, yes=yes, json=json)


def _carry_out(settings: ChainSettings, steps: Callable[[StakeOnChain], list[Step]], *, yes: bool, json: bool) -> None:
    cold = read_cold_key(settings)
    plan = steps(run_async(_looked(settings, cold.address)))
    ask_to_sign(*(f"{number}. {step.says}" for number, step in enumerate(plan, 1)), yes=yes, json=json)

    async def work(reader: StakeReader) -> StakeOnChain:
        from proofgrid.chain.accounts import Sender
        from proofgrid.chain.stake import Staker

        me = Staker(Sender.with_secret(reader.web3, cold.secret), reader.service)
        for step in plan:
            await step.act(me)
        return await reader.look(cold.address)

    seen = run_async(with_reader(settings, work))
    if json:
        print_json({"done": [step.says for step in plan], "stake": asdict(seen)})
    else:
        say("done" if plan else "nothing to do", style="bold green")
        _show(seen)


async def _looked(settings: ChainSettings, operator: Address) -> StakeOnChain:
    return await with_reader(settings, lambda reader: reader.look(operator))


async def with_reader(settings: ChainSettings, work: Callable[[StakeReader], Awaitable[T]]) -> T:
    """Work with what reads the network's service. Raises InvalidField, ChainNotReached."""
    from proofgrid.chain.reading import StakeReader, find_service
    from proofgrid.chain.web3 import connect

    if not settings.avs:
        raise InvalidField("which network's contract?", field="avs", hint="--avs ADDRESS; the network publishes it")
    avs = str(parse_address(settings.avs, field="avs"))
    web3 = connect(settings.rpc)
    try:
        return await work(StakeReader(web3, await find_service(web3, avs)))
    finally:
        await web3.provider.disconnect()


def read_cold_key(settings: ChainSettings) -> SigningKey:
    """Return the key that holds the stake. Raises InvalidField."""
    if settings.stake_key is None:
        raise InvalidField("which key holds the stake?", field="stake_key", hint="--stake-key FILE")
    from proofgrid.sdk.keys import read_key

    return read_key(settings.stake_key, password=settings.stake_key_password or None)


def _show(seen: StakeOnChain) -> None:
    changes = "nothing"
    if seen.pending:
        wait = _time(max(0, seen.pending_at - seen.block), seen)
        changes = f"{_permille(seen.pending)} of 1000 at block {seen.pending_at}, in {wait}"
    rows = [
        ("operator of EigenLayer", "yes" if seen.is_operator else "no"),
        ("member of the network", "yes" if seen.is_member else "no"),
        ("hot key", seen.signer or "none"),
        ("deposited", say_tokens(seen.deposited)),
        ("allocated", f"{_permille(seen.allocated)} of 1000"),
        ("changes by", changes),
        ("can be slashed now", say_tokens(seen.slashable)),
        ("stands for a bond of", say_tokens(staked(seen.samples, StakeTerms()) * StakeTerms().unit)),
        ("to take an allocation back", _time(seen.delays.deallocation, seen)),
        ("to withdraw", _time(seen.delays.withdrawal, seen)),
    ]
    rows += [
        (
            f"slash {slash.number} waits",
            f"{say_tokens(slash.amount)}, executable in {_time(max(0, slash.executable_at - seen.block), seen)}",
        )
        for slash in seen.waiting
    ]
    print_table([f"stake of {seen.operator}", f"at block {seen.block}"], rows, empty="")


def _time(blocks: int, seen: StakeOnChain) -> str:
    return say_time(blocks, seen.block_seconds)


def say_time(blocks: int, block_seconds: float) -> str:
    """Say a delay in blocks, and in hours as fast as blocks come now."""
    seconds = blocks * block_seconds
    if seconds >= 2 * 86_400:
        about = f"{seconds / 86_400:.1f} days"
    elif seconds >= 2 * 3_600:
        about = f"{seconds / 3_600:.1f} hours"
    else:
        about = f"{seconds / 60:.0f} minutes"
    return f"{blocks:,} blocks (about {about})"


def say_tokens(amount: int) -> str:
    """Say base units of the token as tokens."""
    whole, rest = divmod(amount, _TOKEN)
    return f"{whole:,}" + (f".{rest:018d}".rstrip("0") if rest else "") + " tokens"


def _permille(magnitude: int) -> int:
    return magnitude * 1_000 // _TOKEN
