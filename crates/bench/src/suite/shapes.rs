//! What items look like, and how an item that was read proves that it is one that was written.
//!
//! A *stamped* attribute begins with the item's key and with where in the pool its text comes from; the attributes after
//! it that are not stamped come from the same place. So every item can be checked by itself, whoever wrote it last. What
//! is loaded starts at even places and what is written later at odd ones, which proves that a write has happened.

use serde_json::{Value, json};

use crate::requests::{KEY_DIGITS, PayloadPool};

/// Digits that say where in the pool a text starts.
const START_DIGITS: usize = 8;
/// Length of a stamp.
pub(crate) const STAMP_BYTES: usize = KEY_DIGITS + START_DIGITS;
/// Attributes of one item start this far apart, so that they have nothing in common.
const STRIDE: usize = 104_729;

/// An attribute with text.
#[derive(Clone, Debug)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) bytes: usize,
    stamped: bool,
}

/// What an item is made of, besides its key.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// For a table with a sort key, how many items a partition has.
    pub(crate) per_partition: Option<u64>,
    /// Texts.
    pub(crate) attributes: Vec<Attribute>,
    /// How many attributes are keys of indexes.
    pub(crate) indexes: u8,
}

/// Which text an item has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) key: u64,
    /// Where in the pool it starts.
    pub(crate) start: u64,
}

impl Version {
    /// The one that is loaded.
    pub(crate) fn loaded(key: u64) -> Self {
        Self { key, start: (key.wrapping_mul(0x9e37_79b9) % (PayloadPool::SPREAD_BYTES as u64 / 2)) * 2 }
    }

    /// One that is written later; `random` is any number.
    pub(crate) fn written(key: u64, random: u64) -> Self {
        Self { key, start: (random % (PayloadPool::SPREAD_BYTES as u64 / 2)) * 2 + 1 }
    }
}

impl Shape {
    /// An item of `bytes` with one attribute.
    pub(crate) fn simple(bytes: usize) -> Self {
        let length = bytes - "pk".len() - KEY_DIGITS - "text".len();
        Self { per_partition: None, attributes: vec![stamped("text", length)], indexes: 0 }
    }

    /// The same, in partitions.
    pub(crate) fn sorted(bytes: usize, per_partition: u64) -> Self {
        let length = bytes - "pksk".len() - 2 * KEY_DIGITS - "text".len();
        Self { per_partition: Some(per_partition), attributes: vec![stamped("text", length)], indexes: 0 }
    }

    /// `fields` attributes that can be written one by one.
    pub(crate) fn fields(fields: usize, bytes: usize) -> Self {
        let attributes = (0..fields).map(|field| stamped(&format!("field{field}"), bytes)).collect();
        Self { per_partition: None, attributes, indexes: 0 }
    }

    /// An item of about `bytes` in `count` attributes, all but the first of them short.
    pub(crate) fn many(count: usize, bytes: usize) -> Self {
        let rest = (bytes - "pk".len() - KEY_DIGITS - "a00".len() - STAMP_BYTES) / (count - 1) - "a00".len();
        let short = (1..count).map(|at| Attribute { name: format!("a{at:02}"), bytes: rest, stamped: false });
        let attributes = std::iter::once(stamped("a00", STAMP_BYTES)).chain(short).collect();
        Self { per_partition: None, attributes, indexes: 0 }
    }

    /// With keys of indexes.
    pub(crate) fn indexed(self, indexes: u8) -> Self {
        Self { indexes, ..self }
    }

    /// The values of partition and sort key.
    pub(crate) fn place(&self, key: u64) -> (u64, u64) {
        self.per_partition.map_or((key, 0), |per_partition| (key / per_partition, key % per_partition))
    }

    /// CreateTable's input.
    pub(crate) fn schema(&self, table: &str, stream: bool) -> Value {
        let mut keys = vec![json!({"AttributeName": "pk", "KeyType": "HASH"})];
        let mut names = vec!["pk".to_owned()];
        if self.per_partition.is_some() {
            keys.push(json!({"AttributeName": "sk", "KeyType": "RANGE"}));
            names.push("sk".to_owned());
        }
        let indexes: Vec<_> = (0..self.indexes).map(index_name).collect();
        names.extend(indexes.iter().cloned());
        let attributes: Vec<_> =
            names.iter().map(|name| json!({"AttributeName": name, "AttributeType": "S"})).collect();
        let mut schema = json!({
            "TableName": table, "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": attributes, "KeySchema": keys,
        });
        if !indexes.is_empty() {
            let index = |name: &String| {
                json!({
                    "IndexName": format!("by_{name}"), "Projection": {"ProjectionType": "ALL"},
                    "KeySchema": [{"AttributeName": name, "KeyType": "HASH"}],
                })
            };
            schema["GlobalSecondaryIndexes"] = indexes.iter().map(index).collect();
        }
        if stream {
            schema["StreamSpecification"] =
                json!({"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"});
        }
        schema
    }

    /// Writes the text of an attribute into `out`, which is as long as it.
    pub(crate) fn write_text(&self, at: usize, version: Version, pool: &PayloadPool, out: &mut [u8]) {
        let stamp = if self.attributes[at].stamped { STAMP_BYTES } else { 0 };
        if stamp > 0 {
            write_digits(version.key, &mut out[..KEY_DIGITS]);
            write_digits(version.start, &mut out[KEY_DIGITS..STAMP_BYTES]);
        }
        let length = out.len() - stamp;
        out[stamp..].copy_from_slice(pool.text(start_of(at, version.start), length));
    }

