//! How the service words JSON of a wrong kind.

use super::table::{Kind, Shape};

/// What was found in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Text,
    Integer,
    Decimal,
    True,
    False,
    List,
    Map,
}

/// What was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Text,
    /// By the name of its type.
    Number(&'static str),
    Boolean,
    Blob,
    /// A list or a map.
    Collection,
    Structure,
}

impl Wanted {
    /// What a shape takes.
    pub(super) fn of(shape: &Shape) -> Wanted {
        match shape.kind {
            Kind::Text | Kind::TableReference => Wanted::Text,
            Kind::Integer => Wanted::Number("Integer"),
            Kind::Long => Wanted::Number("Long"),
            Kind::Double => Wanted::Number("Double"),
            Kind::Timestamp => Wanted::Number("Timestamp"),
            Kind::Boolean => Wanted::Boolean,
            Kind::List(_) | Kind::Map(..) => Wanted::Collection,
            Kind::Structure(_) | Kind::AttributeValue => Wanted::Structure,
        }
    }
}

/// The service's words for `found` where `wanted` was expected.
pub(super) fn wrong_kind(wanted: Wanted, found: Found) -> String {
    let token = match found {
        Found::Map => return "Start of structure or map found where not expected".to_owned(),
        Found::List => return "Start of list found where not expected".to_owned(),
        Found::Text => "STRING_VALUE",
        Found::Integer => "NUMBER_VALUE",
        Found::Decimal => "DECIMAL_VALUE",
        Found::True => "TRUE_VALUE",
        Found::False => "FALSE_VALUE",
    };
    match wanted {
        Wanted::Text => format!("{token} cannot be converted to String"),
        Wanted::Number(name) => format!("{token} cannot be converted to {name}"),
        Wanted::Boolean => "Unexpected token received from parser".to_owned(),
        Wanted::Blob => "only base-64-encoded strings are convertible to bytes".to_owned(),
        Wanted::Collection => "Unexpected field type".to_owned(),
        Wanted::Structure => "Unexpected value type in payload".to_owned(),
    }
}

/// What is wrong with base64 text, in the words of the service.
pub(super) fn wrong_base64(text: &str) -> String {
    if !text.len().is_multiple_of(4) {
        return format!("Base64 encoded length is expected a multiple of 4 bytes but found: {}", text.len());
    }
    let is_digit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    match text.chars().find(|c| !is_digit(*c)) {
        Some(wrong) => format!("Invalid base 64 character: '{wrong}'"),
        None => "Invalid last non-pad Base64 character dectected".to_owned(),
    }
}
