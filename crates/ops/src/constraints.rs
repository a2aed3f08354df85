//! The constraints of the service model: checked before anything else, collected, reported together.
//!
//! Knows how the service words a broken constraint, not which member has which.

use std::fmt::Display;

use graticule_model::{Error, TableName, names::name_constraints};

use crate::Context;

/// What is wrong with the members of a request.
#[derive(Debug, Default)]
pub(crate) struct Constraints(Vec<String>);

impl Constraints {
    /// Notes that `value` at `member` breaks `rule`.
    pub(crate) fn broken(&mut self, value: impl Display, member: &str, rule: impl Display) {
        self.0.push(format!("Value '{value}' at '{member}' failed to satisfy constraint: {rule}"));
    }

    /// Notes a member that is missing, unless it is there.
    pub(crate) fn required<T>(&mut self, value: Option<T>, member: &str) -> Option<T> {
        if value.is_none() {
            self.0.push(format!(
                "Value null at '{member}' failed to satisfy constraint: Member must not be null"
            ));
        }
        value
    }

    /// A number within bounds.
    pub(crate) fn range(&mut self, value: Option<i64>, member: &str, min: i64, max: i64) {
        let Some(value) = value else { return };
        if value < min {
            self.broken(value, member, format_args!("Member must have value greater than or equal to {min}"));
        } else if value > max {
            self.broken(value, member, format_args!("Member must have value less than or equal to {max}"));
        }
    }

    /// A string (or list, shown as `value`) with a length within bounds.
    pub(crate) fn length(
        &mut self,
        length: usize,
        value: impl Display,
        member: &str,
        bounds: std::ops::RangeInclusive<usize>,
    ) {
        let (min, max) = bounds.into_inner();
        if length < min {
            self.broken(
                value,
                member,
                format_args!("Member must have length greater than or equal to {min}"),
            );
        } else if length > max {
            self.broken(value, member, format_args!("Member must have length less than or equal to {max}"));
        }
    }

    /// A string with a length within bounds.
    pub(crate) fn text(&mut self, value: &str, member: &str, bounds: std::ops::RangeInclusive<usize>) {
        self.length(value.chars().count(), value, member, bounds);
    }

    /// One of several words.
    pub(crate) fn one_of(&mut self, value: Option<&str>, member: &str, words: &[&str]) {
        if let Some(value) = value
            && !words.contains(&value)
        {
            let rule = format!("Member must satisfy enum value set: [{}]", words.join(", "));
            self.broken(value, member, rule);
        }
    }

    /// The name of a table or an index.
    pub(crate) fn name(&mut self, value: &str, member: &str) {
        self.0.extend(name_constraints(value, member));
    }

    /// A required `TableName`: a name, or an ARN of this Region.
    ///
    /// # Errors
    /// If it is an ARN that cannot be used here.
    pub(crate) fn table_name(
        &mut self,
        context: &Context,
        reference: Option<&str>,
    ) -> Result<Option<TableName>, Error> {
        let Some(reference) = self.required(reference, "tableName") else { return Ok(None) };
        match context.table_name(reference) {
            Ok(name) => Ok(Some(name)),
            Err(Error::Constraints(broken)) => {
                self.0.extend(broken);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Refuses the request if anything was noted.
    ///
    /// # Errors
    /// [`Error::Constraints`].
    pub(crate) fn check(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Constraints(self.0)) }
    }

    /// Refuses the request if anything was noted; otherwise gives the required member.
    ///
    /// # Errors
    /// [`Error::Constraints`].
    pub(crate) fn checked<T>(self, member: Option<T>) -> Result<T, Error> {
        match member {
            Some(member) if self.0.is_empty() => Ok(member),
            _ => Err(Error::Constraints(self.0)),
        }
    }
}
