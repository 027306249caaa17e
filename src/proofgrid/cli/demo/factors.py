"""Subjects for other proof systems than EZKL: somebody knows the factors of numbers, and nobody else learns them.

one number        of each system
two numbers       of circom's, and one proof of both
one number twice  a graph: a circuit knows its factors, a program of Noir two squares whose sum it is
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from proofgrid.cli.demo.circom import compile_circuit
from proofgrid.cli.demo.subject import Judged
from proofgrid.cli.demo.verified import Verified
from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidField

DATA = Path(__file__).parent / "data"
SECRETS = (104_729, 1_299_709)
OTHER_SECRETS = (611_953, 982_451_653)
SQUARES = (133_694, 343_865)  #: the roots of two squares whose sum is the product of SECRETS


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFactors:
    """Fits Subject."""

    system: str
    title: str
    given: Sequence[Json]  #: with the factors in it, as the system takes them
    make: Callable[[Path], None]  #: fills a folder with the program
    name: str = "factors"
    what: str = "A number whose factors somebody knows"
    numbers: Sequence[int] = (SECRETS[0] * SECRETS[1],)
    parts: Sequence[str] = ("proof",)  #: what jobs are called, in the order of slices, or of inputs
    also: str = ""  #: what else is known of them
    hides: bool = True  #: are its proofs of zero knowledge?
    wrap_parts: int = 0
    provers: Sequence[str] = ()
    settings: Mapping[str, Json] = field(default_factory=dict)

    @property
    def bundle_name(self) -> str:
        """The subject's."""
        return f"{self.name}.bundle"

    def prepare(self, place: Path) -> None:
        """Make the program's folder."""
        self.make(place)

    def source(self, place: Path) -> Mapping[str, Path]:
        """Return the program's files."""
        from proofgrid.proofs.kit.source_folders import source_in

        return source_in(place, self.system)

    def inputs(self) -> list[Json]:
        """Return the request's inputs."""
        return list(self.given)

    def drawn(self) -> list[str]:
        """Return the numbers; the factors stay with client, gateway and prover."""
        return [f"{number} = ? x ?" for number in self.numbers]

    def part(self, slice_index: int, input_index: int) -> str:
        """Return what a job is called."""
        if self.wrap_parts:
            return "one proof of both" if slice_index else f"number {input_index + 1}"
        return self.parts[slice_index]

    def judged(self, verified: Verified) -> Judged:
        """Look whether the numbers proven are the products of the factors."""
        shown = list(_integers_in(verified.result))
        missing = [number for number in self.numbers if number not in shown]
        secret = (
            "and neither bundle nor logs tell them"
            if self.hides
            else "but these proofs are not of zero knowledge: whoever looks closely may find them"
        )
        named = " and of ".join(map(str, self.numbers))
        return Judged(
            headline=f"somebody knows the factors of {named}{self.also}",
            is_right=not missing,
            lines=[secret],
            faults=[f"the proof shows {shown}, and no {number}" for number in missing],
            data={"system": self.system, "number": self.numbers[0]},
        )


def known_factors(system: str, *, name: str = "factors") -> KnownFactors:
    """Return the subject for a proof system; raise InvalidField when the demo has no program of it."""
    p, q = SECRETS
    known = {
        **{
            system: KnownFactors(
                system=system,
                title="a circuit of circom",
                given=[{"p": p, "q": q}],
                make=partial(compile_circuit, system=system),
                provers=(system,),
            )
            for system in ("groth16", "plonk")
        },
        "noir": KnownFactors(
            system="noir",
            title="a package of Noir",
            given=[{"p": p, "q": q}],
            make=partial(_copied, DATA / "factors" / "noir"),
            provers=("noir",),
        ),
        "miden": KnownFactors(
            system="miden",
            title="an assembly program of Miden",
            given=[{"stack": [], "advice": [p, q]}],
            make=partial(_copied, DATA / "factors" / "miden"),
            hides=False,
            provers=("miden",),
        ),
    }
    if system not in known:
        hint = f"there are programs of ezkl, {', '.join(known)}"
        raise InvalidField(f"the demo has no program of {system}", field="system", hint=hint)
    return replace(known[system], name=name)


def two_numbers() -> KnownFactors:
    """Return the subject whose two proofs end in one."""
    pairs = (SECRETS, OTHER_SECRETS)
    return KnownFactors(
        system="groth16",
        title="a circuit of circom on BLS12-377, and keys of wraps",
        given=[{"p": p, "q": q} for p, q in pairs],
        make=partial(compile_circuit, system="groth16", prime="bls12377"),
        name="two-numbers",
        what="Two numbers whose factors somebody knows, in one proof",
        numbers=[p * q for p, q in pairs],
        wrap_parts=len(pairs),
        provers=("groth16",),
        settings={"wrap_parts": len(pairs)},
    )


def linked_squares() -> KnownFactors:
    """Return the subject that spans two systems."""
    (p, q), (a, b) = SECRETS, SQUARES
    return KnownFactors(
        system="graph",
        title="a graph: a circuit of circom, whose output is the input of a package of Noir",
        given=[{"factors": {"p": p, "q": q}, "squares": {"a": a, "b": b}}],
        make=_linked,
        name="squares",
        what="A number whose factors somebody knows, and whose squares",
        parts=("factors", "squares"),
        also=", and two squares whose sum it is",
        provers=("groth16", "noir"),
    )


def _copied(sources: Path, place: Path) -> None:
    shutil.copytree(sources, place)


def _linked(place: Path) -> None:
    shutil.copytree(DATA / "squares", place)
    compile_circuit(place / "factors", system="groth16")


def _integers_in(value: Json) -> Iterator[int]:
    """Yield every integer in a result, however its proof system spells them."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _integers_in(one)
    elif isinstance(value, int) or (isinstance(value, str) and value.isdecimal()):
        yield int(value)
