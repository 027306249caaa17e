"""Whatever a prover says and whenever: no lease is held beyond its limits, and none ends without a reason."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from proofgrid.rules.jobs.lifecycle import LeaseState
from proofgrid.rules.jobs.phases import (
    LeaseTimes,
    PhasePolicy,
    after_coming_back,
    after_cut,
    after_grant,
    after_heartbeat,
    after_offer,
    after_progress,
    after_report,
    check_lease,
    hard_limit_ms,
)
from proofgrid.rules.jobs.speed import Speed
from tests.makers import NOW_MS

POLICY = PhasePolicy()


class LeaseMachine(RuleBasedStateMachine):
    """One lease, a clock that only goes on, and a prover that says anything."""

    lease: LeaseTimes

    @initialize(
        units=st.integers(1, 10**6),
        memory_bytes=st.integers(0, 1 << 36),
        speed=st.builds(Speed, units=st.integers(0, 10**7), wall_ms=st.integers(0, 10**7), samples=st.integers(0, 64)),
    )
    def grant(self, units: int, memory_bytes: int, speed: Speed) -> None:
        self.now_ms = NOW_MS
        self.longest_ms = 2 * POLICY.pick_up_ms + hard_limit_ms(units, POLICY)
        self.lease = after_grant(units=units, memory_bytes=memory_bytes, speed=speed, policy=POLICY, now_ms=self.now_ms)

    def holds(self) -> bool:
        return check_lease(self.lease, now_ms=self.now_ms) is None

    @rule(milliseconds=st.integers(0, 20_000))
    def time_passes(self, milliseconds: int) -> None:
        self.now_ms += milliseconds

    @precondition(lambda self: self.lease.state in (LeaseState.GRANTED, LeaseState.OFFERED) and self.holds())
    @rule()
    def offer(self) -> None:
        self.lease = after_offer(self.lease, policy=POLICY, now_ms=self.now_ms)

    @precondition(lambda self: self.holds())
    @rule()
    def heartbeat(self) -> None:
        before = self.lease
        self.lease = after_heartbeat(before, policy=POLICY, now_ms=self.now_ms)
        assert (self.lease.phase_until_ms, self.lease.state) == (before.phase_until_ms, before.state)

    @precondition(lambda self: self.lease.state in (LeaseState.OFFERED, LeaseState.RUNNING) and self.holds())
    @rule(permille=st.integers(0, 1_200))
    def progress(self, permille: int) -> None:
        before = self.lease
        self.lease = after_progress(before, permille, policy=POLICY, now_ms=self.now_ms)
        assert self.lease.permille >= before.permille
        if before.state is LeaseState.RUNNING:
            assert self.lease.phase_until_ms >= before.phase_until_ms

    @precondition(lambda self: self.lease.state in (LeaseState.OFFERED, LeaseState.RUNNING) and self.holds())
    @rule()
    def report(self) -> None:
        self.lease = after_report(self.lease, policy=POLICY, now_ms=self.now_ms)

    @precondition(lambda self: self.holds())
    @rule(grace_ms=st.integers(0, 6_000))
    def cut(self, grace_ms: int) -> None:
        self.lease = after_cut(self.lease, grace_ms=grace_ms, now_ms=self.now_ms)

    @precondition(lambda self: self.holds())
    @rule()
    def come_back(self) -> None:
        self.lease = after_coming_back(self.lease, policy=POLICY, now_ms=self.now_ms)

    @invariant()
    def nobody_proves_longer_than_the_hard_limit(self) -> None:
        if self.lease.state is LeaseState.REPORTED:
            assert self.lease.expires_ms <= NOW_MS + self.longest_ms + POLICY.report_ms
        else:
            assert self.lease.until_ms <= NOW_MS + self.longest_ms
            assert self.lease.expires_ms <= self.lease.until_ms
        if self.lease.state is LeaseState.RUNNING:
            assert self.lease.phase_until_ms <= self.lease.until_ms
            longest_ms = self.lease.prove_ms * POLICY.extend_permille // 1_000
            assert self.lease.until_ms <= self.lease.started_ms + longest_ms

    @invariant()
    def the_alarm_rings_when_something_has_happened_and_not_before(self) -> None:
        assert check_lease(self.lease, now_ms=self.lease.expires_ms) is not None
        assert check_lease(self.lease, now_ms=self.lease.expires_ms - 1) is None


TestLease = LeaseMachine.TestCase
TestLease.settings = settings(deadline=None, derandomize=True, max_examples=100, stateful_step_count=40)
