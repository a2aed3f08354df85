//! Builds items and placeholders from the JSON of the wire.

use std::collections::BTreeMap;

use graticule_expr::{Condition, ExpressionKind, Placeholders, Projection, Update};
use graticule_model::{AttributeValue, Error, codec::item_from_value, value::Item};
use serde_json::Value;

/// An item from its JSON.
pub(crate) fn item(json: Value) -> Item {
    item_from_value(&json).unwrap()
}

/// Placeholders from `{"#x": "name", …, ":v": {"S": "…"}, …}`.
pub(crate) fn placeholders(json: &Value) -> Placeholders {
    let mut names = BTreeMap::new();
    let mut values = Item::new();
    for (token, meaning) in json.as_object().unwrap() {
        match meaning {
            Value::String(name) => {
                names.insert(token.clone(), name.clone());
            }
            value => {
                values.insert(
                    token.clone(),
                    graticule_model::codec::value_from_json(&value.to_string()).unwrap(),
                );
            }
        }
    }
    Placeholders::new(
        Some(names).filter(|names| !names.is_empty()),
        Some(values).filter(|values| !values.is_empty()),
    )
    .unwrap()
}

pub(crate) fn condition(text: &str, json: &Value) -> Result<Condition, Error> {
    Condition::parse(ExpressionKind::Condition, text, &mut placeholders(json))
}

pub(crate) fn projection(text: &str, json: &Value) -> Result<Projection, Error> {
    Projection::parse(text, &mut placeholders(json))
}

pub(crate) fn update(text: &str, json: &Value) -> Result<Update, Error> {
    Update::parse(text, &mut placeholders(json))
}

pub(crate) fn string(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}
