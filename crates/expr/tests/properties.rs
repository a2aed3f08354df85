//! Properties that hold for any expression.

use graticule_expr::{KeySchemaRef, Placeholders, parse_key_condition};
use graticule_model::{KeyAttribute, KeyType, value::Item};
use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};

use crate::support::{condition, item, projection, update};

/// Pieces of which nonsense that nearly parses is made.
const PIECES: &[&str] = &[
    "a",
    "b",
    "c",
    "l",
    "m",
    "#n",
    "#x",
    ":v",
    ":s",
    ":l",
    ":ss",
    ":x",
    ".",
    "[0]",
    "[1]",
    "[5]",
    "[",
    "]",
    "(",
    ")",
    ",",
    "=",
    "<>",
    "<",
    "<=",
    ">",
    ">=",
    "+",
    "-",
    " AND ",
    " OR ",
    " NOT ",
    " IN ",
    " BETWEEN ",
    "SET ",
    "REMOVE ",
    "ADD ",
    "DELETE ",
    "size(",
    "contains(",
    "begins_with(",
    "attribute_exists(",
    "attribute_type(",
    "if_not_exists(",
    "list_append(",
    " ",
    "name",
    "é",
    "\"",
    "0",
    "17",
];

fn values() -> Value {
    json!({
        "#n": "n", ":v": {"N": "1"}, ":s": {"S": "S"}, ":l": {"L": [{"S": "x"}]}, ":ss": {"SS": ["a"]}
    })
}

fn stored() -> Item {
    item(json!({
        "a": {"N": "1"}, "b": {"S": "text"}, "l": {"L": [{"N": "1"}, {"L": []}]}, "m": {"M": {"a": {"SS": ["a"]}}}
    }))
}

/// Every parser takes any text, and whatever they make of it takes any item.
fn exercise(text: &str) {
    let attribute = |name: &str, kind| KeyAttribute { name: name.to_owned(), kind };
    let (partition, sort) = ([attribute("a", KeyType::N)], [attribute("b", KeyType::S)]);
    let schema = KeySchemaRef { partition: &partition, sort: &sort };
    for stored in [stored(), Item::new()] {
        if let Ok(condition) = condition(text, &values()) {
            condition.matches(&stored);
            assert!(condition.top_level_names().all(|name| !name.is_empty()));
        }
        if let Ok(projection) = projection(text, &values()) {
            let projected = projection.apply(&stored);
            assert!(projected.keys().all(|name| stored.contains_key(name)));
        }
        if let Ok(update) = update(text, &values())
            && let Ok(updated) = update.apply(&stored)
        {
            let touched: Vec<&str> = update.top_level_names().collect();
            for (name, value) in &stored {
                assert!(touched.contains(&name.as_str()) || updated.get(name) == Some(value), "{text}");
            }
            assert!(update.updated_attributes(&updated).keys().all(|name| touched.contains(&name.as_str())));
        }
    }
    let mut placeholders = crate::support::placeholders(&values());
    drop(parse_key_condition(text, schema, &mut placeholders));
    drop(parse_key_condition(text, schema, &mut Placeholders::default()));
}

/// A condition and what it says of an item, by construction.
fn logic() -> impl Strategy<Value = (String, bool)> {
    let leaf = any::<bool>().prop_map(|holds| (if holds { "a = :v" } else { "b = :v" }.to_owned(), holds));
    leaf.prop_recursive(4, 40, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|(text, holds)| (format!("NOT ({text})"), !holds)),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| joined(
                &parts,
                " AND ",
                |all, one| all && one
            )),
            prop::collection::vec(inner, 2..4)
                .prop_map(|parts| joined(&parts, " OR ", |all, one| all || one)),
        ]
    })
}

fn joined(parts: &[(String, bool)], operator: &str, combine: fn(bool, bool) -> bool) -> (String, bool) {
    let texts: Vec<String> = parts.iter().map(|(text, _)| format!("({text})")).collect();
    let holds = parts.iter().map(|(_, holds)| *holds).reduce(combine);
    (texts.join(operator), holds.unwrap_or_default())
}

