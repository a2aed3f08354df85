//! `/_graticule/dials`: GET shows them, POST turns those that its body names, DELETE turns all off.

use graticule_model::Error;
use serde_json::{Map, Value, json};

use crate::dials::{DialState, Dials};

/// What is set.
pub(super) fn show(dials: &Dials) -> Result<Value, Error> {
    Ok(json!(dials.state()))
}

/// Turns dials and shows all.
pub(super) fn change(dials: &Dials, body: &[u8]) -> Result<Value, Error> {
    let wrong = |error: serde_json::Error| Error::Validation(format!("these are no dials: {error}"));
    // Only an object: a list would be read as one without names.
    let members: Map<String, Value> = serde_json::from_slice(body).map_err(wrong)?;
    let change: DialState = serde_json::from_value(Value::Object(members)).map_err(wrong)?;
    dials.change(&change).map_err(|error| Error::Validation(error.to_string()))?;
    show(dials)
}

/// Turns all dials off.
pub(super) fn reset(dials: &Dials) -> Result<Value, Error> {
    dials.reset();
    show(dials)
}
