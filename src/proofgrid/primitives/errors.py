"""Every error says who must change something: the caller, the weather, or us.

    ProofgridError
      InvalidRequest      the caller must change the request            -> tell the caller, never retry
        Refused           the caller is not known, not allowed, or over a limit
      Recoverable         the weather: try again, later or elsewhere    -> retry with backoff
      BadProof            a prover handed in something that is no proof -> not paid, proven again elsewhere
      TaskEnded           why a task has no result                      -> read the reason, submit again
      (anything else)     we must change the code                       -> stop loudly

The docstring is the message; `code` is the stable name on wire, log and metric.
"""

from __future__ import annotations

from typing import ClassVar


class ProofgridError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "PG-000"

    def __init__(self, detail: str = "", *, field: str = "", hint: str = "", wait_ms: int = 0) -> None:
        self.wait_ms = wait_ms  #: after so long trying again can help; 0: nobody knows
        self.detail = detail or (type(self).__doc__ or "").strip().splitlines()[0]
        self.field = field
        self.hint = hint
        super().__init__(self.detail)

    def __str__(self) -> str:
        where = f" [{self.field}]" if self.field else ""
        hint = f" Hint: {self.hint}" if self.hint else ""
        return f"{self.code}{where} {self.detail}{hint}"

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process borders (verification pool, job children) and must arrive whole.
        return (rebuild_error, (type(self), self.detail, self.field, self.hint, self.wait_ms))


def rebuild_error(kind: type[ProofgridError], detail: str, field: str, hint: str, wait_ms: int) -> ProofgridError:
    """Return an error as it was before it was pickled."""
    return kind(detail, field=field, hint=hint, wait_ms=wait_ms)


# --- the caller must change the request ---------------------------------------------------------


class InvalidRequest(ProofgridError):
    """The request breaks a rule."""

    code = "PG-100"


class InvalidField(InvalidRequest):
    """A field is missing or has a value outside its rule."""

    code = "PG-101"


class InvalidProgram(InvalidRequest):
    """The program cannot be proven by this proof system."""

    code = "PG-110"


class UnsupportedOperator(InvalidProgram):
    """The model uses an operator that the proof system does not support."""

    code = "PG-111"


class InvalidInput(InvalidRequest):
    """The input does not fit the program."""

    code = "PG-120"


class UnknownProgram(InvalidRequest):
    """No program with this digest is registered here."""

    code = "PG-130"


class UnknownProofSystem(InvalidRequest):
    """No proof system of this name is installed."""

    code = "PG-131"


class UnknownTask(InvalidRequest):
    """No task with this id belongs to you."""

    code = "PG-132"


class UnknownRound(InvalidRequest):
    """No such round, or nothing of yours in it."""

    code = "PG-136"


class UnknownArtifact(InvalidRequest):
    """No artifact with this digest is stored, or you may not read it."""

    code = "PG-133"


class AmbiguousName(InvalidRequest):
    """More than one thing has a name that begins so."""

    code = "PG-137"


class UnknownEvidence(InvalidRequest):
    """No such evidence, or it is not yours to see."""

    code = "PG-138"


class UnknownQuote(InvalidRequest):
    """There is no such firm quote."""

    code = "PG-139"


class UnknownSubnetwork(InvalidRequest):
    """There is no subnetwork of this name."""

    code = "PG-134"


class NotServed(InvalidRequest):
    """The subnetwork does not serve this proof system."""

    code = "PG-135"


class InUse(InvalidRequest):
    """Tasks of this subnetwork, or program, are open."""

    code = "PG-144"


class BudgetTooSmall(InvalidRequest):
    """The budget is below what the task costs at the limit price."""

    code = "PG-140"


class DeadlinePassed(InvalidRequest):
    """The deadline is not in the future."""

    code = "PG-141"


class IdempotencyConflict(InvalidRequest):
    """This idempotency key was used before with another request."""

    code = "PG-142"


class NotFinished(InvalidRequest):
    """The task has no result yet."""

    code = "PG-143"


class InsufficientFunds(InvalidRequest):
    """The account does not hold enough money for this transfer."""

    code = "PG-150"


