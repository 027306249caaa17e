"""Does a proof system keep the promises of `ProofSystem`? Anybody can ask, of any plug-in.

    check_conformance(MySystem(), samples, workdir=tmp_path)               in a test
    python -m proofgrid.proofs.kit.conformance my_package:MySystem         at a shell; the system offers `samples`

Each check is a function that raises Broken; `CHECKS` lists them, for whoever wants one test a check.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pickle
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from proofgrid.primitives.canonical import Json, canonical_json
from proofgrid.primitives.errors import BadProof, InvalidInput, InvalidRequest, ProofgridError
from proofgrid.proofs.base import JobOutput, PartialProof, ProgramFiles, ProofSystem
from proofgrid.proofs.kit import trying
from proofgrid.proofs.kit.forging import changed, forgeries, respelled
from proofgrid.proofs.kit.rehearsal import Rehearsed, build, rehearse
from proofgrid.proofs.kit.samples import OffersSamples, Samples, Source
from proofgrid.proofs.manifest import program_from_json, program_to_json
from proofgrid.proofs.registry import proof_system


class Broken(AssertionError):
    """A promise is not kept; the text says which, and by what."""


class NotConformant(AssertionError):
    """Some promises are not kept; one line each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A system with its sample built, and a request of all sample inputs proven."""

    system: ProofSystem
    samples: Samples
    files: ProgramFiles
    done: Rehearsed
    other: Rehearsed  #: the same inputs, proven for another program
    other_files: ProgramFiles
    workdir: Path

    def fresh(self, name: str) -> Path:
        """Return a new folder."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.workdir))

    def verify_job(self, position: int, output: JobOutput) -> None:
        """Check an output handed in for the job at `position`, as a gateway does before it pays."""
        job = self.done.request.jobs[position]
        self.system.verify_partial(self.files, job.slice_index, job.facts, output, workdir=self.fresh("verify"))

    def verify_whole(self, parts: Sequence[PartialProof], *, result: Mapping[str, Json] | None = None) -> None:
        """Check a whole as any client does, with the files of a verifier and JSON that came from elsewhere."""
        program = self.files.program
        files = ProgramFiles(program, {name: self.files.path(name) for name in program.verifying_files})
        statement = _sent(self.done.request.statement)
        stored = _sent(self.done.result if result is None else result)
        self.system.verify_whole(files, statement, stored, list(parts), workdir=self.fresh("whole"))


Check = Callable[[Prepared], None]


def prepare(system: ProofSystem, samples: Samples, *, workdir: Path) -> Prepared:
    """Build the samples and prove their inputs; raise whatever the system raises: it cannot even do that."""
    if not isinstance(system, ProofSystem):
        raise Broken("it does not fit proofgrid.proofs.base.ProofSystem: a method is missing")
    cache = workdir / "cache"
    files = build(system, samples.source, samples.trust, workdir=workdir / "program")
    other_files = build(system, samples.other, samples.trust, workdir=workdir / "other-program")
    return Prepared(
        system=system,
        samples=samples,
        files=files,
        done=rehearse(system, files, samples.inputs, cache=cache, workdir=workdir / "jobs"),
        other=rehearse(system, other_files, samples.inputs, cache=cache, workdir=workdir / "other-jobs"),
        other_files=other_files,
        workdir=workdir,
    )


def check_conformance(system: ProofSystem, samples: Samples, *, workdir: Path) -> None:
    """Raise NotConformant naming every promise that the system does not keep. Blocks, for some hundred verifications.

    `workdir` is empty; proving happens in this process, and in others to which the system is pickled.
    """
    prepared = prepare(system, samples, workdir=workdir)
    if said := [f"{name_of(check)}: {reason}" for check in CHECKS if (reason := complaint(check, prepared))]:
        raise NotConformant("\n".join(said))


def complaint(check: Check, prepared: Prepared) -> str:
    """Return what a check finds, "" for nothing."""
    try:
        check(prepared)
    except Broken as reason:
        return str(reason)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def name_of(check: Check) -> str:
    """Return a check's name, as people read it."""
    return check.__name__.replace("_", " ")


# --- the checks ---------------------------------------------------------------------------------------


def values_can_be_sent(prepared: Prepared) -> None:
    """Whatever leaves the machine is canonical JSON, and whatever crosses processes can be pickled."""
    program, done = prepared.files.program, prepared.done
    if program_from_json(json.loads(canonical_json(program_to_json(program)))).digest != program.digest:
        raise Broken("the program written down and read again has another digest")
    for value in (done.request.statement, done.result, *(job.facts for job in done.request.jobs)):
        canonical_json(dict(value))
    for part in done.parts:
        canonical_json(dict(part.output.public))
    if pickle.loads(pickle.dumps(done)) != done:  # noqa: S301 - our own bytes
        raise Broken("a request is another one after pickling")


