//! Enforces the bounds of the contract on a batch before anything of it is committed.
//!
//! Invariant: every engine refuses exactly the same batches. The bounds themselves stand in the contract.

use crate::contract::{Batch, CommitError, Effect, KEY_BYTES_MAX, TRANSACTION_BYTES_MAX, VALUE_BYTES_MAX};

/// Refuses a batch that is larger than an engine must accept.
pub(crate) fn check(batch: &Batch) -> Result<(), CommitError> {
    for effect in &batch.effects {
        match effect {
            Effect::Put(key, value) => {
                within(key.len(), KEY_BYTES_MAX)?;
                within(value.len(), VALUE_BYTES_MAX)?;
            }
            Effect::Delete(key) | Effect::Add(key, _) => within(key.len(), KEY_BYTES_MAX)?,
            Effect::DeleteRange(start, end) => {
                within(start.len(), KEY_BYTES_MAX)?;
                within(end.len(), KEY_BYTES_MAX)?;
            }
            Effect::Append(_, entry) => within(entry.len(), VALUE_BYTES_MAX)?,
            Effect::TrimLog(..) => {}
        }
    }
    within(batch.size_bytes(), TRANSACTION_BYTES_MAX)
}

fn within(size_bytes: usize, limit_bytes: usize) -> Result<(), CommitError> {
    if size_bytes <= limit_bytes { Ok(()) } else { Err(CommitError::TooLarge { size_bytes, limit_bytes }) }
}
