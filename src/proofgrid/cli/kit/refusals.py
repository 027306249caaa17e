"""What it means that a bundle does not verify: which check failed, and what is no longer to be believed."""

from __future__ import annotations

from proofgrid.primitives.errors import BadBundle, BadProof, ProofgridError, UnknownProofSystem

_UNCHECKED = "Nothing was checked, so this says nothing about the bundle."

#: The first word of an error's field -> (the check that failed, what that means)
_MEANINGS: dict[str, tuple[str, str]] = {
    "container": ("the file is a whole bundle", "It is damaged, or no bundle. Get it again: proofgrid result TASK"),
    "manifest": ("the bundle says what it must", "It was not made by this software, or was changed since."),
    "signature": (
        "the network signed it",
        "Somebody changed it after it was signed, or made it up: believe no name, price or number in it.",
    ),
    "network": (
        "it is signed by the network that you insist on",
        "Another network signed it. Its proofs may be right; its prices and names are another network's word.",
    ),
    "program": (
        "its program is the expected one, with its own files",
        "Its numbers come from another program, or the program's files were exchanged: they say nothing about yours.",
    ),
    "files": ("its files are the ones that it names", "Files in it were exchanged or damaged."),
    "jobs": (
        "every slice is there once, and the prices add up",
        "Its account of who proved what for how much is wrong.",
    ),
    "statement": (
        "the inputs that it shows are the ones that were proven",
        "The proofs are about other inputs than those that it shows.",
    ),
    "result": (
        "the outputs that it shows are the ones that were proven",
        "The proofs are about other outputs than those that it shows: do not use its numbers.",
    ),
    "links": (
        "the slices fit together",
        "Each slice may be proven, but not about the same run of the model: do not use its outputs.",
    ),
    "proofs": (
        "every proof verifies",
        "At least one slice is not proven: the outputs need not follow from the inputs. Do not use them.",
    ),
    "rounds": (
        "the prices are those of the market's rounds",
        "The proofs hold; the prices in it are not those of the rounds that you gave.",
    ),
}
_OTHER = ("the proofs hold for what it shows", "What it shows is not proven: do not use its numbers.")


def meaning_of(error: ProofgridError) -> tuple[str, str]:
    """Return which check failed, if one did, and what that means, in words for whoever got the bundle."""
    if isinstance(error, UnknownProofSystem):
        return "this machine can check it", f"A proof system is missing here. {_UNCHECKED}"
    if not isinstance(error, BadBundle | BadProof):
        return "", _UNCHECKED
    first = error.field.partition(".")[0].partition("[")[0]
    return _MEANINGS.get(first, _OTHER)