def malformed_sources_are_refused(prepared: Prepared) -> None:
    """A source that is wrong is refused with an error that tells the client, whatever is wrong with it."""
    for what, source in _malformed(prepared):
        with _expected(InvalidRequest, what):
            build(prepared.system, source, prepared.samples.trust, workdir=prepared.fresh("malformed"))
    if prepared.samples.trust:
        with _expected(InvalidRequest, "a source without its trust roots"):
            build(prepared.system, prepared.samples.source, {}, workdir=prepared.fresh("malformed"))


def malformed_inputs_are_refused(prepared: Prepared) -> None:
    """An input that does not fit is refused by name, before anything is proven."""
    good = list(prepared.samples.inputs)
    wrong: list[list[Json]] = [[], *([value] for value in prepared.samples.refused_inputs)]
    wrong += [[*good, value] for value in prepared.samples.refused_inputs]
    for inputs in wrong:
        with _expected(InvalidInput, f"the inputs {json.dumps(inputs)[:200]}"):
            prepared.system.normalise(prepared.files, inputs, workdir=prepared.fresh("normalise"))


def two_builds_have_equal_digests(prepared: Prepared) -> None:
    """The same source is the same program, here, elsewhere, and once more; another source is another program."""
    program, samples = prepared.files.program, prepared.samples
    again = build(prepared.system, samples.source, samples.trust, workdir=prepared.fresh("again")).program
    elsewhere = trying.digest_elsewhere(prepared.system, samples, prepared.fresh("elsewhere") / "build")
    for digest in (again.digest, elsewhere):
        if digest != program.digest:
            raise Broken(f"the same source made {program.digest}, then {digest}")
    for name in program.verifying_files:
        if again.files[name] != program.files[name]:
            raise Broken(f"two builds have one digest, but two files {name!r} for verifiers")
    if prepared.other_files.program.digest == program.digest:
        raise Broken("another source made the same program")


def files_are_checked(prepared: Prepared) -> None:
    """A file that a verifier relies on cannot be exchanged, nor left out."""
    program, system = prepared.files.program, prepared.system
    at_hand = {name: prepared.files.path(name) for name in program.verifying_files}
    system.check_program(ProgramFiles(program, at_hand))
    for name, path in at_hand.items():
        forged = prepared.fresh("forged") / "file"
        content = path.read_bytes()
        forged.write_bytes(content[:-1] + bytes([content[-1] ^ 1]) if content else b"more")
        with _expected(BadProof, f"another file {name!r}"):
            system.check_program(ProgramFiles(program, {**at_hand, name: forged}))
        rest = {other: kept for other, kept in at_hand.items() if other != name}
        with _expected(BadProof, f"a whole without the file {name!r}"):
            done, workdir = prepared.done, prepared.fresh("whole")
            files = ProgramFiles(program, rest)
            system.verify_whole(files, done.request.statement, done.result, done.parts, workdir=workdir)


def wrong_proofs_are_refused(prepared: Prepared) -> None:
    """Seven kinds: a changed public output, another input's or program's proof, cut, extended, flipped, garbage."""
    done = prepared.done
    for position in _places_of_one_input(prepared):
        prepared.verify_job(position, done.parts[position].output)
        for forgery in forgeries(done.parts, prepared.other.parts, position):
            what = f"{forgery.kind}, job {position}"
            with _expected(BadProof, f"{what}, for the gateway"):
                prepared.verify_job(position, forgery.output)
            _refuse_whole(prepared, position, forgery.output, what)


def proofs_have_one_spelling(prepared: Prepared) -> None:
    """Other bytes that mean the same are refused: a proof is known by its digest."""
    for position in _places_of_one_input(prepared):
        output = prepared.done.parts[position].output
        for proof in respelled(output.proof):
            with _expected(BadProof, f"another spelling of the proof of job {position}"):
                prepared.verify_job(position, replace(output, proof=proof))


def a_whole_is_checked(prepared: Prepared) -> None:
    """A whole verifies from public data alone, and no longer when anything of it is missing, twice, or changed."""
    parts, done = prepared.done.parts, prepared.done
    prepared.verify_whole(parts)
    for what, wrong in (("a proof missing", parts[:-1]), ("a proof twice", [*parts, parts[0]]), ("no proofs", [])):
        with _expected(BadProof, f"a whole with {what}"):
            prepared.verify_whole(wrong)
    for result in changed(dict(done.result)):
        with _expected(BadProof, f"the result {json.dumps(result)[:200]}"):
            prepared.verify_whole(parts, result=result)
    turned = prepared.system.normalise(
        prepared.files, list(reversed(prepared.samples.inputs)), workdir=prepared.fresh("turned")
    )
    with _expected(BadProof, "the statement of other inputs"):
        prepared.system.verify_whole(
            prepared.files, turned.statement, done.result, parts, workdir=prepared.fresh("turned")
        )


def a_killed_job_leaves_a_usable_cache(prepared: Prepared) -> None:
    """A process killed with SIGKILL while it fills the cache does not keep the next one from proving."""
    began = time.monotonic()
    trying.run_to_the_end([_trial(prepared, prepared.fresh("alone") / "cache")])
    seconds = time.monotonic() - began
    for after_seconds in (None, seconds / 4, seconds / 2):
        cache = prepared.fresh("killed") / "cache"
        trying.kill_while_filling(_trial(prepared, cache), after_seconds=after_seconds)
        _prove_again(prepared, [_trial(prepared, cache)], "after a job that was killed")


