//! The JSON codec, held against serde_json.

use graticule_model::{
    AttributeValue, Error, Item,
    codec::{item_from_json, item_to_json, item_to_value, stored_item_from_json, value_from_json},
};
use proptest::prelude::*;

fn any_value() -> impl Strategy<Value = AttributeValue> {
    let leaf = prop_oneof![
        any::<String>().prop_map(AttributeValue::S),
        any::<i64>().prop_map(|number| AttributeValue::N(number.into())),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(AttributeValue::B),
        any::<bool>().prop_map(AttributeValue::Bool),
        Just(AttributeValue::Null),
        prop::collection::btree_set(any::<String>(), 1..5)
            .prop_map(|set| AttributeValue::string_set(set.into_iter().collect()).unwrap()),
        prop::collection::btree_set(any::<i64>(), 1..5)
            .prop_map(|set| AttributeValue::number_set(set.into_iter().map(Into::into).collect()).unwrap()),
        prop::collection::btree_set(prop::collection::vec(any::<u8>(), 0..9), 1..5)
            .prop_map(|set| AttributeValue::binary_set(set.into_iter().collect()).unwrap()),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(AttributeValue::L),
            prop::collection::btree_map(any::<String>(), inner, 0..6).prop_map(AttributeValue::M),
        ]
    })
}

fn any_item() -> impl Strategy<Value = Item> {
    prop::collection::btree_map(any::<String>(), any_value(), 0..8)
}

fn text(item: &Item) -> String {
    String::from_utf8(item_to_json(item)).unwrap()
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(item in any_item()) {
        prop_assert_eq!(item_from_json(&text(&item)).unwrap(), item);
    }

    /// serde_json escapes other characters and puts blanks elsewhere; the item is the same.
    #[test]
    fn the_json_of_others_is_read(item in any_item()) {
        let pretty = serde_json::to_string_pretty(&item_to_value(&item)).unwrap();
        prop_assert_eq!(item_from_json(&pretty).unwrap(), item.clone());
        let escaped: String = pretty.chars().map(|c| if c.is_ascii() { c.to_string() } else {
            c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
        }).collect();
        prop_assert_eq!(item_from_json(&escaped).unwrap(), item);
    }

    /// Damaged in one place, the text is refused, or is JSON that serde_json takes as well.
    #[test]
    fn damaged_json_is_never_taken_for_something_else(item in any_item(), at in any::<prop::sample::Index>(), with in "[ -~]") {
        let text = text(&item);
        let at = at.index(text.len());
        if text.is_char_boundary(at) && text.is_char_boundary(at + 1) {
            let damaged = format!("{}{with}{}", &text[..at], &text[at + 1..]);
            if item_from_json(&damaged).is_ok() {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&damaged).is_ok(), "{}", damaged);
            }
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,80}") {
        let _ = item_from_json(&text);
        let _ = value_from_json(&text);
    }
}

#[test]
fn values_of_the_wrong_form() {
    for (json, error) in [
        (r#"{}"#, Error::ValueEmpty),
        (r#"{"S":null}"#, Error::ValueEmpty),
        (r#"{"X":"y"}"#, Error::ValueEmpty),
        (r#"{"S":"a","N":"1"}"#, Error::ValueAmbiguous),
        (r#"{"NULL":false}"#, Error::NullNotTrue),
        (r#"{"N":"x"}"#, Error::NumberInvalid("x".into())),
    ] {
        assert_eq!(value_from_json(json), Err(error), "{json}");
    }
    // In which way they are wrong is said elsewhere.
    for json in [
        "5",
        r#""text""#,
        "[]",
        r#"{"S":1}"#,
        r#"{"S":{}}"#,
        r#"{"N":5}"#,
        r#"{"BOOL":"true"}"#,
        r#"{"NULL":1}"#,
        r#"{"B":"*"}"#,
        r#"{"B":"****"}"#,
        r#"{"B":"AB=="}"#,
        r#"{"NS":[1]}"#,
        r#"{"SS":{}}"#,
        r#"{"L":"x"}"#,
        r#"{"M":[]}"#,
        r#"{"BS":["AA=="#,
        r#"{"S":"x","Unknown":nope}"#,
        r#"{"S":"x"} {}"#,
    ] {
        assert_eq!(value_from_json(json), Err(Error::Serialization(String::new())), "{json}");
    }
    assert_eq!(value_from_json(r#"{"S":"a","N":null}"#), Ok(AttributeValue::S("a".into())));
    assert_eq!(value_from_json(r#"{"S":"a","S":"b","unknown":[{}]}"#), Ok(AttributeValue::S("b".into())));
    assert_eq!(value_from_json("null"), Err(Error::ValueEmpty));
    assert_eq!(value_from_json(r#"{"L":[null]}"#), Err(Error::ValueEmpty));
}

#[test]
fn names_are_bounded_wherever_they_stand() {
    let named = |length: usize| format!(r#"{{"L":[{{"M":{{"{}":{{"S":"x"}}}}}}]}}"#, "n".repeat(length));
    assert!(value_from_json(&named(65_535)).is_ok());
    assert_eq!(value_from_json(&named(65_536)), Err(Error::AttributeNameTooLong));
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| format!("{}{{\"S\":\"x\"}}{}", "{\"L\":[".repeat(depth), "]}".repeat(depth));
    // 32 levels, of which the string is one.
    assert!(value_from_json(&nested(31)).is_ok());
    assert_eq!(value_from_json(&nested(32)), Err(Error::NestingTooDeep));
    assert!(value_from_json(&format!("{}{{\"M\":{{}}}}{}", "{\"L\":[".repeat(31), "]}".repeat(31))).is_ok());
    // What an earlier version has stored is still read.
    let stored = format!("{{\"a\":{}}}", nested(32));
    assert_eq!(item_from_json(&stored), Err(Error::NestingTooDeep));
    assert!(stored_item_from_json(&stored).is_ok());
    assert_eq!(value_from_json(&nested(100_000)), Err(Error::NestingTooDeep));
    let unknown = format!("{{\"X\":{}", "[".repeat(200_000));
    assert!(matches!(value_from_json(&unknown), Err(Error::Serialization(_))));
}

#[test]
fn strings_with_every_escape() {
    let value = value_from_json(r#"{"S":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"}"#).unwrap();
    assert_eq!(value, AttributeValue::S("\"\\/\u{8}\u{c}\n\r\té😀".into()));
    for broken in
        [r#"{"S":"\ud83d"}"#, r#"{"S":"\ude00x"}"#, r#"{"S":"\x"}"#, r#"{"S":"\u12"#, "{\"S\":\"\n\"}"]
    {
        assert!(matches!(value_from_json(broken), Err(Error::Serialization(_))), "{broken}");
    }
}
