"""What is wrong with the version of a proof system that something needs; see `errors` for who must change something."""

from __future__ import annotations

from proofgrid.primitives.errors import InvalidRequest, TaskEnded


class EngineStopped(InvalidRequest):
    """An administrator stopped this engine."""

    code = "PG-145"


class EngineNotOffered(InvalidRequest):
    """No connected prover runs the engine that built this program."""

    code = "PG-146"


class EngineNotHere(InvalidRequest):
    """This gateway does not run the engine that built this program."""

    code = "PG-147"


class EngineBroken(TaskEnded):
    """The engine that proves the task was stopped; what was not spent goes back."""

    code = "PG-513"
