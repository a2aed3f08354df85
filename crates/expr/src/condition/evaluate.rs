//! Whether an item meets a condition.
//!
//! A missing attribute makes every comparison false but `<>`, which is true of anything that is not equal. Values of
//! different types are never equal and have no order. Nothing here can fail.

use std::borrow::Cow;

use graticule_model::{AttributeValue, Number, value::Item};

use super::{Node, Operand};
use crate::syntax::Comparator;

impl Node {
    pub(super) fn matches(&self, item: &Item) -> bool {
        match self {
            Node::Comparison(comparator, left, right) => {
                compare(*comparator, left.value(item).as_deref(), right.value(item).as_deref())
            }
            Node::Between(operand, lower, upper) => {
                let operand = operand.value(item);
                let at_least = |bound: &Operand, comparator| {
                    compare(comparator, operand.as_deref(), bound.value(item).as_deref())
                };
                at_least(lower, Comparator::GreaterOrEqual) && at_least(upper, Comparator::LessOrEqual)
            }
            Node::In(operand, candidates) => operand.value(item).is_some_and(|operand| {
                candidates.iter().any(|candidate| candidate.value(item).is_some_and(|value| value == operand))
            }),
            Node::Exists(operand) => operand.value(item).is_some(),
            Node::NotExists(operand) => operand.value(item).is_none(),
            Node::HasType(operand, name) => both(
                operand,
                name,
                item,
                |operand, name| matches!(name, AttributeValue::S(name) if name == operand.type_name()),
            ),
            Node::BeginsWith(operand, prefix) => both(operand, prefix, item, begins_with),
            Node::Contains(container, element) => both(container, element, item, contains),
            Node::Not(inner) => !inner.matches(item),
            Node::And(terms) => terms.iter().all(|term| term.matches(item)),
            Node::Or(alternatives) => alternatives.iter().any(|alternative| alternative.matches(item)),
        }
    }
}

impl Operand {
    /// The operand's value for `item`.
    fn value<'v>(&'v self, item: &'v Item) -> Option<Cow<'v, AttributeValue>> {
        match self {
            Operand::Path(path) => path.find(item).map(Cow::Borrowed),
            Operand::Value(value) => Some(Cow::Borrowed(value)),
            Operand::Size(measured) => {
                let size = size(&*measured.value(item)?)?;
                Some(Cow::Owned(AttributeValue::N(Number::from(size as u64))))
            }
        }
    }
}

fn both(
    first: &Operand,
    second: &Operand,
    item: &Item,
    test: impl FnOnce(&AttributeValue, &AttributeValue) -> bool,
) -> bool {
    match (first.value(item), second.value(item)) {
        (Some(first), Some(second)) => test(&first, &second),
        _ => false,
    }
}

fn compare(comparator: Comparator, left: Option<&AttributeValue>, right: Option<&AttributeValue>) -> bool {
    let equal = left.is_some() && left == right;
    let order = left.zip(right).and_then(|(left, right)| left.compare(right));
    match comparator {
        Comparator::Equal => equal,
        Comparator::NotEqual => !equal,
        Comparator::Less => order.is_some_and(|order| order.is_lt()),
        Comparator::LessOrEqual => order.is_some_and(|order| order.is_le()),
        Comparator::Greater => order.is_some_and(|order| order.is_gt()),
        Comparator::GreaterOrEqual => order.is_some_and(|order| order.is_ge()),
    }
}

/// The size of strings is counted in UTF-16 code units, as the live service does.
fn size(value: &AttributeValue) -> Option<usize> {
    match value {
        AttributeValue::S(text) => Some(text.encode_utf16().count()),
        AttributeValue::B(bytes) => Some(bytes.len()),
        AttributeValue::Ss(set) => Some(set.len()),
        AttributeValue::Ns(set) => Some(set.len()),
        AttributeValue::Bs(set) => Some(set.len()),
        AttributeValue::L(list) => Some(list.len()),
        AttributeValue::M(map) => Some(map.len()),
        AttributeValue::N(_) | AttributeValue::Bool(_) | AttributeValue::Null => None,
    }
}

fn begins_with(value: &AttributeValue, prefix: &AttributeValue) -> bool {
    match (value, prefix) {
        (AttributeValue::S(text), AttributeValue::S(prefix)) => text.starts_with(prefix.as_str()),
        (AttributeValue::B(bytes), AttributeValue::B(prefix)) => bytes.starts_with(prefix),
        _ => false,
    }
}

fn contains(container: &AttributeValue, element: &AttributeValue) -> bool {
    match (container, element) {
        (AttributeValue::S(text), AttributeValue::S(part)) => text.contains(part.as_str()),
        (AttributeValue::B(bytes), AttributeValue::B(part)) => {
            part.is_empty() || bytes.windows(part.len()).any(|window| window == part)
        }
        (AttributeValue::Ss(set), AttributeValue::S(element)) => set.binary_search(element).is_ok(),
        (AttributeValue::Ns(set), AttributeValue::N(element)) => set.binary_search(element).is_ok(),
        (AttributeValue::Bs(set), AttributeValue::B(element)) => set.binary_search(element).is_ok(),
        (AttributeValue::L(list), element) => list.contains(element),
        _ => false,
    }
}
