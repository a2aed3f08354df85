//! What can be wrong with an expression, and how DynamoDB words it.
//!
//! Belongs to [`super::Error`]; the expression crate produces these and never words anything itself. A cause reads
//! `words; detail`, where the detail may be nothing. Knows nothing of how expressions are parsed.

use crate::value::AttributeValue;

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
    // --- the text
    /// Nothing in it.
    #[error("The expression can not be empty;")]
    Empty,
    /// Longer than allowed; carries its bytes, which only filters show.
    #[error("Expression size has exceeded the maximum allowed size; expression size: {0}")]
    TooLong(usize),
    /// A token where the grammar wants another.
    #[error("Syntax error; token: \"{token}\", near: \"{near}\"")]
    Syntax {
        /// The offending token.
        token: String,
        /// It and its neighbours.
        near: String,
    },
    /// Parentheses around parentheses.
    #[error("The expression has redundant parentheses;")]
    RedundantParentheses,
    /// More operators and functions than allowed; carries their number.
    #[error("The expression contains too many operators; operator count: {0}")]
    TooManyOperators(usize),
    /// More operands of `IN` than allowed; carries their number.
    #[error("The IN operator is provided with too many operands; number of operands: {0}")]
    TooManyInOperands(usize),
    /// A section of an update expression that comes twice.
    #[error("The \"{0}\" section can only be used once in an update expression;")]
    SectionRepeated(&'static str),

    // --- paths
    /// A name that must be given through a placeholder; carries it as written.
    #[error("Attribute name is a reserved keyword; reserved keyword: {0}")]
    ReservedWord(String),
    /// An index beyond 2^31 - 1; carries it as written.
    #[error("List index is not within the allowable range; index: [{0}]")]
    ListIndexOutOfRange(String),
    /// More elements in a path than allowed; carries their number.
    #[error("The document path has too many nesting levels; nesting levels: {0}")]
    PathTooDeep(usize),
    /// One path is the other or lies inside it.
    #[error(
        "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: {one}, path two: {two}"
    )]
    PathsOverlap {
        /// The path that comes first.
        one: String,
        /// The path that comes later.
        two: String,
    },
    /// One path takes a place for a map, the other for a list.
    #[error(
        "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: {one}, path two: {two}"
    )]
    PathsConflict {
        /// The path that comes first.
        one: String,
        /// The path that comes later.
        two: String,
    },

    // --- functions and operands
    /// No such function.
    #[error("Invalid function name; function: {0}")]
    FunctionUnknown(String),
    /// A function of updates in a condition.
    #[error("The function is not allowed in a condition expression; function: {0}")]
    FunctionNotInCondition(&'static str),
    /// A function of conditions in an update.
    #[error("The function is not allowed in an update expression; function: {0}")]
    FunctionNotInUpdate(&'static str),
    /// A function as an operand that is none, or the other way round.
    #[error("The function is not allowed to be used this way in an expression; function: {0}")]
    FunctionMisplaced(&'static str),
    /// Too many or too few operands.
    #[error(
        "Incorrect number of operands for operator or function; operator or function: {operator}, number of operands: {count}"
    )]
    OperandCount {
        /// The function.
        operator: &'static str,
        /// How many operands it was given.
        count: usize,
    },
    /// A value or a function where only a path will do.
    #[error("Operator or function requires a document path; operator or function: {0}")]
    PathRequired(&'static str),
    /// A path compared with itself.
    #[error(
        "The first operand must be distinct from the remaining operands for this operator or function; operator: {operator}, first operand: {path}"
    )]
    OperandsNotDistinct {
        /// The operator or function.
        operator: &'static str,
        /// The path.
        path: String,
    },
    /// A value of a type that the operator or function does not take.
    #[error(
        "Incorrect operand type for operator or function; operator or function: {operator}, operand type: {actual}"
    )]
    OperandType {
        /// The operator or function.
        operator: &'static str,
        /// The type given.
        actual: &'static str,
    },
    /// The second operand of `attribute_type` is not a value.
    #[error(
        "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: {{B,NULL,SS,BOOL,L,BS,N,NS,S,M}}"
    )]
    AttributeTypeNotGiven,
    /// The second operand of `attribute_type` names no type.
    #[error("Invalid attribute type name found; type: {0}, valid types: {{B,NULL,SS,BOOL,L,BS,N,NS,S,M}}")]
    AttributeTypeUnknown(String),
    /// `ADD` or `DELETE` of a type that it does not take; carries the section and the type's name on the wire.
    #[error(
        "Incorrect operand type for operator or function; operator: {action}, operand type: {}, typeSet: ALLOWED_FOR_{action}_OPERAND",
        long_type_name(.actual)
    )]
    ActionOperandType {
        /// `ADD` or `DELETE`.
        action: &'static str,
        /// The type given.
        actual: &'static str,
    },
    /// The bounds of `BETWEEN` are of different types; carries them as [`ExpressionError::shown`].
    #[error(
        "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {{{lower}}}, upper bound operand: AttributeValue: {{{upper}}}"
    )]
    BetweenTypes {
        /// The lower bound.
        lower: String,
        /// The upper bound.
        upper: String,
    },
    /// The bounds of `BETWEEN` are the wrong way round; carries them as [`ExpressionError::shown`].
    #[error(
        "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {{{lower}}}, upper bound operand: AttributeValue: {{{upper}}}"
    )]
    BetweenBounds {
        /// The lower bound.
        lower: String,
        /// The upper bound.
        upper: String,
    },

    // --- placeholders
    /// `#x` without an entry.
    #[error("An expression attribute name used in the document path is not defined; attribute name: {0}")]
    NameUndefined(String),
    /// `:v` without an entry.
    #[error("An expression attribute value used in expression is not defined; attribute value: {0}")]
    ValueUndefined(String),
    /// An empty map of names.
    #[error("ExpressionAttributeNames must not be empty")]
    NamesEmpty,
    /// An empty map of values.
    #[error("ExpressionAttributeValues must not be empty")]
    ValuesEmpty,
    /// A key of the names that is no `#x`.
    #[error("ExpressionAttributeNames contains invalid key: Syntax error; key: \"{0}\"")]
    NameKeyInvalid(String),
    /// A key of the values that is no `:v`.
    #[error("ExpressionAttributeValues contains invalid key: Syntax error; key: \"{0}\"")]
    ValueKeyInvalid(String),
    /// A key of the names over the limit; carries its bytes.
    #[error(
        "ExpressionAttributeNames contains invalid key: The expression attribute map contains a key that is too long; size of key: {0}"
    )]
    NameKeyTooLong(usize),
    /// A key of the values over the limit; carries its bytes.
    #[error(
        "ExpressionAttributeValues contains invalid key: The expression attribute map contains a key that is too long; size of key: {0}"
    )]
    ValueKeyTooLong(usize),
    /// A placeholder for an empty attribute name.
    #[error("ExpressionAttributeNames contains invalid value: Empty attribute name for key {0}")]
    NameEmpty(String),
    /// More bytes of names than allowed.
    #[error("ExpressionAttributeNames exceeds max size")]
    NamesTooLarge,
    /// More bytes of values than allowed.
    #[error("ExpressionAttributeValues exceeds max size")]
    ValuesTooLarge,
    /// Names that no expression uses.
    #[error("Value provided in ExpressionAttributeNames unused in expressions: keys: {{{}}}", .0.join(", "))]
    NamesUnused(Vec<String>),
    /// Values that no expression uses.
    #[error("Value provided in ExpressionAttributeValues unused in expressions: keys: {{{}}}", .0.join(", "))]
    ValuesUnused(Vec<String>),

    // --- key conditions
    /// An operator that no key condition has.
    #[error("Invalid operator used in KeyConditionExpression: {0}")]
    KeyOperatorInvalid(&'static str),
    /// A function inside a condition.
    #[error("KeyConditionExpressions cannot contain nested operations")]
    KeyOperationNested,
    /// A path with more than a name.
    #[error("KeyConditionExpressions cannot have conditions on nested attributes")]
    KeyPathNested,
    /// Two attributes compared with each other.
    #[error("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition")]
    KeyAttributesMultiple,
    /// Two values compared with each other.
    #[error("Invalid condition in KeyConditionExpression: No key attribute specified")]
    KeyAttributeNone,
    /// `:v BETWEEN pk AND :w` and the like.
    #[error(
        "Invalid condition in KeyConditionExpression: {0} operator must have the key attribute as its first operand"
    )]
    KeyAttributeNotFirst(&'static str),
    /// Two conditions on one attribute.
    #[error("KeyConditionExpressions must only contain one condition per key")]
    KeyRepeated,
    /// More conditions than a key has parts.
    #[error("Conditions can be of length 1 or 2 only")]
    KeyConditionsTooMany,
    /// A key attribute without a condition, though it needs one.
    #[error("Query condition missed key schema element: {0}")]
    KeyMissed(String),
    /// A condition that this key attribute does not take.
    #[error("Query key condition not supported")]
    KeyConditionUnsupported,
    /// A value of another type than the key attribute's.
    #[error("One or more parameter values were invalid: Condition parameter type does not match schema type")]
    KeyConditionType,
    /// A filter on a key attribute.
    #[error("Filter Expression can only contain non-primary key attributes: Primary key attribute: {0}")]
    KeyInFilter(String),

    // --- updates that do not fit the stored item
    /// An operand names an attribute that the item lacks.
    #[error("The provided expression refers to an attribute that does not exist in the item")]
    AttributeMissing,
    /// A target whose parent is missing, or is no map or list as the path says.
    #[error("The document path provided in the update expression is invalid for update")]
    PathNotUpdatable,
    /// An operand of a type that the operation does not take.
    #[error("An operand in the update expression has an incorrect data type")]
    OperandDataType,
}

