"""The catalogue of events: what stands in databases and on the wire is read, said and written as it always was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.last_words import with_last_words
from proofgrid.rules.access.roles import Role
from proofgrid.rules.jobs import events
from proofgrid.rules.jobs.event_kinds import KINDS, OWNER, Event, Names, event, is_shown_whole, read_event, visible_to

ALICE = "0x52908400098527886E0F7030069857D2E4169EE7"
#: Written by the code before there was a catalogue: every kind with every set of data that it came with.
#: Sentences of prices were per PU then; they are per million PU now.
GOLDEN: list[dict[str, Any]] = json.loads((Path(__file__).parent / "events_golden.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("golden", GOLDEN, ids=[one["kind"] for one in GOLDEN])
def test_what_was_written_before_the_catalogue_is_read_and_written_as_it_was(golden: dict[str, Any]) -> None:
    read = read_event(golden["kind"], golden["data"])
    assert read is not None
    assert _text(read.data()) == _text(golden["data"])


@pytest.mark.parametrize("golden", GOLDEN, ids=[one["kind"] for one in GOLDEN])
def test_what_was_said_before_the_catalogue_is_said_in_the_same_words(golden: dict[str, Any]) -> None:
    people = {ALICE: "alice"}
    assert events.sentence(golden["kind"], golden["data"], people=people) == golden["sentence"]
    assert events.sentence(golden["kind"], golden["data"], people=people, batch=True) == golden["of_a_batch"]


def test_no_kind_was_lost() -> None:
    assert {one["kind"] for one in GOLDEN} <= KINDS.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_said_even_where_an_older_gateway_left_data_out(kind: str) -> None:
    read = read_event(kind, {})
    assert read is not None
    assert read.sentence(Names())
    assert read.seen_by <= set(Role)


def test_a_kind_of_a_newer_gateway_is_named_and_read_as_nothing() -> None:
    assert read_event("overtaken", {"slice": 1}) is None
    assert (
        events.sentence("overtaken", {"slice": 1, "input": 2}, people={}, batch=True) == "overtaken slice 1 of input 2"
    )
    assert events.sentence("overtaken", {}, people={}) == "overtaken"


def test_a_kind_needs_a_sentence_somebody_who_may_see_it_and_a_name_of_its_own() -> None:
    kinds: dict[str, type[Event]] = {}
    with pytest.raises(TypeError, match="needs a sentence"):
        _add(kinds, "mute", says=None)
    with pytest.raises(TypeError, match="somebody who may see it"):
        _add(kinds, "secret", seen_by=frozenset())
    with pytest.raises(TypeError, match="has no"):
        _add(kinds, "odd", fewer_see={"colour": frozenset({Role.ADMIN})})
    _add(kinds, "cached")
    with pytest.raises(TypeError, match="a name of its own"):
        _add(kinds, "cached")


def test_each_field_is_seen_by_whom_the_catalogue_names() -> None:
    kinds: dict[str, type[Event]] = {}
    _add(kinds, "cached", seen_by=OWNER, fewer_see={"why": frozenset({Role.ADMIN})})
    data = {"why": "by hand", "place": 3}
    assert visible_to({Role.CLIENT}, "cached", data, kinds) == {"place": 3}
    assert visible_to({Role.CLIENT, Role.ADMIN}, "cached", data, kinds) == data
    assert visible_to({Role.OPERATOR}, "cached", data, kinds) is None
    # Who may not see all of it is never handed it unread; who sees all of other kinds is.
    assert not any(is_shown_whole({role}, "cached", kinds) for role in Role)


@pytest.mark.parametrize("golden", GOLDEN, ids=[one["kind"] for one in GOLDEN])
def test_a_task_s_client_and_administrators_see_all_of_its_timeline_and_operators_nothing(
    golden: dict[str, Any],
) -> None:
    for role in (Role.CLIENT, Role.ADMIN):
        assert visible_to({role}, golden["kind"], golden["data"]) == golden["data"]
        assert is_shown_whole({role}, golden["kind"])
    assert visible_to({Role.OPERATOR}, golden["kind"], golden["data"]) is None
    assert not is_shown_whole({Role.OPERATOR}, golden["kind"])


def test_only_its_owner_sees_a_kind_of_a_newer_gateway() -> None:
    assert visible_to({Role.CLIENT}, "overtaken", {"by": "bob"}) == {"by": "bob"}
    assert visible_to({Role.OPERATOR}, "overtaken", {"by": "bob"}) is None
    assert [is_shown_whole({role}, "overtaken") for role in (Role.CLIENT, Role.ADMIN, Role.OPERATOR)] == [
        True,
        True,
        False,
    ]


def _text(data: object) -> str:
    # As jsonb has them: the order of names is not kept.
    return json.dumps(data, sort_keys=True)


def _add(kinds: dict[str, type[Event]], kind: str, *, says: str | None = "said", **more: Any) -> None:
    class Made(Event):
        why: str
        place: int

        if says is not None:

            def sentence(self, names: Names) -> str:
                return says

    event(kind, **{"seen_by": OWNER, **more}, kinds=kinds)(Made)


def test_last_words_of_a_process_are_data_and_no_part_of_a_sentence() -> None:
    detail = with_last_words("PG-320 exit status 134", "thread panicked: insertion index (is 2)")
    data = {"slice": 1, "input": 0, "prover": "p", "reason": "child_crashed", "detail": detail}
    for kind in ("returned", "carried_on"):
        assert events.sentence(kind, data, people={}).endswith("p: child_crashed PG-320 exit status 134")
    ended = events.sentence("failed", {"code": "PG-511", "detail": detail, "charged": 0, "refunded": 0}, people={})
    assert ended == "failed: PG-511 PG-320 exit status 134; 0 given back"
