"""One job at a prover: its files and its input fetched by digest, proven in a child, the result signed.

A program's files stay in a cache, pinned while somebody needs them; a large input goes with its job, a large proof is
uploaded.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.distant import in_turn_of
from proofgrid.primitives.errors import ArtifactCorrupt
from proofgrid.primitives.signatures import Signer
from proofgrid.proofs.base import JobOutput, Program
from proofgrid.roles.prover.node_settings import NodeSettings
from proofgrid.roles.prover.nursery import Nursery
from proofgrid.roles.prover.opening import Opener
from proofgrid.roles.prover.sandbox import ChildLimits, ChildSpec, OnPeak, PartFile, run_child
from proofgrid.roles.prover.warmth import SLACK_BYTES
from proofgrid.rules.jobs.limits import SMALL_PROOF_BYTES
from proofgrid.rules.jobs.offers import JobReport, LeaseOffer, TakenProof
from proofgrid.rules.jobs.sealing import LeaseSeal
from proofgrid.rules.staking.results import ResultClaim, public_digest, sign_result
from proofgrid.sdk.connection import Connection
from proofgrid.sdk.transfer import download_file, upload_file
from proofgrid.store.cache import LocalCache
from proofgrid.telemetry import traces
from proofgrid.telemetry.metrics.of_prover import PROVE_SECONDS
from proofgrid.wire.codec.texts import read_object

HASH_HOLDS_SECONDS = 600.0  #: of a program's file that nobody touched: every proof is looked at before it is handed in

OnStage = Callable[[str, int], None]  #: (stage, share done in 1/1000)


def context_of(lease: LeaseOffer) -> traces.Context | None:
    """Return the context of what a prover does for a lease; None where its gateway traces nothing."""
    told = traces.read_context(lease.trace_context)
    return None if told is None else traces.step_of("prover", told)


class Proving:
    """Proves jobs, as many at a time as are asked for.

    `nursery`: where children wait for their jobs; `goes_on`: may another job come after this one?
    """

    def __init__(
        self,
        connection: Connection,
        key: Signer,
        settings: NodeSettings,
        *,
        clock: Clock,
        nursery: Nursery,
        opener: Opener,
        goes_on: Callable[[], bool],
    ) -> None:
        self._connection = connection
        self._key = key
        self._cores = settings.cores
        self._clock = clock
        self._nursery = nursery
        self._opener = opener
        self._goes_on = goes_on
        self._files = LocalCache(
            settings.directory / "files", settings.cache_bytes, hash_holds_seconds=HASH_HOLDS_SECONDS
        )
        self._keys = settings.keys
        self._scratch = settings.scratch

    async def prove(self, lease: LeaseOffer, program: Program, *, network: str, on_stage: OnStage) -> JobReport:
        """Return the result, signed. Raises what keeps it from being one: ProofgridError, OSError.

        `on_stage` is told how far it is: stage, share done in 1/1000. `network`: the address that the result is for.
        """
        on_stage("fetch", 0)
        context = context_of(lease)
        # Should this process be killed, the next one takes away what was opened here (remove_left_cells).
        with tempfile.TemporaryDirectory(prefix=f"cell-{os.getpid()}-", dir=self._scratch) as workdir:
            async with AsyncExitStack() as stack:
                names = _files_needed(lease, program)
                paths = {name: await self._at_hand(program.files[name], stack) for name in names}
                job_input = await self._input_of(lease, Path(workdir))
                if lease.seal is not None:
                    job_input = await self._opened(lease, lease.seal, job_input, Path(workdir), network)
                parts = [await self._part_of(part, Path(workdir)) for part in lease.parts]
                started_ms = self._clock.now_ms()
                peaks: list[int] = []
                output = await self._run_child(
                    lease, program, paths, job_input, parts, Path(workdir), on_stage, peaks.append
                )
                wall_ms = self._clock.now_ms() - started_ms
                if context is not None:
                    traces.note("child", context, max(0, wall_ms) / 1_000, proof_system=program.proof_system)
                PROVE_SECONDS.observe(max(0, wall_ms) / 1_000, program.proof_system)
                signature = await in_turn_of(self._key, partial(self._sign, lease, output, network))
                report = await self._report(lease, output, wall_ms, Path(workdir), signature, on_stage)
                return replace(report, memory_peak_bytes=max(peaks, default=0))

    async def _at_hand(self, digest: Digest, stack: AsyncExitStack) -> Path:
        return await stack.enter_async_context(
            self._files.pinned(digest, partial(download_file, self._connection, digest))
        )

    async def _input_of(self, lease: LeaseOffer, workdir: Path) -> Path:
        """Return the input's file: in the cell's folder, so that it goes with it, whatever ends this process."""
        path = workdir / "input"
        if lease.small_input is None:
            await download_file(self._connection, lease.input_digest, path)
            return path
        if digest_of(lease.small_input) != lease.input_digest:
            raise ArtifactCorrupt("the input that came with the lease does not hash to its digest")
        await asyncio.to_thread(path.write_bytes, lease.small_input)
        return path

    async def _opened(self, lease: LeaseOffer, seal: LeaseSeal, locked: Path, workdir: Path, network: str) -> Path:
        def opened() -> Path:
            content = self._opener.open(lease, seal, locked.read_bytes(), network=network)
            path = workdir / "opened"
            path.touch(mode=0o600)
            path.write_bytes(content)
            return path

        return await asyncio.to_thread(opened)

    async def _part_of(self, part: TakenProof, workdir: Path) -> PartFile:
        path = workdir / f"part-{part.slice_index}-{part.input_index}"
        if part.small_proof is None:
            await download_file(self._connection, part.proof_digest, path)
        elif digest_of(part.small_proof) != part.proof_digest:
            raise ArtifactCorrupt("a proof that came with the lease does not hash to its digest")
        else:
            await asyncio.to_thread(path.write_bytes, part.small_proof)
        return PartFile(part.slice_index, part.input_index, path, part.public)

    async def _run_child(
        self,
        lease: LeaseOffer,
        program: Program,
        paths: Mapping[str, Path],
        job_input: Path,
        parts: Sequence[PartFile],
        workdir: Path,
        on_stage: OnStage,
        on_peak: OnPeak,
    ) -> JobOutput:
        spec = ChildSpec(
            proof_system=program.proof_system,
            program=program,
            paths=paths,
            slice_index=lease.slice_index,
            job_input=job_input,
            parts=parts,
            facts=None if lease.seal is None else read_object(lease.seal.facts_json, field="seal.facts"),
            cache=self._keys,
            workdir=workdir,
            trace_context="" if (context := context_of(lease)) is None else str(traces.step_of("child", context)),
        )
        limits = ChildLimits(
            # What others measured says where a job fits; what it may take is at least what its program says.
            memory_bytes=max(lease.memory_bytes, program.spec(lease.slice_index).memory_bytes) + SLACK_BYTES,
            timeout_seconds=lease.timeout_ms / 1000,
            cores=self._cores,
            memory_bytes_max=program.memory_bytes_max + SLACK_BYTES,
        )

        def on_progress(stage: str, permille: int) -> None:
            # The next lease comes while this job's proof is judged: by then its child has to be there.
            if self._goes_on():
                self._nursery.prepare_soon(program.proof_system, cores=self._cores)
            on_stage(stage, permille)

        return await run_child(spec, limits=limits, on_progress=on_progress, nursery=self._nursery, on_peak=on_peak)

    async def _report(
        self, lease: LeaseOffer, output: JobOutput, wall_ms: int, workdir: Path, signature: str, on_stage: OnStage
    ) -> JobReport:
        proof, proof_digest = output.proof, None
        if len(proof) > SMALL_PROOF_BYTES:
            on_stage("upload", 0)
            path = workdir / "proof-to-upload"
            await asyncio.to_thread(path.write_bytes, proof)
            proof_digest = await upload_file(self._connection, path, lease_id=str(lease.held.lease_id))
            proof = b""
        return JobReport(
            held=lease.held,
            proof=proof,
            proof_digest=proof_digest,
            public=output.public,
            wall_ms=max(0, wall_ms),
            memory_peak_bytes=0,
            signature=signature,
        )

    def _sign(self, lease: LeaseOffer, output: JobOutput, network: str) -> str:
        """Stand for a result with the operator's key."""
        claim = ResultClaim(
            network=network,
            lease_id=str(lease.held.lease_id),
            fence=lease.held.fence,
            job_id=str(lease.job_id),
            program=lease.program_digest,
            slice=lease.slice_index,
            proof=digest_of(output.proof),
            public=public_digest(output.public),
        )
        return sign_result(claim, self._key)


def _files_needed(lease: LeaseOffer, program: Program) -> Sequence[str]:
    """Return what a lease is proven with; a proof for a sealed input is looked at here before it is handed in."""
    names = program.spec(lease.slice_index).files
    if lease.seal is None:
        return names
    return tuple(dict.fromkeys((*names, *program.verifying_files)))
