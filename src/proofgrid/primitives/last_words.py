"""What a process or an engine said of its own end stands behind our sentence: for who looks closer, not for who reads.

"exit status 134" + "memory allocation of 8 bytes failed"
-> "exit status 134; its last words: memory allocation of 8 bytes failed"
"""

from __future__ import annotations

_SEPARATOR = "; its last words: "


def with_last_words(sentence: str, words: str) -> str:
    """Return our sentence with what was said behind it, if anything was."""
    words = words.strip()
    return f"{sentence}{_SEPARATOR}{words}" if words else sentence


def without_last_words(text: str) -> str:
    """Return our sentence alone."""
    return text.partition(_SEPARATOR)[0]
