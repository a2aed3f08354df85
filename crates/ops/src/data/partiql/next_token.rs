//! NextToken: where reading goes on, in a token that says everything and fits no other statement.
//!
//! The token is hexadecimal: its form, a hash of the statement, which of the statement's ranges comes next, and after
//! which item. Nothing that a token says is believed: the key is checked like any start key.

use graticule_model::{
    Error, Item,
    codec::{item_from_json, item_to_json},
    error::PartiqlError,
};
use xxhash_rust::xxh3::Xxh3;

use super::request::Given;

/// Form of the token.
const FORMAT: u8 = 1;

/// Where a page ended.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Position {
    /// Which of the ranges comes next.
    pub(super) range: usize,
    /// The item in it that was read last.
    pub(super) after: Option<Item>,
}

/// A hash of what a token belongs to.
///
/// # Errors
/// If a parameter is not what DynamoDB takes.
pub(super) fn fingerprint(given: &Given<'_>) -> Result<u64, Error> {
    // How the JSON of a parameter is written does not matter, so its canonical form counts.
    let parameters = given.parameters()?.into_iter().enumerate();
    let parameters: Item = parameters.map(|(at, value)| (format!("{at:03}"), value)).collect();
    let mut hash = Xxh3::new();
    for part in [given.text.as_bytes(), &item_to_json(&parameters)[..]] {
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    Ok(hash.digest())
}

impl Position {
    /// The token that a client is given.
    pub(super) fn token(&self, fingerprint: u64) -> String {
        let mut bytes = vec![FORMAT];
        bytes.extend_from_slice(&fingerprint.to_be_bytes());
        bytes.extend_from_slice(&(self.range as u64).to_be_bytes());
        bytes.extend(self.after.iter().flat_map(item_to_json));
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Reads a token.
    ///
    /// # Errors
    /// [`PartiqlError::NextTokenInvalid`] if it is none, or belongs to another statement.
    pub(super) fn read(token: &str, fingerprint: u64) -> Result<Position, Error> {
        let read = || {
            let bytes = hexadecimal(token)?;
            let (format, rest) = bytes.split_first()?;
            let (hash, rest) = rest.split_at_checked(8)?;
            let (range, after) = rest.split_at_checked(8)?;
            (*format == FORMAT && hash == fingerprint.to_be_bytes()).then_some(())?;
            let range = usize::try_from(u64::from_be_bytes(range.try_into().ok()?)).ok()?;
            let after = match after {
                [] => None,
                json => Some(item_from_json(std::str::from_utf8(json).ok()?).ok()?),
            };
            Some(Position { range, after })
        };
        read().ok_or_else(|| PartiqlError::NextTokenInvalid.into())
    }
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some((digit(*high)? * 16 + digit(*low)?) as u8),
            _ => None,
        })
        .collect()
}
