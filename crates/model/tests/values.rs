//! Values: sizes, sets, order.

use graticule_model::{
    AttributeValue, Error, KeyType,
    codec::{item_from_json, value_from_json},
    limits::ITEM_SIZE_BYTES_MAX,
    value::{check_item_size, item_size_bytes},
};

fn value(json: &str) -> AttributeValue {
    value_from_json(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

#[test]
fn sizes_are_those_of_the_documentation() {
    let example = item_from_json(r#"{"shirt-color":{"S":"R"},"shirt-size":{"S":"M"}}"#).unwrap();
    assert_eq!(item_size_bytes(&example), 23);
    for (json, size_bytes) in [
        (r#"{"S":""}"#, 0),
        (r#"{"S":"é"}"#, 2),
        (r#"{"B":"AAEC"}"#, 3),
        (r#"{"BOOL":false}"#, 1),
        (r#"{"NULL":true}"#, 1),
        (r#"{"SS":["a","bcd"]}"#, 4),
        (r#"{"NS":["1","-1"]}"#, 5),
        (r#"{"BS":["AA==","AAE="]}"#, 3),
        (r#"{"L":[]}"#, 3),
        (r#"{"M":{}}"#, 3),
        (r#"{"L":[{"S":"ab"},{"NULL":true}]}"#, 8),
        (r#"{"M":{"ab":{"S":"c"}}}"#, 7),
    ] {
        assert_eq!(value(json).size_bytes(), size_bytes, "{json}");
    }
}

#[test]
fn an_item_of_exactly_the_limit_passes() {
    let item = |length: usize| [("id".to_owned(), AttributeValue::S("x".repeat(length)))].into();
    assert_eq!(check_item_size(&item(ITEM_SIZE_BYTES_MAX - 2)), Ok(ITEM_SIZE_BYTES_MAX));
    assert_eq!(check_item_size(&item(ITEM_SIZE_BYTES_MAX - 1)), Err(Error::ItemTooLarge));
}

#[test]
fn sets_are_sorted_and_have_no_duplicates() {
    assert_eq!(value(r#"{"SS":["b","a"]}"#), value(r#"{"SS":["a","b"]}"#));
    for (json, message) in [
        (r#"{"SS":[]}"#, "One or more parameter values were invalid: An string set  may not be empty"),
        (r#"{"NS":[]}"#, "One or more parameter values were invalid: An number set  may not be empty"),
        (r#"{"BS":[]}"#, "One or more parameter values were invalid: Binary sets should not be empty"),
        (
            r#"{"SS":["a","a"]}"#,
            "One or more parameter values were invalid: Input collection [a, a] contains duplicates.",
        ),
        (r#"{"NS":["1","1.0"]}"#, "Input collection contains duplicates"),
        (
            r#"{"BS":["Yg==","QQ==","Yg=="]}"#,
            "One or more parameter values were invalid: Input collection [Yg==, QQ==, Yg==]of type BS contains duplicates.",
        ),
    ] {
        assert_eq!(value_from_json(json).unwrap_err().to_string(), message, "{json}");
    }
}

#[test]
fn only_scalars_of_one_type_compare() {
    use std::cmp::Ordering::{Greater, Less};
    assert_eq!(value(r#"{"S":"a"}"#).compare(&value(r#"{"S":"b"}"#)), Some(Less));
    assert_eq!(value(r#"{"N":"10"}"#).compare(&value(r#"{"N":"9"}"#)), Some(Greater));
    assert_eq!(value(r#"{"B":"/w=="}"#).compare(&value(r#"{"B":"AA=="}"#)), Some(Greater));
    assert_eq!(value(r#"{"S":"1"}"#).compare(&value(r#"{"N":"1"}"#)), None);
    assert_eq!(value(r#"{"L":[]}"#).compare(&value(r#"{"L":[]}"#)), None);
    assert!(KeyType::N.matches(&value(r#"{"N":"1"}"#)) && !KeyType::S.matches(&value(r#"{"N":"1"}"#)));
}
