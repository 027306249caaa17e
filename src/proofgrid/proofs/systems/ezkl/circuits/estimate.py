"""What a slice costs, from the size of its proving key: the one number that holds both rows and columns.

The key's size is the same on every machine, and so is the estimate. Measured on one core (reference: 1 PU = 1 ms):

    key, bytes    18 M    36 M    144 M    245 M
    prove, s       1.1     1.9      6.7     14.6
    memory, MB      62     100      340      729
"""

from __future__ import annotations

_UNITS_FIXED = 150
_UNITS_PER_MEGABYTE = 50
_MEMORY_FIXED_BYTES = 256 << 20  # Python with ONNX and NumPy
_MEMORY_PER_KEY_BYTE = 4  # 3 in use at the peak, and headroom


def units_of(key_bytes: int) -> int:
    """Return the units of a slice whose proving key has this size."""
    return _UNITS_FIXED + key_bytes * _UNITS_PER_MEGABYTE // 1_000_000


def memory_bytes_of(key_bytes: int) -> int:
    """Return the peak memory of proving a slice whose proving key has this size."""
    return _MEMORY_FIXED_BYTES + key_bytes * _MEMORY_PER_KEY_BYTE
