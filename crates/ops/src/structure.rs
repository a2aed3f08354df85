//! Attribute values of the wrong JSON form, wherever in a request they stand.
//!
//! The service reads a whole request before it checks any of it. Here attribute values are read late, so that what is
//! not needed is not read; a request that was refused is looked at again, and what is wrong with its JSON counts first.
//! Nothing of this is done for a request that goes through.

use std::collections::BTreeMap;

use graticule_model::{Error, codec};
use serde_json::value::RawValue;

/// How deep requests nest above their attribute values, at most.
const DEPTH_MAX: usize = 8;

/// Puts what is wrong with the JSON of attribute values in `body` in the place of another reason to refuse it.
pub(crate) fn first_error(body: &[u8], error: Error) -> Error {
    if matches!(error, Error::Serialization(_)) || error.envelope().name != "ValidationException" {
        return error;
    }
    let Ok(request) = serde_json::from_slice::<&RawValue>(body) else { return error };
    malformed(request, 0).unwrap_or(error)
}

fn malformed(raw: &RawValue, depth: usize) -> Option<Error> {
    if depth > DEPTH_MAX {
        return None;
    }
    if raw.get().starts_with('[') {
        let elements: Vec<&RawValue> = serde_json::from_str(raw.get()).ok()?;
        return elements.into_iter().find_map(|element| malformed(element, depth + 1));
    }
    if !raw.get().starts_with('{') {
        return None;
    }
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(raw.get()).ok()?;
    members.into_iter().find_map(|(name, value)| match name.as_str() {
        "Item" | "Key" | "ExclusiveStartKey" | "ExpressionAttributeValues" => attributes(value),
        "Keys" => list(value).into_iter().find_map(attributes),
        "Value" => refused(codec::value_from_json(value.get())),
        "AttributeValueList" | "Parameters" => {
            list(value).into_iter().find_map(|value| refused(codec::value_from_json(value.get())))
        }
        // The names in it are tables, and none of the above.
        "RequestItems" => {
            let tables: BTreeMap<String, &RawValue> = serde_json::from_str(value.get()).ok()?;
            tables.into_values().find_map(|requests| malformed(requests, depth + 2))
        }
        // The names in these are attributes.
        "Expected" | "AttributeUpdates" | "KeyConditions" | "QueryFilter" | "ScanFilter" => {
            let attributes: BTreeMap<String, &RawValue> = serde_json::from_str(value.get()).ok()?;
            attributes.into_values().find_map(|attribute| malformed(attribute, depth + 2))
        }
        _ => malformed(value, depth + 1),
    })
}

fn list(raw: &RawValue) -> Vec<&RawValue> {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

fn attributes(raw: &RawValue) -> Option<Error> {
    // A member that is null counts as absent.
    if raw.get() == "null" { None } else { refused(codec::item_from_json(raw.get())) }
}

fn refused<T>(read: Result<T, Error>) -> Option<Error> {
    read.err().filter(|error| matches!(error, Error::Serialization(_)))
}
