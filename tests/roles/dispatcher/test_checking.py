"""What the gateway finds when a prover blames somebody else: against a real store, a real database, its own notes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.errors import ArtifactMissing, BadProof, JobCrashed, Recoverable, Unavailable
from proofgrid.primitives.ids import Address, GatewayId, ProverId, SessionId
from proofgrid.proofs.base import Program, SliceSpec
from proofgrid.proofs.manifest import program_to_json
from proofgrid.roles.dispatcher.session import Session
from proofgrid.rules.jobs.excuses import excuse_of
from proofgrid.rules.jobs.offers import JobReport, JobTrouble
from proofgrid.rules.jobs.retry import ReturnReason
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.gateways import REGISTER_GATEWAY
from proofgrid.store.transactions import Transaction
from tests.roles.lanes import LaneUnderTest, held

CONTENT = b"the only file of the program"


class Stubborn(ArtifactStore):
    """A store that is away."""

    async def open_stream(self, digest: Digest, *, offset: int = 0) -> Any:
        raise Recoverable("the disk is gone")
        yield b""

    async def size(self, digest: Digest) -> int:
        raise Recoverable("the disk is gone")


async def a_lease(lane: LaneUnderTest, *, operator: str = "alice") -> Any:
    """A prover holds a lease of a program with one file, and of a large input."""
    files = {"circuit": await lane.artifacts.put_bytes(CONTENT)}
    program = Program(
        proof_system="toy",
        identity={"circuit": files["circuit"]},
        files=files,
        verifying_files=("circuit",),
        slices=(SliceSpec(index=0, units=1, memory_bytes=1, files=("circuit",)),),
    )
    await lane.fetch("UPDATE programs SET manifest = $1", program_to_json(program))
    await lane.add_prover(operator)
    await lane.add_task()
    digest = await lane.artifacts.put_bytes(b"input")
    await lane.fetch("UPDATE jobs SET small_input = NULL, input_digest = $1", digest)
    assert await lane.sell()
    return (await lane.leases())[-1]


async def found(lane: LaneUnderTest, lease: Any, code: str) -> ReturnReason:
    return (await lane.checking.check(excuse_of(code), lease["lease_id"]))[0]


@pytest.fixture
def store(lane: LaneUnderTest, tmp_path: Path) -> Path:
    """The lane's artifacts are in a folder."""
    lane.artifacts = ArtifactStore.open(str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.mark.parametrize("code", ["PG-310", "PG-311"])
async def test_whole_artifacts_make_a_liar_of_who_calls_them_lost(lane: LaneUnderTest, store: Path, code: str) -> None:
    assert await found(lane, await a_lease(lane), code) is ReturnReason.FALSE_EXCUSE


@pytest.mark.parametrize("content", [b"input", CONTENT])
@pytest.mark.parametrize("how", ["gone", "corrupt"])
async def test_who_tells_of_a_copy_that_is_lost_indeed_is_right(
    lane: LaneUnderTest, store: Path, content: bytes, how: str
) -> None:
    lease = await a_lease(lane)
    digest = digest_of(content)
    path = store / "sha256" / digest[:2] / digest
    path.unlink() if how == "gone" else path.write_bytes(b"something else")
    assert await found(lane, lease, "PG-310") is ReturnReason.ARTIFACT_LOST


async def test_a_copy_that_was_lost_when_it_was_asked_for_and_is_mended_since_is_no_lie(
    lane: LaneUnderTest, store: Path
) -> None:
    lease = await a_lease(lane)
    lane.troubles.note(ArtifactMissing(), digest_of(b"input"))
    assert await found(lane, lease, "PG-311") is ReturnReason.ARTIFACT_LOST


async def test_a_store_that_is_away_is_nobodys_fault_whatever_was_said(lane: LaneUnderTest, store: Path) -> None:
    lease = await a_lease(lane)
    lane.artifacts = Stubborn(lane.artifacts._store)
    assert [await found(lane, lease, code) for code in ("PG-300", "PG-301", "PG-310")] == [ReturnReason.STORE_FAULT] * 3


async def test_weather_that_the_gateway_met_too_is_believed_and_other_weather_is_not(
    lane: LaneUnderTest, store: Path
) -> None:
    lease = await a_lease(lane)
    assert await found(lane, lease, "PG-300") is ReturnReason.UNCONFIRMED
    lane.troubles.note(Unavailable())
    assert await found(lane, lease, "PG-300") is ReturnReason.STORE_FAULT


async def test_a_gateway_that_died_since_the_lease_was_sold_explains_a_cut(lane: LaneUnderTest, store: Path) -> None:
    lease = await a_lease(lane)
    other = GatewayId(SessionId(lease["session_id"]))
    await lane.database.write(Transaction.JOIN_NETWORK, REGISTER_GATEWAY, gateway_id=other)
    assert await found(lane, lease, "PG-301") is ReturnReason.UNCONFIRMED
    await lane.fetch("UPDATE leases SET granted_ms = now_ms() - 20000")
    await lane.fetch("UPDATE gateways SET seen_ms = now_ms() - 10000 WHERE gateway_id = $1", other)
    assert await found(lane, lease, "PG-301") is ReturnReason.STORE_FAULT


@pytest.mark.parametrize(
    ("can_be_proven", "reason"),
    [
        (True, ReturnReason.REFUTED),
        (False, ReturnReason.PROGRAM_FAULT),
        (None, ReturnReason.UNPROVABLE),
        (JobCrashed("the engine died"), ReturnReason.UNPROVABLE),
    ],
)
async def test_the_gateway_tries_an_input_that_is_called_unprovable(
    lane: LaneUnderTest, store: Path, monkeypatch: pytest.MonkeyPatch, can_be_proven: Any, reason: ReturnReason
) -> None:
    async def call(function: Any, *args: Any, timeout_seconds: float, **_: object) -> Any:
        assert (function.__name__, args[0], args[2:4]) == ("can_be_proven", "toy", (0, b"input"))
        if isinstance(can_be_proven, Exception):
            raise can_be_proven
        return can_be_proven

    lease = await a_lease(lane)
    monkeypatch.setattr(lane.workers, "call", call)
    assert await found(lane, lease, "PG-510") is reason


async def test_a_proof_that_is_not_where_its_prover_says_costs_its_prover_and_not_the_task(
    lane: LaneUnderTest, store: Path
) -> None:
    lease = await a_lease(lane)

    async def why(error: Any, digest: Digest | None) -> ReturnReason:
        report = JobReport(held=held(lease), proof=b"", proof_digest=digest, public={}, wall_ms=1, memory_peak_bytes=0)
        return await lane.checking.why_refused(report, error)

    assert await why(ArtifactMissing(), digest_of(b"never uploaded")) is ReturnReason.UNCONFIRMED
    assert await why(ArtifactMissing(), digest_of(b"input")) is ReturnReason.STORE_FAULT
    assert await why(Recoverable(), None) is ReturnReason.STORE_FAULT
    assert await why(BadProof(), None) is ReturnReason.BAD_PROOF


async def test_a_lease_is_held_while_an_excuse_is_checked_and_only_its_owner_may_give_it_back(
    lane: LaneUnderTest, store: Path
) -> None:
    lease = await a_lease(lane)
    await lane.fetch("UPDATE leases SET expires_ms = now_ms() + 1")
    desk = lane.desk
    await desk.trouble(_session(lease, "bob"), JobTrouble(held=held(lease), code="PG-310", detail=""))
    assert [row["state"] for row in await lane.leases()] == ["granted"]

    await desk.trouble(_session(lease, "alice"), JobTrouble(held=held(lease), code="PG-310", detail="so it says"))

    (ended,) = await lane.leases()
    assert (ended["state"], ended["reason"]) == ("failed", "false_excuse")
    assert "so it says" in ended["detail"]
    assert "it is whole" in ended["detail"]
    assert ended["expires_ms"] > ended["now_ms"] + 30_000


def _session(lease: Any, operator: str) -> Session:
    return Session(
        session_id=SessionId(lease["session_id"]),
        prover_id=ProverId(f"{operator}/p"),
        operator=Address(operator),
        lanes=[],
        dropped=[],
    )
