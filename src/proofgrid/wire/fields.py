"""What fields of messages from strangers may hold: the one table of texts and counts, and the one place that checks it.

Every text field and every repeated field that a caller can fill stands here; a test holds that none is missing.
What a text means (a digest, a role, a name) is judged by who reads it; here is only what no field may do to others:
length, characters, normal form, how many, and numbers that a column cannot hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Sized
from functools import cache
from typing import TypeAlias, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.pages import CHARS_MAX as CURSOR_CHARS_MAX
from proofgrid.primitives.plain_text import TextKind, check_text
from proofgrid.rules.access.subnetworks import PROOF_SYSTEMS_MAX, SERVED_MAX
from proofgrid.rules.identity.key_list import BYTES_MAX as KEY_LIST_BYTES_MAX
from proofgrid.rules.jobs.constraints import OPERATORS_MAX, REGION_CHARS_MAX, REGIONS_MAX
from proofgrid.rules.jobs.offers import SLOTS_MAX
from proofgrid.rules.jobs.request import IDEMPOTENCY_KEY_CHARS_MAX
from proofgrid.rules.jobs.sealing import PROVERS_MAX, SEALED_JOBS_MAX
from proofgrid.rules.jobs.tags import TAG_CHARS_MAX, TAGS_MAX
from proofgrid.wire.codec.provers import RESULTS_PER_MESSAGE_MAX

WORD = TextKind(name="word", chars_max=256, ascii=True)  #: ids, digests, addresses, signatures, names of ours
KEY = TextKind(name="key", chars_max=IDEMPOTENCY_KEY_CHARS_MAX)  #: chosen by the caller, compared as it is
TAG = TextKind(name="tag", chars_max=TAG_CHARS_MAX, ascii=True)
CURSOR = TextKind(name="cursor", chars_max=CURSOR_CHARS_MAX, ascii=True)  #: as the page before said it
LABEL = TextKind(name="label", chars_max=128)  #: for people, one line
ADDRESS = TextKind(name="address", chars_max=1_024, ascii=True)  #: of a server
REGION = TextKind(name="region", chars_max=REGION_CHARS_MAX)
LINES = TextKind(name="lines", chars_max=4_000, lines=True)  #: for people
KEYS = TextKind(name="keys", chars_max=KEY_LIST_BYTES_MAX, ascii=True)
JSON = None  #: bounded and read by codec/texts.py
MACHINE = None  #: what a machine said of its own failure: shortened and escaped by codec/provers.py, never refused

TEXTS: Mapping[str, TextKind | None] = {
    "AddCanaryRequest.inputs_json": JSON,
    "AddCanaryRequest.program_digest": WORD,
    "AppealRequest.evidence_id": WORD,
    "AppealRequest.text": LINES,
    "Ask.proof_system": WORD,
    "BuyQuoteRequest.idempotency_key": KEY,
    "CancelTaskRequest.task_id": WORD,
    "CancelTasksRequest.idempotency_key": KEY,
    "ClassPricesEntry.key": WORD,
    "CertifyProverRequest.signature": WORD,
    "CloseIncidentRequest.why": LINES,
    "Constraints.allowed_operators": WORD,
    "Constraints.confinement": WORD,
    "Constraints.denied_operators": WORD,
    "Constraints.regions": REGION,
    "DeleteProgramRequest.digest": WORD,
    "DeliverProofRequest.deliver": WORD,
    "DeliverProofRequest.task_id": WORD,
    "DepositRequest.address": WORD,
    "DepositRequest.deposit_id": KEY,
    "DepositStakeRequest.deposit_id": KEY,
    "DepositStakeRequest.operator": WORD,
    "DownloadRequest.digest": WORD,
    "ExportRoundsRequest.lane": WORD,
    "FetchResultRequest.task_id": WORD,
    "FundTreasuryRequest.deposit_id": KEY,
    "GetAccountRequest.address": WORD,
    "GetAuditTileRequest.path": WORD,
    "GetDeadLetterRequest.task_id": WORD,
    "GetEvidenceRequest.evidence_id": WORD,
    "GetProgramRequest.digest": WORD,
    "GetProofDeliveryRequest.task_id": WORD,
    "GetStakeRequest.operator": WORD,
    "GetVaultProofRequest.account": WORD,
    "GetSubnetworkRequest.name": WORD,
    "GetTaskRequest.task_id": WORD,
    "GrantRequest.address": WORD,
    "GrantRequest.label": LABEL,
    "GrantRequest.role": WORD,
    "HeldLease.lease_id": WORD,
    "Hello.cached_programs": WORD,
    "Hello.classes": WORD,
    "Hello.confinement": WORD,
    "Hello.name": WORD,
    "Hello.region": REGION,
    "Hello.run": WORD,
    "Hello.session_key": WORD,
    "Hello.sealing_signature": WORD,
    "Hello.session_signature": WORD,
    "Hello.subnetworks": WORD,
    "Hello.version": LABEL,
    "JobFailure.code": MACHINE,
    "JobFailure.detail": MACHINE,
    "JobFailure.lease_id": WORD,
    "JobProgress.lease_id": WORD,
    "JobProgress.stage": WORD,
    "JobResult.lease_id": WORD,
    "JobResult.proof_digest": WORD,
    "JobResult.public_json": JSON,
    "JobResult.signature": WORD,
    "ListAcceptedRequest.engine": WORD,
    "ListApiKeysRequest.cursor": CURSOR,
    "ListApiKeysRequest.owner": WORD,
    "ListAuditEntriesRequest.act": WORD,
    "ListAuditEntriesRequest.by": WORD,
    "ListAuditEntriesRequest.cursor": CURSOR,
    "ListDeadLettersRequest.cursor": CURSOR,
    "ListDeliveriesRequest.cursor": CURSOR,
    "ListDeliveriesRequest.endpoint_id": WORD,
    "ListEvidenceRequest.cursor": CURSOR,
    "ListEvidenceRequest.operator": WORD,
    "ListEvidenceRequest.state": WORD,
    "ListOperatorsRequest.address": WORD,
    "ListOperatorsRequest.cursor": CURSOR,
    "ListProgramsRequest.begins": WORD,
    "ListProgramsRequest.cursor": CURSOR,
    "ListQuotesRequest.cursor": CURSOR,
    "ListRecipientsRequest.program_digest": WORD,
    "ListRecipientsRequest.subnetwork": WORD,
    "ListRoundsRequest.cursor": CURSOR,
    "ListRoundsRequest.lane": WORD,
    "ListTasksRequest.begins": WORD,
    "ListTasksRequest.cursor": CURSOR,
    "ListTasksRequest.program_digest": WORD,
    "ListTasksRequest.state": WORD,
    "ListTasksRequest.tag": TAG,
    "ListWebhooksRequest.cursor": CURSOR,
    "MakeApiKeyRequest.addresses": WORD,
    "MakeApiKeyRequest.label": LABEL,
    "MakeApiKeyRequest.scopes": WORD,
    "MakeApiKeyRequest.subnetwork": WORD,
    "MakeWebhookRequest.kinds": WORD,
    "MakeWebhookRequest.url": ADDRESS,
    "MemberRequest.address": WORD,
    "MemberRequest.role": WORD,
    "MemberRequest.subnetwork": WORD,
    "OpenOrderRequest.lane": WORD,
    "OpenOrderRequest.what": WORD,
    "ProofSystemNames.names": WORD,
    "PublishKeysRequest.keys": KEYS,
    "QuoteRequest.inputs_json": JSON,
    "QuoteRequest.program_digest": WORD,
    "QuoteRequest.subnetwork": WORD,
    "RegisterProgramRequest.label": LABEL,
    "RegisterProgramRequest.proof_system": WORD,
    "RegisterProgramRequest.settings_json": JSON,
    "RemoveSubnetworkRequest.name": WORD,
    "RemoveWebhookRequest.endpoint_id": WORD,
    "RequestPayoutRequest.payout_id": KEY,
    "RequestPayoutRequest.to": WORD,
    "ReplayDeadLetterRequest.task_id": WORD,
    "ReplayTasksRequest.idempotency_key": KEY,
    "ReplayWebhookRequest.endpoint_id": WORD,
    "ResolveAppealRequest.answer": LINES,
    "ResolveAppealRequest.evidence_id": WORD,
    "ResumeEngineRequest.engine": WORD,
    "RevokeApiKeyRequest.key_id": WORD,
    "RevokeRequest.address": WORD,
    "RevokeRequest.role": WORD,
    "Seal.key_id": WORD,
    "Seal.prover": WORD,
    "Sealed.commitment": WORD,
    "Sealed.statement_json": JSON,
    "SealedJob.facts_json": JSON,
    "SetApiKeyRequest.key_id": WORD,
    "ShareProgramRequest.audiences": WORD,
    "ShareProgramRequest.digest": WORD,
    "SourceEntry.key": LABEL,
    "SourceEntry.value": WORD,
    "StatementRequest.cursor": CURSOR,
    "StatementRequest.owner": WORD,
    "StopEngineRequest.engine": WORD,
    "StopEngineRequest.reason": LINES,
    "SubmitRequest.idempotency_key": KEY,
    "SubmitRequest.inputs_json": JSON,
    "SubmitRequest.program_digest": WORD,
    "SubmitRequest.quote_id": WORD,
    "SubmitRequest.subnetwork": WORD,
    "SubmitRequest.tags": TAG,
    "SubnetworkChange.name": WORD,
    "TakeOutRequest.take_id": KEY,
    "TaskFilter.program_digest": WORD,
    "TaskFilter.state": WORD,
    "TaskFilter.tag": TAG,
    "TestWebhookRequest.endpoint_id": WORD,
    "UnbondRequest.unbonding_id": KEY,
    "UnshareProgramRequest.audiences": WORD,
    "UnshareProgramRequest.digest": WORD,
    "UploadHeader.digest": WORD,
    "UploadHeader.lease_id": WORD,
    "WatchTaskRequest.task_id": WORD,
}

#: How many a field that repeats may have.
COUNTS: Mapping[str, int] = {
    "Ask.class_prices": 8,
    "Constraints.allowed_operators": OPERATORS_MAX,
    "Constraints.denied_operators": OPERATORS_MAX,
    "Constraints.regions": REGIONS_MAX,
    "Heartbeat.held": SLOTS_MAX,
    "Hello.asks": 64,
    "Hello.cached_programs": 10_000,
    "Hello.classes": 8,
    "Hello.held": SLOTS_MAX,
    "Hello.subnetworks": SERVED_MAX,
    "JobResults.results": RESULTS_PER_MESSAGE_MAX,
    "MakeApiKeyRequest.addresses": 16,
    "MakeApiKeyRequest.scopes": 32,
    "MakeWebhookRequest.kinds": 64,
    "ProofSystemNames.names": PROOF_SYSTEMS_MAX,
    "RegisterProgramRequest.source": 256,
    "Sealed.jobs": SEALED_JOBS_MAX,
    "Sealed.seals": PROVERS_MAX,
    "ShareProgramRequest.audiences": 256,
    "SubmitRequest.tags": TAGS_MAX,
    "UnshareProgramRequest.audiences": 256,
}

FORGOTTEN_MAX = 64  #: of a field that somebody forgot in the table
COLUMN_MAX = 2**63 - 1  #: what a bigint holds; a proto's uint64 may say twice as much

_Check: TypeAlias = "Callable[[object, str], None]"  # a field's value, and the field with those it stands in


def check_message(message: Message, *, inside: str = "") -> None:
    """Raise InvalidField, naming the field, where a message holds what no field of its kind may.

    Counts come before contents, so that too many cost no more than counting them. `inside`: the field it stands in.
    """
    checks = _checks(message.DESCRIPTOR)
    for field, value in message.ListFields():
        check = checks.get(field.name)
        if check is not None:
            check(value, f"{inside}.{field.name}" if inside else field.name)


@cache
def _checks(descriptor: Descriptor) -> Mapping[str, _Check]:
    """Return what is checked of a message's fields, by their names."""
    found = {field.name: _check_of(descriptor, field) for field in descriptor.fields}
    return {name: check for name, check in found.items() if check is not None}


