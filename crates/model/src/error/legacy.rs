//! What can be wrong with the parameters from before there were expressions, and how DynamoDB words it.
//!
//! Belongs to [`super::Error`]. Knows nothing of how the parameters are read.

/// One cause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LegacyError {
    // --- combinations of parameters
    /// Parameters of both kinds in one request.
    #[error(
        "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {{{}}} Expression parameters: {{{}}}",
        .legacy.join(", "),
        .expressions.join(", ")
    )]
    Mixed {
        /// The names of those from before there were expressions.
        legacy: Vec<&'static str>,
        /// The names of the expressions.
        expressions: Vec<&'static str>,
    },
    /// `ConditionalOperator` with nothing to combine.
    #[error("ConditionalOperator cannot be used without Filter or Expected")]
    OperatorWithoutConditions,
    /// `ConditionalOperator` with one condition.
    #[error("ConditionalOperator can only be used when Filter or Expected has two or more elements")]
    OperatorForOneCondition,
    /// A name comes twice in `AttributesToGet`.
    #[error("One or more parameter values were invalid: Duplicate value in attribute name: {0}")]
    AttributeRepeated(String),

    // --- conditions
    /// Too many or too few values for an operator.
    #[error(
        "One or more parameter values were invalid: Invalid number of argument(s) for the {0} ComparisonOperator"
    )]
    ArgumentCount(&'static str),
    /// A value of a type that an operator does not take.
    #[error(
        "One or more parameter values were invalid: ComparisonOperator {operator} is not valid for {actual} AttributeValue type"
    )]
    ArgumentType {
        /// The operator.
        operator: &'static str,
        /// The type given.
        actual: &'static str,
    },
    /// Values of several types.
    #[error(
        "One or more parameter values were invalid: AttributeValues inside AttributeValueList must be of same type"
    )]
    ArgumentTypesDiffer,
    /// The bounds of `BETWEEN` are the wrong way round.
    #[error(
        "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"
    )]
    BetweenBounds,
    /// An operator that no key can be searched with.
    #[error("Attempted conditional constraint is not an indexable operation")]
    NotIndexable,
    /// A `QueryFilter` on a key attribute.
    #[error("QueryFilter can only contain non-primary key attributes: Primary key attribute: {0}")]
    KeyInFilter(String),

    // --- Expected
    /// A value in both of its forms.
    #[error(
        "One or more parameter values were invalid: Value and AttributeValueList cannot be used together for Attribute: {0}"
    )]
    ValueAndList(String),
    /// Both forms of a condition.
    #[error(
        "One or more parameter values were invalid: Exists and ComparisonOperator cannot be used together for Attribute: {0}"
    )]
    ExistsAndOperator(String),
    /// An operator without the values that it needs.
    #[error(
        "One or more parameter values were invalid: Value or AttributeValueList must be used with ComparisonOperator: {operator} for Attribute: {attribute}"
    )]
    OperatorWithoutValue {
        /// The operator.
        operator: &'static str,
        /// The attribute.
        attribute: String,
    },
    /// Values without an operator.
    #[error(
        "One or more parameter values were invalid: AttributeValueList can only be used with a ComparisonOperator for Attribute: {0}"
    )]
    ListWithoutOperator(String),
    /// An attribute is to exist, but not as what.
    #[error(
        "One or more parameter values were invalid: Value must be provided when Exists is {} for Attribute: {attribute}",
        if *.given { "true" } else { "null" }
    )]
    ValueMissing {
        /// Whether the request says that it is to exist.
        given: bool,
        /// The attribute.
        attribute: String,
    },
    /// An attribute is not to exist, but to have a value.
    #[error(
        "One or more parameter values were invalid: Value cannot be used when Exists is false for Attribute: {0}"
    )]
    ValueWithoutExisting(String),

    // --- AttributeUpdates
    /// `PUT` or `ADD` without a value.
    #[error(
        "One or more parameter values were invalid: Only DELETE action is allowed when no attribute value is specified"
    )]
    UpdateWithoutValue,
    /// `DELETE` of elements that are in no set.
    #[error(
        "One or more parameter values were invalid: DELETE action with value is not supported for the type {0}"
    )]
    DeleteType(&'static str),
    /// `ADD` of what cannot be added.
    #[error("One or more parameter values were invalid: ADD action is not supported for the type {0}")]
    AddType(&'static str),
    /// The stored attribute is of another type than what is added to it or deleted from it.
    #[error("Type mismatch for attribute to update")]
    UpdateTypesDiffer,
}
