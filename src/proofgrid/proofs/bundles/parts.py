"""One file of a bundle, out of the bundle's bytes as they come: what is before it is passed by, the rest not read."""

from __future__ import annotations

import struct
from collections.abc import AsyncGenerator, AsyncIterator

from proofgrid.primitives.errors import BadBundle, UnknownArtifact

_HEADER = struct.Struct("<4s5H3L2H")  #: in front of a file, without its name
_MAGIC = b"PK\x03\x04"
_NAME_CHARS_MAX = 256


async def file_of_bundle(chunks: AsyncIterator[bytes], name: str) -> AsyncGenerator[bytes, None]:
    """Yield the pieces of the file `name` of a bundle, as it is laid out in `container.py`.

    Raises UnknownArtifact when there is none of that name, BadBundle for what is no bundle.
    """
    source = _Source(chunks)
    while (head := await source.take(_HEADER.size))[:4] == _MAGIC and len(head) == _HEADER.size:
        *_, size_bytes, name_chars, extra_bytes = _HEADER.unpack(head)
        if name_chars > _NAME_CHARS_MAX or extra_bytes:
            raise BadBundle("not laid out as a bundle is", field="container")
        is_wanted = await source.take(name_chars) == name.encode()
        async for piece in source.pieces(size_bytes):
            if is_wanted:
                yield piece
        if is_wanted:
            return
    raise UnknownArtifact(f"the bundle has no file {name!r}", field="name", hint="manifest.json names them")


class _Source:
    """Bytes that come in chunks, taken in other portions."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._left = b""

    async def take(self, number: int) -> bytes:
        """Return so many bytes; fewer at the end."""
        while len(self._left) < number and (chunk := await anext(self._chunks, None)) is not None:
            self._left += chunk
        taken, self._left = self._left[:number], self._left[number:]
        return taken

    async def pieces(self, number: int) -> AsyncGenerator[bytes, None]:
        """Yield so many bytes as they come. Raises BadBundle where there are fewer."""
        while number:
            if not self._left:
                self._left = await anext(self._chunks, b"")
                if not self._left:
                    raise BadBundle("it ends too early", field="container")
            piece, self._left = self._left[:number], self._left[number:]
            number -= len(piece)
            yield piece
