"""Our errors as problem details (RFC 9457): code, field and hint travel beside what the standard names."""

from __future__ import annotations

from starlette.responses import Response

from proofgrid.doors.http.json_text import to_json
from proofgrid.primitives.errors import MalformedMessage, ProofgridError
from proofgrid.wire.errors import http_status_of

PROBLEM = "application/problem+json"


class HttpRefusal(Exception):
    """What only HTTP refuses: a path that is none, a verb that is not taken, a body of another kind."""

    def __init__(self, status: int, detail: str, *, hint: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self.error = MalformedMessage(detail, hint=hint)

    def problem(self) -> Response:
        """Return the answer that tells it."""
        return problem_of(self.error, status=self.status)


def problem_of(error: ProofgridError, *, status: int = 0) -> Response:
    """Return the answer that tells an error; `status`: where it is not the error's own."""
    status = status or http_status_of(error)
    told = {
        "type": f"urn:proofgrid:error:{error.code}",
        "title": (type(error).__doc__ or "").strip().splitlines()[0],
        "status": status,
        "detail": error.detail,
        "code": error.code,
        "field": error.field,
        "hint": error.hint,
    }
    headers = {"Cache-Control": "no-store"}
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="proofgrid"'
    if error.wait_ms:
        headers["Retry-After"] = str(-(-error.wait_ms // 1_000))
        told["wait_ms"] = error.wait_ms
    return Response(to_json(told), status_code=status, headers=headers, media_type=PROBLEM)
