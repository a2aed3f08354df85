//! The shapes that the parser builds: a statement as written, before parameters are put in.
//!
//! Knows nothing of what DynamoDB supports, nor of tables.

use graticule_model::error::Location;

use crate::syntax::Comparator;

/// An expression and the place of its first token.
#[derive(Debug, Clone)]
pub(crate) struct Expression {
    pub(crate) kind: Kind,
    pub(crate) at: Location,
}

/// What an expression is.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Text(String),
    /// Digits with sign, point and exponent.
    Number(String),
    Boolean(bool),
    Null,
    Missing,
    /// `?`, counted from 0.
    Parameter(usize),
    /// A name, and the way from there.
    Path(PathExpression),
    /// `[…]`, and `(…, …)`.
    List(Vec<Expression>),
    /// `<<…>>`
    Bag(Vec<Expression>),
    /// `{…: …}`
    Struct(Vec<(Expression, Expression)>),
    /// A function, in small letters, with its arguments.
    Call(String, Vec<Expression>),
    Comparison(Comparator, Box<Expression>, Box<Expression>),
    Between(Box<Expression>, Box<Expression>, Box<Expression>),
    In(Box<Expression>, Box<Expression>),
    /// `IS` a type, in small letters.
    Is(Box<Expression>, &'static str),
    Not(Box<Expression>),
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Plus(Box<Expression>, Box<Expression>),
    Minus(Box<Expression>, Box<Expression>),
    /// Any other operator, and any other thing that begins with a word.
    Other(String),
    Statement(Box<StatementSyntax>),
}

/// A path as written.
#[derive(Debug, Clone)]
pub(crate) struct PathExpression {
    pub(crate) root: String,
    pub(crate) steps: Vec<PathStep>,
}

/// A step of a path.
#[derive(Debug, Clone)]
pub(crate) enum PathStep {
    /// `.name`
    Name(String),
    /// `[…]`
    Element(Expression),
    /// `.*` or `[*]`
    All,
}

/// A statement as written.
#[derive(Debug, Clone)]
pub(crate) enum StatementSyntax {
    Select(SelectSyntax),
    Insert(InsertSyntax),
    /// `UPDATE` or `DELETE`.
    Change(ChangeSyntax),
}

/// A SELECT.
#[derive(Debug, Clone)]
pub(crate) struct SelectSyntax {
    /// `None` for `*`.
    pub(crate) columns: Option<Vec<Expression>>,
    pub(crate) from: Expression,
    pub(crate) filter: Option<Expression>,
    pub(crate) order: Vec<OrderSyntax>,
    /// The first clause that is none of those.
    pub(crate) other: Option<Clause>,
}

/// A clause that DynamoDB does not know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clause {
    pub(crate) name: &'static str,
    pub(crate) at: Location,
}

/// A key of `ORDER BY`.
#[derive(Debug, Clone)]
pub(crate) struct OrderSyntax {
    pub(crate) key: Expression,
    pub(crate) descending: bool,
}

/// An INSERT.
#[derive(Debug, Clone)]
pub(crate) struct InsertSyntax {
    pub(crate) target: Expression,
    pub(crate) value: Expression,
    /// The first clause that DynamoDB does not know.
    pub(crate) other: Option<Clause>,
    pub(crate) returning: Option<ReturningSyntax>,
}

/// An UPDATE or a DELETE.
#[derive(Debug, Clone)]
pub(crate) struct ChangeSyntax {
    pub(crate) target: Expression,
    /// `None` for DELETE.
    pub(crate) actions: Option<Vec<ActionSyntax>>,
    pub(crate) filter: Option<Expression>,
    pub(crate) returning: Option<ReturningSyntax>,
    /// The first clause that DynamoDB does not know.
    pub(crate) other: Option<Clause>,
}

/// `SET path = value`, or `REMOVE path` without one.
#[derive(Debug, Clone)]
pub(crate) struct ActionSyntax {
    pub(crate) path: Expression,
    pub(crate) value: Option<Expression>,
}

/// `RETURNING`.
#[derive(Debug, Clone)]
pub(crate) struct ReturningSyntax {
    /// `all_old` and the like.
    pub(crate) mapping: &'static str,
    /// Whether it is `*`, once, and nothing more.
    pub(crate) is_plain: bool,
    pub(crate) at: Location,
}
