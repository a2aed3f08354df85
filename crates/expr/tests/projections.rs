//! Projections: the parts they keep.

use serde_json::{Value, json};

use crate::support::{item, projection};

#[test]
fn parts_of_an_item() {
    let stored = json!({
        "a": {"S": "x"},
        "b": {"N": "1"},
        "l": {"L": [{"S": "0"}, {"S": "1"}, {"M": {"k": {"S": "v"}, "j": {"S": "w"}}}, {"L": [{"S": "30"}, {"S": "31"}]}]},
        "m": {"M": {"x": {"M": {"y": {"N": "5"}, "z": {"N": "6"}}}, "w": {"NULL": true}}},
        "a.b": {"S": "dotted"}
    });
    let table: Vec<(&str, Value)> = vec![
        ("a", json!({"a": {"S": "x"}})),
        ("a, b", json!({"a": {"S": "x"}, "b": {"N": "1"}})),
        ("nowhere", json!({})),
        ("a, nowhere, m.nowhere, l[9], b.c", json!({"a": {"S": "x"}})),
        ("#dotted", json!({"a.b": {"S": "dotted"}})),
        ("m.x.y", json!({"m": {"M": {"x": {"M": {"y": {"N": "5"}}}}}})),
        ("m.x.y, m.w", json!({"m": {"M": {"x": {"M": {"y": {"N": "5"}}}, "w": {"NULL": true}}}})),
        ("l[1]", json!({"l": {"L": [{"S": "1"}]}})),
        ("l[3][1], l[0]", json!({"l": {"L": [{"S": "0"}, {"L": [{"S": "31"}]}]}})),
        ("l[2].k, l[1]", json!({"l": {"L": [{"S": "1"}, {"M": {"k": {"S": "v"}}}]}})),
        ("l[7], l[2].nowhere", json!({})),
        ("m[0]", json!({})),
    ];
    for (text, expected) in table {
        let names = if text.contains('#') { json!({"#dotted": "a.b"}) } else { json!({}) };
        let projected = projection(text, &names).unwrap().apply(&item(stored.clone()));
        assert_eq!(projected, item(expected), "{text}");
    }
}

#[test]
fn names_of_attributes() {
    let projection = projection("c[1], a.x, b, c[0]", &json!({})).unwrap();
    assert_eq!(projection.top_level_names().collect::<Vec<_>>(), ["a", "b", "c"]);
}
