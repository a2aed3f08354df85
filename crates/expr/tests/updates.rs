//! Updates: what becomes of items.

use graticule_model::{Error, value::Item};
use serde_json::{Value, json};

use crate::support::{item, update};

fn stored() -> Value {
    json!({
        "pk": {"S": "p"},
        "n": {"N": "10"},
        "s": {"S": "text"},
        "l": {"L": [{"S": "0"}, {"S": "1"}, {"S": "2"}]},
        "m": {"M": {"a": {"N": "1"}, "b": {"M": {}}}},
        "ss": {"SS": ["a", "b"]},
        "ns": {"NS": ["1", "2"]},
        "bs": {"BS": ["AQ=="]}
    })
}

fn values() -> Value {
    json!({
        ":one": {"N": "1"}, ":two": {"N": "2"}, ":half": {"N": "0.5"}, ":x": {"S": "x"}, ":y": {"S": "y"}, ":z": {"S": "z"},
        ":list": {"L": [{"S": "x"}]}, ":none": {"L": []}, ":map": {"M": {"k": {"S": "v"}}},
        ":bc": {"SS": ["b", "c"]}, ":ab": {"SS": ["b", "a"]}, ":ns": {"NS": ["2.0", "3"]}, ":bs": {"BS": ["AQ==", "Ag=="]},
        ":big": {"N": "9E125"}, ":minus": {"N": "-3"}
    })
}

fn apply(text: &str) -> Result<Item, Error> {
    update(text, &values()).unwrap_or_else(|error| panic!("{text}: {error}")).apply(&item(stored()))
}

/// Each row: expression, and the attributes that differ afterwards (null: gone).
fn check(table: &[(&str, Value)]) {
    for (text, changes) in table {
        let mut expected = stored();
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                expected.as_object_mut().unwrap().remove(name);
            } else {
                expected[name] = value.clone();
            }
        }
        assert_eq!(apply(text).unwrap_or_else(|error| panic!("{text}: {error}")), item(expected), "{text}");
    }
}

#[test]
fn set() {
    check(&[
        ("SET a = :x", json!({"a": {"S": "x"}})),
        ("set n = :x", json!({"n": {"S": "x"}})),
        ("SET a = n", json!({"a": {"N": "10"}})),
        ("SET a = m.a, m.a = n", json!({"a": {"N": "1"}, "m": {"M": {"a": {"N": "10"}, "b": {"M": {}}}}})),
        ("SET s = n, n = s", json!({"s": {"N": "10"}, "n": {"S": "text"}})),
        ("SET n = n + :one", json!({"n": {"N": "11"}})),
        ("SET n = n - :half", json!({"n": {"N": "9.5"}})),
        ("SET n = (:one - n)", json!({"n": {"N": "-9"}})),
        ("SET a = n + m.a", json!({"a": {"N": "11"}})),
        ("SET m.b.c = :x", json!({"m": {"M": {"a": {"N": "1"}, "b": {"M": {"c": {"S": "x"}}}}}})),
        ("SET a = :map", json!({"a": {"M": {"k": {"S": "v"}}}})),
        ("SET a = if_not_exists(n, :one)", json!({"a": {"N": "10"}})),
        ("SET a = if_not_exists(nowhere, :one)", json!({"a": {"N": "1"}})),
        ("SET a = if_not_exists(nowhere, s)", json!({"a": {"S": "text"}})),
        ("SET a = if_not_exists(s, nowhere)", json!({"a": {"S": "text"}})),
        ("SET hits = if_not_exists(hits, :one) + :two", json!({"hits": {"N": "3"}})),
        ("SET a = if_not_exists(x, if_not_exists(y, n))", json!({"a": {"N": "10"}})),
    ]);
}

