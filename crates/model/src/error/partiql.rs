//! What can be wrong with a PartiQL statement, and how DynamoDB words it.
//!
//! Belongs to [`super::Error`]; the expression crate produces these and never words anything itself. What the grammar
//! refuses opens with the same words and names one detail; what DynamoDB does not support names the place.

use std::fmt;

/// Where in a statement something begins: line and column from 1, and its characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Location {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
    /// The characters.
    pub length: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.line, self.column, self.length)
    }
}

/// One cause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartiqlError {
    /// The statement is not PartiQL.
    #[error("Statement wasn't well formed, can't be processed: {0}")]
    NotWellFormed(SyntaxError),
    /// It is PartiQL, but no statement of DynamoDB.
    #[error("Unsupported operation: {0}")]
    OperationUnsupported(String),
    /// A clause that DynamoDB does not know.
    #[error("Unsupported clause: {clause} at {at}")]
    ClauseUnsupported {
        /// The clause.
        clause: &'static str,
        /// Where it is.
        at: Location,
    },
    /// An operator that DynamoDB does not know, or not there.
    #[error("Unsupported operator: {operator} at {at}")]
    OperatorUnsupported {
        /// The operator.
        operator: String,
        /// Where it is.
        at: Location,
    },
    /// A function that DynamoDB does not know, or not there.
    #[error("Unsupported function: {function} at {at}")]
    FunctionUnsupported {
        /// The function.
        function: String,
        /// Where it is.
        at: Location,
    },
    /// A function with too many or too few arguments.
    #[error("Invalid number of arguments for function {function} at {at}")]
    ArgumentCount {
        /// The function.
        function: String,
        /// Where it is.
        at: Location,
    },
    /// An expression where another kind is wanted.
    #[error("Unexpected expression at {0}")]
    ExpressionUnexpected(Location),
    /// A path with a step that it may not have there.
    #[error("Unexpected path component at {0}")]
    PathUnexpected(Location),
    /// `FROM` something that is no table.
    #[error("Unexpected from source at {0}")]
    FromUnexpected(Location),
    /// A value that no attribute can have.
    #[error("Unsupported value at {0}")]
    ValueUnsupported(Location),
    /// A set whose elements are of several types, or of one that sets do not have.
    #[error("Elements of a set must be all strings, all numbers or all binaries at {0}")]
    SetElements(Location),
    /// More or fewer `?` than parameters.
    #[error("Number of parameters in request and statement don't match.")]
    ParameterCount,
    /// A write that does not name one item.
    #[error("Where clause does not contain a mandatory equality on all key attributes")]
    KeyNotGiven,
    /// `ORDER BY` without `WHERE`.
    #[error("Must have WHERE clause in the statement when using ORDER BY clause.")]
    OrderWithoutWhere,
    /// `ORDER BY` without a partition key.
    #[error(
        "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause."
    )]
    OrderWithoutPartition,
    /// `ORDER BY` something that is no key.
    #[error("Variable reference {0} in ORDER BY clause must be part of the primary key")]
    OrderNotKey(String),
    /// `ORDER BY` the sort key of several partitions, which are not ordered among each other.
    #[error("ORDER BY clause must begin with the partition key when several partitions are read")]
    OrderOfPartitions,
    /// `ORDER BY` key attributes in an order or in directions that the key does not have.
    #[error("ORDER BY clause must follow the order of the sort key, in one direction")]
    OrderUnsupported,
    /// More values of a partition key than allowed; carries their number.
    #[error("The IN operator is provided with too many operands; number of operands: {0}")]
    TooManyKeys(usize),
    /// `RETURNING` something that this statement cannot return.
    #[error("Unsupported RETURNING clause at {0}")]
    ReturningUnsupported(Location),
    /// One attribute assigned twice or with its part; carries the words of the update.
    #[error("{0}")]
    Update(super::ExpressionError),
    /// A SELECT in a batch that does not name one item.
    #[error("Select statements within {0} must specify the primary key in the where clause.")]
    SelectNotByKey(&'static str),
    /// A SELECT on an index where only items can be read.
    #[error("Reads on indexes are not supported within {0}")]
    SelectOnIndex(&'static str),
    /// Reads and writes together; carries `batch` or `transaction`.
    #[error(
        "The entire {0} must consist of either read statements or write statements, you cannot mix both in one {0}."
    )]
    ReadsAndWrites(&'static str),
    /// `RETURNING` in a transaction.
    #[error("RETURNING is not supported in transactions")]
    ReturningInTransaction,
    /// `EXISTS` outside transactions.
    #[error("EXISTS is only supported in transactions")]
    ExistsOutsideTransaction,
    /// A NextToken that was not given for this statement.
    #[error("Invalid NextToken")]
    NextTokenInvalid,
}

