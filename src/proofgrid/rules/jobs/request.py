"""A proof request as a client sends it, and the rules it must keep before anything is stored."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.digests import Digest, digest_of_json
from proofgrid.primitives.errors import BudgetTooSmall, DeadlinePassed, InvalidField
from proofgrid.primitives.money import AMOUNT_MAX, UNITS_MAX, format_amount, format_price, typed_price
from proofgrid.primitives.sealing_errors import CannotSeal
from proofgrid.rules.access.subnetworks import DEFAULT, parse_subnetwork
from proofgrid.rules.jobs.constraints import NO_CONSTRAINTS, Constraints
from proofgrid.rules.jobs.ladder import Ladder
from proofgrid.rules.jobs.sealing import SealedRequest, check_sealed

IDEMPOTENCY_KEY_CHARS_MAX = 128
SUGGESTED_HINT = "0, or none: a fifth above what the market says"
DEADLINE_MAX_MS = 30 * 24 * 3_600 * 1_000
DEADLINE_DEFAULT_MS = 3_600_000
SEALED_BYTES_MAX = 8 << 20  #: of all inputs of a sealed request


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofRequest:
    """What a client wants proven, and what it will pay."""

    program_digest: Digest
    inputs: tuple[Json, ...]  #: one JSON value per element of the batch, as the proof system reads it
    inputs_digest: Digest  #: of the JSON text as it was sent, see `answers_digest`
    limit_price: int  #: most base units per PU; 0: what the market suggests
    budget: int  #: most base units in all; 0 means limit price times units
    deadline_ms: int  #: since the epoch; 0 means the network's default
    idempotency_key: str
    allow_cached: bool = False  #: a finished task of the same client with the same program and inputs will do
    sealed: SealedRequest | None = None  #: instead of inputs: what only provers read
    aggregate: bool = False  #: one proof of all inputs is wanted, not one of each
    hedging: bool = False  #: a slow job may be proven a second time, within the limit price
    ladder: Ladder | None = None  #: how the limit price rises while nobody sells
    constraints: Constraints = NO_CONSTRAINTS  #: which provers may have the jobs
    subnetwork: str = ""  #: whose lanes its jobs go to; empty: the common ones
    quote_id: str = ""  #: the firm quote that it redeems; empty: none
    tags: tuple[str, ...] = ()  #: by which its client finds it again
    estimate: int | None = (
        None  #: per PU, what the market said and the limit is suggested from; None: it is the client's
    )

    @property
    def inputs_count(self) -> int:
        return len(self.inputs) if self.sealed is None else self.sealed.inputs

    @property
    def price_max(self) -> int:
        """The most per PU that the client may come to pay."""
        return self.limit_price if self.ladder is None else self.ladder.price_max

    @property
    def content_digest(self) -> Digest:
        """The request without its key: the same key with another content is a conflict."""
        demanded = replace(self.constraints, provers=frozenset())
        return digest_of_json(
            {
                "program": self.program_digest,
                "inputs": self.inputs_digest,
                # Suggested anew when it is sent again, and still the same request.
                "limit_price": 0 if self.quote_id or self.estimate is not None else self.limit_price,
                "budget": self.budget,
                "deadline_ms": self.deadline_ms,
                # Left out when off, so that keys of requests from before there was hedging stay good.
                **({"hedging": True} if self.hedging else {}),
                **({"ladder": asdict(self.ladder)} if self.ladder else {}),
                # Sealed anew it may be for other provers.
                **({} if demanded.is_empty else {"constraints": demanded.to_json()}),
                **({"quote": self.quote_id} if self.quote_id else {}),
                **({"tags": list(self.tags)} if self.tags else {}),
                **({"subnetwork": self.subnetwork} if self.subnetwork not in ("", DEFAULT) else {}),
            }
        )


def answers_digest(inputs_digest: Digest, *, aggregate: bool) -> Digest:
    """Return by what an answer is found again: the inputs, and whether one proof of all was wanted."""
    return digest_of_json({"inputs": inputs_digest, "aggregate": True}) if aggregate else inputs_digest


def redeem(request: ProofRequest, *, limit_price: int) -> ProofRequest:
    """Return the request with the limit price of its firm quote; raise InvalidField for terms of the client's own."""
    own = {
        "limit_price": request.limit_price,
        "budget": request.budget,
        "deadline_ms": request.deadline_ms,
        "ladder": request.ladder,
        "constraints": not request.constraints.is_empty,
        "subnetwork": request.subnetwork,
    }
    for field, value in own.items():
        if value:
            raise InvalidField(
                "a firm quote fixes price, time and lanes",
                field=field,
                hint=f"leave out {field}, or the quote",
            )
    return replace(request, limit_price=limit_price)


