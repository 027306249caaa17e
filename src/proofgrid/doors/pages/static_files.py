"""Files that never change under their name: each is served at a path with its digest in it, and kept by browsers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

from proofgrid.primitives.digests import digest_of

PREFIX = "/static"
KEEP = "public, max-age=31536000, immutable"
TYPES: Mapping[str, str] = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    media_type: str
    path: str


class StaticFiles:
    """All of them, read once."""

    def __init__(self) -> None:
        folder = files("proofgrid.doors.pages") / "static"
        found = [*folder.iterdir(), *(folder / "vendor").iterdir()]
        self._by_name = {one.name: _read(one.name, one.read_bytes()) for one in found if _suffix(one.name) in TYPES}
        self._by_path = {one.path: one for one in self._by_name.values()}

    def path(self, name: str) -> str:
        """Return where a file is served; raise KeyError where there is none of the name."""
        return self._by_name[name].path

    async def serve(self, request: Request) -> Response:
        """Answer with a file, or say that there is none."""
        found = self._by_path.get(request.url.path)
        if found is None:
            return Response("no such file", status_code=404, media_type="text/plain")
        return Response(found.content, media_type=found.media_type, headers={"Cache-Control": KEEP})


def _read(name: str, content: bytes) -> _File:
    return _File(content, TYPES[_suffix(name)], f"{PREFIX}/{digest_of(content)[:16]}/{name}")


def _suffix(name: str) -> str:
    return name.rpartition(".")[2]
