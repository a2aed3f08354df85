//! What can be wrong with an expression, and how DynamoDB words it.
//!
//! Belongs to [`super::Error`]; the expression crate produces these and never words anything itself.

/// Which request parameter an expression came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ExpressionKind {
    /// `ConditionExpression`
    Condition,
    /// `FilterExpression`
    Filter,
    /// `KeyConditionExpression`
    KeyCondition,
    /// `ProjectionExpression`
    Projection,
    /// `UpdateExpression`
    Update,
}

impl ExpressionKind {
    /// The parameter's name.
    pub fn parameter(self) -> &'static str {
        match self {
            ExpressionKind::Condition => "ConditionExpression",
            ExpressionKind::Filter => "FilterExpression",
            ExpressionKind::KeyCondition => "KeyConditionExpression",
            ExpressionKind::Projection => "ProjectionExpression",
            ExpressionKind::Update => "UpdateExpression",
        }
    }
}

/// One cause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// Nothing in it.
    #[error("The expression can not be empty;")]
    Empty,
    /// A token where the grammar wants another.
    #[error("Syntax error; token: \"{token}\", near: \"{near}\"")]
    Syntax {
        /// The offending token.
        token: String,
        /// It and its neighbours.
        near: String,
    },
}

pub(super) fn render(kind: &ExpressionKind, error: &ExpressionError) -> String {
    format!("Invalid {}: {error}", kind.parameter())
}
