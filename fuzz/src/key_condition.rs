//! Key conditions: what is taken fits the key and says what the same text says as a filter.

use std::slice;

use graticule_expr::{
    Condition, ExpressionKind, KeyCondition, KeySchemaRef, SortCondition, parse_key_condition,
};
use graticule_model::{AttributeValue, Item, KeyAttribute, KeyType};

use crate::fixture::{items, placeholders};

/// On keys of one and of several attributes.
pub fn check(text: &str) {
    let attribute = |name: &str, kind| KeyAttribute { name: name.to_owned(), kind };
    let (a, b) = (attribute("a", KeyType::N), attribute("b", KeyType::S));
    check_with(text, slice::from_ref(&a), slice::from_ref(&b));
    check_with(text, slice::from_ref(&a), &[]);
    check_with(text, &[b, a], &[attribute("l", KeyType::S), attribute("m", KeyType::B)]);
}

fn check_with(text: &str, partition: &[KeyAttribute], sort: &[KeyAttribute]) {
    let schema = KeySchemaRef { partition, sort };
    let Ok(key) = parse_key_condition(text, schema, &mut placeholders()) else { return };
    assert_eq!(key.partition.len(), partition.len());
    assert!(key.sort.len() <= sort.len());
    let filter =
        Condition::parse(ExpressionKind::Filter, text, &mut placeholders()).expect("a condition as well");
    for item in items() {
        assert_eq!(filter.matches(&item), meets(&key, &item), "{text}");
    }
}

/// Whether an item has a key of the range.
pub(crate) fn meets(key: &KeyCondition, item: &Item) -> bool {
    key.partition.iter().all(|(name, value)| item.get(name) == Some(value))
        && key.sort.iter().all(|(name, test)| item.get(name).is_some_and(|value| holds(test, value)))
}

fn holds(test: &SortCondition, value: &AttributeValue) -> bool {
    let compared = |other: &AttributeValue| value.compare(other);
    match test {
        SortCondition::Equal(other) => value == other,
        SortCondition::Less(other) => compared(other).is_some_and(|order| order.is_lt()),
        SortCondition::LessOrEqual(other) => compared(other).is_some_and(|order| order.is_le()),
        SortCondition::Greater(other) => compared(other).is_some_and(|order| order.is_gt()),
        SortCondition::GreaterOrEqual(other) => compared(other).is_some_and(|order| order.is_ge()),
        SortCondition::Between(lower, upper) => {
            compared(lower).is_some_and(|order| order.is_ge())
                && compared(upper).is_some_and(|order| order.is_le())
        }
        SortCondition::BeginsWith(prefix) => match (value, prefix) {
            (AttributeValue::S(text), AttributeValue::S(prefix)) => text.starts_with(prefix.as_str()),
            (AttributeValue::B(bytes), AttributeValue::B(prefix)) => bytes.starts_with(prefix),
            _ => false,
        },
    }
}
