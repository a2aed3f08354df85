//! Reading request bodies, and the checks that several operations share.

use graticule_model::{Error, Item, codec};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Reads a request body whose shape was checked.
///
/// # Errors
/// [`Error::Serialization`] for what the shape does not tell: a member that comes twice, or null among the elements of a
/// list or map.
pub(crate) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|error| Error::Serialization(describe(&error)))
}

fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with("invalid type: null") {
        return "Unexpected field type".to_owned();
    }
    // Where in the request it stands is of no use to somebody whose SDK wrote it.
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

/// A map of attributes as it stands in a request, not read yet: reading it is a later check than reading the body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawAttributes<'a>(&'a RawValue);

impl<'a> RawAttributes<'a> {
    /// Reads the attributes.
    ///
    /// # Errors
    /// If they are not what DynamoDB takes.
    pub(crate) fn read(self) -> Result<Item, Error> {
        let item = codec::item_from_json(self.0.get())?;
        // What lies inside a map may have an empty name.
        if item.contains_key("") { Err(Error::AttributeNameEmpty) } else { Ok(item) }
    }

    /// The bytes as sent.
    pub(crate) fn as_str(self) -> &'a str {
        self.0.get()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for RawAttributes<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&'a RawValue>::deserialize(deserializer).map(RawAttributes)
    }
}
