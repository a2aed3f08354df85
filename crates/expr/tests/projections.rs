//! Projections: the parts they keep.

use std::collections::BTreeSet;

use proptest::{prelude::*, sample::select};
use serde_json::{Map, Value, json};

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

/// One step of a path: into a map or into a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Name(&'static str),
    Index(usize),
}

fn documents() -> impl Strategy<Value = Value> {
    let leaf = (0..9u8).prop_map(|number| json!({"N": number.to_string()}));
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|list| json!({"L": list})),
            prop::collection::btree_map(select(&["j", "k"][..]), inner, 0..3)
                .prop_map(|map| json!({"M": map})),
        ]
    })
}

fn paths() -> impl Strategy<Value = BTreeSet<Vec<Step>>> {
    let step = prop_oneof![select(&["j", "k"][..]).prop_map(Step::Name), (0..4usize).prop_map(Step::Index)];
    let path = (select(&["a", "b"][..]), prop::collection::vec(step, 0..3))
        .prop_map(|(top, steps)| [vec![Step::Name(top)], steps].concat());
    prop::collection::btree_set(path, 1..6)
}

/// The parts of `value` to which the rest of one of the paths leads.
fn parts(value: &Value, paths: &[&[Step]]) -> Option<Value> {
    if paths.iter().any(|path| path.is_empty()) {
        return Some(value.clone());
    }
    let below = |step: &Step| -> Vec<&[Step]> {
        paths.iter().filter(|path| path[0] == *step).map(|path| &path[1..]).collect()
    };
    let first_steps: BTreeSet<&Step> = paths.iter().map(|path| &path[0]).collect();
    if let Some(list) = value.get("L").and_then(Value::as_array) {
        let elements = first_steps.iter().filter_map(|step| match step {
            Step::Index(index) => parts(list.get(*index)?, &below(step)),
            Step::Name(_) => None,
        });
        let elements: Vec<Value> = elements.collect();
        return (!elements.is_empty()).then(|| json!({"L": elements}));
    }
    let map = value.get("M")?;
    let mut members = Map::new();
    for step in first_steps {
        if let Step::Name(name) = step
            && let Some(member) = map.get(name).and_then(|member| parts(member, &below(step)))
        {
            members.insert((*name).to_owned(), member);
        }
    }
    (!members.is_empty()).then(|| json!({"M": members}))
}

fn text_of(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Name(name) if text.is_empty() => text.push_str(name),
            Step::Name(name) => text.push_str(&format!(".{name}")),
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the order of the paths, the parts stand in the order of the item.
    #[test]
    fn projections_show_what_a_plain_reading_shows(
        paths in paths().prop_map(Vec::from_iter).prop_shuffle(),
        stored in prop::collection::btree_map(select(&["a", "b", "c"][..]), documents(), 0..4),
    ) {
        let text = paths.iter().map(|path| text_of(path)).collect::<Vec<String>>().join(", ");
        match projection(&text, &json!({})) {
            Ok(projection) => {
                let paths: Vec<&[Step]> = paths.iter().map(Vec::as_slice).collect();
                let expected = parts(&json!({"M": stored}), &paths).map_or(json!({}), |parts| parts["M"].clone());
                prop_assert_eq!(projection.apply(&item(json!(stored))), item(expected), "{}", text);
            }
            Err(error) => prop_assert!(error.to_string().contains("Two document paths"), "{}: {}", text, error),
        }
    }
}
