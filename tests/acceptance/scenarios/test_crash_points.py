"""kill -9 of the gateway at every transaction boundary: before each commit and after it, all of them, one by one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from proofgrid.bootstrap.crash_points import GROUP
from proofgrid.store.embedded import EmbeddedPostgres
from proofgrid.store.transactions import BY_ANCHOR, Transaction
from tests.acceptance.scenarios import crash_drivers as drivers
from tests.acceptance.scenarios.checkers import check_no_process_left, check_promises
from tests.acceptance.scenarios.doomed import Doomed
from tests.databases import temporary_database
from tests.networks import running_network
from tests.packages import HERE, install_package, toy_system_installed

Driver = Callable[[Doomed], Awaitable[None]]

POINT_SECONDS = 120.0  #: a task that is lost ends never

#: How each transaction is reached; where it has several causes, each is a way of its own.
WAYS: dict[Transaction, dict[str, Driver]] = {
    # a network's life
    Transaction.JOIN_NETWORK: {"start": drivers.start_again},
    Transaction.GATEWAY_ALIVE: {"time": drivers.prove_slowly},
    Transaction.GATEWAY_GONE: {"stop": drivers.stop_politely},
    # people
    Transaction.SPEND_TOKEN: {"reconnect": drivers.cut_streams},
    Transaction.FORGET_TOKENS: {"start": drivers.start_again},
    Transaction.CHANGE_ROLES: {"grant": drivers.change_roles, "revoke": drivers.revoke_role},
    Transaction.CHANGE_API_KEYS: {"make": drivers.make_api_key, "revoke": drivers.revoke_api_key},
    Transaction.NOTE_KEYS_USED: {"stop": drivers.use_api_key},
    Transaction.CHANGE_WEBHOOKS: {"make": drivers.make_webhook},
    Transaction.WANT_DELIVERY: {"want": drivers.want_delivery},
    Transaction.SPELL_DELIVERY: {"refuse": drivers.want_delivery},
    Transaction.CHANGE_LOW_BALANCE: {"set": drivers.set_low_balance},
    Transaction.CLAIM_DELIVERIES: {"deliver": drivers.deliver},
    Transaction.NOTE_DELIVERY: {"deliver": drivers.deliver},
    Transaction.FORGET_DELIVERIES: {"start": drivers.start_again},
    Transaction.CHANGE_SUBNETWORKS: {"change": drivers.change_subnetwork},
    Transaction.CHANGE_ENGINES: {"stop": drivers.stop_engine},
    Transaction.CHANGE_KEYS: {"rotate": drivers.rotate_keys},
    Transaction.MOVE_MONEY: {"deposit": drivers.deposit, "bond": drivers.bond},
    Transaction.APPEAL: {"appeal": drivers.appeal, "resolve": drivers.resolve},
    Transaction.CHECK_LEDGER: {"time": drivers.prove_slowly},
    Transaction.CLOSE_INCIDENT: {"close": drivers.close_incident},
    Transaction.TELL_OF_INCIDENTS: {"start": drivers.start_again},
    Transaction.OPEN_INCIDENT: {"lies": drivers.lies_are_too_many},
    Transaction.ACT_ON_INCIDENT: {"lies": drivers.lies_are_too_many},
    Transaction.END_INCIDENT: {"over": drivers.incident_is_over},
    Transaction.FORGET_LIES: {"start": drivers.start_again},
    Transaction.ADD_CANARY: {"add": drivers.add_canary},
    Transaction.NOTE_SECOND_LOOK: {"time": drivers.second_look},
    Transaction.PLACE_AUDIT: {"grant": drivers.place_audit},
    Transaction.NOTE_REFUSALS: {"stop": drivers.refuse},
    Transaction.LEARN_SIZES: {"start": drivers.start_again},
    # programs and artifacts
    Transaction.REGISTER_PROGRAM: {"register": drivers.register},
    Transaction.SHARE_PROGRAM: {"share": drivers.share},
    Transaction.DELETE_PROGRAM: {"delete": drivers.delete_program},
    Transaction.RESERVE_BYTES: {"upload": drivers.register},
    Transaction.RECORD_ARTIFACT: {"upload": drivers.register, "srs": drivers.start_again},
    Transaction.TIDY_ARTIFACTS: {"forget": partial(drivers.tidy, nth=1), "set_aside": partial(drivers.tidy, nth=3)},
    Transaction.MEND_ARTIFACTS: {"note": drivers.note_repair, "repair": drivers.repair},
    # a task's life
    Transaction.ADMIT_TASKS: {"submit": drivers.prove_tasks},
    Transaction.HOLD_ROUND: {"sell": drivers.prove_tasks, "hedge": drivers.prover_is_slow},
    Transaction.OFFER_LEASES: {"offer": drivers.prove_tasks},
    Transaction.NOTE_PROGRESS: {"progress": drivers.prove_tasks},
    Transaction.NOTE_REPORTS: {"report": drivers.prove_tasks},
    Transaction.PAY_PROOFS: {
        "pay": drivers.prove_tasks,
        "hedge": drivers.prover_is_slow,
        "rescue": drivers.slashed,
        "late": drivers.proof_comes_late,
        "seat": drivers.seat_wrap,
    },
    Transaction.NOTE_CACHED: {"pay": drivers.prove_tasks},
    Transaction.RETURN_JOB: {
        "failure": drivers.prover_fails,
        "timeout": drivers.lease_runs_out,
        "forgotten": drivers.prover_forgets,
        "unprovable": drivers.input_is_unprovable,
        "slashed": drivers.slashed,
        "late_lie": drivers.lie_comes_late,
    },
    Transaction.NOTE_SLOW: {"wish": drivers.prover_is_slow},
    Transaction.RAISE_LIMITS: {"raise": drivers.nobody_sells_at_first},
    Transaction.EXTEND_LEASES: {"blind": drivers.database_away},
    Transaction.CLAIM_COMBINING: {"combine": drivers.prove_tasks},
    Transaction.FINISH_TASK: {"combine": drivers.prove_tasks},
    Transaction.END_TASK: {
        "cancel": drivers.cancel,
        "deadline": drivers.miss_deadline,
        "combining": drivers.fail_combining,
        "promise": drivers.miss_promise,
        "stopped": drivers.end_tasks_of_stopped_engine,
    },
    Transaction.REPLAY_TASK: {"replay": drivers.replay},
    Transaction.RESUBMIT_TASK: {"replay": drivers.replay_by_filter},
    Transaction.BEGIN_BULK_ACT: {"cancel": drivers.cancel_by_filter},
    Transaction.SELL_QUOTE: {"buy": drivers.buy_quote},
    Transaction.REDEEM_QUOTE: {"submit": drivers.redeem_quote},
    Transaction.EXPIRE_QUOTES: {"time": drivers.quote_runs_out},
    Transaction.OVERFLOW_JOBS: {"overflow": drivers.overflow},
    # a prover's session
    Transaction.OPEN_SESSION: {"reconnect": drivers.cut_streams},
    Transaction.HEARTBEAT: {"time": drivers.prove_slowly},
    Transaction.DRAIN_SESSION: {"prover": drivers.prover_drains, "gateway": drivers.stop_politely},
    Transaction.CLOSE_SESSION: {"cut": drivers.cut_streams},
    Transaction.WAKE: {"reconnect": drivers.cut_streams},
}

POINTS = [
    pytest.param(f"{name}:{side}", drive, id=f"{name}-{side}-{way}")
    for name, ways in WAYS.items()
    for way, drive in ways.items()
    for side in ("before", "after")
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def doomed(
    tmp_path_factory: pytest.TempPathFactory,
    embedded_postgres: EmbeddedPostgres,
    template_database: str,
    srs_file: Path,
) -> AsyncIterator[Doomed]:
    """One network for all points: it must survive every one of them, after all the others."""
    root = tmp_path_factory.mktemp("doomed")
    site = root / "fault-site"
    install_package(site, "fault", HERE / "crash_hook.py", group=GROUP, entry="crash_hook")
    settings = {"SRS_FILE": str(srs_file), "ARTIFACTS_MIRROR": str(root / "second")}
    settings |= {"HEARTBEAT_MS": "300", "WEBHOOKS_ANYWHERE": "true"}
    settings |= {"INCIDENTS_ALERTMANAGER": "http://127.0.0.1:9"}  # nobody is there: a telling is claimed all the same
    settings |= {"WORKERS": "1"}  # every gateway that starts has one worker less to start
    # Every second point costs a prover a lease: pauses would make later points wait, and give up where both are paused.
    settings |= {"PAUSE_AFTER_FAULTS_IN_ROW": "0", "PAUSE_AFTER_FAULTS_OF_TEN": "0"}
    with pytest.MonkeyPatch.context() as monkeypatch, toy_system_installed(root / "toy-site", monkeypatch):
        async for dsn in temporary_database(embedded_postgres, template=template_database):
            async with running_network(root, dsn, gateway_path=str(site), **settings) as network:
                for name, _operator in drivers.PROVERS:
                    await drivers.start_prover(network, name)
                async with network.client() as client:
                    yield Doomed(network, client, site)
    check_no_process_left(root)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("point", "drive"), POINTS)
async def test_a_gateway_killed_there_loses_nothing_and_nobody_hears_an_error(
    doomed: Doomed, point: str, drive: Driver
) -> None:
    assert not doomed.broken_at, f"the network did not survive {doomed.broken_at}"
    doomed.point = doomed.broken_at = point

    async with asyncio.timeout(POINT_SECONDS):
        await drive(doomed)
    await check_promises(doomed.network, acknowledged=doomed.acknowledged)

    assert doomed.reached
    doomed.broken_at = ""


def test_every_transaction_has_a_way_to_its_crash_points() -> None:
    assert set(WAYS) == set(Transaction) - set(BY_ANCHOR)  # tests/anchor ends one between all of its steps
