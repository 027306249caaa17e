"""What is fuzzed: the table of targets, each a function that takes any bytes and raises nothing but our own errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.fuzz import archives, bodies, calls, documents, keys, model, records, streams, words
from tests.fuzz.mutating import mutated_bytes, mutated_json

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
    "token": Target(what="tokens of calls", take=words.take_token, seeds=words.tokens, tries=300),
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
