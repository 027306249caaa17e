//! The one form of a STARK's bytes. The library writes field elements as they lie in memory and reads any 64 bits,
//! so an element and the same plus the modulus would be two proofs of one; it also reads over what follows the end.
//!
//! Its form: log of the height of each trace, order of traces, field elements, commitments of 32 bytes; before each of
//! the four its count. Numbers are little-endian, counts have eight bytes.

use miden_core::Felt;
use miden_core::proof::HashFunction;

const COUNT_BYTES: usize = 8;
const ELEMENT_BYTES: usize = 8;
const COMMITMENT_BYTES: usize = 32;

/// Reduce every field element; None when the bytes are not of that form.
pub fn reduced(stark: &[u8], hash: HashFunction) -> Option<Vec<u8>> {
    let mut made = stark.to_vec();
    for at in places_of_elements(stark, hash)? {
        let element = number(stark, at)?;
        let least = if element >= Felt::ORDER { element - Felt::ORDER } else { element };
        made[at..at + ELEMENT_BYTES].copy_from_slice(&least.to_le_bytes());
    }
    Some(made)
}

/// Is every element smaller than the modulus, and nothing there besides?
pub fn is_reduced(stark: &[u8], hash: HashFunction) -> bool {
    let places = places_of_elements(stark, hash);
    places.is_some_and(|places| places.iter().all(|at| number(stark, *at).is_some_and(|it| it < Felt::ORDER)))
}

fn places_of_elements(stark: &[u8], hash: HashFunction) -> Option<Vec<usize>> {
    let mut places = Vec::new();
    let heights = section(stark, 0, 1)?;
    let order = section(stark, heights.1, 4)?;
    let fields = section(stark, order.1, ELEMENT_BYTES)?;
    let commitments = section(stark, fields.1, COMMITMENT_BYTES)?;
    places.extend((fields.0..fields.1).step_by(ELEMENT_BYTES));
    if hash != HashFunction::Blake3_256 {
        places.extend((commitments.0..commitments.1).step_by(ELEMENT_BYTES));
    }
    (commitments.1 == stark.len()).then_some(places)
}

/// Return where the items of a section begin and end.
fn section(stark: &[u8], at: usize, item_bytes: usize) -> Option<(usize, usize)> {
    let items = usize::try_from(number(stark, at)?).ok()?;
    let begin = at + COUNT_BYTES;
    let end = begin.checked_add(items.checked_mul(item_bytes)?)?;
    (end <= stark.len()).then_some((begin, end))
}

fn number(stark: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(stark.get(at..at.checked_add(8)?)?.try_into().ok()?))
}
