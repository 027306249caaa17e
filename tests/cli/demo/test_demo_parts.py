"""The demo's parts that need no network: digits, its folder, its processes, its books."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from proofgrid.cli.demo.books import read_books
from proofgrid.cli.demo.digits import best_of, demo_model, enlarged, plain_scores, read_digit, write_samples
from proofgrid.cli.demo.factors import SECRETS, known_factors
from proofgrid.cli.demo.folder import MARKER, fresh_folder, network_folder, tidy_up
from proofgrid.cli.demo.processes import Fleet
from proofgrid.cli.demo.seen_digit import SeenDigit
from proofgrid.cli.demo.verified import ProvenJob, Verified
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.sdk.answers.money import Account, LedgerCheck
from proofgrid.sdk.client import Client


def test_the_plain_model_reads_the_first_five_digits_right() -> None:
    digits = [read_digit(number) for number in range(5)]
    assert [best_of(plain_scores(digit)) for digit in digits] == [digit.label for digit in digits]
    assert len({digit.label for digit in digits}) == 5


def test_a_digit_is_drawn_dark_where_there_is_ink() -> None:
    digit = read_digit(0)
    lines = digit.drawn()
    assert [len(line) for line in lines] == [16] * 8
    for row, line in zip(digit.pixels, lines, strict=True):
        assert [line[2 * x] == " " for x in range(8)] == [pixel < digit.darkest / 4 for pixel in row]


def test_lenet_reads_the_same_digits_drawn_larger() -> None:
    lenet = demo_model("lenet")
    digits = [read_digit(number) for number in range(10)]

    assert [best_of(plain_scores(digit, lenet)) for digit in digits] == [digit.label for digit in digits]
    assert all(len(digit.input_of(lenet)) == 32 * 32 for digit in digits)
    assert all(0 <= pixel <= 1 for digit in digits for pixel in digit.input_of(lenet))
    assert [len(line) for line in digits[0].drawn(lenet)] == [32] * 16


def test_the_samples_are_the_small_model_and_its_digits_as_inputs(tmp_path: Path) -> None:
    model, *digits = write_samples(tmp_path / "samples")
    assert model.read_bytes() == demo_model("digits").file.read_bytes()
    assert json.loads(digits[7].read_text()) == read_digit(7).model_input
    assert digits[7].name == "digit-7.json"


def test_enlarging_keeps_what_is_even_and_has_soft_edges() -> None:
    assert enlarged([[0.5, 0.5], [0.5, 0.5]]) == [[0.5] * 8] * 8
    assert enlarged([[0.0, 1.0], [0.0, 1.0]])[0] == [0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1]


def test_a_model_that_is_not_there_is_refused() -> None:
    with pytest.raises(InvalidField, match="no model 'resnet'") as caught:
        demo_model("resnet")
    assert caught.value.hint == "models: digits, lenet"


def test_a_sample_that_is_not_there_is_refused() -> None:
    with pytest.raises(InvalidField, match="samples 0 to"):
        read_digit(10_000)


def test_a_demo_removes_the_demo_before_it_and_nothing_else(tmp_path: Path) -> None:
    folder = fresh_folder(tmp_path / "demo")
    (folder / "old.bundle").touch()
    assert {path.name for path in fresh_folder(folder).iterdir()} == {MARKER, "proofgrid.toml"}
    foreign = tmp_path / "thesis"
    foreign.mkdir()
    (foreign / "chapter-1").touch()
    with pytest.raises(InvalidField, match="is no demo's folder"):
        fresh_folder(foreign)
    assert (foreign / "chapter-1").exists()


def test_a_folder_of_a_running_demo_is_left_alone(tmp_path: Path) -> None:
    folder = fresh_folder(tmp_path / "demo")
    program = "import sys; print(flush=True); sys.stdin.read()"
    other = subprocess.Popen([sys.executable, "-c", program, "demo"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with other:
        assert other.stdout is not None
        other.stdout.readline()
        (folder / MARKER).write_text(str(other.pid))
        with pytest.raises(InvalidField, match="a demo is running"):
            fresh_folder(folder)
        other.communicate()
    assert fresh_folder(folder) == folder


@pytest.mark.parametrize("name", ["a folder with spaces", "deep/" * 30 + "end"])
def test_a_database_that_cannot_live_in_the_folder_lives_elsewhere_and_goes_away(tmp_path: Path, name: str) -> None:
    folder = fresh_folder(tmp_path / name)
    network = network_folder(folder)
    assert not network.is_relative_to(folder)
    assert len(os.fsencode(network / "db" / ".s.PGSQL.5432")) <= 103
    tidy_up(folder, network)
    assert folder.exists()
    assert not network.exists()


async def test_a_child_ends_when_its_parent_is_killed() -> None:
    program = (
        "import proofgrid.cli.kit.lifeline as l, signal; l.stop_when_stdin_closes(); print(flush=True); signal.pause()"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    await process.stdout.readline()
    process.stdin.close()  # what the kernel does when a parent dies
    assert await process.wait() == -15


class _Ledger:
    """The answers of a gateway, as data."""

    def __init__(self, *, balance: int, earned: dict[str, int], held: int, minted: int) -> None:
        self._accounts = {"0xC": Account(balance=balance)}
        self._accounts |= {address: Account(earned=amount) for address, amount in earned.items()}
        self._check = LedgerCheck(balanced=True, held=held, minted=minted)
        self.admin = SimpleNamespace(check_ledger=self._check_ledger)

    async def account(self, address: str) -> Account:
        return self._accounts[address]

    async def _check_ledger(self) -> LedgerCheck:
        return self._check


JOBS = [
    ProvenJob(operator="0xA", units=10, price_buy=9, price_sell=8, paid=80),
    ProvenJob(operator="0xB", units=5, price_buy=9, price_sell=8, paid=40),
]


@pytest.mark.parametrize(("bob", "faults"), [(40, 0), (41, 2)])
async def test_the_books_hold_only_when_ledger_and_bundle_agree(bob: int, faults: int) -> None:
    ledger = _Ledger(balance=865, earned={"0xA": 80, "0xB": bob}, held=1000, minted=1000)
    operators = {"alice": Address("0xA"), "bob": Address("0xB")}
    books = await read_books(cast(Client, ledger), Address("0xC"), operators, JOBS, deposited=1000)
    # One base unit too much for bob is missing in the treasury.
    assert len(books.faults) == faults
    assert dict(books.earned) == {"alice": 80, "bob": bob}
    assert books.treasury == 1000 - 865 - 80 - bob


@pytest.mark.parametrize("system", ["groth16", "plonk", "noir", "miden"])
def test_factors_are_judged_by_what_the_proof_shows(system: str) -> None:
    subject = known_factors(system)
    p, q = SECRETS
    shown = Verified(checks=(), program="", network="", result={"outputs": [[str(p * q)]]}, jobs=(), jobs_as_said=[])

    assert subject.judged(shown).is_right
    other = subject.judged(replace(shown, result={"outputs": [["15"]], "format": 1}))
    assert not other.is_right
    assert "[15, 1]" in other.faults[0]
    assert not any(
        str(secret) in line for secret in SECRETS for line in (*subject.drawn(), subject.judged(shown).headline)
    )


def test_a_system_without_a_demo_is_named() -> None:
    with pytest.raises(InvalidField, match="no program of toy") as caught:
        known_factors("toy")
    assert "groth16" in caught.value.hint


def test_a_digit_that_is_seen_wrongly_is_a_fault() -> None:
    model, digit = demo_model("digits"), read_digit(7)
    subject = SeenDigit(model=model, digit=digit, number=7)
    plain = plain_scores(digit)
    right = Verified(
        checks=(), program="", network="", result={"outputs": [{"y": {"values": plain}}]}, jobs=(), jobs_as_said=[]
    )

    assert subject.judged(right).faults == []
    assert f"sees a {digit.label}" in subject.judged(right).headline
    wrong = subject.judged(replace(right, result={"outputs": [{"y": {"values": plain[::-1]}}]}))
    assert len(wrong.faults) == 2


async def test_a_demo_that_stays_waits_on_after_the_story_stopped_waiting(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, tmp_path)
    told = asyncio.ensure_future(fleet.until_one_ends())
    await asyncio.sleep(0)
    told.cancel()
    await asyncio.wait([told])

    staying = asyncio.ensure_future(fleet.until_one_ends())
    done, _ = await asyncio.wait([staying], timeout=0)

    assert not done
    staying.cancel()
