//! Conditions: which items meet them.

use serde_json::{Value, json};

use crate::support::{condition, item};

fn stored() -> Value {
    json!({
        "pk": {"S": "p"},
        "n": {"N": "10"},
        "m": {"N": "20"},
        "s": {"S": "hello"},
        "uni": {"S": "é𝄞"},
        "blank": {"S": ""},
        "b": {"B": "AQIDBA=="},
        "yes": {"BOOL": true},
        "nil": {"NULL": true},
        "ss": {"SS": ["a", "b"]},
        "ns": {"NS": ["1", "2.50", "3"]},
        "bs": {"BS": ["AQ==", "Ag=="]},
        "l": {"L": [{"S": "x"}, {"N": "1.0"}, {"L": [{"S": "deep"}]}, {"M": {"k": {"S": "v"}}}]},
        "tree": {"M": {"a": {"M": {"b": {"N": "5"}}}, "with.dot": {"S": "dot"}}},
        "ten": {"N": "10.0"}
    })
}

fn values() -> Value {
    json!({
        "#dot": "with.dot", "#n": "n", "#name": "name",
        ":five": {"N": "5"}, ":ten": {"N": "10"}, ":twenty": {"N": "20"}, ":one": {"N": "1"},
        ":two_and_half": {"N": "2.5"}, ":two": {"N": "2"}, ":three": {"N": "3"}, ":four": {"N": "4"},
        ":zero": {"N": "0"}, ":ten_text": {"S": "10"},
        ":hello": {"S": "hello"}, ":he": {"S": "he"}, ":ell": {"S": "ell"}, ":x": {"S": "x"}, ":a": {"S": "a"},
        ":c": {"S": "c"}, ":dot": {"S": "dot"}, ":nothing": {"S": ""}, ":upper": {"S": "Hello"},
        ":b12": {"B": "AQI="}, ":b23": {"B": "AgM="}, ":b1": {"B": "AQ=="}, ":b9": {"B": "CQ=="},
        ":true": {"BOOL": true}, ":false": {"BOOL": false}, ":null": {"NULL": true},
        ":ss": {"SS": ["b", "a"]}, ":inner": {"L": [{"S": "deep"}]}, ":list": {"L": [{"N": "10"}, {"S": "p"}]},
        ":S": {"S": "S"}, ":N": {"S": "N"}, ":L": {"S": "L"}, ":M": {"S": "M"}, ":BOOL": {"S": "BOOL"},
        ":NULL": {"S": "NULL"}, ":SS": {"S": "SS"}, ":B": {"S": "B"}
    })
}

/// Every condition must give the same with itself negated twice, and the opposite negated once.
fn check(table: &[(&str, bool)]) {
    let stored = item(stored());
    for (text, expected) in table {
        let matches = |text: &str| {
            condition(text, &values()).unwrap_or_else(|error| panic!("{text}: {error}")).matches(&stored)
        };
        assert_eq!(matches(text), *expected, "{text}");
        assert_eq!(matches(&format!("NOT ({text})")), !*expected, "NOT ({text})");
        assert_eq!(matches(&format!("NOT NOT ({text})")), *expected, "NOT NOT ({text})");
    }
}

#[test]
fn comparisons() {
    check(&[
        ("n = :ten", true),
        ("n = ten", true),
        ("n <> ten", false),
        ("n < m", true),
        ("n < :ten", false),
        ("n <= :ten", true),
        ("n > :five", true),
        ("m >= :twenty", true),
        (":five < n", true),
        (":five < :ten", true),
        ("#n = :ten", true),
        ("s = :hello", true),
        ("s = :upper", false),
        ("s > :upper", true),
        ("b > :b12", true),
        ("yes = :true", true),
        ("yes <> :false", true),
        ("nil = :null", true),
        ("ss = :ss", true),
        ("l[2] = :inner", true),
        ("(n) = (:ten)", true),
        ("blank = :nothing", true),
        ("blank < :a", true),
    ]);
}

#[test]
fn types_do_not_mix() {
    check(&[
        ("n = :ten_text", false),
        ("n <> :ten_text", true),
        ("n < :ten_text", false),
        ("n > :ten_text", false),
        ("s < b", false),
        ("ss < l", false),
        ("yes < nil", false),
        ("n BETWEEN :a AND :c", false),
        ("n IN (:ten_text, :true)", false),
    ]);
}

#[test]
fn missing_attributes() {
    check(&[
        ("nowhere = :ten", false),
        ("nowhere <> :ten", true),
        ("nowhere < :ten", false),
        ("nowhere >= :ten", false),
        ("nowhere = nothere", false),
        ("nowhere <> nothere", true),
        ("nowhere BETWEEN :five AND :ten", false),
        ("n BETWEEN nowhere AND :twenty", false),
        ("nowhere IN (:five, nothere)", false),
        ("n IN (nowhere, :ten)", true),
        ("begins_with(nowhere, :he)", false),
        ("contains(nowhere, :he)", false),
        ("contains(ss, nowhere)", false),
        ("attribute_type(nowhere, :S)", false),
        ("size(nowhere) = :zero", false),
        ("size(nowhere) <> :zero", true),
        ("size(n) = :two", false),
        ("#name = :x", false),
    ]);
}