def check_request(
    request: ProofRequest, *, inputs_max: int, now_ms: int, input_bytes_max: int = SEALED_BYTES_MAX
) -> None:
    """Raise an InvalidRequest naming field and rule for what can be judged without the program."""
    if request.sealed is not None:
        _check_sealed(request, request.sealed, now_ms=now_ms, input_bytes_max=input_bytes_max)
    elif not request.inputs:
        raise InvalidField("at least one input", field="inputs")
    if request.inputs_count > inputs_max:
        raise InvalidField(f"at most {inputs_max} inputs in one request", field="inputs", hint="send several requests")
    if request.subnetwork:
        parse_subnetwork(request.subnetwork)
    if request.limit_price < 0:
        raise InvalidField(
            f"a limit price is at least {format_price(1)} per million PU", field="limit_price", hint=SUGGESTED_HINT
        )
    if request.ladder is not None and not request.limit_price:
        raise InvalidField(
            "a price that rises begins at one of your own", field="limit_price", hint="name a limit price"
        )
    if request.ladder is not None:
        request.ladder.check(limit_price=request.limit_price)
    if request.budget < 0:
        raise InvalidField("the budget is not negative", field="budget")
    if not 1 <= len(request.idempotency_key) <= IDEMPOTENCY_KEY_CHARS_MAX:
        raise InvalidField(f"1 to {IDEMPOTENCY_KEY_CHARS_MAX} characters", field="idempotency_key")
    if request.deadline_ms and request.deadline_ms <= now_ms:
        raise DeadlinePassed(
            f"the deadline passed {now_ms - request.deadline_ms} ms ago",
            field="deadline_ms",
            hint="is your clock right?",
        )
    if request.deadline_ms > now_ms + DEADLINE_MAX_MS:
        raise InvalidField("the deadline lies at most 30 days ahead", field="deadline_ms")


def _check_sealed(request: ProofRequest, sealed: SealedRequest, *, now_ms: int, input_bytes_max: int) -> None:
    for field, given, why in (
        ("quote_id", request.quote_id, "a firm quote was bought of provers that it may not be sealed for"),
        ("allow_cached", request.allow_cached, "who cannot read inputs cannot tell whether they are the same"),
        (
            "aggregate",
            request.aggregate,
            "what a proof of proofs takes is known later, so nobody could say its facts now",
        ),
    ):
        if given:
            raise CannotSeal(why, field=field, hint=f"leave out {field}, or submit it unsealed")
    deadline_ms = request.deadline_ms or now_ms + DEADLINE_DEFAULT_MS
    check_sealed(sealed, deadline_ms=deadline_ms, now_ms=now_ms, input_bytes_max=input_bytes_max)


def calculate_escrow(request: ProofRequest, *, units: int) -> int:
    """Return what is put aside: the highest limit price times units. Raises BudgetTooSmall, InvalidField."""
    if units > UNITS_MAX:
        raise InvalidField(f"the request needs {units} PU, at most {UNITS_MAX} are allowed", field="inputs")
    escrow = request.price_max * units
    if escrow > AMOUNT_MAX:
        raise InvalidField(f"limit price times {units} PU is beyond any budget", field="limit_price")
    if request.budget and request.budget < escrow:
        raise BudgetTooSmall(
            f"{units} PU at {format_price(request.price_max)} per million PU are {format_amount(escrow)} tokens,"
            f" the budget is {format_amount(request.budget)}",
            field="budget",
            hint=_ways_out(request.budget, escrow=escrow, units=units),
        )
    return escrow


def _ways_out(budget: int, *, escrow: int, units: int) -> str:
    lower = f" or lower the limit price to {typed_price(budget // units)}" if budget >= units else ""
    return f"raise the budget to {format_amount(escrow)} tokens{lower}"
