//! The engine of the proof system sp1: one process, one request, one answer.
//!
//! ```text
//! proofgrid-sp1 COMMAND   a request in JSON on standard input, its files named by their paths
//!                         an answer in JSON on standard output
//! ```
//!
//! Whatever a client or a prover made is refused in the answer ({"refused": {"field", "rule"}}), with exit status 0.
//! Any other status is the engine's own trouble, told on standard error. Nothing that is secret is ever printed.

mod keys;
mod proofs;

use std::io::{Read, Write};
use std::panic;
use std::process::ExitCode;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Counts the forms of requests and answers; a host refuses an engine that speaks another.
const PROTOCOL: u32 = 1;

/// Is part of what describe says, and of a program's identity: the circuits, not the library, which may be newer.
const VERSION: &str = "sp1-circuits 6.1.0";

const REQUEST_BYTES_MAX: u64 = 256 << 20;

const STACK_BYTES: usize = 128 << 20;

/// Why there is no answer.
pub enum Failure {
    /// What somebody handed in is wrong: its field, and the rule.
    Refused { field: String, rule: String },
    /// The engine's own trouble.
    Broken(String),
}

pub type Answer = Result<Value, Failure>;

pub fn refused(field: &str, rule: impl Into<String>) -> Failure {
    Failure::Refused { field: field.into(), rule: rule.into() }
}

pub fn broken(reason: impl ToString) -> Failure {
    Failure::Broken(reason.to_string())
}

fn main() -> ExitCode {
    // A panic's text may hold values that are secret.
    panic::set_hook(Box::new(|_| {}));
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(run);
    let ended =
        thread.map_err(broken).and_then(|it| it.join().unwrap_or_else(|_| Err(broken("it fell over its own feet"))));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Refused { rule, .. } | Failure::Broken(rule)) => {
            eprintln!("{rule}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let command = std::env::args().nth(1).unwrap_or_default();
    let answer = match command.as_str() {
        "describe" => Ok(json!({"engine": VERSION, "protocol": PROTOCOL})),
        "take" => asked(proofs::take),
        "verify" => asked(proofs::verify),
        _ => Err(broken(format!("usage: proofgrid-sp1 COMMAND < request.json; protocol {PROTOCOL}"))),
    };
    let said = match answer {
        Ok(said) => said,
        Err(Failure::Refused { field, rule }) => json!({"refused": {"field": field, "rule": rule}}),
        Err(trouble) => return Err(trouble),
    };
    let mut output = std::io::stdout().lock();
    serde_json::to_writer(&mut output, &said).map_err(broken)?;
    output.write_all(b"\n").map_err(broken)
}

/// Read a request and answer it.
fn asked<Request: DeserializeOwned>(answer: impl FnOnce(Request) -> Answer) -> Answer {
    let mut content = Vec::new();
    std::io::stdin().take(REQUEST_BYTES_MAX + 1).read_to_end(&mut content).map_err(broken)?;
    if content.len() as u64 > REQUEST_BYTES_MAX {
        return Err(broken(format!("a request has at most {REQUEST_BYTES_MAX} bytes")));
    }
    let request = serde_json::from_slice(&content).map_err(|_| broken("the request is malformed"))?;
    drop(content);
    answer(request)
}

/// Call what may panic on what strangers made; None when it did.
pub fn caught<Outcome>(call: impl FnOnce() -> Outcome) -> Option<Outcome> {
    panic::catch_unwind(panic::AssertUnwindSafe(call)).ok()
}

/// Read bytes as requests spell them: 0x and hexadecimal digits.
pub fn bytes_of(text: &str, field: &str) -> Result<Vec<u8>, Failure> {
    text.strip_prefix("0x")
        .and_then(|digits| hex::decode(digits).ok())
        .ok_or_else(|| refused(field, "bytes are 0x and hexadecimal digits"))
}
