//! PartiQL: statements, parsed and turned into the keys, conditions, updates and projections of this crate.
//!
//! Two steps. [`Statement::parse`] needs only the text and its parameters; what it gives says which table it is about.
//! With that table's key, a statement says which items it is about and what else must hold. Nothing here evaluates: the
//! one evaluator of conditions and the one of updates do.

mod change;
mod conditions;
mod keys;
mod keywords;
mod lexer;
mod parser;
mod select;
mod syntax;
mod updates;
mod values;

pub use change::{Change, Insert, Returned, is_there};
pub use select::{ReadPlan, Select};

use graticule_model::{
    AttributeValue, Error,
    error::{Location, PartiqlError},
};

use syntax::{Expression, Kind, PathStep, StatementSyntax};
use values::Parameters;

/// A statement with its parameters in place.
#[derive(Debug, Clone)]
pub enum Statement {
    /// Reads items.
    Select(Select),
    /// Creates an item.
    Insert(Insert),
    /// Changes an item.
    Update(Change),
    /// Deletes an item.
    Delete(Change),
    /// Checks an item, in a transaction.
    Exists(Select),
}

impl Statement {
    /// Parses `text`, in which each `?` stands for one of `parameters`, in their order.
    ///
    /// # Errors
    /// [`Error::Partiql`], or what is wrong with a value.
    pub fn parse(text: &str, parameters: &[AttributeValue]) -> Result<Statement, Error> {
        let (parsed, places) = parser::parse(text)?;
        let parameters = Parameters::new(places, parameters)?;
        let at = parsed.at;
        match parsed.kind {
            Kind::Statement(statement) => match *statement {
                StatementSyntax::Select(select) => {
                    Ok(Statement::Select(Select::resolve(select, &parameters)?))
                }
                StatementSyntax::Insert(insert) => {
                    Ok(Statement::Insert(Insert::resolve(insert, &parameters)?))
                }
                StatementSyntax::Change(change) => {
                    let is_update = change.actions.is_some();
                    let change = Change::resolve(change, &parameters)?;
                    Ok(if is_update { Statement::Update(change) } else { Statement::Delete(change) })
                }
            },
            Kind::Call(name, arguments) if name == "exists" => {
                Ok(Statement::Exists(Select::resolve(exists(arguments, at)?, &parameters)?))
            }
            _ => Err(PartiqlError::ExpressionUnexpected(at).into()),
        }
    }

    /// The name of the table that it is about, as written.
    pub fn table(&self) -> &str {
        match self {
            Statement::Select(select) | Statement::Exists(select) => &select.table,
            Statement::Insert(insert) => &insert.table,
            Statement::Update(change) | Statement::Delete(change) => &change.table,
        }
    }

    /// Whether it reads. A check belongs to writes.
    pub fn is_read(&self) -> bool {
        matches!(self, Statement::Select(_))
    }
}

/// The SELECT in `EXISTS(…)`.
fn exists(arguments: Vec<Expression>, at: Location) -> Result<syntax::SelectSyntax, PartiqlError> {
    let mut arguments = arguments.into_iter();
    let (Some(argument), None) = (arguments.next(), arguments.next()) else {
        return Err(PartiqlError::ArgumentCount { function: "exists".to_owned(), at });
    };
    match argument.kind {
        Kind::Statement(statement) => match *statement {
            StatementSyntax::Select(select) => Ok(select),
            _ => Err(PartiqlError::ExpressionUnexpected(argument.at)),
        },
        _ => Err(PartiqlError::ExpressionUnexpected(argument.at)),
    }
}

/// The table and index that `expression` names.
fn source(expression: &Expression) -> Result<(String, Option<String>), PartiqlError> {
    let Kind::Path(path) = &expression.kind else {
        return Err(PartiqlError::FromUnexpected(expression.at));
    };
    match path.steps.as_slice() {
        [] => Ok((path.root.clone(), None)),
        [PathStep::Name(index)] => Ok((path.root.clone(), Some(index.clone()))),
        _ => Err(PartiqlError::PathUnexpected(expression.at)),
    }
}

/// The table that a write names.
fn target(expression: &Expression) -> Result<String, PartiqlError> {
    match source(expression)? {
        (table, None) => Ok(table),
        (_, Some(_)) => Err(PartiqlError::PathUnexpected(expression.at)),
    }
}

/// Refuses a clause that DynamoDB does not know.
fn refuse_clause(clause: Option<syntax::Clause>) -> Result<(), PartiqlError> {
    match clause {
        Some(syntax::Clause { name, at }) => Err(PartiqlError::ClauseUnsupported { clause: name, at }),
        None => Ok(()),
    }
}
