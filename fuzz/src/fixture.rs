//! What the expressions of all targets are read with and tried on.

use std::collections::BTreeMap;

use graticule_expr::Placeholders;
use graticule_model::{Item, codec::item_from_json};

/// Placeholders that the dictionary knows.
pub(crate) fn placeholders() -> Placeholders {
    let names = ["a", "b", "l", "m", "a.b", "size"];
    let names: BTreeMap<String, String> =
        names.iter().enumerate().map(|(number, name)| (format!("#{number}"), (*name).to_owned())).collect();
    let values = item_from_json(
        r#"{":n": {"N": "1"}, ":o": {"N": "2.50"}, ":s": {"S": "S"}, ":t": {"S": "a"}, ":b": {"B": "YQ=="},
            ":f": {"BOOL": false}, ":z": {"NULL": true}, ":u": {"SS": ["a", "b"]}, ":v": {"NS": ["1", "7"]},
            ":w": {"BS": ["YQ=="]}, ":l": {"L": [{"N": "1"}]}, ":m": {"M": {"a": {"N": "1"}}}}"#,
    );
    Placeholders::new(Some(names), Some(values.expect("an item"))).expect("placeholders")
}

/// Items of every kind of value, and one of none.
pub(crate) fn items() -> [Item; 3] {
    [
        r#"{}"#,
        r#"{"a": {"N": "1"}, "b": {"S": "abc"}, "l": {"L": [{"N": "1"}, {"L": []}, {"S": "a"}]},
            "m": {"M": {"a": {"SS": ["a"]}, "l": {"L": [{"N": "5"}]}}}, "a.b": {"BOOL": true}, "size": {"NULL": true}}"#,
        r#"{"a": {"S": "a"}, "b": {"B": "YWJj"}, "l": {"NS": ["1", "2"]}, "m": {"L": [{"M": {"a": {"N": "2.5"}}}]}}"#,
    ]
    .map(|json| item_from_json(json).expect("an item"))
}
