//! A program as provers get it: its forest without what debuggers need, and the texts of its assertions.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use miden_core::mast::{MastForest, MastNodeId, UntrustedMastForest};
use miden_core::program::Program;
use serde::{Deserialize, Serialize};

use crate::{Failure, VERSION, broken, caught, refused};

const FORMAT: u32 = 1;
const FIELD: &str = "source.program";
const NOT_ONE: &str = "it is no program that this engine wrote";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    format: u32,
    engine: String,
    entry: u32,
    forest: String, // hex
    errors: BTreeMap<u64, String>,
}

/// Write a program; two of the same content are the same bytes.
pub fn store(program: &Program, path: &str) -> Result<(), Failure> {
    let forest = program.mast_forest();
    let mut bytes = Vec::new();
    forest.write_stripped(&mut bytes);
    let errors = forest.debug_info().error_codes().map(|(code, text)| (*code, text.to_string())).collect();
    let written = Written {
        format: FORMAT,
        engine: VERSION.into(),
        entry: program.entrypoint().into(),
        forest: hex::encode(bytes),
        errors,
    };
    fs::write(path, serde_json::to_vec(&written).map_err(broken)?).map_err(broken)
}

/// Read a program of nobody to be trusted: every hash in it is computed again.
pub fn load(path: &str, root: &str) -> Result<Program, Failure> {
    let content = fs::read(path).map_err(broken)?;
    let program = caught(|| parsed(&content)).flatten().ok_or_else(|| refused(FIELD, NOT_ONE))?;
    if !root.is_empty() && program.hash().to_hex() != root {
        return Err(refused(FIELD, "it has another root than the program's identity names"));
    }
    Ok(program)
}

fn parsed(content: &[u8]) -> Option<Program> {
    let written: Written = serde_json::from_slice(content).ok()?;
    if written.format != FORMAT || written.engine != VERSION {
        return None;
    }
    let bytes = hex::decode(&written.forest).ok()?;
    let mut forest: MastForest = UntrustedMastForest::read_from_bytes(&bytes).ok()?.validate().ok()?;
    let mut again = Vec::new();
    forest.write_stripped(&mut again);
    if again != bytes {
        return None;
    }
    for (code, text) in written.errors {
        forest.debug_info_mut().insert_error_code(code, Arc::from(text));
    }
    let entry = MastNodeId::from_u32_safe(written.entry, &forest).ok()?;
    forest.is_procedure_root(entry).then(|| Program::new(Arc::new(forest), entry))
}
