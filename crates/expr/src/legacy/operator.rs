//! The operators of conditions from before there were expressions: names, numbers and types of their values.

use graticule_model::{AttributeValue, error::LegacyError};

/// A `ComparisonOperator`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComparisonOperator {
    /// `IN`
    In,
    /// `NULL`
    Null,
    /// `BETWEEN`
    Between,
    /// `LT`
    Less,
    /// `NOT_CONTAINS`
    NotContains,
    /// `EQ`
    Equal,
    /// `GT`
    Greater,
    /// `NOT_NULL`
    NotNull,
    /// `NE`
    NotEqual,
    /// `LE`
    LessOrEqual,
    /// `BEGINS_WITH`
    BeginsWith,
    /// `GE`
    GreaterOrEqual,
    /// `CONTAINS`
    Contains,
}

/// The types whose values have an order.
const ORDERED: &[&str] = &["S", "N", "B"];
/// The types that have beginnings.
const PREFIXED: &[&str] = &["S", "B"];

impl ComparisonOperator {
    /// All of them with their names, in the order in which the service lists them.
    pub const ALL: &'static [(&'static str, ComparisonOperator)] = &[
        ("IN", ComparisonOperator::In),
        ("NULL", ComparisonOperator::Null),
        ("BETWEEN", ComparisonOperator::Between),
        ("LT", ComparisonOperator::Less),
        ("NOT_CONTAINS", ComparisonOperator::NotContains),
        ("EQ", ComparisonOperator::Equal),
        ("GT", ComparisonOperator::Greater),
        ("NOT_NULL", ComparisonOperator::NotNull),
        ("NE", ComparisonOperator::NotEqual),
        ("LE", ComparisonOperator::LessOrEqual),
        ("BEGINS_WITH", ComparisonOperator::BeginsWith),
        ("GE", ComparisonOperator::GreaterOrEqual),
        ("CONTAINS", ComparisonOperator::Contains),
    ];

    /// The operator's name.
    pub fn name(self) -> &'static str {
        let found = ComparisonOperator::ALL.iter().find(|(_, operator)| *operator == self);
        found.map(|(name, _)| *name).unwrap_or_default()
    }

    /// Whether it compares with anything at all.
    pub fn takes_values(self) -> bool {
        !matches!(self, ComparisonOperator::Null | ComparisonOperator::NotNull)
    }

    fn takes_count(self, count: usize) -> bool {
        match self {
            ComparisonOperator::Null | ComparisonOperator::NotNull => count == 0,
            ComparisonOperator::In => count >= 1,
            ComparisonOperator::Between => count == 2,
            _ => count == 1,
        }
    }

    /// The types of values that it takes; `None` for all.
    fn types(self) -> Option<&'static [&'static str]> {
        match self {
            ComparisonOperator::Equal
            | ComparisonOperator::NotEqual
            | ComparisonOperator::Null
            | ComparisonOperator::NotNull => None,
            ComparisonOperator::BeginsWith => Some(PREFIXED),
            _ => Some(ORDERED),
        }
    }

    /// Refuses values that it cannot compare with.
    pub(super) fn check(self, values: &[AttributeValue]) -> Result<(), LegacyError> {
        if !self.takes_count(values.len()) {
            return Err(LegacyError::ArgumentCount(self.name()));
        }
        let mut types = values.iter().map(AttributeValue::type_name);
        if let Some(taken) = self.types()
            && let Some(actual) = types.clone().find(|actual| !taken.contains(actual))
        {
            return Err(LegacyError::ArgumentType { operator: self.name(), actual });
        }
        if let Some(first) = types.next()
            && types.any(|other| other != first)
        {
            return Err(LegacyError::ArgumentTypesDiffer);
        }
        match (self, values) {
            (ComparisonOperator::Between, [lower, upper])
                if lower.compare(upper).is_some_and(|order| order.is_gt()) =>
            {
                Err(LegacyError::BetweenBounds)
            }
            _ => Ok(()),
        }
    }
}
