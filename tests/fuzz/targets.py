"""What is fuzzed: the table of targets, each a function that takes any bytes and raises nothing but our own errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.fuzz import (
    answers,
    archives,
    asking,
    bodies,
    calls,
    documents,
    figures,
    jobs,
    keys,
    model,
    proofs,
    records,
    sealed,
    showing,
    streams,
    webhooks,
    words,
)
from tests.fuzz.mutating import mutated_bytes, mutated_json, with_words

CORPUS = Path(__file__).with_name("corpus")

Mutate = Callable[[bytes, Random], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One parser of ours, or several that read the same thing."""

    what: str  #: for people
    take: Callable[[bytes], None]
    seeds: Callable[[], Sequence[bytes]]  #: made by code, so that they follow our formats
    mutate: Mutate = mutated_bytes
    bytes_max: int = 1 << 16
    tries: int = 150  #: of `make test`, for each: costly ones have fewer
    words: Sequence[bytes] = ()  #: of its language: libFuzzer's dictionary

    def corpus(self, name: str) -> list[bytes]:
        """Return the seeds, and what fuzzing found before."""
        kept = sorted((CORPUS / name).glob("*")) if (CORPUS / name).is_dir() else []
        return [*self.seeds(), *(path.read_bytes() for path in kept)]


TARGETS: Mapping[str, Target] = {
    "calls": Target(
        what="every call of clients, operators and administrators: message, door, use case, up to the database",
        take=calls.take_call,
        seeds=calls.messages,
        mutate=calls.mutated_call,
        tries=600,
    ),
    "bodies": Target(
        what="bodies and parameters of the HTTP door",
        take=bodies.take_body,
        seeds=bodies.bodies,
        mutate=bodies.mutated_body,
        tries=300,
    ),
    "requests": Target(
        what="whole requests of HTTP: path, query, headers, body; to the door, its pages and the use cases",
        take=asking.take_request,
        seeds=asking.requests,
        mutate=asking.mutated_request,
        tries=250,
        words=tuple(one.encode() for one in asking.HEADERS),
    ),
    "answers": Target(
        what="what a gateway answers, as the SDK reads it",
        take=answers.take_answer,
        seeds=answers.answers,
        mutate=answers.mutated_answer,
        tries=600,
    ),
    "prover_stream": Target(
        what="what a prover says on its stream, to the gateway's desk",
        take=streams.take_stream,
        seeds=streams.from_provers,
        mutate=streams.mutated_stream,
        tries=300,
    ),
    "gateway_stream": Target(
        what="what a gateway says to a prover",
        take=streams.take_to_prover,
        seeds=streams.to_provers,
        mutate=streams.mutated_to_prover,
        tries=300,
    ),
    "certificate": Target(
        what="certificates of provers, requests for them, and a gateway's own chain",
        take=showing.take_certificate,
        seeds=showing.certificates,
        mutate=showing.mutated_pem,
        tries=300,
    ),
    "sign_in": Target(
        what="messages of Sign-In with Ethereum, signed by the wallet",
        take=showing.take_sign_in,
        seeds=showing.messages,
        mutate=with_words(showing.SIGN_IN_WORDS),
        tries=400,
        words=showing.SIGN_IN_WORDS,
    ),
    "credential": Target(
        what="API keys, their names and scopes, sessions of browsers",
        take=showing.take_credential,
        seeds=showing.credentials,
        mutate=with_words(showing.CREDENTIAL_WORDS),
        tries=400,
        words=showing.CREDENTIAL_WORDS,
    ),
    "seal": Target(
        what="seals, locked inputs and keys to seal for, as bytes",
        take=sealed.take_seal,
        seeds=sealed.seals,
        tries=200,
    ),
    "sealed": Target(
        what="sealed requests, and provers that one can seal for, vouched for by whoever they name",
        take=sealed.take_sealed,
        seeds=sealed.sealed_messages,
        mutate=sealed.mutated_sealed,
        tries=300,
    ),
    "webhook": Target(
        what="addresses of webhooks, what their names resolve to, signed deliveries",
        take=webhooks.take_webhook,
        seeds=webhooks.webhooks,
        mutate=mutated_json,
        tries=400,
        words=tuple(one.encode() for one in webhooks.LOCAL),
    ),
    "quote": Target(
        what="slots that provers offer ahead, cleared for a firm quote",
        take=figures.take_quote,
        seeds=figures.quotes,
        mutate=mutated_json,
        tries=300,
    ),
    "sizes": Target(
        what="what provers say that jobs took, and what is learned of it",
        take=figures.take_sizes,
        seeds=figures.size_records,
        mutate=mutated_json,
        tries=150,
    ),
    "payouts": Target(
        what="trees of payouts, proofs in them, and files of batches",
        take=figures.take_payouts,
        seeds=figures.payouts,
        mutate=mutated_json,
        tries=200,
    ),
    "token": Target(what="tokens of calls", take=words.take_token, seeds=words.tokens, tries=300),
    "cursor": Target(what="cursors of lists, and tags", take=words.take_cursor, seeds=words.cursors, tries=300),
    "json": Target(what="JSON inside messages and in files", take=words.take_json, seeds=words.texts, tries=400),
    "container": Target(
        what="the container of bundles and evidence, as bytes",
        take=documents.take_container,
        seeds=documents.containers,
    ),
    "bundle": Target(
        what="bundles whose manifest is signed: verified whole",
        take=documents.take_bundle,
        seeds=documents.manifests,
        mutate=mutated_json,
        tries=60,
    ),
    "program": Target(
        what="manifests of programs, as provers read them",
        take=documents.take_program,
        seeds=documents.programs,
        mutate=mutated_json,
        tries=300,
    ),
    "evidence": Target(
        what="evidence that is signed by whoever it names",
        take=documents.take_evidence,
        seeds=documents.evidence_records,
        mutate=mutated_json,
        tries=60,
    ),
    "record": Target(
        what="records of rounds of both editions, signed: replayed and compared",
        take=records.take_record,
        seeds=records.files,
        mutate=mutated_json,
        tries=60,
    ),
    "record_lines": Target(what="lines of records as bytes", take=records.take_lines, seeds=records.lines, tries=100),
    "audit": Target(
        what="exported audit logs: key.json, checkpoint, tiles of hashes and of entries",
        take=documents.take_audit,
        seeds=documents.audit_folders,
        mutate=documents.mutated_folder,
        tries=100,
    ),
    "audit_proof": Target(
        what="proofs of audit logs that a second party follows, and names of tiles",
        take=figures.take_audit_proof,
        seeds=figures.audit_proofs,
        mutate=mutated_json,
        tries=300,
    ),
    "key_file": Target(
        what="key files, open and encrypted", take=keys.take_key_file, seeds=keys.files, mutate=mutated_json, tries=200
    ),
    "key_list": Target(
        what="lists of a network's keys, signed by its root key",
        take=keys.take_key_list,
        seeds=keys.key_lists,
        mutate=mutated_json,
        tries=200,
    ),
    "rotation": Target(
        what="lists of a network's keys one after the other, signed by its root key",
        take=keys.take_rotation,
        seeds=keys.rotations,
        mutate=mutated_json,
        tries=200,
    ),
    "key_words": Target(
        what="words in which keys, signatures and addresses are spelled", take=keys.take_words, seeds=keys.words
    ),
    "inputs": Target(
        what="files of inputs: JSON, NPY, NPZ, CSV", take=archives.take_inputs, seeds=archives.input_files, tries=300
    ),
    "package": Target(
        what="packed folders, and Noir's packages in them",
        take=archives.take_package,
        seeds=archives.packages,
        mutate=mutated_json,
        tries=300,
    ),
    "circuit": Target(
        what="Noir's compiled circuits, their ABI and values of its types",
        take=archives.take_circuit,
        seeds=archives.circuits,
        mutate=mutated_json,
        tries=300,
    ),
    "job": Target(
        what="inputs of jobs, as provers of all systems read them",
        take=jobs.take_job,
        seeds=jobs.jobs,
        mutate=mutated_json,
        tries=300,
    ),
    "identity": Target(
        what="identities of circom's and Miden's programs, and public values beside them",
        take=jobs.take_identity,
        seeds=jobs.identities,
        mutate=mutated_json,
        tries=300,
    ),
    "proof": Target(
        what="what provers hand in for jobs of every system, and results of the whole: before an engine, and after it",
        take=proofs.take_proof,
        seeds=proofs.proofs,
        mutate=mutated_json,
        tries=300,
    ),
    "program_key": Target(
        what="verifying keys of Noir, and keys of SP1's programs",
        take=proofs.take_key,
        seeds=proofs.program_keys,
        tries=200,
    ),
    "service": Target(
        what="what services that prove for an operator answer",
        take=proofs.take_service,
        seeds=proofs.service_answers,
        tries=300,
    ),
    "settings": Target(
        what="settings, inputs and plans that systems read as JSON: ezkl, graph, circom, miden, sp1",
        take=archives.take_settings,
        seeds=archives.settings,
        mutate=mutated_json,
        tries=400,
    ),
    "elf": Target(what="programs and keys of SP1", take=archives.take_elf, seeds=archives.elves, tries=300),
    "symbols": Target(what="circom's tables of symbols", take=archives.take_symbols, seeds=archives.symbols, tries=200),
    "ceremony": Target(
        what="files of ceremonies: .ptau and the engine's own", take=archives.take_ceremony, seeds=archives.ceremonies
    ),
    "model": Target(
        what="ONNX models, read and checked as a gateway's worker does",
        take=model.take_model,
        seeds=model.models,
        mutate=model.mutated_model,
        tries=40,
    ),
}