/// A token or an expression that the grammar does not take, in the words of PartiQL's parser.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxError {
    /// A character that begins no token, or a token without an end.
    #[error("Invalid character at {line}:{column}")]
    Character {
        /// The line.
        line: usize,
        /// The column.
        column: usize,
    },
    /// Something after the end.
    #[error("Unexpected token after expression")]
    AfterExpression,
    /// Something after the semicolon.
    #[error("Unexpected token after semicolon. (Only one query is allowed.)")]
    AfterSemicolon,
    /// A keyword where none belongs.
    #[error("Unexpected keyword")]
    Keyword,
    /// An operator where none belongs.
    #[error("Unexpected operator")]
    Operator,
    /// Any other token that begins no expression.
    #[error("Unexpected term")]
    Term,
    /// Another token was wanted; carries its name in the grammar.
    #[error("Expected {0}")]
    Expected(&'static str),
    /// Another keyword was wanted; carries it in capitals.
    #[error("Expected {0} keyword")]
    ExpectedKeyword(&'static str),
    /// An operator at the end.
    #[error("Missing right-hand side expression of infix operator")]
    RightSideMissing,
    /// `BETWEEN a AND` at the end.
    #[error("Expected expression after AND")]
    ExpressionAfterAnd,
    /// `IS` something that is no type.
    #[error("Expected type name")]
    TypeName,
    /// A dot and no name.
    #[error("Invalid path dot component")]
    PathDot,
    /// `a.*` where that makes no sense.
    #[error("Invalid path dot component for simple path")]
    PathDotSimple,
    /// A table or target that is no name.
    #[error("Expected identifier for simple path")]
    PathStart,
    /// A computed step in a table or target.
    #[error("Invalid path component for simple path")]
    PathComponent,
    /// `UPDATE` without anything to do, and other statements without a verb.
    #[error("Expected data manipulation")]
    DataManipulation,
    /// `SET` without `=`.
    #[error("Expected '='")]
    Assignment,
    /// `DELETE` without `FROM`.
    #[error("Expected FROM after DELETE")]
    FromAfterDelete,
    /// `SELECT` without `FROM`.
    #[error("Expected FROM after SELECT list")]
    FromAfterSelect,
    /// `*` beside other columns.
    #[error("Other expressions may not be present in the select list when '*' is used without dot notation.")]
    AsteriskNotAlone,
    /// `a[*]` as a column.
    #[error("Invalid use of * in select list")]
    AsteriskInPath,
    /// `f(*)`; carries the function.
    #[error("{0}(*) is not allowed")]
    AsteriskArgument(String),
    /// `RETURNING` without what to return.
    #[error("Expected ( MODIFIED | ALL ) ( NEW | OLD ) in each returning element.")]
    Returning,
    /// `ON CONFLICT` and not what follows it.
    #[error("invalid ON CONFLICT syntax")]
    OnConflict,
    /// `VALUES` without rows.
    #[error("Expected LEFT_PAREN for row value constructor")]
    RowConstructor,
    /// An alias without a name; carries the keyword before it.
    #[error("Expected identifier for {0}-alias")]
    Alias(&'static str),
    /// Expressions inside each other, deeper than anybody reads.
    #[error("Expression is nested too deeply")]
    TooDeep,
}

impl From<SyntaxError> for PartiqlError {
    fn from(error: SyntaxError) -> PartiqlError {
        PartiqlError::NotWellFormed(error)
    }
}
