//! The codec of attribute values against serde_json and a plain reading of its tree.

use std::collections::BTreeMap;

use graticule_model::{
    AttributeValue, Item,
    codec::{item_from_json, item_to_json},
    value::item_size_bytes,
};

use crate::json::Json;

/// Levels of a value that a request may have.
const LEVELS_MAX: usize = 32;

/// The codec takes what the plain reading takes, for the same item, and writes it so that both read it again.
pub fn check(text: &str) {
    let read = item_from_json(text);
    let expected = match serde_json::from_str::<Json>(text) {
        // serde_json has limits of its own, on what the codec passes over.
        Err(error)
            if ["recursion limit", "out of range"].iter().any(|words| error.to_string().contains(words)) =>
        {
            return;
        }
        Err(_) => None,
        Ok(json) => plain_item(&json, 0),
    };
    let (item, expected) = match (read, expected) {
        (Ok(item), Some(expected)) => (item, expected),
        (Err(_), None) => return,
        (read, expected) => panic!("the codec says {read:?}, the plain reading {expected:?}"),
    };
    assert_eq!(item, expected);
    let written = item_to_json(&item);
    let written = std::str::from_utf8(&written).expect("JSON is text");
    assert_eq!(item_from_json(written).as_ref(), Ok(&item));
    let reread: Json = serde_json::from_str(written).expect("the codec writes JSON");
    assert_eq!(plain_item(&reread, 0).as_ref(), Some(&item));
    // Every byte of names, strings and binaries stands in the text, the latter as more than one.
    assert!(item_size_bytes(&item) <= 4 * text.len());
}

fn plain_item(json: &Json, depth: usize) -> Option<Item> {
    let Json::Object(members) = json else { return None };
    let values: Option<Vec<(String, AttributeValue)>> =
        members.iter().map(|(name, value)| Some((name.clone(), plain_value(value, depth)?))).collect();
    Some(values?.into_iter().collect::<BTreeMap<_, _>>())
}

fn plain_value(json: &Json, depth: usize) -> Option<AttributeValue> {
    let Json::Object(members) = json else { return None };
    let known = ["S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"];
    let given = |member: &&(String, Json)| known.contains(&&member.0[..]) && !matches!(member.1, Json::Null);
    let members: Vec<&(String, Json)> = members.iter().filter(given).collect();
    let mut values = Vec::new();
    for (kind, value) in &members {
        values.push(plain_typed(kind, value, depth)?);
    }
    let is_of_one_kind = members.windows(2).all(|pair| pair[0].0 == pair[1].0);
    if is_of_one_kind && depth < LEVELS_MAX { values.pop() } else { None }
}

fn plain_typed(kind: &str, value: &Json, depth: usize) -> Option<AttributeValue> {
    Some(match (kind, value) {
        ("S", Json::String(text)) => AttributeValue::S(text.clone()),
        ("N", Json::String(text)) => AttributeValue::N(text.parse().ok()?),
        ("B", Json::String(text)) => AttributeValue::B(base64(text)?),
        ("BOOL", Json::Bool(flag)) => AttributeValue::Bool(*flag),
        ("NULL", Json::Bool(true)) => AttributeValue::Null,
        ("SS", Json::Array(elements)) => AttributeValue::Ss(set(elements, |text| Some(text.to_owned()))?),
        ("NS", Json::Array(elements)) => AttributeValue::Ns(set(elements, |text| text.parse().ok())?),
        ("BS", Json::Array(elements)) => AttributeValue::Bs(set(elements, base64)?),
        ("L", Json::Array(elements)) => AttributeValue::L(
            elements.iter().map(|element| plain_value(element, depth + 1)).collect::<Option<Vec<_>>>()?,
        ),
        ("M", map) => AttributeValue::M(plain_item(map, depth + 1)?),
        _ => return None,
    })
}

fn set<T: Ord>(elements: &[Json], read: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    let mut set = std::collections::BTreeSet::new();
    for element in elements {
        let Json::String(text) = element else { return None };
        if !set.insert(read(text)?) {
            return None;
        }
    }
    (!set.is_empty()).then(|| set.into_iter().collect())
}

/// Base64 with padding, in which every sequence of bytes has one form.
fn base64(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let padding = text.bytes().rev().take_while(|&byte| byte == b'=').count();
    if !text.len().is_multiple_of(4) || padding > 2 {
        return None;
    }
    let digits = &text.as_bytes()[..text.len() - padding];
    let mut bytes = Vec::new();
    let (mut bits, mut bit_count) = (0u32, 0);
    for digit in digits {
        bits = bits << 6 | ALPHABET.iter().position(|letter| letter == digit)? as u32;
        bit_count += 6;
        if bit_count >= 8 {
            bit_count -= 8;
            bytes.push((bits >> bit_count) as u8);
            bits &= (1 << bit_count) - 1;
        }
    }
    (bits == 0).then_some(bytes)
}
