//! Field elements as texts in decimal, in their one spelling.

use miden_core::field::QuotientMap;
use miden_core::{Felt, Word};
use serde_json::{Value, json};

use crate::{Failure, refused};

/// What fits onto the part of the stack that is public.
pub const STACK_SIZE: usize = 16;

pub fn felts(texts: &[String], field: &str) -> Result<Vec<Felt>, Failure> {
    texts
        .iter()
        .enumerate()
        .map(|(place, text)| felt(text).ok_or_else(|| refused(&format!("{field}[{place}]"), "it is no field element")))
        .collect()
}

pub fn stack(texts: &[String], field: &str) -> Result<[Felt; STACK_SIZE], Failure> {
    felts(texts, field)?.try_into().map_err(|_| refused(field, format!("a stack has {STACK_SIZE} elements")))
}

pub fn spelled(elements: &[Felt]) -> Value {
    json!(elements.iter().map(|one| one.as_canonical_u64().to_string()).collect::<Vec<_>>())
}

pub fn word(text: &str, field: &str) -> Result<Word, Failure> {
    let read = Word::try_from(text).ok().filter(|read| read.to_hex() == text);
    read.ok_or_else(|| refused(field, "a word is 0x and 64 hexadecimal digits: four field elements"))
}

fn felt(text: &str) -> Option<Felt> {
    let value = text.parse::<u64>().ok().filter(|value| value.to_string() == text)?;
    Felt::from_canonical_checked(value)
}
