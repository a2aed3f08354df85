//! Checks of operands that need their values: types known without an item, distinct paths, bounds of BETWEEN.

use graticule_model::{AttributeValue, error::ExpressionError};

use super::{Node, Operand};
use crate::{function::Function, syntax::Comparator};

/// The types whose values have an order.
const ORDERED: &[&str] = &["S", "N", "B"];
/// The types of which `begins_with` can be asked.
const PREFIXED: &[&str] = &["S", "B"];
/// The types of which `contains` can be asked.
const CONTAINERS: &[&str] = &["S", "B", "SS", "NS", "BS", "L"];
/// The types of which `size` can be asked.
const SIZED: &[&str] = &["S", "B", "SS", "NS", "BS", "L", "M"];
/// What `attribute_type` can be asked for.
const TYPE_NAMES: &[&str] = &["B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M"];

pub(super) fn check(node: &Node) -> Result<(), ExpressionError> {
    for operand in node.operands() {
        check_size(operand)?;
    }
    match node {
        Node::Comparison(comparator, left, right) => {
            if !matches!(comparator, Comparator::Equal | Comparator::NotEqual) {
                check_type(comparator.symbol(), left, ORDERED)?;
                check_type(comparator.symbol(), right, ORDERED)?;
            }
            check_distinct(comparator.symbol(), left, [right])
        }
        Node::Between(operand, lower, upper) => {
            for operand in [operand, lower, upper] {
                check_type("BETWEEN", operand, ORDERED)?;
            }
            check_distinct("BETWEEN", operand, [lower, upper])?;
            check_bounds(lower, upper)
        }
        Node::In(operand, candidates) => check_distinct("IN", operand, candidates),
        Node::HasType(operand, name) => {
            check_distinct(Function::AttributeType.name(), operand, [name])?;
            check_type_name(name)
        }
        Node::BeginsWith(operand, prefix) => {
            let name = Function::BeginsWith.name();
            check_type(name, operand, PREFIXED)?;
            check_type(name, prefix, PREFIXED)?;
            check_distinct(name, operand, [prefix])
        }
        Node::Contains(container, element) => {
            let name = Function::Contains.name();
            check_type(name, container, CONTAINERS)?;
            check_distinct(name, container, [element])
        }
        Node::Exists(_) | Node::NotExists(_) => Ok(()),
        Node::Not(_) | Node::And(_) | Node::Or(_) => node.inner().iter().try_for_each(check),
    }
}

impl Operand {
    /// The type that this operand has in every item, if it has one.
    fn known_type(&self) -> Option<&'static str> {
        match self {
            Operand::Path(_) => None,
            Operand::Value(value) => Some(value.type_name()),
            Operand::Size(_) => Some("N"),
        }
    }
}

fn check_type(operator: &'static str, operand: &Operand, allowed: &[&str]) -> Result<(), ExpressionError> {
    match operand.known_type() {
        Some(actual) if !allowed.contains(&actual) => Err(ExpressionError::OperandType { operator, actual }),
        _ => Ok(()),
    }
}

fn check_size(operand: &Operand) -> Result<(), ExpressionError> {
    let Operand::Size(measured) = operand else { return Ok(()) };
    check_size(measured)?;
    check_type(Function::Size.name(), measured, SIZED)
}

fn check_distinct<'o>(
    operator: &'static str,
    first: &Operand,
    others: impl IntoIterator<Item = &'o Operand>,
) -> Result<(), ExpressionError> {
    let Operand::Path(path) = first else { return Ok(()) };
    if others.into_iter().any(|other| matches!(other, Operand::Path(other) if other == path)) {
        return Err(ExpressionError::OperandsNotDistinct { operator, path: path.to_string() });
    }
    Ok(())
}

fn check_type_name(operand: &Operand) -> Result<(), ExpressionError> {
    match operand {
        Operand::Value(AttributeValue::S(name)) if TYPE_NAMES.contains(&name.as_str()) => Ok(()),
        Operand::Value(AttributeValue::S(name)) => Err(ExpressionError::AttributeTypeUnknown(name.clone())),
        Operand::Path(_) => Err(ExpressionError::AttributeTypeNotGiven),
        _ => check_type(Function::AttributeType.name(), operand, &["S"]),
    }
}

fn check_bounds(lower: &Operand, upper: &Operand) -> Result<(), ExpressionError> {
    let (Operand::Value(lower), Operand::Value(upper)) = (lower, upper) else { return Ok(()) };
    let shown = || (ExpressionError::shown(lower), ExpressionError::shown(upper));
    match lower.compare(upper) {
        Some(order) if order.is_le() => Ok(()),
        Some(_) => {
            let (lower, upper) = shown();
            Err(ExpressionError::BetweenBounds { lower, upper })
        }
        None => {
            let (lower, upper) = shown();
            Err(ExpressionError::BetweenTypes { lower, upper })
        }
    }
}
