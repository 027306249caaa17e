"""Every transaction that changes the database, by name.

A crash can fall before a commit or after it; nothing else matters. So each name is two crash points, `<name>:before`
and `<name>:after`, and tests kill a gateway at every one of them.
"""

from __future__ import annotations

from enum import StrEnum

from proofgrid.primitives.turns import Urgency


class Transaction(StrEnum):
    """What a transaction does. `Database.transaction` and `Database.write` ask for one of these."""

    @property
    def urgency(self) -> Urgency:
        """Whom it goes before when connections are few."""
        return URGENCIES[self]

    # a network's life
    JOIN_NETWORK = "join_network"
    GATEWAY_ALIVE = "gateway_alive"
    GATEWAY_GONE = "gateway_gone"
    # people
    SPEND_TOKEN = "spend_token"  # noqa: S105 - a name
    FORGET_TOKENS = "forget_tokens"
    CHANGE_ROLES = "change_roles"
    CHANGE_API_KEYS = "change_api_keys"
    NOTE_KEYS_USED = "note_keys_used"
    CHANGE_WEBHOOKS = "change_webhooks"
    CHANGE_LOW_BALANCE = "change_low_balance"
    CLAIM_DELIVERIES = "claim_deliveries"
    NOTE_DELIVERY = "note_delivery"
    FORGET_DELIVERIES = "forget_deliveries"
    CHANGE_SUBNETWORKS = "change_subnetworks"
    CHANGE_ENGINES = "change_engines"
    CHANGE_KEYS = "change_keys"
    MOVE_MONEY = "move_money"
    APPEAL = "appeal"
    CHECK_LEDGER = "check_ledger"
    OPEN_INCIDENT = "open_incident"
    ACT_ON_INCIDENT = "act_on_incident"
    END_INCIDENT = "end_incident"
    CLOSE_INCIDENT = "close_incident"
    TELL_OF_INCIDENTS = "tell_of_incidents"
    FORGET_LIES = "forget_lies"
    PLACE_AUDIT = "place_audit"
    NOTE_REFUSALS = "note_refusals"
    # the network's own jobs
    ADD_CANARY = "add_canary"
    NOTE_SECOND_LOOK = "note_second_look"
    LEARN_SIZES = "learn_sizes"
    # programs and artifacts
    REGISTER_PROGRAM = "register_program"
    SHARE_PROGRAM = "share_program"
    DELETE_PROGRAM = "delete_program"
    RESERVE_BYTES = "reserve_bytes"
    RECORD_ARTIFACT = "record_artifact"
    TIDY_ARTIFACTS = "tidy_artifacts"
    MEND_ARTIFACTS = "mend_artifacts"
    # a task's life
    ADMIT_TASKS = "admit_tasks"
    HOLD_ROUND = "hold_round"
    OFFER_LEASES = "offer_leases"
    NOTE_PROGRESS = "note_progress"
    NOTE_REPORTS = "note_reports"
    PAY_PROOFS = "pay_proofs"
    NOTE_CACHED = "note_cached"
    RETURN_JOB = "return_job"
    NOTE_SLOW = "note_slow"
    RAISE_LIMITS = "raise_limits"
    EXTEND_LEASES = "extend_leases"
    CLAIM_COMBINING = "claim_combining"
    FINISH_TASK = "finish_task"
    END_TASK = "end_task"
    REPLAY_TASK = "replay_task"
    RESUBMIT_TASK = "resubmit_task"
    BEGIN_BULK_ACT = "begin_bulk_act"
    SELL_QUOTE = "sell_quote"
    REDEEM_QUOTE = "redeem_quote"
    EXPIRE_QUOTES = "expire_quotes"
    OVERFLOW_JOBS = "overflow_jobs"
    WANT_DELIVERY = "want_delivery"
    SPELL_DELIVERY = "spell_delivery"
    # a prover's session
    OPEN_SESSION = "open_session"
    HEARTBEAT = "heartbeat"
    DRAIN_SESSION = "drain_session"
    CLOSE_SESSION = "close_session"
    WAKE = "wake"
    # the anchor, which is no gateway
    READ_CHAIN = "read_chain"
    OWE_CHAIN = "owe_chain"
    SEND_CHAIN = "send_chain"
    BRING_PROOF = "bring_proof"
    READ_VAULT = "read_vault"
    CREDIT_DEPOSIT = "credit_deposit"
    NOTE_CLAIMS = "note_claims"
    MAKE_BATCH = "make_batch"
    NOTE_BATCH = "note_batch"


#: What only the anchor does, a process of its own beside gateways (roles/anchor).
BY_ANCHOR = (
    Transaction.READ_CHAIN,
    Transaction.OWE_CHAIN,
    Transaction.SEND_CHAIN,
    Transaction.BRING_PROOF,
    Transaction.READ_VAULT,
    Transaction.CREDIT_DEPOSIT,
    Transaction.NOTE_CLAIMS,
    Transaction.MAKE_BATCH,
    Transaction.NOTE_BATCH,
)