impl ExpressionError {
    /// How a bound of `BETWEEN` is shown.
    pub fn shown(value: &AttributeValue) -> String {
        let text = match value {
            AttributeValue::S(text) => text.clone(),
            AttributeValue::N(number) => number.to_string(),
            AttributeValue::B(bytes) => base64_simd::STANDARD.encode_to_string(bytes),
            // Bounds of other types are refused before their order matters.
            _ => String::new(),
        };
        format!("{}:{text}", value.type_name())
    }

    /// Whether the words stand without naming the parameter first.
    fn stands_alone(&self) -> bool {
        matches!(
            self,
            ExpressionError::KeyOperatorInvalid(_)
                | ExpressionError::KeyOperationNested
                | ExpressionError::KeyPathNested
                | ExpressionError::KeyAttributesMultiple
                | ExpressionError::KeyAttributeNone
                | ExpressionError::KeyAttributeNotFirst(_)
                | ExpressionError::KeyRepeated
                | ExpressionError::KeyConditionsTooMany
                | ExpressionError::KeyMissed(_)
                | ExpressionError::KeyConditionUnsupported
                | ExpressionError::KeyConditionType
                | ExpressionError::KeyInFilter(_)
        )
    }
}

/// The name that `ADD` and `DELETE` use for a type.
fn long_type_name(wire_name: &str) -> &'static str {
    match wire_name {
        "S" => "STRING",
        "N" => "NUMBER",
        "B" => "BINARY",
        "BOOL" => "BOOLEAN",
        "SS" => "STRING_SET",
        "NS" => "NUMBER_SET",
        "BS" => "BINARY_SET",
        "L" => "LIST",
        "M" => "MAP",
        _ => "NULL",
    }
}

pub(super) fn render(kind: &ExpressionKind, error: &ExpressionError) -> String {
    match error {
        ExpressionError::TooLong(_) if *kind != ExpressionKind::Filter => {
            format!("Invalid {}: Expression size has exceeded the maximum allowed size;", kind.parameter())
        }
        error if error.stands_alone() => error.to_string(),
        error => format!("Invalid {}: {error}", kind.parameter()),
    }
}
