//! A statement as a request gives it, alone or in a list.

use graticule_expr::{KeySchemaRef, partiql::Statement};
use graticule_model::{
    AttributeValue, Error, TableName, codec::value_from_json, limits::PARTIQL_STATEMENT_LENGTH_MAX,
};
use graticule_tables::schema::KeySchema;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    Context,
    data::{return_values::OnFailure, shape::Shape},
};

/// The members that all three operations have.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StatementRequest<'a> {
    statement: Option<String>,
    #[serde(borrow)]
    parameters: Option<Vec<&'a RawValue>>,
    /// Strongly consistent.
    pub(super) consistent_read: Option<bool>,
    return_values_on_condition_check_failure: Option<String>,
}

/// A statement whose members are as they must be, not parsed yet.
#[derive(Debug)]
pub(super) struct Given<'a> {
    /// The statement.
    pub(super) text: String,
    parameters: Vec<&'a RawValue>,
    /// Strongly consistent.
    pub(super) consistent: bool,
    /// What a failed condition shows.
    pub(super) on_failure: OnFailure,
}

impl<'a> StatementRequest<'a> {
    /// Checks the members; `None` if one is missing.
    pub(super) fn check(self, shape: &mut Shape) -> Option<Given<'a>> {
        shape.text("statement", self.statement.as_deref(), 1..=PARTIQL_STATEMENT_LENGTH_MAX);
        if let Some(parameters) = &self.parameters {
            shape.list("parameters", parameters.len(), 1..=usize::MAX);
        }
        let on_failure = shape.choice(
            "returnValuesOnConditionCheckFailure",
            self.return_values_on_condition_check_failure.as_deref(),
        );
        Some(Given {
            text: shape.required("statement", self.statement)?,
            parameters: self.parameters.unwrap_or_default(),
            consistent: self.consistent_read.unwrap_or(false),
            on_failure: on_failure.unwrap_or_default(),
        })
    }
}

impl Given<'_> {
    /// The parameters' values.
    ///
    /// # Errors
    /// If one of them is not what DynamoDB takes.
    pub(super) fn parameters(&self) -> Result<Vec<AttributeValue>, Error> {
        self.parameters.iter().map(|raw| value_from_json(raw.get())).collect()
    }

    /// The bytes of the parameters as sent.
    pub(super) fn raw_parameters(&self) -> impl Iterator<Item = &str> {
        self.parameters.iter().map(|raw| raw.get())
    }
}

/// The table that a statement is about.
///
/// # Errors
/// If it is not a table's name, or an ARN that cannot be used here.
pub(super) fn table_name(context: &Context, statement: &Statement) -> Result<TableName, Error> {
    context.table_name(statement.table())
}

/// A key as statements are matched with it.
pub(super) fn schema_ref(key: &KeySchema) -> KeySchemaRef<'_> {
    KeySchemaRef { partition: &key.partition, sort: &key.sort }
}
