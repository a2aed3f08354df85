//! Expressions as requests give them, with the names and values that they share.

use std::collections::BTreeMap;

use graticule_expr::{Condition, ExpressionKind, Placeholders, Projection};
use graticule_model::{AttributeValue, Error, codec::value_from_json};
use serde_json::value::RawValue;

/// `ExpressionAttributeNames`.
pub(crate) type Names = BTreeMap<String, String>;

/// `ExpressionAttributeValues`, not read yet.
pub(crate) type RawValues<'a> = BTreeMap<String, &'a RawValue>;

/// Refuses parameters from before there were expressions: name, whether it was given, and what to use instead.
///
/// # Errors
/// [`Error::Validation`] for the first that was given.
pub(crate) fn refuse_legacy(parameters: &[(&str, bool, &str)]) -> Result<(), Error> {
    match parameters.iter().find(|(_, given, _)| *given) {
        Some((name, _, instead)) => {
            Err(Error::Validation(format!("{name} is not supported yet; use {instead} instead")))
        }
        None => Ok(()),
    }
}

/// `ExpressionAttributeValues`, read; what is wrong with a value counts later than what is wrong with its key.
pub(crate) type Values = BTreeMap<String, Result<AttributeValue, Error>>;

/// Reads `ExpressionAttributeValues`.
///
/// # Errors
/// [`Error::Serialization`].
pub(crate) fn read_values(values: Option<RawValues<'_>>) -> Result<Option<Values>, Error> {
    let read = |(key, raw): (String, &RawValue)| match value_from_json(raw.get()) {
        Err(error @ Error::Serialization(_)) => Err(error),
        value => Ok((key, value)),
    };
    values.map(|values| values.into_iter().map(read).collect()).transpose()
}

/// The names and values of a request. `conditions` says of each expression that may use values whether it was given,
/// `projection` the same of the one that may not.
///
/// # Errors
/// If they are not well-formed, or there is no expression that they could be for.
pub(crate) fn placeholders(
    names: Option<Names>,
    values: Option<Values>,
    projection: bool,
    conditions: &[(&str, bool)],
) -> Result<Placeholders, Error> {
    if names.is_none() && values.is_none() {
        return Ok(Placeholders::default());
    }
    let any_condition = conditions.iter().any(|(_, given)| *given);
    if names.is_some() && !any_condition && !projection {
        let message = "ExpressionAttributeNames can only be specified when using expressions";
        return Err(Error::Validation(message.to_owned()));
    }
    if values.is_some() && !any_condition {
        let missing: Vec<&str> = conditions.iter().map(|(name, _)| *name).collect();
        let verb = if missing.len() == 1 { "is" } else { "are" };
        return Err(Error::Validation(format!(
            "ExpressionAttributeValues can only be specified when using expressions: {} {verb} null",
            missing.join(" and ")
        )));
    }
    Placeholders::read(names, values)
}

/// Parses a condition or filter, if there is one.
///
/// # Errors
/// [`Error::Expression`].
pub(crate) fn condition(
    kind: ExpressionKind,
    text: Option<&str>,
    placeholders: &mut Placeholders,
) -> Result<Option<Condition>, Error> {
    text.map(|text| Condition::parse(kind, text, placeholders)).transpose()
}

/// Parses a projection, if there is one.
///
/// # Errors
/// [`Error::Expression`].
pub(crate) fn projection(
    text: Option<&str>,
    placeholders: &mut Placeholders,
) -> Result<Option<Projection>, Error> {
    text.map(|text| Projection::parse(text, placeholders)).transpose()
}
