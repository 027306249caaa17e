//! Verifying: one spelling of a proof, one hash function, no kernel.

use miden_core::Word;
use miden_core::program::{Kernel, ProgramInfo};
use miden_core::proof::{ExecutionProof, HashFunction};
use miden_core_lib::CoreLibrary;
use miden_verifier::verify_with_precompiles;
use serde::Deserialize;
use serde_json::json;

use crate::felts::{stack, word};
use crate::running::hash_function;
use crate::spelling::is_reduced;
use crate::{Answer, Failure, caught};

const SECURITY_BITS: u32 = 96;

#[derive(Deserialize)]
pub struct VerifyRequest {
    root: String,
    hash: String,
    claims: Vec<Claim>,
}

#[derive(Deserialize)]
struct Claim {
    before: Vec<String>,
    after: Vec<String>,
    proof: String, // hex
}

/// Say of each claim what is wrong with it; "" for a right one.
pub fn verify(request: VerifyRequest) -> Answer {
    let root = word(&request.root, "root")?;
    let hash = hash_function(&request.hash)?;
    let verdicts: Vec<String> =
        request.claims.iter().map(|one| verdict(root, hash, one).err().unwrap_or_default()).collect();
    Ok(json!({"verdicts": verdicts}))
}

fn verdict(root: Word, hash: HashFunction, claim: &Claim) -> Result<(), String> {
    let before = stack(&claim.before, "before").map_err(said)?;
    let after = stack(&claim.after, "after").map_err(said)?;
    let bytes = hex::decode(&claim.proof).map_err(|_| "the proof is no hexadecimal text")?;
    let read = caught(|| ExecutionProof::from_bytes(&bytes)).and_then(Result::ok);
    let proof = read.filter(|read| read.to_bytes() == bytes).ok_or("the proof is not one in its one form")?;
    if proof.hash_fn() != hash {
        return Err("the proof was made with another hash function".into());
    }
    if !is_reduced(proof.stark_proof(), hash) {
        return Err("the proof is not one in its one form".into());
    }
    let info = ProgramInfo::new(root, Kernel::default());
    let registry = CoreLibrary::default().verifier_registry();
    let verified = caught(|| verify_with_precompiles(info, before.into(), after.into(), proof, &registry).ok());
    match verified.flatten() {
        Some((bits, _)) if bits >= SECURITY_BITS => Ok(()),
        Some(_) => Err(format!("the proof is of less than {SECURITY_BITS} bits")),
        None => Err("the proof does not verify".into()),
    }
}

fn said(reason: Failure) -> String {
    match reason {
        Failure::Refused { field, rule } => format!("{field}: {rule}"),
        Failure::Broken(reason) => reason,
    }
}
