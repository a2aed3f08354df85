//! PartiQL: what is taken reads the same items however much of it is done by key.

use graticule_expr::{
    Condition, KeySchemaRef,
    partiql::{Select, Statement},
};
use graticule_model::{AttributeValue, Item, KeyAttribute, KeyType, codec::value_from_json};

use crate::{fixture::items, key_condition::meets};

/// Whether a SELECT shows an item does not depend on what is the key of the table.
pub fn check(text: &str) {
    let parameters = ["1", "2.50"].map(|number| AttributeValue::N(number.parse().expect("a number")));
    let strings = [r#"{"S":"abc"}"#, r#"{"SS":["a"]}"#].map(|json| value_from_json(json).expect("a value"));
    let marks = text.matches('?').count();
    let parameters: Vec<AttributeValue> =
        parameters.iter().chain(&strings).cycle().take(marks).cloned().collect();
    let Ok(statement) = Statement::parse(text, &parameters) else { return };
    let (a, b) = (attribute("a", KeyType::N), attribute("b", KeyType::S));
    let keys: [(&[KeyAttribute], &[KeyAttribute]); 3] = [
        (std::slice::from_ref(&a), &[]),
        (std::slice::from_ref(&a), std::slice::from_ref(&b)),
        (&[b.clone(), a.clone()], &[]),
    ];
    for (partition, sort) in keys {
        let schema = KeySchemaRef { partition, sort };
        match &statement {
            Statement::Select(select) | Statement::Exists(select) => check_select(text, select, schema),
            Statement::Insert(insert) => assert!(!insert.condition(schema).matches(&items()[1])),
            Statement::Update(change) | Statement::Delete(change) => {
                if let Ok((key, condition)) = change.key(schema) {
                    assert_eq!(key.len(), partition.len() + sort.len());
                    for item in items() {
                        condition.as_ref().map(|condition| condition.matches(&item));
                        change.update.as_ref().map(|update| update.apply(&item));
                    }
                }
            }
        }
    }
}

fn attribute(name: &str, kind: KeyType) -> KeyAttribute {
    KeyAttribute { name: name.to_owned(), kind }
}

fn check_select(text: &str, select: &Select, schema: KeySchemaRef<'_>) {
    // No statement of the dictionary names this attribute, so nothing is done by key.
    let other = [attribute("no-key", KeyType::S)];
    let whole = select.plan(KeySchemaRef { partition: &other, sort: &[] });
    let item = &items()[1];
    let expected = match whole {
        Ok(plan) if plan.ranges.is_none() => holds(plan.filter.as_ref(), item),
        _ => return,
    };
    if let Ok(plan) = select.plan(schema) {
        let in_range =
            plan.ranges.as_ref().map_or(1, |ranges| ranges.iter().filter(|range| meets(range, item)).count());
        assert!(in_range <= 1, "{text} shows an item {in_range} times");
        assert_eq!(in_range == 1 && holds(plan.filter.as_ref(), item), expected, "{text}");
    }
    if let Ok(Some((key, rest))) = select.key(schema) {
        let is_key = key.iter().all(|(name, value)| item.get(name) == Some(value));
        assert_eq!(is_key && holds(rest.as_ref(), item), expected, "{text}");
    }
}

fn holds(condition: Option<&Condition>, item: &Item) -> bool {
    condition.is_none_or(|condition| condition.matches(item))
}
