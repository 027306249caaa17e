"""Our errors as problem details (RFC 9457): code, field and hint travel beside what the standard names."""

from __future__ import annotations

from starlette.responses import Response

from proofgrid.doors.http.json_text import to_json
from proofgrid.primitives.errors import ProofgridError
from proofgrid.wire.errors import http_status_of

PROBLEM = "application/problem+json"


class Problem(ProofgridError):
    """What only HTTP refuses: a path that is none, a method that is not offered."""

    def __init__(self, status: int, detail: str, *, hint: str = "") -> None:
        super().__init__(detail, hint=hint)
        self.status = status


def problem_of(error: ProofgridError) -> Response:
    """Return the answer that tells an error."""
    status = error.status if isinstance(error, Problem) else http_status_of(error)
    title = (type(error).__doc__ or "").strip().splitlines()[0]
    told = {
        "type": f"urn:proofgrid:error:{error.code}",
        "title": title if not isinstance(error, Problem) else error.detail,
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