_BY_URGENCY = {
    Urgency.MONEY: (
        Transaction.PAY_PROOFS,
        Transaction.END_TASK,
        Transaction.MOVE_MONEY,
        Transaction.APPEAL,
        Transaction.CLOSE_INCIDENT,
        Transaction.OPEN_INCIDENT,
        Transaction.ACT_ON_INCIDENT,
        Transaction.END_INCIDENT,
    ),
    Urgency.ROUNDS: (
        Transaction.JOIN_NETWORK,
        Transaction.GATEWAY_ALIVE,
        Transaction.GATEWAY_GONE,
        Transaction.HOLD_ROUND,
        Transaction.OFFER_LEASES,
        Transaction.NOTE_PROGRESS,
        Transaction.NOTE_REPORTS,
        Transaction.NOTE_CACHED,
        Transaction.RETURN_JOB,
        Transaction.NOTE_SLOW,
        Transaction.RAISE_LIMITS,
        Transaction.EXTEND_LEASES,
        Transaction.OVERFLOW_JOBS,
        Transaction.EXPIRE_QUOTES,
        Transaction.OPEN_SESSION,
        Transaction.HEARTBEAT,
        Transaction.DRAIN_SESSION,
        Transaction.CLOSE_SESSION,
        Transaction.WAKE,
    ),
    Urgency.ADMISSION: (
        Transaction.ADMIT_TASKS,
        Transaction.SPEND_TOKEN,
        Transaction.SELL_QUOTE,
        Transaction.REDEEM_QUOTE,
        Transaction.REPLAY_TASK,
        Transaction.RESUBMIT_TASK,
        Transaction.BEGIN_BULK_ACT,
        Transaction.CHANGE_LOW_BALANCE,
        Transaction.WANT_DELIVERY,
        Transaction.RECORD_ARTIFACT,
        Transaction.RESERVE_BYTES,
        Transaction.SHARE_PROGRAM,
        Transaction.DELETE_PROGRAM,
        Transaction.CHANGE_ROLES,
        Transaction.CHANGE_API_KEYS,
        Transaction.CHANGE_WEBHOOKS,
        Transaction.CHANGE_SUBNETWORKS,
        Transaction.CHANGE_ENGINES,
        Transaction.CHANGE_KEYS,
    ),
    Urgency.SEALING: (Transaction.CLAIM_COMBINING, Transaction.FINISH_TASK),
    Urgency.BUILDING: (Transaction.REGISTER_PROGRAM,),
    Urgency.BACKGROUND: (
        Transaction.FORGET_TOKENS,
        Transaction.FORGET_LIES,
        Transaction.NOTE_KEYS_USED,
        Transaction.CLAIM_DELIVERIES,
        Transaction.NOTE_DELIVERY,
        Transaction.FORGET_DELIVERIES,
        Transaction.TELL_OF_INCIDENTS,
        Transaction.PLACE_AUDIT,
        Transaction.NOTE_REFUSALS,
        Transaction.CHECK_LEDGER,
        Transaction.ADD_CANARY,
        Transaction.NOTE_SECOND_LOOK,
        Transaction.SPELL_DELIVERY,
        Transaction.LEARN_SIZES,
        Transaction.TIDY_ARTIFACTS,
        Transaction.MEND_ARTIFACTS,
        *BY_ANCHOR,
    ),
}
URGENCIES = {name: urgency for urgency, names in _BY_URGENCY.items() for name in names}  #: of every transaction

#: What changes rights, keys, money by hand, incidents, the network's own jobs and programs: each writes an entry of the
#: audit log in the same commit, who asked for it and how (store/audit.py).
AUDITED = frozenset(
    {
        Transaction.CHANGE_ROLES,
        Transaction.CHANGE_API_KEYS,
        Transaction.CHANGE_WEBHOOKS,
        Transaction.CHANGE_SUBNETWORKS,
        Transaction.CHANGE_ENGINES,
        Transaction.CHANGE_KEYS,
        Transaction.MOVE_MONEY,
        Transaction.APPEAL,
        Transaction.CLOSE_INCIDENT,
        Transaction.ACT_ON_INCIDENT,
        Transaction.ADD_CANARY,
        Transaction.REGISTER_PROGRAM,
        Transaction.SHARE_PROGRAM,
        Transaction.DELETE_PROGRAM,
        Transaction.REPLAY_TASK,
        Transaction.BEGIN_BULK_ACT,
    }
)

#: Of these what somebody asked for is refused while the audit log does not match its checkpoints (rules/incidents).
ADMINISTRATION = frozenset(
    {Transaction.CHANGE_SUBNETWORKS, Transaction.MOVE_MONEY, Transaction.ADD_CANARY, Transaction.REPLAY_TASK}
)
