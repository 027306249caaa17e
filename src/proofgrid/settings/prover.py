"""The settings of `proofgrid prover`, and what its role gets of them."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from proofgrid.primitives.errors import InvalidField, UnknownProofSystem
from proofgrid.settings.declared import Settings, default_data_dir, setting, setting_of_machine
from proofgrid.settings.host_name import name_of_machine
from proofgrid.settings.memory import warm_bytes
from proofgrid.settings.prices import PRICE
from proofgrid.settings.watching import Watching

if TYPE_CHECKING:
    from proofgrid.roles.prover.node_settings import NodeSettings


@dataclass(frozen=True, kw_only=True)
class Offer(Settings):
    """What a prover offers, to whom, and where it keeps its files."""

    gateway: str = setting("127.0.0.1:7400", "Gateways of the network, separated by commas.", metavar="ADDRESS")
    network: str = setting("", "Address of the network's key; pins the network.", metavar="ADDRESS")
    key: Path | None = setting(None, "The operator's key file; password in PROOFGRID_KEY_PASSWORD.", metavar="FILE")
    key_password: str = setting("", "The password of the key.", is_secret=True)
    tls_ca: Path | None = setting(None, "Certificates to trust.", metavar="FILE")
    data_dir: Path = setting_of_machine(
        default_data_dir, "Where caches and proving keys live.", told="your data directory"
    )
    name: str = setting("", "This machine's name among the operator's.", told="its host name")
    ask: int = setting(800, "The least you take, in tokens per million PU.", least=1, metavar="PRICE", spelling=PRICE)
    class_asks: str = setting("", "Another ask for jobs of some classes.", metavar="large=1.2/M,medium=0.9/M")
    units_min: int = setting(0, "Take no job of fewer PU.", least=0)
    proof_systems: str = setting("", "Which to prove, separated by commas.", told="all installed")
    services: str = setting(
        "",
        "Services that prove for you, each with its proof system, separated by commas.",
        told="none",
        metavar="SYSTEM=ADDRESS",
    )
    classes: str = setting("small,medium", "Classes of jobs to take.")
    slots: int = setting(1, "Jobs at once.", least=1, most=4_096)
    reserve_ask: str = setting(
        "",
        "The least you take for jobs of firm quotes, for which slots are kept free.",
        told="the ask",
        metavar="PRICE",
    )
    reserve_slots: int = setting(
        0, "Slots to offer ahead, for firm quotes; your bond answers for them.", told="none", least=0, most=4_096
    )
    cores: int = setting_of_machine(
        lambda: os.cpu_count() or 1, "Cores per job, handed to the engine.", told="all", least=1
    )
    memory_bytes: int = setting(0, "Memory for all jobs.", told="what the machine has", least=0)
    region: str = setting("", "Where the machine stands.")
    subnetworks: str = setting(
        "",
        "Serve this subnetwork; may be given again.",
        told="default",
        flag="--subnetwork",
        metavar="NAME",
        is_repeated=True,
    )
    cache_bytes: int = setting(20 << 30, "Most bytes of cached files.", told="20 GiB", least=1 << 20)
    keys_bytes: int = setting(
        20 << 30, "Most bytes of proving keys kept for later jobs, besides those in use.", told="20 GiB", least=1 << 20
    )
    isolation: str = setting(
        "program",
        "What jobs may share a child process: a program, or nothing (job).",
        metavar="program|job",
    )
    confinement: str = setting(
        "namespaces",
        "The most to try to shut in what is proven; what holds is measured, published, and may be demanded.",
        metavar="rules|namespaces",
    )
    warm_jobs: int = setting(100, "Most jobs of one program that a child proves.", least=1)
    warm_seconds: int = setting(900, "How old a child may be that takes another job.", least=1)
    warm_bytes: int = setting_of_machine(
        warm_bytes,
        "Most memory of children that wait for another job of their program.",
        told="an eighth of the machine's, at most 1 GiB",
        least=0,
    )
    check_at_start: bool = setting(True, "Prove a tiny job before offering, once per engine version.", told="check")
    failures_max: int = setting(
        3, "Own failures in a row until it rests and checks itself; 0: never.", least=0, most=1_000
    )
    log_level: str = setting("warning", "debug, info, warning or error.")
    log_json: bool = setting(False, "Logs as JSON lines.")


@dataclass(frozen=True, kw_only=True)
class ProverSettings(Offer, Watching):
    """All settings of a prover, and what its role gets of them."""

    table: ClassVar[str] = "prover"
    panel: ClassVar[str] = ""

    def gateways(self) -> list[str]:
        """Return the addresses to try, in turn."""
        return _listed(self.gateway)

    def node(self) -> NodeSettings:
        """Return what the prover's role is told.

        Raises InvalidField for classes and asks that do not exist, UnknownProofSystem when nothing can be proven here.
        """
        import psutil

        from proofgrid.primitives.money import parse_price
        from proofgrid.proofs.kit.services import name_services
        from proofgrid.proofs.registry import engine_here
        from proofgrid.roles.prover.node_settings import NodeSettings
        from proofgrid.roles.prover.warmth import Isolation, WarmBounds, read_isolation
        from proofgrid.rules.jobs.classes import parse_class
        from proofgrid.rules.jobs.confinement import parse_confinement
        from proofgrid.rules.jobs.offers import parse_class_asks

        warm = WarmBounds(jobs_max=self.warm_jobs, seconds_max=self.warm_seconds, bytes_max=self.warm_bytes)
        data_dir = self.data_dir.expanduser().resolve()
        name = self.name or name_of_machine(socket.gethostname(), data_dir)
        name_services(self.services)
        engines = [engine_here(system) for system in _systems(_listed(self.proof_systems))]
        class_asks = parse_class_asks(self.class_asks)
        return NodeSettings(
            name=name,
            asks=dict.fromkeys(engines, self.ask),
            class_asks=dict.fromkeys(engines, class_asks) if class_asks else {},
            units_min=self.units_min,
            reserve_price=parse_price(self.reserve_ask, field="reserve_ask") if self.reserve_ask else self.ask,
            reserve_slots=self.reserve_slots,
            classes=tuple(parse_class(text) for text in _listed(self.classes)),
            slots=self.slots,
            cores=self.cores,
            memory_bytes=self.memory_bytes or psutil.virtual_memory().total,
            region=self.region,
            directory=data_dir / "provers" / name,
            cache_bytes=self.cache_bytes,
            keys_bytes=self.keys_bytes,
            check_at_start=self.check_at_start,
            warm=warm if read_isolation(self.isolation) is Isolation.PROGRAM else None,
            failures_max=self.failures_max,
            confinement=parse_confinement(self.confinement, field="confinement"),
            subnetworks=tuple(_listed(self.subnetworks)),
        )


def _systems(wanted: list[str]) -> list[str]:
    """Return the proof systems to offer: those that are wanted, or all that prove here."""
    from proofgrid.proofs.registry import missing_systems, proof_system, proven_names

    missing = missing_systems()
    proven = proven_names()
    systems = wanted or [name for name in proven if not _lacks_services(name)]
    for name in systems or missing:
        if name in missing:
            raise missing[name]
        if name not in proven:
            proof_system(name)  # there is none, or
            raise UnknownProofSystem(
                f"programs of {name} are proven by provers of other systems",
                field="proof_systems",
                hint=f"offer {', '.join(proven)}",
            )
        if _lacks_services(name):
            raise InvalidField(
                f"{name} is proven by services, and none is named for it",
                field="services",
                hint=f"--services {name}=https://gpu.example:3000",
            )
    if not systems:
        raise UnknownProofSystem("no proof system is installed here", field="proof_systems")
    return systems


def _lacks_services(name: str) -> bool:
    from proofgrid.proofs.offers import ProvesByServices
    from proofgrid.proofs.registry import proof_system

    system = proof_system(name)
    return isinstance(system, ProvesByServices) and not system.services()


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
