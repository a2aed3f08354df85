//! The JSON codec, held against serde_json.

use graticule_model::{
    AttributeValue, Error, Item,
    codec::{item_from_json, item_to_json, item_to_value, value_from_json},
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
        (r#"{"S":1}"#, Error::Serialization("NUMBER_VALUE cannot be converted to String".into())),
        (r#"{"BOOL":"true"}"#, Error::Serialization("STRING_VALUE cannot be converted to Boolean".into())),
        (r#"{"S":{}}"#, Error::Serialization("Start of structure or map found where not expected.".into())),
        (r#"{"S":[]}"#, Error::Serialization("Start of list found where not expected".into())),
        (r#"{"B":"*"}"#, Error::Serialization("Invalid Base64 in a binary attribute value".into())),
    ] {
        assert_eq!(value_from_json(json), Err(error), "{json}");
    }
    assert!(value_from_json(r#"{"S":"a","N":null}"#).is_ok());
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| format!("{}{{\"S\":\"x\"}}{}", "{\"L\":[".repeat(depth), "]}".repeat(depth));
    assert!(value_from_json(&nested(32)).is_ok());
    assert_eq!(value_from_json(&nested(33)), Err(Error::NestingTooDeep));
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