class NoFirmQuote(InvalidRequest):
    """Nobody sells a firm quote for this now."""

    code = "PG-151"


class QuoteOver(InvalidRequest):
    """The firm quote was used, or has run out."""

    code = "PG-152"


class MalformedMessage(InvalidRequest):
    """The message cannot be read as the contract demands."""

    code = "PG-160"


# --- the caller is not known, not allowed, or over a limit --------------------------------------


class Refused(InvalidRequest):
    """The call was refused."""

    code = "PG-200"


class NoToken(Refused):
    """The call carries no token."""

    code = "PG-201"


class BadToken(Refused):
    """The token is malformed or its signature is not by the key it names."""

    code = "PG-202"


class WrongAudience(Refused):
    """The token was made for another network."""

    code = "PG-203"


class TokenExpired(Refused):
    """The token is expired, not yet valid, or valid for too long."""

    code = "PG-204"


class TokenReplayed(Refused):
    """This single-use token was used before."""

    code = "PG-205"


class UnknownKey(Refused):
    """This key is not on the network's access list."""

    code = "PG-206"


class NotAllowed(Refused):
    """This key does not have the role that the call needs."""

    code = "PG-207"


class NotAMember(Refused):
    """This key is no member of the subnetwork."""

    code = "PG-208"


class NameTaken(Refused):
    """Another prover of this operator is connected under this name."""

    code = "PG-209"


class RateLimited(Refused):
    """Too many requests; slow down."""

    code = "PG-210"


class TooManyOpen(Refused):
    """Too many tasks or provers of yours are open."""

    code = "PG-211"


class TooLarge(Refused):
    """The upload is larger than allowed."""

    code = "PG-212"


# --- the weather ---------------------------------------------------------------------------------


class Recoverable(ProofgridError):
    """Something outside failed; trying again can help."""

    code = "PG-300"


class Unavailable(Recoverable):
    """The gateway cannot be reached."""

    code = "PG-301"


class DatabaseLost(Unavailable):
    """The embedded database died and does not start again."""

    code = "PG-302"


class ArtifactCorrupt(Recoverable):
    """A stored copy does not hash to its digest; the copy was refused."""

    code = "PG-310"


class ArtifactMissing(Recoverable):
    """The artifact is not in the store."""

    code = "PG-311"


class JobCrashed(Recoverable):
    """The child process that ran the job died."""

    code = "PG-320"


class JobTimedOut(Recoverable):
    """The job took longer than its limit and was killed."""

    code = "PG-321"


class JobTookTooMuch(JobCrashed):
    """The job took more of the machine than it may and was killed."""

    code = "PG-322"


class LeaseLost(Recoverable):
    """The lease was taken back; what was done under it is worthless."""

    code = "PG-330"


class SettlementStopped(Unavailable):
    """Settlement is stopped until an administrator has looked at an incident; nothing is lost."""

    code = "PG-340"


class Busy(Recoverable):
    """The gateway has more to do than it can take at this moment; nothing was stored."""

    code = "PG-429"


# --- a prover handed in something that is no proof ----------------------------------------------


class BadProof(ProofgridError):
    """The proof does not verify."""

    code = "PG-400"


class BrokenLink(BadProof):
    """Two neighbouring proofs do not speak about the same tensor."""

    code = "PG-401"


class UnsignedResult(BadProof):
    """The result carries no signature of its operator, and this network asks for one."""

    code = "PG-402"


class BadBundle(ProofgridError):
    """The bundle does not verify."""

    code = "PG-410"


# --- why a task ended without a result ----------------------------------------------------------


class TaskEnded(ProofgridError):
    """The task ended without a result."""

    code = "PG-500"


class TaskCancelled(TaskEnded):
    """The client cancelled the task."""

    code = "PG-501"


class Unprovable(TaskEnded):
    """The program cannot prove this input."""

    code = "PG-510"


class AttemptsExhausted(TaskEnded):
    """Too many attempts to prove a slice failed."""

    code = "PG-511"


class DeadlineMissed(TaskEnded):
    """The deadline passed before all slices were proven."""

    code = "PG-512"
