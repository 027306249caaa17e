"""Which modules have which verb of `proofgrid`, in the order of its help: a process loads those of its own verb.

A verb's first module has a command or a group; what others add goes into that group. A module adds what it has with
`add_to`, or it has a `group`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module

import typer

VERBS = {
    "demo": ("demo.demo",),
    "gateway": ("run.gateway",),
    "prover": ("run.prover",),
    "anchor": ("run.anchor",),
    "quote": ("client.quote",),
    "quotes": ("client.quotes",),
    "submit": ("client.submit",),
    "watch": ("client.watch",),
    "result": ("client.result",),
    "verify": ("client.verify",),
    "deliver": ("client.deliver",),
    "cancel": ("client.cancel",),
    "tasks": ("client.tasks",),
    "task": ("client.tasks",),
    "sign-in": ("client.sign_in",),
    "status": ("market.status",),
    "operators": ("operator.operators",),
    "engines": ("market.engines",),
    "rounds": ("market.rounds",),
    "sizes": ("market.sizes",),
    "systems": ("client.systems",),
    "simulate": ("market.simulate",),
    "program": (
        "client.program",
        "client.program_settings",
        "client.program_operators",
        "client.program_keygen",
        "client.program_contract",
        "client.program_sharing",
    ),
    "account": ("client.account", "client.statement", "client.quota"),
    "keys": ("client.keys",),
    "api-keys": ("client.api_keys",),
    "webhook": ("client.webhook",),
    "admin": (
        "admin.access",
        "admin.ledger",
        "admin.dead_letters",
        "admin.storage",
        "admin.evidence",
        "admin.engine",
        "admin.incidents",
        "demo.drill",
        "admin.audit",
        "admin.network_keys",
        "admin.store_keys",
        "admin.treasury",
        "admin.canary",
        "admin.subnetwork",
    ),
    "srs": ("client.srs",),
    "market": ("market.clear", "market.record", "market.order_proofs"),
    "stake": ("operator.stake",),
    "chain": ("chain.stake", "chain.devnet", "chain.owner"),
    "vault": ("chain.vault", "client.vault"),
    "config": ("run.config",),
    "doctor": ("run.doctor",),
}


def add_verbs(cli: typer.Typer, verbs: Iterable[str]) -> None:
    """Add verbs with all their commands; each name of VERBS, and once in a process."""
    for modules in dict.fromkeys(VERBS[verb] for verb in verbs):
        _add(cli, modules)


def asked_verb(arguments: Sequence[str]) -> str | None:
    """Return the verb that somebody typed behind `proofgrid`; None where all are to be shown, or completed."""
    at = 2 if arguments[:1] == ["--config"] else 1 if arguments[:1] and arguments[0].startswith("--config=") else 0
    word = arguments[at] if at < len(arguments) else ""
    return word if word in VERBS else None


def typed_so_far(environment: Mapping[str, str]) -> list[str]:
    """Return the words behind `proofgrid` of a line that a shell wants completed, without the one being typed."""
    line = environment.get("COMP_WORDS") or environment.get("_TYPER_COMPLETE_ARGS") or ""
    words = line.split()[1:]
    return words if line.endswith(" ") else words[:-1]


def _add(cli: typer.Typer, modules: Sequence[str]) -> None:
    parent = cli
    for name in modules:
        module = import_module(f"proofgrid.cli.{name}")
        if hasattr(module, "add_to"):
            module.add_to(parent)
        else:
            parent.add_typer(module.group)
        if parent is cli and len(modules) > 1:
            parent = module.group
