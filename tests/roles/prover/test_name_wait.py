"""A prover whose name is taken: it waits as long as a dead session needs to be silent, then it knows."""

from __future__ import annotations

from proofgrid.primitives.errors import NameTaken
from proofgrid.roles.prover.name_wait import ASK_CALMLY_SECONDS, ASK_EVERY_SECONDS, MARGIN_SECONDS, NameWait

ALIVE = NameTaken(wait_ms=6_000)
GIVES_UP_AT = 6 + MARGIN_SECONDS


def test_it_asks_every_second_and_never_after_the_name_is_free() -> None:
    wait = NameWait()

    assert wait.refused(ALIVE, now_seconds=0) == ASK_EVERY_SECONDS
    assert wait.refused(NameTaken(wait_ms=300), now_seconds=5.7) == 0.3


def test_a_prover_that_was_never_connected_gives_up_when_the_other_one_must_be_alive() -> None:
    wait = NameWait()
    wait.refused(ALIVE, now_seconds=0)

    assert wait.refused(ALIVE, now_seconds=GIVES_UP_AT - 0.1) is not None
    assert wait.refused(ALIVE, now_seconds=GIVES_UP_AT) is None


def test_a_prover_that_worked_before_goes_on_asking() -> None:
    wait = NameWait()
    wait.welcomed()
    wait.refused(ALIVE, now_seconds=0)

    assert wait.refused(ALIVE, now_seconds=GIVES_UP_AT + 1_000) == ASK_CALMLY_SECONDS


def test_a_new_refusal_after_a_welcome_begins_anew() -> None:
    wait = NameWait()
    wait.refused(ALIVE, now_seconds=0)
    wait.welcomed()

    assert wait.refused(ALIVE, now_seconds=GIVES_UP_AT) == ASK_EVERY_SECONDS
