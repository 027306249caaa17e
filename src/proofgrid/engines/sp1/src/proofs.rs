//! Compressed proofs: taken out of what a prover's service says, and verified.
//!
//! A proof has one spelling here: that in which it is written down again. The library reads x + modulus as x.

use std::fs;
use std::path::PathBuf;

use bincode::Options;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sp1_hypercube::{SP1PcsProofInner, SP1RecursionProof};
use sp1_primitives::{SP1Field, SP1GlobalContext};
use sp1_verifier::compressed::SP1CompressedVerifier;
use sp1_verifier::{ProofFromNetwork, SP1Proof};

use crate::keys::{DIGEST_SIZE, digest_of_key};
use crate::{Answer, Failure, broken, bytes_of, caught, refused};

const PROOF_BYTES_MAX: u64 = 4 << 20;

type Compressed = SP1RecursionProof<SP1GlobalContext, SP1PcsProofInner>;

#[derive(Deserialize)]
pub struct Taken {
    /// A file with what the service said.
    said: PathBuf,
}

#[derive(Deserialize)]
pub struct Claims {
    key: String,
    claims: Vec<Claim>,
}

#[derive(Deserialize)]
struct Claim {
    public_values: String,
    proof: String,
}

/// Take the compressed proof out of what SP1's own tools call a proof: {"proof", "public_values"}.
pub fn take(request: Taken) -> Answer {
    let content = fs::read(&request.said).map_err(broken)?;
    let whole: ProofFromNetwork = read(&content).ok_or_else(|| refused("said", "this is no proof of SP1's"))?;
    let SP1Proof::Compressed(proof) = whole.proof else {
        return Err(refused("said", "a proof is compressed; this is one of another kind"));
    };
    let written = write(&*proof)?;
    Ok(json!({
        "proof": format!("0x{}", hex::encode(written)),
        "public_values": format!("0x{}", hex::encode(whole.public_values.as_slice())),
    }))
}

/// Return what is wrong with each claim that a program wrote these public values; "" when its proof verifies.
pub fn verify(request: Claims) -> Answer {
    let key = digest_of_key(&request.key, "key")?;
    let verifier = SP1CompressedVerifier::new();
    let verdicts: Vec<String> = request
        .claims
        .iter()
        .map(|claim| complaint(&verifier, &key, claim).unwrap_or_else(told))
        .collect();
    Ok(json!({"verdicts": verdicts}))
}

fn complaint(
    verifier: &SP1CompressedVerifier,
    key: &[SP1Field; DIGEST_SIZE],
    claim: &Claim,
) -> Result<String, Failure> {
    let public_values = bytes_of(&claim.public_values, "public_values")?;
    let content = bytes_of(&claim.proof, "proof")?;
    let Some(proof) = read::<Compressed>(&content) else {
        return Ok("this is no compressed proof of SP1's".into());
    };
    if write(&proof)? != content {
        return Ok("the proof is spelled in another way than SP1 writes it".into());
    }
    let verdict = caught(|| verifier.verify_compressed_with_public_values(&proof, &public_values, key));
    Ok(match verdict {
        Some(Ok(())) => "",
        Some(Err(_)) => "the proof does not verify for this program and these public values",
        None => "the proof is malformed",
    }
    .into())
}

fn told(failure: Failure) -> String {
    match failure {
        Failure::Refused { rule, .. } | Failure::Broken(rule) => rule,
    }
}

fn read<Value: DeserializeOwned>(content: &[u8]) -> Option<Value> {
    caught(|| form().with_limit(PROOF_BYTES_MAX).reject_trailing_bytes().deserialize(content).ok()).flatten()
}

fn write<Value: Serialize>(value: &Value) -> Result<Vec<u8>, Failure> {
    form().serialize(value).map_err(broken)
}

fn form() -> impl Options {
    bincode::options().with_fixint_encoding()
}