#[test]
fn set_in_lists() {
    let list = |elements: &[&str]| {
        let elements: Vec<Value> = elements.iter().map(|text| json!({"S": text})).collect();
        json!({"L": elements})
    };
    check(&[
        ("SET l[1] = :x", json!({"l": list(&["0", "x", "2"])})),
        ("SET l[3] = :x", json!({"l": list(&["0", "1", "2", "x"])})),
        ("SET l[30] = :x", json!({"l": list(&["0", "1", "2", "x"])})),
        ("SET l[9] = :x, l[5] = :y, l[7] = :z", json!({"l": list(&["0", "1", "2", "y", "z", "x"])})),
        ("SET l = list_append(l, :list)", json!({"l": list(&["0", "1", "2", "x"])})),
        ("SET l = list_append(:list, l)", json!({"l": list(&["x", "0", "1", "2"])})),
        ("SET l = list_append(l, l)", json!({"l": list(&["0", "1", "2", "0", "1", "2"])})),
        ("SET a = list_append(if_not_exists(a, :none), :list)", json!({"a": list(&["x"])})),
        ("SET l[0] = l[2], l[2] = l[0]", json!({"l": list(&["2", "1", "0"])})),
    ]);
}

#[test]
fn remove() {
    let list = |elements: &[&str]| {
        let elements: Vec<Value> = elements.iter().map(|text| json!({"S": text})).collect();
        json!({"L": elements})
    };
    check(&[
        ("REMOVE n", json!({"n": null})),
        ("REMOVE n, s, nowhere", json!({"n": null, "s": null})),
        ("REMOVE m.a, m.c", json!({"m": {"M": {"b": {"M": {}}}}})),
        ("REMOVE l[0]", json!({"l": list(&["1", "2"])})),
        ("REMOVE l[0], l[1]", json!({"l": list(&["2"])})),
        ("REMOVE l[2], l[0], l[9]", json!({"l": list(&["1"])})),
        ("REMOVE l[0], l[1], l[2]", json!({"l": list(&[])})),
        ("REMOVE l[0] SET l[2] = :x", json!({"l": list(&["1", "x"])})),
        ("REMOVE l[0] SET l[9] = :x", json!({"l": list(&["1", "2", "x"])})),
        // Nothing was at 3, so the appended element stays.
        ("REMOVE l[3] SET l[9] = :x", json!({"l": list(&["0", "1", "2", "x"])})),
        ("REMOVE s SET a = s", json!({"s": null, "a": {"S": "text"}})),
    ]);
}

#[test]
fn add_and_delete() {
    check(&[
        ("ADD n :minus", json!({"n": {"N": "7"}})),
        ("ADD hits :one", json!({"hits": {"N": "1"}})),
        ("ADD m.a :one, m.c :two", json!({"m": {"M": {"a": {"N": "2"}, "b": {"M": {}}, "c": {"N": "2"}}}})),
        ("ADD ss :bc", json!({"ss": {"SS": ["a", "b", "c"]}})),
        ("ADD ns :ns", json!({"ns": {"NS": ["1", "2", "3"]}})),
        ("ADD bs :bs", json!({"bs": {"BS": ["AQ==", "Ag=="]}})),
        ("ADD tags :bc", json!({"tags": {"SS": ["b", "c"]}})),
        ("DELETE ss :bc", json!({"ss": {"SS": ["a"]}})),
        ("DELETE ss :ab", json!({"ss": null})),
        ("DELETE ns :ns", json!({"ns": {"NS": ["1"]}})),
        ("DELETE bs :bs", json!({"bs": null})),
        ("DELETE nowhere :bc", json!({})),
        (
            "delete ss :bc add n :one remove s set a = :x",
            json!({"ss": {"SS": ["a"]}, "n": {"N": "11"}, "s": null, "a": {"S": "x"}}),
        ),
    ]);
}

