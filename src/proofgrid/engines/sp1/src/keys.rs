//! Keys by which proofs are verified: a digest of eight elements of SP1's field.

use num_bigint::BigUint;
use slop_algebra::{AbstractField, PrimeField32};
use sp1_primitives::SP1Field;

use crate::{Failure, broken, bytes_of, refused};

pub const DIGEST_SIZE: usize = 8;
const KEY_BYTES: usize = 32;
/// How many bits of the key's integer an element takes.
const ELEMENT_BITS: u32 = 31;

/// Read a key: its elements in one integer, 31 bits each, the first one highest.
pub fn digest_of_key(text: &str, field: &str) -> Result<[SP1Field; DIGEST_SIZE], Failure> {
    let content = bytes_of(text, field)?;
    if content.len() != KEY_BYTES {
        return Err(refused(field, format!("a key has {KEY_BYTES} bytes")));
    }
    let mut rest = BigUint::from_bytes_be(&content);
    let mask = BigUint::from((1u64 << ELEMENT_BITS) - 1);
    let mut digest = [SP1Field::zero(); DIGEST_SIZE];
    for element in digest.iter_mut().rev() {
        let value = u32::try_from(&rest & &mask).map_err(broken)?;
        if value >= SP1Field::ORDER_U32 {
            return Err(refused(field, "an element of this key is none of SP1's field"));
        }
        *element = SP1Field::from_canonical_u32(value);
        rest >>= ELEMENT_BITS;
    }
    if rest != BigUint::from(0u32) {
        return Err(refused(field, "this is no key of SP1's"));
    }
    Ok(digest)
}
