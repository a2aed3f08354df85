//! Which part of a condition names keys, and which is left to be evaluated.
//!
//! Invariant: what is split off and what is left mean together what the condition meant.

use graticule_model::{
    AttributeValue, Error, KeyAttribute,
    error::{ExpressionError, ExpressionKind},
};

use crate::{
    condition::{Node, Operand},
    key_condition::{KeySchemaRef, SortCondition},
    syntax::Comparator,
};

/// The terms that must hold together.
pub(super) fn terms(node: Option<Node>) -> Vec<Node> {
    let mut terms = Vec::new();
    let mut left: Vec<Node> = node.into_iter().collect();
    while let Some(node) = left.pop() {
        match node {
            Node::And(nodes) => left.extend(nodes.into_iter().rev()),
            node => terms.push(node),
        }
    }
    terms
}

/// The condition that all of `terms` hold, if there are any.
pub(super) fn joined(mut terms: Vec<Node>) -> Option<Node> {
    match terms.pop() {
        Some(only) if terms.is_empty() => Some(only),
        Some(last) => {
            terms.push(last);
            Some(Node::And(terms))
        }
        None => None,
    }
}

/// Takes out of `terms` the first that says which value an attribute has.
pub(super) fn take_equality(terms: &mut Vec<Node>, name: &str) -> Option<AttributeValue> {
    let found = terms.iter().position(|term| equality(term, name).is_some())?;
    equality(&terms.remove(found), name).cloned()
}

/// Takes out of `terms` the first that says which values an attribute may have; an exact one before others.
pub(super) fn take_alternatives(terms: &mut Vec<Node>, name: &str) -> Option<Vec<AttributeValue>> {
    if let Some(value) = take_equality(terms, name) {
        return Some(vec![value]);
    }
    let found = terms.iter().position(|term| alternatives(term, name).is_some())?;
    alternatives(&terms.remove(found), name)
}

/// Takes out of `terms` the first that says in which range an attribute lies.
pub(super) fn take_range(terms: &mut Vec<Node>, name: &str) -> Option<SortCondition> {
    let found = terms.iter().position(|term| range(term, name).is_some())?;
    range(&terms.remove(found), name)
}

fn is_attribute(operand: &Operand, name: &str) -> bool {
    matches!(operand, Operand::Path(path) if path.top == name && path.steps.is_empty())
}

/// The value that is compared with the attribute, and the comparator with the attribute on its left.
fn comparison<'n>(node: &'n Node, name: &str) -> Option<(Comparator, &'n AttributeValue)> {
    match node {
        Node::Comparison(comparator, left, Operand::Value(value)) if is_attribute(left, name) => {
            Some((*comparator, value))
        }
        Node::Comparison(comparator, Operand::Value(value), right) if is_attribute(right, name) => {
            Some((comparator.mirrored(), value))
        }
        _ => None,
    }
}

fn equality<'n>(node: &'n Node, name: &str) -> Option<&'n AttributeValue> {
    comparison(node, name).filter(|(comparator, _)| *comparator == Comparator::Equal).map(|(_, value)| value)
}

fn alternatives(node: &Node, name: &str) -> Option<Vec<AttributeValue>> {
    let mut distinct = Vec::new();
    let mut add = |value: &AttributeValue| {
        if !distinct.contains(value) {
            distinct.push(value.clone());
        }
    };
    match node {
        Node::In(operand, candidates) if is_attribute(operand, name) => {
            for candidate in candidates {
                let Operand::Value(value) = candidate else { return None };
                add(value);
            }
        }
        Node::Or(nodes) => {
            for node in nodes {
                add(equality(node, name)?);
            }
        }
        node => add(equality(node, name)?),
    }
    Some(distinct)
}

fn range(node: &Node, name: &str) -> Option<SortCondition> {
    match node {
        Node::Between(operand, Operand::Value(lower), Operand::Value(upper))
            if is_attribute(operand, name) =>
        {
            Some(SortCondition::Between(lower.clone(), upper.clone()))
        }
        Node::BeginsWith(operand, Operand::Value(prefix)) if is_attribute(operand, name) => {
            Some(SortCondition::BeginsWith(prefix.clone()))
        }
        node => {
            let (comparator, value) = comparison(node, name)?;
            let value = value.clone();
            match comparator {
                Comparator::Less => Some(SortCondition::Less(value)),
                Comparator::LessOrEqual => Some(SortCondition::LessOrEqual(value)),
                Comparator::Greater => Some(SortCondition::Greater(value)),
                Comparator::GreaterOrEqual => Some(SortCondition::GreaterOrEqual(value)),
                Comparator::Equal | Comparator::NotEqual => None,
            }
        }
    }
}

/// The key attributes, those of the partition key first.
pub(super) fn attributes(schema: KeySchemaRef<'_>) -> impl Iterator<Item = &KeyAttribute> {
    schema.partition.iter().chain(schema.sort)
}

/// Refuses a value that a key attribute cannot have.
pub(super) fn check_value(attribute: &KeyAttribute, value: &AttributeValue) -> Result<(), Error> {
    if !attribute.kind.matches(value) {
        return Err(Error::Expression(ExpressionKind::KeyCondition, ExpressionError::KeyConditionType));
    }
    let kind = match value {
        AttributeValue::S(text) if text.is_empty() => "string",
        AttributeValue::B(bytes) if bytes.is_empty() => "binary",
        _ => return Ok(()),
    };
    Err(Error::KeyEmpty { name: attribute.name.clone(), kind })
}
