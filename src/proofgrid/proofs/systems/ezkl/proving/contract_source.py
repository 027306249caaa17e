"""Has the engine write a contract, in a process of its own: python -m … KEY SETTINGS REFERENCE_STRING TARGET.

Once it has written the source, the engine looks for a compiler in its user's home, and gets one from the network if
there is none. We want the source alone. So whoever starts us says that the home is no folder: then there is no
compiler, none can be put there, and the engine gives up before it asks anybody.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from proofgrid.primitives.event_loop import run_async
from proofgrid.proofs.systems.ezkl.engine import load_engine

#: What this process has to be told of its user.
HOMELESS = (f"HOME={os.devnull}", f"XDG_DATA_HOME={os.devnull}")

_NO_COMPILER = "[eth] svm error: "


def main(key: str, settings: str, reference_string: str, target: str) -> None:
    """Write the source to `target`; raise whatever the engine says, unless it is what it has to say in the end."""
    try:
        run_async(_write(key, settings, reference_string, target))
    except RuntimeError as error:
        if _NO_COMPILER not in str(error) or not Path(target).is_file():
            raise


async def _write(key: str, settings: str, reference_string: str, target: str) -> None:
    await load_engine().create_evm_verifier(
        vk_path=key,
        settings_path=settings,
        sol_code_path=target,
        abi_path=f"{target}.abi",
        srs_path=reference_string,
        reusable=False,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
    os._exit(0)  # threads of the engine are still there, and would die of a Python that is going
