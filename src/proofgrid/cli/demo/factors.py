"""The demo's subject for other proof systems: somebody knows the factors of a number, and nobody else learns them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from proofgrid.cli.demo.subject import Judged
from proofgrid.cli.demo.verified import Verified
from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidField, Unprovable
from proofgrid.proofs.offers import MakesKeys
from proofgrid.proofs.registry import proof_system

SOURCES = Path(__file__).parent / "data" / "factors"
SECRETS = (104_729, 1_299_709)
CIRCOM_TIMEOUT_SECONDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFactors:
    """Fits Subject."""

    system: str
    title: str
    input: Json  #: with the factors in it, as the system takes them
    hides: bool = True  #: are its proofs of zero knowledge?
    settings: Mapping[str, Json] = field(default_factory=dict)
    language: str = ""  #: of the program, where it is not called as the system is

    name = "factors"
    what = "A number whose factors somebody knows"
    bundle_name = "factors.bundle"

    def source(self, folder: Path) -> Mapping[str, Path]:
        """Return the program's files; a circuit is compiled and gets keys for development first."""
        from proofgrid.proofs.kit.source_folders import source_in

        place = folder / "program"
        shutil.copytree(SOURCES / (self.language or self.system), place)
        if (place / "package.json").exists():
            _compile(place)
        system = proof_system(self.system)
        if isinstance(system, MakesKeys):
            system.make_keys(source_in(place, self.system), place, workdir=folder, report=_quiet)
        return source_in(place, self.system)

    def inputs(self) -> list[Json]:
        """Return the request's only input."""
        return [self.input]

    def drawn(self) -> list[str]:
        """Return the number; the factors stay with client, gateway and prover."""
        return [f"{_product()} = ? x ?"]

    def judged(self, verified: Verified) -> Judged:
        """Look whether the number proven is the product of the factors."""
        shown = list(_integers_in(verified.result))
        proven = _product() in shown
        secret = (
            "and neither bundle nor logs tell them"
            if self.hides
            else "but these proofs are not of zero knowledge: whoever looks closely may find them"
        )
        return Judged(
            headline=f"somebody knows the factors of {_product()}",
            is_right=proven,
            lines=[secret],
            faults=[] if proven else [f"the proof shows {shown}, and no {_product()}"],
            data={"system": self.system, "number": _product()},
        )


def known_factors(system: str) -> KnownFactors:
    """Return the subject for a proof system; raise InvalidField when the demo has no program of it."""
    p, q = SECRETS
    known = {
        **{
            system: KnownFactors(system=system, title="a circuit of circom", input={"p": p, "q": q}, language="circom")
            for system in ("groth16", "plonk")
        },
        "noir": KnownFactors(system="noir", title="a package of Noir", input={"p": p, "q": q}),
        "miden": KnownFactors(
            system="miden", title="an assembly program of Miden", input={"stack": [], "advice": [p, q]}, hides=False
        ),
    }
    if system not in known:
        hint = f"there are programs of ezkl, {', '.join(known)}"
        raise InvalidField(f"the demo has no program of {system}", field="system", hint=hint)
    return known[system]


def _product() -> int:
    p, q = SECRETS
    return p * q


def _compile(place: Path) -> None:
    """Compile factors.circom by the compiler that package-lock.json pins; npm brings it."""
    if shutil.which("npm") is None:
        raise InvalidField("circom comes by npm, and there is none", field="system", hint="install Node.js 20 or newer")
    circom = ("node_modules/.bin/circom2", "factors.circom", "--r1cs", "--wasm", "--sym")
    for command in (("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"), circom):
        done = subprocess.run(
            command, cwd=place, capture_output=True, text=True, timeout=CIRCOM_TIMEOUT_SECONDS, check=False
        )
        if done.returncode:
            raise Unprovable(f"{command[0]} failed: {(done.stderr or done.stdout).strip()[-500:]}")
    shutil.rmtree(place / "node_modules")


def _integers_in(value: Json) -> Iterator[int]:
    """Yield every integer in a result, however its proof system spells them."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _integers_in(one)
    elif isinstance(value, int) or (isinstance(value, str) and value.isdecimal()):
        yield int(value)


def _quiet(stage: str, permille: int) -> None:
    """Tell nothing of a step of a second."""
