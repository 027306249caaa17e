"""`python -m tools.operators`: compares the whole grid with ONNX and writes docs/operators.md (half an hour)."""

from __future__ import annotations

import multiprocessing
import os
import sys
from itertools import chain

from tools.operators.cells import all_forms
from tools.operators.grid import Outcome, cells_of
from tools.operators.page import PAGE, grid_part, table_part


def main() -> int:
    """Compare everything; return 1 when anything disagrees."""
    os.environ.setdefault("RUST_BACKTRACE", "0")  # the engine panics over forms that the table refuses
    forms = all_forms()
    with multiprocessing.get_context("spawn").Pool() as pool:
        found = []
        for done, cells in enumerate(pool.imap(cells_of, forms, chunksize=8), start=1):
            found.append(cells)
            if done % 100 == 0:
                print(f"{done} of {len(forms)} forms", flush=True)
    cells = list(chain.from_iterable(found))
    PAGE.write_text(table_part() + grid_part(cells), encoding="utf-8")
    wrong = [cell for cell in cells if cell.outcome is Outcome.DISAGREES]
    for cell in wrong:
        print(f"{cell.operator} in opset {cell.opset}: {cell.label}: {cell.detail}", file=sys.stderr)
    print(f"{len(cells)} cells, {len(wrong)} disagree; written to {PAGE}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