#[test]
fn between_and_in() {
    check(&[
        ("n BETWEEN :five AND :twenty", true),
        ("n between :ten and :ten", true),
        ("n BETWEEN :five AND :five", false),
        (":ten BETWEEN n AND m", true),
        ("s BETWEEN :he AND :x", true),
        ("n BETWEEN :five AND :twenty AND s = :hello", true),
        ("n IN (:ten)", true),
        ("n in (:five, :twenty)", false),
        (":ten IN (m, n)", true),
        ("yes IN (:false, :true)", true),
        ("l[2] IN (:inner)", true),
        ("size(ss) IN (:two)", true),
    ]);
}

#[test]
fn functions() {
    check(&[
        ("attribute_exists(n)", true),
        ("attribute_exists(nil)", true),
        ("attribute_exists(tree.a.b)", true),
        ("attribute_exists(tree.a.c)", false),
        ("attribute_exists(tree.a[0])", false),
        ("attribute_exists(l[3].k)", true),
        ("attribute_exists(l[4])", false),
        ("attribute_not_exists(nowhere)", true),
        ("attribute_not_exists(n)", false),
        ("attribute_type(n, :N)", true),
        ("attribute_type(s, :N)", false),
        ("attribute_type(l, :L)", true),
        ("attribute_type(tree.a, :M)", true),
        ("attribute_type(yes, :BOOL)", true),
        ("attribute_type(nil, :NULL)", true),
        ("attribute_type(ss, :SS)", true),
        ("attribute_type(b, :B)", true),
        ("attribute_type(s, :S)", true),
        ("begins_with(s, :he)", true),
        ("begins_with(s, :ell)", false),
        ("begins_with(s, :nothing)", true),
        ("begins_with(:hello, :he)", true),
        ("begins_with(b, :b12)", true),
        ("begins_with(b, :b23)", false),
        ("begins_with(n, :he)", false),
        ("contains(s, :ell)", true),
        ("contains(s, :x)", false),
        ("contains(b, :b23)", true),
        ("contains(b, :b9)", false),
        ("contains(ss, :a)", true),
        ("contains(ss, :c)", false),
        ("contains(ns, :two_and_half)", true),
        ("contains(bs, :b1)", true),
        ("contains(bs, :b12)", false),
        ("contains(l, :x)", true),
        ("contains(l, :one)", true),
        ("contains(l, :inner)", true),
        ("contains(l, :c)", false),
        ("contains(:list, n)", true),
        ("contains(:list, pk)", true),
        ("contains(n, :one)", false),
    ]);
}

#[test]
fn sizes() {
    check(&[
        ("size(s) = :five", true),
        // One unit for é, two for the clef: UTF-16, not bytes and not characters.
        ("size(uni) = :three", true),
        ("size(blank) = :zero", true),
        ("size(b) = :four", true),
        ("size(ss) = :two", true),
        ("size(ns) = :three", true),
        ("size(l) >= :four", true),
        ("size(tree) = :two", true),
        ("size(tree.a) = :one", true),
        ("size(ss) < size(ns)", true),
        ("(size(s)) > :four", true),
        ("n > size(s)", true),
        ("size(s) BETWEEN :four AND :five", true),
    ]);
}

#[test]
fn paths() {
    check(&[
        ("tree.a.b = :five", true),
        ("tree.#dot = :dot", true),
        ("l[0] = :x", true),
        ("l[1] = :one", true),
        ("l[2][0] = :x", false),
        ("l [ 0 ] = :x", true),
        ("tree . a . b = :five", true),
        ("s.a = :x", false),
        ("s[0] = :x", false),
    ]);
}

#[test]
fn logic_and_precedence() {
    let (yes, no) = ("n = :ten", "n = :five");
    let table: Vec<(String, bool)> = vec![
        (format!("{yes} AND {yes}"), true),
        (format!("{yes} and {no}"), false),
        (format!("{no} OR {yes}"), true),
        (format!("{yes} OR {no} AND {no}"), true),
        (format!("({yes} OR {no}) AND {no}"), false),
        (format!("NOT {no} AND {yes}"), true),
        (format!("NOT {yes} OR {yes}"), true),
        (format!("NOT {no} AND {no}"), false),
        (format!("not ({yes} and {no})"), true),
        (format!("{no} OR {no} OR {no} OR {yes}"), true),
        (format!("{yes} AND NOT ({no} OR NOT ({yes}))"), true),
    ];
    let table: Vec<(&str, bool)> = table.iter().map(|(text, expected)| (text.as_str(), *expected)).collect();
    check(&table);
}

#[test]
fn a_missing_item_is_an_empty_one() {
    for (text, expected) in [
        ("attribute_not_exists(pk)", true),
        ("attribute_exists(pk)", false),
        ("pk <> :x", true),
        ("pk = :x", false),
    ] {
        let condition = condition(text, &values()).unwrap();
        assert_eq!(condition.matches(&item(json!({}))), expected, "{text}");
    }
}

#[test]
fn names_of_attributes_looked_at() {
    let condition =
        condition("a.b = :x AND (size(c) > :one OR NOT contains(d[0], e)) AND #n IN (:one, f)", &values());
    let condition = condition.unwrap();
    assert_eq!(condition.top_level_names().collect::<Vec<_>>(), ["a", "c", "d", "e", "f", "n"]);
    assert!(condition.refuse_key_attributes(["pk", "sk"]).is_ok());
    assert_eq!(
        condition.refuse_key_attributes(["pk", "f"]).unwrap_err().to_string(),
        "Filter Expression can only contain non-primary key attributes: Primary key attribute: f"
    );
}
