//! Expressions as requests give them, with the names and values that they share.

use std::collections::BTreeMap;

use graticule_expr::{Condition, ExpressionKind, Placeholders, Projection};
use graticule_model::{AttributeValue, Error, codec::value_from_json, error::LegacyError};
use serde_json::value::RawValue;

/// `ExpressionAttributeNames`.
pub(crate) type Names = BTreeMap<String, String>;

/// `ExpressionAttributeValues`, not read yet.
pub(crate) type RawValues<'a> = BTreeMap<String, &'a RawValue>;

/// Which parameters a request has, of those that go together with some and not with others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Given<'g> {
    /// Those from before there were expressions, in the order in which the service names them.
    pub(crate) legacy: &'g [(&'static str, bool)],
    /// Expressions, likewise.
    pub(crate) expressions: &'g [(&'static str, bool)],
    /// `ExpressionAttributeNames`
    pub(crate) names: bool,
    /// `ExpressionAttributeValues`
    pub(crate) values: bool,
}

impl Given<'_> {
    /// The parameter that says which attributes to show.
    pub(crate) fn projection(self) -> Option<&'static str> {
        let given = self.legacy.iter().chain(self.expressions).filter(|(_, is_given)| *is_given);
        given.map(|(name, _)| *name).find(|name| matches!(*name, "AttributesToGet" | "ProjectionExpression"))
    }

    /// Refuses parameters that do not go together.
    ///
    /// # Errors
    /// [`LegacyError::Mixed`] or [`Error::Validation`].
    pub(crate) fn check(self) -> Result<(), Error> {
        let names_of = |parameters: &[(&'static str, bool)], given: bool| -> Vec<&'static str> {
            parameters.iter().filter(|(_, is_given)| *is_given == given).map(|(name, _)| *name).collect()
        };
        let expressions = names_of(self.expressions, true);
        let legacy = names_of(self.legacy, true);
        // A key searched in the old way can go with a new filter: it came before there were new key conditions.
        let is_old_search = legacy == ["KeyConditions"] && !expressions.contains(&"KeyConditionExpression");
        if !legacy.is_empty() && !expressions.is_empty() && !is_old_search {
            return Err(Error::Legacy(LegacyError::Mixed { legacy, expressions }));
        }
        if self.names && expressions.is_empty() {
            let message = "ExpressionAttributeNames can only be specified when using expressions";
            return Err(Error::Validation(message.to_owned()));
        }
        let has_values = |name: &&str| *name != "ProjectionExpression";
        if self.values && !expressions.iter().any(has_values) {
            let missing: Vec<&str> =
                names_of(self.expressions, false).into_iter().filter(has_values).collect();
            let verb = if missing.len() == 1 { "is" } else { "are" };
            return Err(Error::Validation(format!(
                "ExpressionAttributeValues can only be specified when using expressions: {} {verb} null",
                missing.join(" and ")
            )));
        }
        Ok(())
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

/// The names and values of a request.
///
/// # Errors
/// If they are not well-formed.
pub(crate) fn placeholders(names: Option<Names>, values: Option<Values>) -> Result<Placeholders, Error> {
    if names.is_none() && values.is_none() {
        return Ok(Placeholders::default());
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
