"""The first digits name a program or a task while only one begins so."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from proofgrid.primitives.errors import AmbiguousName, InvalidField, UnknownProgram, UnknownTask
from proofgrid.sdk.answers.work import Program, Task
from proofgrid.sdk.names import whole_digest, whole_task_id

DIGESTS = ("3f9a" + "0" * 60, "3f9b" + "1" * 60, "77aa" + "2" * 60)
TASKS = ("0198c0de-0000-7000-8000-000000000000", "0198c0de-1111-7000-8000-000000000000")


async def programs(begins: str, limit: int) -> Sequence[Program]:
    return [Program(digest=one, label=f"label {i}") for i, one in enumerate(DIGESTS) if one.startswith(begins)][:limit]


async def tasks(begins: str, limit: int) -> Sequence[Task]:
    return [Task(task_id=one, state="open") for one in TASKS][:limit]  # as a gateway that does not know the question


async def never(begins: str, limit: int) -> Sequence[Program]:
    raise AssertionError("nobody is asked")


@pytest.mark.parametrize("text", ["3f9a", "3F9A", "3f9a…", DIGESTS[0][:63]])
async def test_a_beginning_that_only_one_program_has_is_its_name(text: str) -> None:
    assert await whole_digest(text, programs) == DIGESTS[0]


async def test_a_beginning_of_several_lists_them() -> None:
    with pytest.raises(InvalidField, match="at least 4 digits"):
        await whole_digest("3f9", programs)

    async def alike(begins: str, limit: int) -> Sequence[Program]:
        return [Program(digest=f"3f9a{i:x}" + "0" * 59, label="digits" if i else "") for i in range(12)][:limit]

    with pytest.raises(AmbiguousName, match="more than 8 begin with 3f9a") as refused:
        await whole_digest("3f9a", alike)
    assert "3f9a000000000000…, 3f9a100000000000… (digits), 3f9a2" in refused.value.hint
    assert refused.value.field == "program_digest"


async def test_what_nothing_begins_with_is_unknown() -> None:
    with pytest.raises(UnknownProgram, match="no program begins with abcd"):
        await whole_digest("abcd", programs)
    with pytest.raises(UnknownTask, match="no task of yours begins with abcd"):
        await whole_task_id("abcd", tasks)


async def test_a_whole_name_and_what_is_no_name_go_on_as_they_are() -> None:
    for text in (DIGESTS[2], "model.onnx", ""):
        assert await whole_digest(text, never) == text


async def test_a_task_is_named_by_its_first_digits_with_or_without_hyphens() -> None:
    assert await whole_task_id("0198c0de-11", tasks) == TASKS[1]
    assert await whole_task_id("0198c0de0", tasks) == TASKS[0]
    with pytest.raises(AmbiguousName) as refused:
        await whole_task_id("0198c0de", tasks)
    assert refused.value.hint == f"give more digits: {TASKS[0]} (open), {TASKS[1]} (open)"