    /// Where the text of an attribute of an item that was read comes from; an error if it is not what was written.
    fn check_text(
        &self,
        at: usize,
        item: &Value,
        version: Version,
        pool: &PayloadPool,
    ) -> Result<Version, String> {
        let Attribute { name, bytes, stamped } = &self.attributes[at];
        let wrong = |what: &str| format!("attribute {name} of item {}: {what}", version.key);
        let text = item[name]["S"].as_str().ok_or_else(|| wrong("is missing"))?.as_bytes();
        if text.len() != *bytes {
            return Err(wrong(&format!("has {} bytes instead of {bytes}", text.len())));
        }
        let mut version = version;
        if *stamped {
            let number = |range: std::ops::Range<usize>| {
                std::str::from_utf8(&text[range]).ok().and_then(|digits| digits.parse::<u64>().ok())
            };
            let start = number(KEY_DIGITS..STAMP_BYTES)
                .filter(|start| *start < PayloadPool::SPREAD_BYTES as u64)
                .ok_or_else(|| wrong("has no stamp"))?;
            if number(0..KEY_DIGITS) != Some(version.key) {
                return Err(wrong("belongs to another item"));
            }
            version.start = start;
        }
        let mut expected = vec![0; *bytes];
        self.write_text(at, version, pool, &mut expected);
        if text == expected { Ok(version) } else { Err(wrong("is not what was written")) }
    }

    /// An error if `item` is not a complete item with this key that has been written; whether any of its attributes was
    /// written after loading.
    pub(crate) fn check(&self, item: &Value, key: u64, pool: &PayloadPool) -> Result<bool, String> {
        let (partition, sort) = self.place(key);
        let is = |name: &str, number: u64| item[name]["S"].as_str() == Some(&format!("{number:010}"));
        if !is("pk", partition) || self.per_partition.is_some() && !is("sk", sort) {
            return Err(format!("item {key} has the key {} {}", item["pk"], item["sk"]));
        }
        let mut version = Version { key, start: 0 };
        let mut written = false;
        for at in 0..self.attributes.len() {
            version = self.check_text(at, item, version, pool)?;
            written |= version.start % 2 == 1;
        }
        Ok(written)
    }

    /// The key of an item that was read.
    pub(crate) fn key_of(&self, item: &Value) -> Result<u64, String> {
        let number = |name: &str| {
            let text = item[name]["S"].as_str().ok_or_else(|| format!("an item without {name}: {item}"))?;
            text.parse::<u64>().map_err(|_| format!("an item whose {name} is {text}"))
        };
        let partition = number("pk")?;
        match self.per_partition {
            Some(per_partition) => Ok(partition * per_partition + number("sk")?),
            None => Ok(partition),
        }
    }
}

/// The attribute that is the key of an index.
pub(crate) fn index_name(index: u8) -> String {
    format!("g{index}")
}

/// Writes a number with leading zeros.
pub(crate) fn write_digits(number: u64, out: &mut [u8]) {
    let mut rest = number;
    for digit in out.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

fn stamped(name: &str, bytes: usize) -> Attribute {
    Attribute { name: name.to_owned(), bytes, stamped: true }
}

fn start_of(at: usize, start: u64) -> usize {
    (start as usize + at * STRIDE) % PayloadPool::SPREAD_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(shape: &Shape, version: Version, pool: &PayloadPool) -> Value {
        let (partition, sort) = shape.place(version.key);
        let mut item = json!({"pk": {"S": format!("{partition:010}")}, "sk": {"S": format!("{sort:010}")}});
        for (at, attribute) in shape.attributes.iter().enumerate() {
            let mut text = vec![0; attribute.bytes];
            shape.write_text(at, version, pool, &mut text);
            item[&attribute.name] = json!({"S": String::from_utf8(text).unwrap()});
        }
        item
    }

    #[test]
    fn items_prove_what_they_are() {
        let pool = PayloadPool::new(1024);
        for shape in
            [Shape::simple(100), Shape::sorted(1024, 10), Shape::fields(10, 100), Shape::many(100, 1024)]
        {
            let loaded = item(&shape, Version::loaded(12), &pool);
            assert_eq!(shape.check(&loaded, 12, &pool), Ok(false));
            assert_eq!(shape.key_of(&loaded), Ok(12));
            let written = item(&shape, Version::written(12, 77), &pool);
            assert_eq!(shape.check(&written, 12, &pool), Ok(true));

            assert!(shape.check(&loaded, 13, &pool).is_err());
            let last = &shape.attributes.last().unwrap().name;
            let mut spoilt = loaded.clone();
            let text = spoilt[last]["S"].as_str().unwrap();
            spoilt[last] = json!({"S": format!("{}!", &text[1..])});
            assert!(shape.check(&spoilt, 12, &pool).is_err());
            let mut short = loaded.clone();
            short.as_object_mut().unwrap().remove(last);
            assert!(shape.check(&short, 12, &pool).is_err());
        }
    }
}
