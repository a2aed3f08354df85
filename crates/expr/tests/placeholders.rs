//! ExpressionAttributeNames and ExpressionAttributeValues.

use std::collections::BTreeMap;

use graticule_expr::{Condition, ExpressionKind, Placeholders, Projection, Update};
use graticule_model::value::Item;
use serde_json::json;

use crate::support::{placeholders, string};

fn names(entries: &[(&str, &str)]) -> Option<BTreeMap<String, String>> {
    Some(entries.iter().map(|(token, name)| ((*token).to_owned(), (*name).to_owned())).collect())
}

fn values(tokens: &[&str]) -> Option<Item> {
    Some(tokens.iter().map(|token| ((*token).to_owned(), string("v"))).collect())
}

#[test]
fn malformed_maps() {
    let long = format!("#{}", "x".repeat(255));
    let long_value = format!(":{}", "x".repeat(255));
    let table = [
        (names(&[]), None, "ExpressionAttributeNames must not be empty"),
        (None, values(&[]), "ExpressionAttributeValues must not be empty"),
        (
            names(&[("x", "a")]),
            None,
            "ExpressionAttributeNames contains invalid key: Syntax error; key: \"x\"",
        ),
        (
            names(&[("#", "a")]),
            None,
            "ExpressionAttributeNames contains invalid key: Syntax error; key: \"#\"",
        ),
        (
            names(&[("#a-b", "a")]),
            None,
            "ExpressionAttributeNames contains invalid key: Syntax error; key: \"#a-b\"",
        ),
        (
            names(&[(":x", "a")]),
            None,
            "ExpressionAttributeNames contains invalid key: Syntax error; key: \":x\"",
        ),
        (None, values(&["v"]), "ExpressionAttributeValues contains invalid key: Syntax error; key: \"v\""),
        (None, values(&["#v"]), "ExpressionAttributeValues contains invalid key: Syntax error; key: \"#v\""),
        (
            names(&[("#a", "")]),
            None,
            "ExpressionAttributeNames contains invalid value: Empty attribute name for key #a",
        ),
        (
            names(&[(&long, "a")]),
            None,
            "ExpressionAttributeNames contains invalid key: The expression attribute map contains a key that is too long; size of key: 256",
        ),
        (
            None,
            values(&[&long_value]),
            "ExpressionAttributeValues contains invalid key: The expression attribute map contains a key that is too long; size of key: 256",
        ),
    ];
    for (names, values, expected) in table {
        assert_eq!(Placeholders::new(names, values).unwrap_err().to_string(), expected);
    }
    assert!(Placeholders::new(names(&[("#1_a", "a")]), values(&[":_"])).is_ok());
    assert!(Placeholders::new(None, None).unwrap().finish().is_ok());
}

#[test]
fn all_expressions_of_a_request_use_them() {
    let mut placeholders = placeholders(&json!({"#a": "a", "#b": "b", ":v": {"S": "v"}, ":w": {"S": "w"}}));
    let finish = |placeholders: &Placeholders| placeholders.finish().unwrap_err().to_string();
    assert_eq!(
        finish(&placeholders),
        "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a, #b}"
    );
    Projection::parse("#a", &mut placeholders).unwrap();
    assert_eq!(
        finish(&placeholders),
        "Value provided in ExpressionAttributeNames unused in expressions: keys: {#b}"
    );
    Condition::parse(ExpressionKind::Condition, "#b = :w", &mut placeholders).unwrap();
    assert_eq!(
        finish(&placeholders),
        "Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}"
    );
    Update::parse("SET c = :v", &mut placeholders).unwrap();
    assert!(placeholders.finish().is_ok());
}
