"""The peer of `lenet`: the engine's own commands on the whole model, as its documentation has them, and nothing else.

python -m benchmarks.bare_lenet FOLDER DIGIT      prints {"seconds": {step: seconds}, "logrows", "scores"}
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from proofgrid.cli.demo.digits import MODELS, read_digit

ezkl: Any = importlib.import_module("ezkl")  # without what our own way to it sets

SCALE = 7

seconds: dict[str, float] = {}


def main(folder: Path, number: int) -> None:
    """Settings, calibration, circuit, keys, witness, proof, verdict."""
    model = MODELS["lenet"]
    names = ("settings", "data", "compiled", "srs", "vk", "pk", "witness", "proof")
    settings, data, compiled, srs, vk, pk, witness, proof = (str(folder / f"bare.{name}") for name in names)
    Path(data).write_text(json.dumps({"input_data": [read_digit(number).input_of(model)]}))

    with step("settings"):
        ezkl.gen_settings(str(model.file), settings, py_run_args=run_arguments())
    with step("calibrate"):
        ezkl.calibrate_settings(data, str(model.file), settings, "resources", scales=[SCALE])
        logrows = int(json.loads(Path(settings).read_text())["run_args"]["logrows"])
    with step("srs"):
        ezkl.gen_srs(srs, logrows)
    with step("setup"):
        ezkl.compile_circuit(str(model.file), compiled, settings)
        ezkl.setup(compiled, vk, pk, srs_path=srs)
    with step("witness"):
        ezkl.gen_witness(data, compiled, witness)
    with step("prove"):
        ezkl.prove(witness, compiled, pk, proof, srs_path=srs)
    with step("verify"):
        assert ezkl.verify(proof, settings, vk, srs_path=srs)
    scores = [float(value) for value in json.loads(Path(witness).read_text())["pretty_elements"]["rescaled_outputs"][0]]
    print(json.dumps({"seconds": seconds, "logrows": logrows, "scores": scores}))


def run_arguments() -> Any:
    """Return the engine's own choice but for the scale and what is public, which are those of the network's program.

    The network's decomposition suits low circuits; here it would double the rows.
    """
    arguments = ezkl.PyRunArgs()
    arguments.input_visibility, arguments.output_visibility, arguments.param_visibility = "public", "public", "fixed"
    arguments.input_scale = arguments.param_scale = SCALE
    return arguments


@contextmanager
def step(name: str) -> Iterator[None]:
    """Note how long the block takes."""
    print(f"  {name}", file=sys.stderr, flush=True)
    started_at = time.perf_counter()
    yield
    seconds[name] = round(time.perf_counter() - started_at, 2)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
