//! Source or package in, program out.

use std::fs;

use miden_assembly::diagnostics::{Diagnostic, Report};
use miden_assembly::package::Package;
use miden_assembly::{Assembler, DefaultSourceManager};
use miden_core::program::Program;
use miden_core::serde::Deserializable;
use miden_core_lib::CoreLibrary;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

use crate::{Answer, Failure, broken, caught, program, refused};

const FAILS: &str = "the assembler fails on it";
const MESSAGE_CHARACTERS_MAX: usize = 400;

#[derive(Deserialize)]
pub struct AssembleRequest {
    masm: Option<String>,
    package: Option<String>,
    program: String,
}

/// Assemble a program with the standard library, write it, and say what its root is.
pub fn assemble(request: AssembleRequest) -> Answer {
    let made = match (&request.masm, &request.package) {
        (Some(path), None) => of_source(path)?,
        (None, Some(path)) => of_package(path)?,
        _ => return Err(broken("a program is made of either source or package")),
    };
    program::store(&made, &request.program)?;
    let read = program::load(&request.program, "")?;
    if read.hash() != made.hash() {
        return Err(refused("source.package", "its digests are not those of its content"));
    }
    Ok(json!({"root": read.hash().to_hex(), "procedures": read.num_procedures()}))
}

fn of_source(path: &str) -> Result<Program, Failure> {
    let field = "source.masm";
    let content = fs::read(path).map_err(broken)?;
    let text = String::from_utf8(content).map_err(|_| refused(field, "it is no text in UTF-8"))?;
    let assembled = caught(|| {
        Assembler::new(Arc::new(DefaultSourceManager::default()))
            .with_dynamic_library(CoreLibrary::default())?
            .assemble_program(text.as_str())
    });
    let assembled = assembled.ok_or_else(|| refused(field, FAILS))?;
    assembled.map_err(|report| refused(field, told(&report, &text)))
}

fn of_package(path: &str) -> Result<Program, Failure> {
    let field = "source.package";
    let content = fs::read(path).map_err(broken)?;
    let read = caught(|| Package::read_from_bytes(&content)).and_then(Result::ok);
    let package = read.ok_or_else(|| refused(field, "it is no package of Miden's assembler 0.23"))?;
    let made = caught(|| package.try_into_program()).ok_or_else(|| refused(field, FAILS))?;
    let made = made.map_err(|_| refused(field, "it is no program, or one that needs a kernel"))?;
    if !made.kernel().proc_hashes().is_empty() {
        return Err(refused(field, "programs with a kernel are not taken"));
    }
    Ok(made)
}

/// Say what is wrong with a source, and in which line.
fn told(report: &Report, text: &str) -> String {
    let mut found = None;
    search(report.as_ref(), &mut found);
    let (message, offset) = found.unwrap_or_else(|| (report.to_string(), None));
    let message: String =
        message.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MESSAGE_CHARACTERS_MAX).collect();
    match offset.and_then(|at| text.get(..at)) {
        Some(before) => format!("line {}: {message}", before.matches('\n').count() + 1),
        None => message,
    }
}

/// Find the first complaint that has a place; complaints stand in each other.
fn search(one: &dyn Diagnostic, found: &mut Option<(String, Option<usize>)>) {
    let label = one.labels().and_then(|mut labels| labels.next());
    if found.as_ref().is_none_or(|(_, place)| place.is_none()) && (label.is_some() || found.is_none()) {
        let more = label.as_ref().and_then(|label| label.label()).map(|text| format!(": {text}")).unwrap_or_default();
        *found = Some((format!("{one}{more}"), label.map(|label| label.offset())));
    }
    if let Some(inner) = one.diagnostic_source() {
        search(inner, found);
    }
    for inner in one.related().into_iter().flatten() {
        search(inner, found);
    }
}
