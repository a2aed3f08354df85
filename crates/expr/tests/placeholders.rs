//! ExpressionAttributeNames and ExpressionAttributeValues.

use std::collections::BTreeMap;

use graticule_expr::{Condition, ExpressionKind, Placeholders, Projection, Update};
use graticule_model::{AttributeValue, Error, value::Item};
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

/// What is wrong with a key counts before what is wrong with a value, and length before syntax.
#[test]
fn values_that_are_none() {
    let read = |entries: Vec<(&str, Result<AttributeValue, Error>)>| {
        let entries = entries.into_iter().map(|(token, value)| (token.to_owned(), value)).collect();
        Placeholders::read(None, Some(entries)).map(drop)
    };
    let message = |entries| read(entries).unwrap_err().to_string();
    assert_eq!(
        message(vec![(":a", Ok(string("x"))), (":b", Err(Error::ValueEmpty))]),
        "ExpressionAttributeValues contains invalid value: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes for key :b"
    );
    assert_eq!(
        message(vec![(":a", Err(Error::NumberInvalid("x".into()))), ("b", Ok(string("x")))]),
        "ExpressionAttributeValues contains invalid key: Syntax error; key: \"b\""
    );
    assert_eq!(
        message(vec![(&"b".repeat(300), Ok(string("x")))]),
        "ExpressionAttributeValues contains invalid key: The expression attribute map contains a key that is too long; size of key: 300"
    );
    assert_eq!(read(vec![(":a", Err(Error::NestingTooDeep))]), Err(Error::NestingTooDeep));
}

// limit: EXPRESSION_VARIABLES_BYTES_MAX
#[test]
fn names_and_values_are_bounded() {
    let long = |length: usize| Some([("#a".to_owned(), "n".repeat(length))].into());
    assert!(Placeholders::new(long(65_535), None).is_ok());
    assert_eq!(Placeholders::new(long(65_536), None).unwrap_err(), Error::AttributeNameTooLong);
    let large = |length: usize| Some([(":v".to_owned(), string(&"x".repeat(length)))].into());
    assert!(Placeholders::new(None, large(2 * 1024 * 1024 - 2)).is_ok());
    assert_eq!(
        Placeholders::new(None, large(2 * 1024 * 1024 - 1)).unwrap_err().to_string(),
        "ExpressionAttributeValues exceeds max size"
    );
    let many = (0..33).map(|number| (format!("#n{number:02}"), "n".repeat(65_000))).collect();
    assert_eq!(
        Placeholders::new(Some(many), None).unwrap_err().to_string(),
        "ExpressionAttributeNames exceeds max size"
    );
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
