"""The grid: every form of every operator that is compared with ONNX, or known to be refused."""

from __future__ import annotations

from itertools import chain

from tools.operators.cells.arithmetic import arithmetic
from tools.operators.cells.comparing import comparing
from tools.operators.cells.elementwise import elementwise
from tools.operators.cells.moving import choosing, moving
from tools.operators.cells.reducing import normalising, reducing
from tools.operators.cells.resizing import resizing
from tools.operators.cells.windows import windows
from tools.operators.forms import Form

_FAMILIES = (elementwise, arithmetic, comparing, reducing, normalising, moving, choosing, resizing, windows)


def all_forms() -> list[Form]:
    """Return the whole grid, without its opsets."""
    return list(chain.from_iterable(family() for family in _FAMILIES))
