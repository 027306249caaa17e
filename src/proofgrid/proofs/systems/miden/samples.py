"""A small program to try the system with: a ledger whose steps are payments."""

from __future__ import annotations

from pathlib import Path

from proofgrid.primitives.canonical import Json
from proofgrid.proofs.kit.samples import Samples, Source

#: The stack is a balance, the number of payments, and a digest of all of them; an amount is private.
LEDGER = """\
begin
    adv_push u32assert.err="an amount is a 32-bit integer"
    dup.1 u32assert.err="a balance is a 32-bit integer"
    # => [balance, amount, balance, payments, DIGEST, ...]
    dup.1 u32gte assert.err="the balance is too small"
    dup movdn.2 sub
    # => [balance - amount, amount, payments, DIGEST, ...]
    movup.2 add.1 movdn.6
    # => [balance - amount, amount, DIGEST, payments + 1, ...]
    movdn.5 push.0.0.0 hmerge
    # => [hash of the digest and the amount, balance - amount, payments + 1, ...]
    movup.5 movup.5
end
"""
_TOO_MUCH = 0xFFFF_FFFF_0000_0001


def write_samples(folder: Path) -> Samples:
    """Return samples whose files lie in `folder`."""
    source, other, wrong = (folder / f"{name}.masm" for name in ("ledger", "other", "wrong"))
    source.write_text(LEDGER)
    other.write_text(LEDGER.replace("add.1", "add.2"))
    wrong.write_text("begin\n    no_such_instruction\nend\n")
    settings: dict[str, Json] = {"steps": 2, "cycles_max": 1024}
    right = payments(100, 5, 7)
    return Samples(
        source=Source(files={"masm": source}, settings=settings),
        other=Source(files={"masm": other}, settings=settings),
        inputs=(right, {"stack": ["30", 1, 2], "steps": [{"advice": ["30"]}, {"advice": [0], "advice_map": {}}]}),
        malformed=(
            Source(files={"masm": wrong}),
            Source(files={"package": source}),
            Source(files={"masm": source, "package": source}),
            Source(files={"wasm": source}),
            *(Source(files={"masm": source}, settings=one) for one in _WRONG_SETTINGS),
        ),
        refused_inputs=(
            1,
            None,
            [],
            {},
            {"stack": [100]},
            {**right, "more": 1},
            {**right, "advice": [1]},
            {**right, "stack": 1},
            {**right, "stack": [0] * 17},
            *(
                {**right, "stack": [value]}
                for value in (-1, True, 1.5, None, "", "07", "+7", _TOO_MUCH, str(_TOO_MUCH))
            ),
            payments(100, 5),
            payments(100, 5, 7, 9),
            payments(100, 99, 2),
            payments(1 << 32, 1, 2),
            payments(100, 1 << 32, 2),
        ),
    )


def payments(balance: int, *amounts: int) -> dict[str, Json]:
    """Return an input: so many payments out of a balance."""
    return {"stack": [balance, 0], "steps": [{"advice": [amount]} for amount in amounts]}


_WRONG_SETTINGS: tuple[dict[str, Json], ...] = (
    {"steps": 0},
    {"steps": 65},
    {"steps": True},
    {"steps": "2"},
    {"cycles_max": 63},
    {"cycles_max": 1 << 21},
    {"hash": "sha256"},
    {"hash": 1},
)
