//! Executing and proving. What goes wrong with a client's program is said without any value that it computed with.

use std::collections::BTreeMap;

use miden_core::Word;
use miden_core::advice::AdviceInputs;
use miden_core::crypto::merkle::{MerkleStore, MerkleTree};
use miden_core::program::{Program, StackInputs};
use miden_core::proof::{ExecutionProof, HashFunction};
use miden_core_lib::CoreLibrary;
use miden_processor::advice::AdviceError;
use miden_processor::operation::OperationError;
use miden_processor::trace::build_trace_with_max_len;
use miden_processor::{
    DebugHandler, DefaultHost, ExecutionError, ExecutionOptions, FastProcessor, SyncHost, TraceBuildInputs,
};
use miden_prover::{ProvingOptions, TraceProvingInputs, prove_from_trace_sync};
use serde::Deserialize;
use serde_json::json;

use crate::felts::{felts, spelled, stack, word};
use crate::spelling::reduced;
use crate::{Answer, Failure, broken, caught, program, progress, refused};

/// The least that the virtual machine takes; one of half as many cycles is proven for the same.
const CYCLES_LEAST: u32 = 64;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Advice {
    #[serde(default)]
    advice: Vec<String>,
    #[serde(default)]
    advice_map: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    merkle_trees: Vec<Vec<String>>,
}

#[derive(Deserialize)]
pub struct ExecuteRequest {
    program: String,
    root: String,
    stack: Vec<String>,
    steps: Vec<Advice>,
    cycles_max: u32,
}

/// Run a program as often as there are steps, each on the stack that the one before left.
pub fn execute(request: ExecuteRequest) -> Answer {
    let program = program::load(&request.program, &request.root)?;
    let mut current = stack(&request.stack, "stack")?;
    let mut done = Vec::new();
    for (place, advice) in request.steps.iter().enumerate() {
        let field = format!("steps[{place}]");
        let traced = traced(&program, current.into(), advice, request.cycles_max, &field)?;
        current = **traced.stack_outputs();
        let rows = rows_of(traced, request.cycles_max, &field)?;
        done.push(json!({"stack": spelled(&current), "rows": rows}));
    }
    Ok(json!({"steps": done}))
}

#[derive(Deserialize)]
pub struct ProveRequest {
    program: String,
    root: String,
    stack: Vec<String>,
    step: Advice,
    cycles_max: u32,
    hash: String,
}

pub fn prove(request: ProveRequest) -> Answer {
    progress("execute", 0);
    let program = program::load(&request.program, &request.root)?;
    let hash = hash_function(&request.hash)?;
    let inputs = stack(&request.stack, "stack")?;
    let traced = traced(&program, inputs.into(), &request.step, request.cycles_max, "step")?;
    progress("prove", 50);
    let options = ProvingOptions::with_96_bit_security(hash);
    let proven = caught(|| prove_from_trace_sync(TraceProvingInputs::new(traced, options)));
    let (outputs, proof) = proven.ok_or_else(|| broken("the prover fails"))?.map_err(|_| broken("the prover fails"))?;
    let (hash, stark, requests) = proof.into_parts();
    let stark = reduced(&stark, hash).ok_or_else(|| broken("the prover fails"))?;
    let proof = ExecutionProof::new(stark, hash, requests);
    Ok(json!({"stack": spelled(&*outputs), "proof": hex::encode(proof.to_bytes())}))
}

pub fn hash_function(name: &str) -> Result<HashFunction, Failure> {
    match name {
        "blake3" => Ok(HashFunction::Blake3_256),
        "poseidon2" => Ok(HashFunction::Poseidon2),
        _ => Err(refused("settings.hash", "the hash function is blake3 or poseidon2")),
    }
}

fn traced(
    program: &Program,
    inputs: StackInputs,
    advice: &Advice,
    cycles_max: u32,
    field: &str,
) -> Result<TraceBuildInputs, Failure> {
    let advice = advice_of(advice, field)?;
    let options = ExecutionOptions::default();
    let options = ExecutionOptions::new(
        Some(cycles_max.max(CYCLES_LEAST)),
        CYCLES_LEAST,
        options.core_trace_fragment_size(),
        false,
        false,
    )
    .map_err(broken)?;
    let mut host = host().map_err(|_| broken("the standard library cannot be loaded"))?;
    let ran = caught(|| {
        FastProcessor::new_with_options(inputs, advice, options)
            .map_err(ExecutionError::advice_error_no_context)
            .and_then(|processor| processor.execute_trace_inputs_sync(program, &mut host))
    });
    ran.ok_or_else(|| refused(field, "the virtual machine fails on it"))?
        .map_err(|reason| refused(field, told(&reason)))
}