#[test]
fn refused() {
    let missing = "The provided expression refers to an attribute that does not exist in the item";
    let bad_path = "The document path provided in the update expression is invalid for update";
    let bad_type = "An operand in the update expression has an incorrect data type";
    let table = [
        ("SET a = nowhere", missing),
        ("SET a = nowhere + :one", missing),
        ("SET a = l[9]", missing),
        ("SET a = list_append(nowhere, :list)", missing),
        ("SET a = if_not_exists(nowhere, nothere)", missing),
        ("SET nowhere.a = :x", bad_path),
        ("SET m.nowhere.a = :x", bad_path),
        ("SET l.a = :x", bad_path),
        ("SET m[0] = :x", bad_path),
        ("SET s.a = :x", bad_path),
        ("SET l[9].a = :x", bad_path),
        ("REMOVE nowhere.a", bad_path),
        ("REMOVE m[0]", bad_path),
        ("ADD nowhere.a :one", bad_path),
        ("DELETE nowhere.a :bc", bad_path),
        ("SET a = s + :one", bad_type),
        ("SET a = list_append(n, :list)", bad_type),
        ("SET a = if_not_exists(s, :one) + :one", bad_type),
        ("ADD s :one", bad_type),
        ("ADD ns :bc", bad_type),
        ("ADD n :bc", bad_type),
        ("DELETE ns :bc", bad_type),
        ("DELETE n :bc", bad_type),
        (
            "SET a = :big + :big",
            "Number overflow. Attempting to store a number with magnitude larger than supported range",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(apply(text).expect_err(text).to_string(), expected, "{text}");
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |levels: usize| (0..levels).fold(json!({"S": "x"}), |inner, _| json!({"L": [inner]}));
    let set = |text: &str, levels: usize| {
        update(text, &json!({":v": nested(levels)})).unwrap().apply(&item(stored())).map(drop)
    };
    assert_eq!(set("SET a = :v", 31), Ok(()));
    assert_eq!(set("SET m.b.c = :v", 29), Ok(()));
    assert_eq!(set("SET m.b.c = :v", 30), Err(Error::NestingTooDeep));
}

#[test]
fn an_item_that_does_not_exist_yet() {
    let key = item(json!({"pk": {"S": "p"}}));
    let update = update("SET a = :x ADD n :one DELETE ss :bc REMOVE b", &values()).unwrap();
    let created = update.apply(&key).unwrap();
    assert_eq!(created, item(json!({"pk": {"S": "p"}, "a": {"S": "x"}, "n": {"N": "1"}})));
}

#[test]
fn updated_attributes() {
    let old = item(stored());
    let table = [
        ("SET n = :one", json!({"n": {"N": "10"}}), json!({"n": {"N": "1"}})),
        ("SET a = :one", json!({}), json!({"a": {"N": "1"}})),
        ("REMOVE n", json!({"n": {"N": "10"}}), json!({})),
        ("SET m.a = :two", json!({"m": {"M": {"a": {"N": "1"}}}}), json!({"m": {"M": {"a": {"N": "2"}}}})),
        (
            "SET l[2] = :x, l[0] = :y",
            json!({"l": {"L": [{"S": "0"}, {"S": "2"}]}}),
            json!({"l": {"L": [{"S": "y"}, {"S": "x"}]}}),
        ),
        ("DELETE ss :ab", json!({"ss": {"SS": ["a", "b"]}}), json!({})),
        ("DELETE ss :bc", json!({"ss": {"SS": ["a", "b"]}}), json!({"ss": {"SS": ["a"]}})),
        // What has moved into the place of a removed element is not new.
        ("REMOVE l[0]", json!({"l": {"L": [{"S": "0"}]}}), json!({})),
        (
            "REMOVE l[0], m.b SET m.a = :x",
            json!({"l": {"L": [{"S": "0"}]}, "m": {"M": {"a": {"N": "1"}, "b": {"M": {}}}}}),
            json!({"m": {"M": {"a": {"S": "x"}}}}),
        ),
        // An element that was appended does not stand where the expression put it.
        ("SET l[9] = :x", json!({}), json!({})),
    ];
    for (text, expected_old, expected_new) in table {
        let update = update(text, &values()).unwrap();
        let new = update.apply(&old).unwrap();
        assert_eq!(update.updated_attributes(&old), item(expected_old), "{text}: old");
        assert_eq!(update.new_attributes(&new), item(expected_new), "{text}: new");
    }
}

#[test]
fn names_of_attributes_touched() {
    let update = update("SET m.a = n, b = :x REMOVE l[0] ADD c :one DELETE d :bc", &values()).unwrap();
    assert_eq!(update.top_level_names().collect::<Vec<_>>(), ["b", "c", "d", "l", "m"]);
}
