"""What is said of a machine: each finding, and that each fault comes with what mends it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from proofgrid.rules.diagnosis.engines import (
    ConfinementFacts,
    EngineFacts,
    Missing,
    judge_confinement,
    judge_engines,
)
from proofgrid.rules.diagnosis.finding import GIB, Finding, Role, Verdict, fault, good, is_well, note, size_text
from proofgrid.rules.diagnosis.machine import DiskFacts, MachineFacts, judge_machine
from proofgrid.rules.diagnosis.places import (
    DAY_MS,
    CertificateFacts,
    FolderFacts,
    KeyFacts,
    KeyForm,
    PortFacts,
    judge_certificate,
    judge_folder,
    judge_key,
    judge_port,
)
from proofgrid.rules.diagnosis.services import (
    DatabaseFacts,
    GatewayFacts,
    StoreFacts,
    judge_database,
    judge_gateway,
    judge_store,
)
from proofgrid.rules.jobs.confinement import Confinement

NOW_MS = 1_800_000_000_000
DISK = DiskFacts(folder="/data", free_bytes=100 * GIB, write_bytes_per_second=200 << 20, flush_ms=1.0)
MACHINE = MachineFacts(
    python=(3, 12),
    cores=8,
    memory_bytes=16 * GIB,
    memory_limit_bytes=0,
    files_max=20_000,
    files_may=20_000,
    now_ms=NOW_MS,
    newest_file_ms=NOW_MS - DAY_MS,
    disk=DISK,
)
KEY = KeyFacts(path="me.key", form=KeyForm.ENCRYPTED, mode=0o600, has_password=True)
CERTIFICATE = CertificateFacts(
    path="chain.pem",
    names=("gateway.example",),
    begins_ms=NOW_MS - DAY_MS,
    ends_ms=NOW_MS + 90 * DAY_MS,
    key_path="key.pem",
    key_mode=0o600,
)
FOLDER = FolderFacts(path="/data", is_there=True, is_writable=True, mode=0o700, holds_socket=True)
DATABASE = DatabaseFacts(where="db.example/proofgrid", major=17, connections_max=100, connections_wanted=11)
GATEWAY = GatewayFacts(where="gateway.example:7400", version="0.4.2", ours="0.4.0")
SHUT_IN = ConfinementFacts(
    level=Confinement.NAMESPACES,
    wished=Confinement.NAMESPACES,
    has_landlock=True,
    has_bubblewrap=True,
    is_linux=True,
)


def of(found: Iterable[Finding], what: str) -> Finding:
    """The worst finding about one thing."""
    order = list(Verdict)
    return max((one for one in found if one.what == what), key=lambda one: order.index(one.verdict))


@pytest.mark.parametrize("role", Role)
def test_a_good_machine_has_no_faults_and_no_notes(role: Role) -> None:
    assert {one.verdict for one in judge_machine(MACHINE, role)} == {Verdict.GOOD}


@pytest.mark.parametrize(
    ("facts", "what", "verdict", "mend"),
    [
        (replace(MACHINE, python=(3, 10)), "python", Verdict.FAULT, "Python 3.11"),
        (replace(MACHINE, python=(3, 15)), "python", Verdict.NOTE, "python3.13"),
        (replace(MACHINE, cores=1), "cores", Verdict.NOTE, "2 cores"),
        (replace(MACHINE, memory_bytes=GIB), "memory", Verdict.NOTE, "2.0 GiB"),
        (replace(MACHINE, memory_limit_bytes=GIB // 4), "memory", Verdict.FAULT, "2.0 GiB"),
        (replace(MACHINE, files_max=256), "open files", Verdict.FAULT, "ulimit -n 4096"),
        (replace(MACHINE, files_max=1_024), "open files", Verdict.NOTE, "ulimit -n 4096"),
        (replace(MACHINE, newest_file_ms=NOW_MS + 3_600_000), "clock", Verdict.FAULT, "timedatectl set-ntp true"),
        (replace(MACHINE, disk=replace(DISK, free_bytes=GIB // 2)), "disk", Verdict.FAULT, "--data-dir"),
        (replace(MACHINE, disk=replace(DISK, free_bytes=5 * GIB)), "disk", Verdict.NOTE, "--data-dir"),
        (replace(MACHINE, disk=replace(DISK, flush_ms=25.0)), "disk speed", Verdict.NOTE, "SSD"),
        (replace(MACHINE, disk=replace(DISK, write_bytes_per_second=1 << 20)), "disk speed", Verdict.NOTE, "SSD"),
    ],
)
def test_each_lack_of_a_machine_is_said_with_what_mends_it(
    facts: MachineFacts, what: str, verdict: Verdict, mend: str
) -> None:
    found = of(judge_machine(facts, Role.GATEWAY), what)
    assert found.verdict is verdict
    assert mend in found.mend


def test_a_client_needs_no_fast_disk_and_few_files() -> None:
    slow = replace(MACHINE, files_max=64, disk=replace(DISK, flush_ms=500.0, write_bytes_per_second=1))
    assert is_well(judge_machine(slow, Role.CLIENT))
    assert not [one for one in judge_machine(slow, Role.CLIENT) if one.what in ("open files", "disk speed")]


@pytest.mark.parametrize(
    ("facts", "verdict", "mend"),
    [
        (KEY, Verdict.GOOD, ""),
        (replace(KEY, form=KeyForm.MISSING), Verdict.FAULT, "proofgrid keys new --out me.key"),
        (replace(KEY, form=KeyForm.MISSING, is_made_when_missing=True), Verdict.NOTE, ""),
        (replace(KEY, form=KeyForm.BROKEN), Verdict.FAULT, "proofgrid keys new"),
        (replace(KEY, mode=0o644), Verdict.FAULT, "chmod 600 me.key"),
        (replace(KEY, form=KeyForm.OPEN), Verdict.NOTE, "proofgrid keys encrypt me.key"),
        (replace(KEY, has_password=False), Verdict.FAULT, "PROOFGRID_KEY_PASSWORD"),
        (replace(KEY, form=KeyForm.IN_MODULE), Verdict.GOOD, ""),
    ],
)
def test_a_key_is_there_closed_and_can_be_opened(facts: KeyFacts, verdict: Verdict, mend: str) -> None:
    found = of(judge_key(facts), "key")
    assert found.verdict is verdict
    assert mend in found.mend


@pytest.mark.parametrize(
    ("facts", "verdict", "said"),
    [
        (CERTIFICATE, Verdict.GOOD, "gateway.example, 90 days left"),
        (replace(CERTIFICATE, problem="the key is another one's"), Verdict.FAULT, "another one's"),
        (replace(CERTIFICATE, ends_ms=NOW_MS - 3 * DAY_MS), Verdict.FAULT, "ended 3 days ago"),
        (replace(CERTIFICATE, begins_ms=NOW_MS + DAY_MS), Verdict.FAULT, "not valid yet"),
        (replace(CERTIFICATE, ends_ms=NOW_MS + 5 * DAY_MS), Verdict.NOTE, "ends in 5 days"),
        (replace(CERTIFICATE, key_mode=0o640), Verdict.FAULT, "key.pem can be read by others"),
    ],
)
def test_a_certificate_counts_now_and_its_key_is_closed(facts: CertificateFacts, verdict: Verdict, said: str) -> None:
    found = of(judge_certificate(facts, now_ms=NOW_MS), "certificate")
    assert found.verdict is verdict
    assert said in found.said


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        (FOLDER, Verdict.GOOD),
        (replace(FOLDER, is_there=False), Verdict.GOOD),
        (replace(FOLDER, is_writable=False), Verdict.FAULT),
        (replace(FOLDER, path="/" + "x" * 90), Verdict.FAULT),
        (replace(FOLDER, path="/" + "x" * 90, holds_socket=False), Verdict.GOOD),
        (replace(FOLDER, mode=0o755), Verdict.NOTE),
    ],
)
def test_a_data_directory_can_hold_what_it_is_for(facts: FolderFacts, verdict: Verdict) -> None:
    assert judge_folder(facts, Role.GATEWAY).verdict is verdict


def test_a_port_is_free_taken_or_served_by_a_gateway() -> None:
    free = PortFacts(setting="listen", address="127.0.0.1:7400")
    taken = judge_port(replace(free, problem="Address already in use"))
    served = judge_port(replace(free, serves=True))
    assert judge_port(free).verdict is Verdict.GOOD
    assert (taken.verdict, taken.mend) == (Verdict.FAULT, "--listen with another port")
    assert (served.verdict, "serves" in served.said) == (Verdict.NOTE, True)


@pytest.mark.parametrize(
    ("facts", "what", "verdict"),
    [
        (DATABASE, "database", Verdict.GOOD),
        (replace(DATABASE, problem="connection refused"), "database", Verdict.FAULT),
        (replace(DATABASE, major=12), "database", Verdict.FAULT),
        (replace(DATABASE, major=15), "database", Verdict.NOTE),
        (replace(DATABASE, is_newer=True), "schema", Verdict.FAULT),
        (replace(DATABASE, pending=3), "schema", Verdict.NOTE),
        (replace(DATABASE, ahead_ms=-45_000), "database clock", Verdict.FAULT),
        (replace(DATABASE, ahead_ms=2_000), "database clock", Verdict.NOTE),
        (replace(DATABASE, connections_max=12), "database", Verdict.FAULT),
        (replace(DATABASE, commits_are_kept=False), "database", Verdict.FAULT),
        (replace(DATABASE, is_encrypted=False), "database", Verdict.NOTE),
    ],
)
def test_a_database_answers_keeps_what_it_commits_and_has_our_tables(
    facts: DatabaseFacts, what: str, verdict: Verdict
) -> None:
    assert of(judge_database(facts), what).verdict is verdict


def test_a_store_that_does_not_give_back_what_it_got_is_a_fault() -> None:
    store = StoreFacts(setting="artifacts_mirror", where="s3://bucket/two")
    assert judge_store(store).verdict is Verdict.GOOD
    assert judge_store(replace(store, problem="access denied")).mend.startswith("--artifacts-mirror")


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        (GATEWAY, Verdict.GOOD),
        (replace(GATEWAY, problem="it cannot be reached"), Verdict.FAULT),
        (replace(GATEWAY, version="0.5.0"), Verdict.NOTE),
        (replace(GATEWAY, for_development=True), Verdict.NOTE),
    ],
)
def test_a_gateway_serves_and_is_of_our_release(facts: GatewayFacts, verdict: Verdict) -> None:
    assert of(judge_gateway(facts), "gateway").verdict is verdict


def test_what_is_missing_is_a_fault_only_where_it_is_wanted() -> None:
    lack = Missing(why="its engine is not built", hint="proofgrid systems --build miden")
    facts = EngineFacts(here={"ezkl": "ezkl 23"}, missing={"miden": lack}, toolchains={"go": "/bin/go", "cargo": ""})
    notes = list(judge_engines(facts, Role.PROVER))
    assert is_well(notes)
    assert of(notes, "toolchains").said == "go; not here: cargo"
    wanted = of(judge_engines(replace(facts, wanted=("miden",)), Role.PROVER), "proof system")
    assert (wanted.verdict, wanted.mend) == (Verdict.FAULT, "proofgrid systems --build miden")


def test_a_prover_without_any_proof_system_is_a_fault_and_a_client_without_one_is_none() -> None:
    assert not is_well(judge_engines(EngineFacts(), Role.PROVER))
    assert is_well(judge_engines(EngineFacts(), Role.CLIENT))


def test_trust_roots_that_are_not_there_are_said() -> None:
    found = list(judge_engines(EngineFacts(here={"noir": "bb"}, points="not found", srs="nothing there"), Role.GATEWAY))
    assert of(found, "points of Ignition").verdict is Verdict.NOTE
    assert of(found, "reference string").verdict is Verdict.FAULT


@pytest.mark.parametrize(
    ("facts", "verdict", "mend"),
    [
        (SHUT_IN, Verdict.GOOD, ""),
        (replace(SHUT_IN, level=Confinement.RULES, has_bubblewrap=False), Verdict.NOTE, "apt install bubblewrap"),
        (replace(SHUT_IN, level=Confinement.RULES), Verdict.NOTE, "userns"),
        (replace(SHUT_IN, level=Confinement.PROCESS, has_landlock=False), Verdict.NOTE, "5.13"),
        (replace(SHUT_IN, level=Confinement.PROCESS, is_linux=False), Verdict.NOTE, ""),
        (replace(SHUT_IN, level=Confinement.RULES, wished=Confinement.RULES), Verdict.GOOD, ""),
    ],
)
def test_how_well_jobs_are_shut_in_is_said_with_what_gets_more(
    facts: ConfinementFacts, verdict: Verdict, mend: str
) -> None:
    found = judge_confinement(facts)
    assert found.verdict is verdict
    assert mend in found.mend


def test_only_faults_make_a_machine_unwell() -> None:
    assert is_well([good("a", "b"), note("c", "d")])
    assert not is_well([good("a", "b"), fault("c", "d", "e")])


def test_bytes_are_said_as_people_read_them() -> None:
    assert (size_text(3 * GIB // 2), size_text(512 << 20)) == ("1.5 GiB", "512 MiB")
