//! Conditions on single attributes, joined by one operator for all: `Expected`, `QueryFilter`, `ScanFilter`, and the
//! tests of `KeyConditions`.
//!
//! Everything means what its counterpart in an expression means; `NOT_CONTAINS` asks for the attribute to be there.

use graticule_model::{AttributeValue, error::LegacyError};

use super::{ComparisonOperator, attribute};
use crate::{
    condition::{Condition, Node, Operand},
    key_condition::{KeyTerm, SortCondition},
    syntax::Comparator,
};

/// An operator with the values that it compares an attribute with: as many, and of such types, as it takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    operator: ComparisonOperator,
    values: Vec<AttributeValue>,
}

impl Comparison {
    /// `operator` with `values`.
    ///
    /// # Errors
    /// If it takes another number or other types of values.
    pub fn new(operator: ComparisonOperator, values: Vec<AttributeValue>) -> Result<Comparison, LegacyError> {
        operator.check(&values)?;
        Ok(Comparison { operator, values })
    }

    /// The test on the key attribute `name`.
    ///
    /// # Errors
    /// If no key can be searched with the operator.
    pub fn into_key_term(self, name: String) -> Result<KeyTerm, LegacyError> {
        let mut values = self.values.into_iter();
        let (first, second) = (values.next(), values.next());
        let test = match (self.operator, first, second) {
            (ComparisonOperator::Equal, Some(value), _) => SortCondition::Equal(value),
            (ComparisonOperator::Less, Some(value), _) => SortCondition::Less(value),
            (ComparisonOperator::LessOrEqual, Some(value), _) => SortCondition::LessOrEqual(value),
            (ComparisonOperator::Greater, Some(value), _) => SortCondition::Greater(value),
            (ComparisonOperator::GreaterOrEqual, Some(value), _) => SortCondition::GreaterOrEqual(value),
            (ComparisonOperator::BeginsWith, Some(value), _) => SortCondition::BeginsWith(value),
            (ComparisonOperator::Between, Some(lower), Some(upper)) => SortCondition::Between(lower, upper),
            _ => return Err(LegacyError::NotIndexable),
        };
        Ok(KeyTerm { name, test })
    }

    fn into_node(self, name: String) -> Node {
        let operand = Operand::Path(attribute(name));
        let mut values = self.values.into_iter().map(Operand::Value);
        let mut value = || values.next().expect("a comparison has as many values as its operator takes");
        let compared = |comparator, value| Node::Comparison(comparator, operand.clone(), value);
        match self.operator {
            ComparisonOperator::Equal => compared(Comparator::Equal, value()),
            ComparisonOperator::NotEqual => compared(Comparator::NotEqual, value()),
            ComparisonOperator::Less => compared(Comparator::Less, value()),
            ComparisonOperator::LessOrEqual => compared(Comparator::LessOrEqual, value()),
            ComparisonOperator::Greater => compared(Comparator::Greater, value()),
            ComparisonOperator::GreaterOrEqual => compared(Comparator::GreaterOrEqual, value()),
            ComparisonOperator::BeginsWith => Node::BeginsWith(operand, value()),
            ComparisonOperator::Contains => Node::Contains(operand, value()),
            ComparisonOperator::NotContains => {
                let contained = Node::Contains(operand.clone(), value());
                Node::And(vec![Node::Exists(operand), Node::Not(Box::new(contained))])
            }
            ComparisonOperator::Between => {
                let lower = value();
                Node::Between(operand, lower, value())
            }
            ComparisonOperator::In => Node::In(operand, values.collect()),
            ComparisonOperator::Null => Node::NotExists(operand),
            ComparisonOperator::NotNull => Node::Exists(operand),
        }
    }
}

impl Condition {
    /// The condition that all of `comparisons` hold, or, if `any` is enough, that one of them does.
    pub fn of_attributes(comparisons: Vec<(String, Comparison)>, any: bool) -> Condition {
        let nodes = comparisons.into_iter().map(|(name, comparison)| comparison.into_node(name)).collect();
        Condition::from_node(if any { Node::Or(nodes) } else { Node::And(nodes) })
    }
}