/// Atoms joined without parentheses: each a value, whether it is negated, and whether OR follows.
fn flat() -> impl Strategy<Value = Vec<(bool, bool, bool)>> {
    prop::collection::vec(any::<(bool, bool, bool)>(), 1..12)
}

/// Actions that do not overlap, and a plain model of what they do.
fn sets_and_removes() -> impl Strategy<Value = Vec<Option<u8>>> {
    prop::collection::vec(prop::option::of(any::<u8>()), 8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_survived(text in any::<String>()) {
        exercise(&text);
    }

    #[test]
    fn near_expressions_are_survived(pieces in prop::collection::vec(select(PIECES), 0..30)) {
        exercise(&pieces.concat());
    }

    #[test]
    fn near_updates_are_survived(pieces in prop::collection::vec(select(PIECES), 0..12)) {
        exercise(&format!("SET c = {}", pieces.concat()));
        exercise(&format!("REMOVE {}", pieces.concat()));
    }

    #[test]
    fn grouped_logic_is_boolean_logic((text, holds) in logic()) {
        let parsed = condition(&text, &json!({":v": {"N": "1"}}));
        // Groups within groups may have been made redundant, or too many.
        if let Ok(parsed) = parsed {
            prop_assert_eq!(parsed.matches(&item(json!({"a": {"N": "1"}}))), holds, "{}", text);
        }
    }

    #[test]
    fn and_binds_tighter_than_or_and_not_tighter_than_both(atoms in flat()) {
        let mut text = String::new();
        let mut alternatives = vec![true];
        for (position, (value, negated, or_follows)) in atoms.iter().enumerate() {
            text.push_str(if *negated { "NOT " } else { "" });
            text.push_str(if *value { "a = :v" } else { "b = :v" });
            *alternatives.last_mut().unwrap() &= value ^ negated;
            if position + 1 < atoms.len() {
                text.push_str(if *or_follows { " OR " } else { " AND " });
                if *or_follows {
                    alternatives.push(true);
                }
            }
        }
        let matches = condition(&text, &json!({":v": {"N": "1"}})).unwrap().matches(&item(json!({"a": {"N": "1"}})));
        prop_assert_eq!(matches, alternatives.contains(&true), "{}", text);
    }

    #[test]
    fn list_edits_mean_old_positions(edits in sets_and_removes(), old_len in 0usize..10) {
        // Edit i: None leaves element i alone, an even number removes it, an odd one replaces or appends it.
        let name = |number: usize| json!({"S": format!("old{number}")});
        let old = item(json!({"l": {"L": (0..old_len).map(name).collect::<Vec<_>>()}}));
        let mut model: Vec<Option<String>> = (0..old_len).map(|number| Some(format!("old{number}"))).collect();
        let (mut sets, mut removes) = (Vec::new(), Vec::new());
        for (index, edit) in edits.iter().enumerate() {
            match edit {
                Some(byte) if byte % 2 == 1 => {
                    sets.push(format!("l[{index}] = :v"));
                    match model.get_mut(index).filter(|_| index < old_len) {
                        Some(element) => *element = Some("new".to_owned()),
                        None => model.push(Some("new".to_owned())),
                    }
                }
                Some(_) => {
                    removes.push(format!("l[{index}]"));
                    if index < old_len {
                        model[index] = None;
                    }
                }
                None => {}
            }
        }
        let section = |verb: &str, actions: &[String]| {
            if actions.is_empty() { String::new() } else { format!(" {verb} {}", actions.join(", ")) }
        };
        let text = section("REMOVE", &removes) + &section("SET", &sets);
        prop_assume!(!text.is_empty());
        let expected: Vec<Value> = model.into_iter().flatten().map(|text| json!({"S": text})).collect();
        let updated = update(&text, &json!({":v": {"S": "new"}})).unwrap().apply(&old).unwrap();
        prop_assert_eq!(updated, item(json!({"l": {"L": expected}})), "{}", text);
    }
}