def two_jobs_can_fill_one_cache(prepared: Prepared) -> None:
    """Two processes that begin with the same empty cache both prove."""
    cache = prepared.fresh("two") / "cache"
    _prove_again(prepared, [_trial(prepared, cache), _trial(prepared, cache)], "of two at once")


CHECKS: tuple[Check, ...] = (
    values_can_be_sent,
    malformed_sources_are_refused,
    malformed_inputs_are_refused,
    two_builds_have_equal_digests,
    files_are_checked,
    wrong_proofs_are_refused,
    proofs_have_one_spelling,
    a_whole_is_checked,
    a_killed_job_leaves_a_usable_cache,
    two_jobs_can_fill_one_cache,
)


# --- what the checks share ----------------------------------------------------------------------------


@contextmanager
def _expected(kind: type[ProofgridError], what: str) -> Iterator[None]:
    try:
        yield
    except kind:
        return
    except Exception as error:
        raise Broken(f"{what}: expected {kind.__name__}, got {type(error).__name__}: {error}") from error
    raise Broken(f"{what}: accepted")


def _sent(value: Mapping[str, Json]) -> dict[str, Json]:
    sent: dict[str, Json] = json.loads(canonical_json(dict(value)))
    return sent


def _malformed(prepared: Prepared) -> Iterator[tuple[str, Source]]:
    good = prepared.samples.source
    yield "a setting that does not exist", replace(good, settings={**good.settings, "no such setting": 1})
    if good.files:
        yield "no files", replace(good, files={})
    for name in good.files:
        for what, content in (("empty", b""), ("garbage", b"\xff\0garbage" * 99)):
            path = prepared.fresh("source") / "file"
            path.write_bytes(content)
            yield f"the file {name!r}, {what}", replace(good, files={**good.files, name: path})
    for number, source in enumerate(prepared.samples.malformed):
        yield f"malformed sample {number}", source


def _places_of_one_input(prepared: Prepared) -> list[int]:
    return [at for at, part in enumerate(prepared.done.parts) if part.input_index == 0]


def _refuse_whole(prepared: Prepared, position: int, output: JobOutput, what: str) -> None:
    parts = list(prepared.done.parts)
    parts[position] = replace(parts[position], output=output)
    with _expected(BadProof, f"{what}, in a whole"):
        prepared.verify_whole(parts)
    try:  # whoever forges a proof can forge the result too
        result = prepared.system.combine(
            prepared.files, prepared.done.request.statement, parts, workdir=prepared.fresh("combine")
        )
        canonical_json(dict(result))
    except Exception:
        return  # combine is only called with verified parts, and may stumble over others
    with _expected(BadProof, f"{what}, in a whole with its result"):
        prepared.verify_whole(parts, result=result)


def _trial(prepared: Prepared, cache: Path) -> trying.Trial:
    job = prepared.done.request.jobs[0]
    workdir = prepared.fresh("trial") / "job"
    return trying.Trial(system=prepared.system, files=prepared.files, job=job, cache=cache, workdir=workdir)


def _prove_again(prepared: Prepared, trials: list[trying.Trial], what: str) -> None:
    try:
        for output in trying.run_to_the_end(trials):
            prepared.verify_job(0, output)
    except (RuntimeError, ProofgridError) as reason:
        raise Broken(f"the job {what}: {reason}") from None


# --- the command line ---------------------------------------------------------------------------------


def main() -> None:
    """Check the proof system that is named on the command line, with its own samples; exit 1 when it fails."""
    parser = argparse.ArgumentParser(prog="python -m proofgrid.proofs.kit.conformance", description=__doc__)
    parser.add_argument("entry", help="the name of an installed proof system, or package.module:Class")
    system = _system(parser.parse_args().entry)
    if not isinstance(system, OffersSamples):
        sys.exit("it offers no samples; see proofgrid.proofs.kit.samples")
    with tempfile.TemporaryDirectory(prefix="proofgrid-conformance-") as folder:
        own = Path(folder) / "samples"
        own.mkdir()
        samples = system.samples(own)
        prepared = prepare(system, samples, workdir=Path(folder))
        said = [(name_of(check), complaint(check, prepared)) for check in CHECKS]
    for name, reason in said:
        sys.stdout.write(f"{'FAILED' if reason else 'ok    '} {name}{': ' if reason else ''}{reason}\n")
    sys.exit(1 if any(reason for _, reason in said) else 0)


def _system(entry: str) -> ProofSystem:
    if ":" not in entry:
        return proof_system(entry)
    module, _, name = entry.partition(":")
    made = getattr(importlib.import_module(module), name)()
    if not isinstance(made, ProofSystem):
        sys.exit(f"{entry} does not fit proofgrid.proofs.base.ProofSystem")
    return made


if __name__ == "__main__":
    main()
