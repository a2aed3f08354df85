//! Reading request bodies, and the checks that several operations share.

use graticule_model::{Error, Item, codec};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Reads a request body.
///
/// # Errors
/// [`Error::Serialization`], worded like the service where it is told apart.
pub(crate) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Error> {
    // Structures can be read from lists too, but no request is one.
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(Error::Serialization("Start of list found where not expected".to_owned()));
    }
    serde_json::from_slice(body).map_err(|error| Error::Serialization(describe(&error)))
}

/// The words of the service for JSON of a wrong kind.
fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let Some(rest) = text.strip_prefix("invalid type: ") else {
        if !error.is_data() {
            return "Unable to parse the request as JSON".to_owned();
        }
        // The only values that are refused though their type is right are numbers beyond 64 bits.
        if text.starts_with("invalid value: integer") {
            return "NUMBER_VALUE cannot be converted to Long".to_owned();
        }
        // Where in the request it stands is of no use to somebody whose SDK wrote it.
        return text.split(" at line ").next().unwrap_or_default().to_owned();
    };
    let wanted = if rest.contains("expected a string") {
        "String"
    } else if rest.contains("expected a boolean") {
        "Boolean"
    } else if rest.contains("expected u") || rest.contains("expected i") {
        "Long"
    } else if rest.contains("expected f64") {
        "Double"
    } else if rest.contains("expected a sequence") || rest.contains("expected a map") {
        "a list or map"
    } else if rest.contains("expected struct") {
        "a structure"
    } else {
        "the expected type"
    };
    let found = match rest {
        _ if rest.starts_with("map") => {
            return "Start of structure or map found where not expected".to_owned();
        }
        _ if rest.starts_with("sequence") => return "Start of list found where not expected".to_owned(),
        _ if rest.starts_with("string") => "STRING_VALUE",
        _ if rest.starts_with("boolean `true`") => "TRUE_VALUE",
        _ if rest.starts_with("boolean") => "FALSE_VALUE",
        _ if rest.starts_with("integer") => "NUMBER_VALUE",
        _ if rest.starts_with("floating") => "DECIMAL_VALUE",
        _ => "NULL_VALUE",
    };
    match wanted {
        "a list or map" => "Unexpected field type".to_owned(),
        "a structure" => "Unexpected value type in payload".to_owned(),
        wanted => format!("{found} cannot be converted to {wanted}"),
    }
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
