//! A statement as a request gives it, alone or in a list. Its shape has been checked.

use graticule_expr::{KeySchemaRef, partiql::Statement};
use graticule_model::{AttributeValue, Error, TableName, codec::value_from_json};
use graticule_tables::schema::KeySchema;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{Context, data::return_values::OnFailure};

/// The members that all three operations have.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Given<'a> {
    /// The statement.
    #[serde(rename = "Statement")]
    pub(super) text: String,
    #[serde(borrow)]
    parameters: Option<Vec<&'a RawValue>>,
    consistent_read: Option<bool>,
    return_values_on_condition_check_failure: Option<OnFailure>,
}

impl Given<'_> {
    /// Strongly consistent.
    pub(super) fn is_consistent(&self) -> bool {
        self.consistent_read.unwrap_or(false)
    }

    /// What a failed condition shows.
    pub(super) fn on_failure(&self) -> OnFailure {
        self.return_values_on_condition_check_failure.unwrap_or_default()
    }

    /// The parameters' values.
    ///
    /// # Errors
    /// If one of them is not what DynamoDB takes.
    pub(super) fn parameters(&self) -> Result<Vec<AttributeValue>, Error> {
        self.parameters.iter().flatten().map(|raw| value_from_json(raw.get())).collect()
    }
}

/// The table that a statement is about.
///
/// # Errors
/// If no table can have that name, or it is an ARN that cannot be used here.
pub(super) fn table_name(context: &Context, statement: &Statement) -> Result<TableName, Error> {
    context.table_name(statement.table()).map_err(|error| match error {
        Error::Constraints(_) => Error::ResourceNotFound,
        error => error,
    })
}

/// A key as statements are matched with it.
pub(super) fn schema_ref(key: &KeySchema) -> KeySchemaRef<'_> {
    KeySchemaRef { partition: &key.partition, sort: &key.sort }
}