def _check_of(descriptor: Descriptor, field: FieldDescriptor) -> _Check | None:
    name = f"{descriptor.name}.{field.name}"
    if not field.is_repeated:
        return _check_of_one(name, field)
    at_most = COUNTS.get(name, FORGOTTEN_MAX)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return _map_check(at_most, field.message_type)
    return _list_check(at_most, _check_of_one(name, field))


def _check_of_one(name: str, field: FieldDescriptor) -> _Check | None:
    if field.message_type is not None:
        return lambda value, path: check_message(cast(Message, value), inside=path)
    if field.type == FieldDescriptor.TYPE_STRING:
        kind = TEXTS.get(name, WORD)  # what somebody forgot is held to the most
        return None if kind is None else lambda value, path: check_text(cast(str, value), kind, field=path)
    return _check_number if field.type == FieldDescriptor.TYPE_UINT64 else None


def _check_number(value: object, path: str) -> None:
    if cast(int, value) > COLUMN_MAX:
        raise InvalidField(f"at most {COLUMN_MAX}", field=path)


def _list_check(at_most: int, check: _Check | None) -> _Check:
    def check_all(value: object, path: str) -> None:
        values = cast(Sequence[object], value)
        _check_count(values, at_most, path)
        if check is not None:
            for value in values:
                check(value, path)

    return check_all


def _map_check(at_most: int, entry: Descriptor) -> _Check:
    key = _check_of_one(f"{entry.name}.key", entry.fields_by_name["key"])
    content = _check_of_one(f"{entry.name}.value", entry.fields_by_name["value"])

    def check_all(value: object, path: str) -> None:
        values = cast(Mapping[object, object], value)
        _check_count(values, at_most, path)
        for name, content_of_it in values.items():
            if key is not None:
                key(name, path)
            if content is not None:
                content(content_of_it, path)

    return check_all


def _check_count(values: Sized, at_most: int, path: str) -> None:
    if len(values) > at_most:
        raise InvalidField(f"at most {at_most}, there are {len(values)}", field=path)