/// Count the rows of the whole trace: of processor, memory, hashes and ranges, whichever are most, padded.
fn rows_of(traced: TraceBuildInputs, cycles_max: u32, field: &str) -> Result<usize, Failure> {
    let rows_max = cycles_max.max(CYCLES_LEAST).next_power_of_two() as usize;
    let over = || {
        let rule = format!("it takes more than {rows_max} rows of trace (hashes and memory count too): see cycles_max");
        refused(field, rule)
    };
    // Whole fragments of the core are counted in the library's own limit, so ours comes after it.
    let built =
        caught(|| build_trace_with_max_len(traced, 2 * rows_max + ExecutionOptions::DEFAULT_CORE_TRACE_FRAGMENT_SIZE));
    match built {
        Some(Ok(trace)) if trace.get_trace_len() <= rows_max => Ok(trace.get_trace_len()),
        Some(Ok(_) | Err(ExecutionError::TraceLenExceeded(_))) => Err(over()),
        _ => Err(refused(field, "the virtual machine fails on it")),
    }
}

fn advice_of(given: &Advice, field: &str) -> Result<AdviceInputs, Failure> {
    let mut map = BTreeMap::new();
    for (key, values) in &given.advice_map {
        let place = format!("{field}.advice_map.{key}");
        map.insert(word(key, &place)?, felts(values, &place)?);
    }
    let mut store = MerkleStore::new();
    for (place, leaves) in given.merkle_trees.iter().enumerate() {
        let place = format!("{field}.merkle_trees[{place}]");
        let leaves = leaves.iter().map(|leaf| word(leaf, &place)).collect::<Result<Vec<Word>, _>>()?;
        let tree = MerkleTree::new(leaves).map_err(|_| refused(&place, "a tree has 2, 4, 8 … leaves"))?;
        store.extend(tree.inner_nodes());
    }
    let stack = felts(&given.advice, &format!("{field}.advice"))?;
    Ok(AdviceInputs::default().with_stack(stack).with_map(map).with_merkle_store(store))
}

/// Says nothing of what a program asks to have printed.
struct Silent;

impl DebugHandler for Silent {}

fn host() -> Result<impl SyncHost, ExecutionError> {
    DefaultHost::default().with_debug_handler(Silent).with_library(&CoreLibrary::default())
}

fn told(reason: &ExecutionError) -> String {
    match reason {
        ExecutionError::CycleLimitExceeded(cycles) => format!("it has not ended after {cycles} cycles: see cycles_max"),
        ExecutionError::OutputStackOverflow(more) => {
            format!("it leaves {more} elements too many: 16 may be on the stack at the end")
        }
        ExecutionError::ProcedureNotFound { .. } => {
            "it calls a procedure that is neither in it nor in the standard library".into()
        }
        ExecutionError::AdviceError { err, .. } => told_of_advice(err).into(),
        ExecutionError::OperationError { err, .. } => told_of_operation(err),
        ExecutionError::MemoryError { .. } | ExecutionError::MemoryErrorNoCtx(_) => {
            "it reads or writes memory where it may not".into()
        }
        ExecutionError::EventError { .. } => "an event that it emits cannot be answered".into(),
        ExecutionError::StackDepthLimitExceeded { max, .. } => {
            format!("it puts more than {max} elements onto the stack")
        }
        _ => "the virtual machine refuses to run it".into(),
    }
}

fn told_of_advice(reason: &AdviceError) -> &'static str {
    match reason {
        AdviceError::StackReadFailed => "it reads more advice than there is",
        AdviceError::MapKeyNotFound { .. } => "it asks the advice map for a key that is not there",
        AdviceError::MerkleStoreLookupFailed(_) => "it asks the Merkle trees for a node that is not there",
        _ => "its advice does not fit what it asks for",
    }
}

fn told_of_operation(reason: &OperationError) -> String {
    match reason {
        OperationError::FailedAssertion { err_code, err_msg } => assertion("an assertion fails", err_code, err_msg),
        OperationError::U32AssertionFailed { err_code, err_msg, .. } => {
            assertion("an assertion fails: a value is no 32-bit integer", err_code, err_msg)
        }
        OperationError::MerklePathVerificationFailed { inner } => {
            assertion("a Merkle path does not lead to its root", &inner.err_code, &inner.err_msg)
        }
        OperationError::DivideByZero => "it divides by zero".into(),
        OperationError::NotU32Values { .. } => "an operation on 32-bit integers gets a larger value".into(),
        OperationError::NotBinaryValue { .. }
        | OperationError::NotBinaryValueIf { .. }
        | OperationError::NotBinaryValueLoop { .. } => "a value that decides something is neither 0 nor 1".into(),
        OperationError::InvalidStackDepthOnReturn { .. } => "a call leaves more than 16 elements on the stack".into(),
        OperationError::SyscallTargetNotInKernel { .. } => "it asks for a kernel, and there is none".into(),
        OperationError::LogArgumentZero => "it takes the logarithm of zero".into(),
        _ => "an operation fails".into(),
    }
}

fn assertion(what: &str, code: &miden_core::Felt, text: &Option<std::sync::Arc<str>>) -> String {
    match text {
        Some(text) => format!("{what}: {}", text.chars().take(200).collect::<String>()),
        None if *code == miden_core::ZERO => what.into(),
        None => format!("{what}: error code {code}"),
    }
}
