"""Has the engine write contracts, in a process of its own: python -m … KEY SETTINGS REFERENCE_STRING TARGET MOST.

Once it has written a source, the engine looks for a compiler in its user's home, and gets one from the network if
there is none. We want the source alone. So whoever starts us says that the home is no folder: then there is no
compiler, none can be put there, and the engine gives up before it asks anybody.

TARGET gets the contract with the key inside. Where that has more than MOST bytes, TARGET.keyed gets the one for any
key, and TARGET.key the key.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from proofgrid.primitives.event_loop import run_async
from proofgrid.proofs.systems.ezkl.engine import load_engine

#: What this process has to be told of its user.
HOMELESS = (f"HOME={os.devnull}", f"XDG_DATA_HOME={os.devnull}")
KEYED, KEY = ".keyed", ".key"

_NO_COMPILER = "[eth] svm error: "


def main(key: str, settings: str, reference_string: str, target: str, most: str) -> None:
    """Write what there is to write; raise whatever the engine says, unless it is what it has to say in the end."""
    of_slice = {"vk_path": key, "settings_path": settings, "srs_path": reference_string}
    _contract(of_slice, Path(target), keyed=False)
    if Path(target).stat().st_size > int(most):
        _contract(of_slice, Path(target + KEYED), keyed=True)
        run_async(_key(of_slice, target + KEY))


def _contract(of_slice: dict[str, str], target: Path, *, keyed: bool) -> None:
    try:
        run_async(_write(of_slice, str(target), keyed))
    except RuntimeError as error:
        if _NO_COMPILER not in str(error) or not target.is_file():
            raise


async def _write(of_slice: dict[str, str], target: str, keyed: bool) -> None:
    await load_engine().create_evm_verifier(**of_slice, sol_code_path=target, abi_path=f"{target}.abi", reusable=keyed)


async def _key(of_slice: dict[str, str], target: str) -> None:
    await load_engine().create_evm_vka(**of_slice, vka_path=target, decimals=18)


if __name__ == "__main__":
    main(*sys.argv[1:])
    os._exit(0)  # threads of the engine are still there, and would die of a Python that is going
