//! Where everything lies in the key space of a Region: one enum of spaces, order-preserving encodings.
//!
//! ```text
//! catalogue    01 | table name                                              -> table record (JSON)
//! fence        02 | table name                                              -> table id, revision
//! region       03 | what                                                    -> clock, next table id
//! dropped      04 | table name | 00 | table id                              -> table record (JSON)
//! items        10 | table | hash | partition key | sort key                 -> item record
//! index        11 | table | index | hash | index key | primary key          -> item record (projected)
//! expiry       12 | table | index | seconds | hash | primary key            -> nothing
//! tombstones   13 | table | version time | hash | primary key               -> nothing
//! progress     14 | table | index                                           -> keys covered, keys frozen
//! cursors      15 | table | direction | Region                              -> log position
//! conflicts    16 | table | discarded at | version time | Region | primary key -> conflict (JSON)
//! counters     17 | table | index | which                                   -> counter
//! tokens       18 | token                                                   -> request hash, expiry
//! collections  19 | table | index | partition key                           -> counter
//! ```
//!
//! Numbers are big-endian. The hash of the partition key spreads load and makes a parallel Scan a split of the range;
//! items of one partition stay contiguous, in the order of their sort keys. Encodings of key values end themselves, so
//! that the encoding of one value is never a prefix of another's and keys can be laid end to end: a key of several
//! attributes is one value after the other, hashed together where they make a partition key.

use graticule_model::{AttributeValue, Number};

/// A region of the key space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Space {
    Catalogue = 0x01,
    Fence = 0x02,
    Region = 0x03,
    Dropped = 0x04,
    Items = 0x10,
    Index = 0x11,
    Expiry = 0x12,
    Tombstones = 0x13,
    Progress = 0x14,
    Cursors = 0x15,
    Conflicts = 0x16,
    Counters = 0x17,
    Tokens = 0x18,
    Collections = 0x19,
}

/// What the keys of fences start with: two rows per request, so an engine on disk does well to keep them in memory.
pub const RESIDENT_PREFIX: &[u8] = &[Space::Fence as u8];

/// The spaces whose keys start with a table's id.
pub(crate) const TABLE_SPACES: [Space; 9] = [
    Space::Items,
    Space::Index,
    Space::Expiry,
    Space::Tombstones,
    Space::Progress,
    Space::Cursors,
    Space::Conflicts,
    Space::Counters,
    Space::Collections,
];

/// Builds one key.
#[derive(Debug, Clone)]
pub(crate) struct KeyBuilder(Vec<u8>);

impl KeyBuilder {
    pub(crate) fn new(space: Space) -> KeyBuilder {
        let mut key = Vec::with_capacity(64);
        key.push(space as u8);
        KeyBuilder(key)
    }

    pub(crate) fn table(space: Space, table_id: u64) -> KeyBuilder {
        KeyBuilder::new(space).number(table_id)
    }

    pub(crate) fn number(mut self, number: u64) -> KeyBuilder {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    pub(crate) fn small(mut self, number: u32) -> KeyBuilder {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    pub(crate) fn bytes(mut self, bytes: &[u8]) -> KeyBuilder {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn value(mut self, value: &AttributeValue) -> KeyBuilder {
        encode_key_value(value, &mut self.0);
        self
    }

    /// The hash of a partition key, then the key.
    pub(crate) fn partition(self, value: &AttributeValue) -> KeyBuilder {
        self.partitions(std::iter::once(value))
    }

    /// The hash of a partition key of several values, then the values.
    pub(crate) fn partitions<'v>(self, values: impl IntoIterator<Item = &'v AttributeValue>) -> KeyBuilder {
        let mut encoded = Vec::with_capacity(32);
        for value in values {
            encode_key_value(value, &mut encoded);
        }
        self.number(partition_hash(&encoded)).bytes(&encoded)
    }

    pub(crate) fn build(self) -> Vec<u8> {
        self.0
    }
}

/// The hash that places a partition. Part of the stored format: never changes.
pub(crate) fn partition_hash(encoded: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(encoded)
}

/// The first key after all keys that start with `prefix`.
pub(crate) fn prefix_end(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < 0xff {
            end.push(last + 1);
            return end;
        }
    }
    unreachable!("every key starts with a space, and no space is 0xff")
}

/// The range of all keys that start with `prefix`.
pub(crate) fn prefix_range(prefix: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    let end = prefix_end(&prefix);
    (prefix, end)
}

/// Appends the order-preserving form of a key value (S, N or B).
pub(crate) fn encode_key_value(value: &AttributeValue, out: &mut Vec<u8>) {
    match value {
        AttributeValue::S(text) => encode_bytes(text.as_bytes(), out),
        AttributeValue::B(bytes) => encode_bytes(bytes, out),
        AttributeValue::N(number) => encode_number(*number, out),
        _ => unreachable!("key values are checked to be S, N or B when they are parsed"),
    }
}

/// The order-preserving form of the start of a string or binary, to find what begins with it.
pub(crate) fn encode_key_prefix(value: &AttributeValue, out: &mut Vec<u8>) {
    match value {
        AttributeValue::S(text) => escape(text.as_bytes(), out),
        AttributeValue::B(bytes) => escape(bytes, out),
        _ => unreachable!("begins_with is checked to be of S or B when it is parsed"),
    }
}

fn escape(bytes: &[u8], out: &mut Vec<u8>) {
    for &byte in bytes {
        out.push(byte);
        if byte == 0 {
            out.push(0xff);
        }
    }
}

/// Bytes with 00 written 00 FF, ended by 00 01: sorts like the bytes, a prefix before what it begins.
fn encode_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    escape(bytes, out);
    out.extend_from_slice(&[0, 1]);
}

/// Sign, then magnitude, then pairs of digits plus one, then 00; all but the sign inverted for negative numbers.
fn encode_number(number: Number, out: &mut Vec<u8>) {
    if number.is_zero() {
        out.push(2);
        return;
    }
    out.push(if number.is_negative() { 1 } else { 3 });
    let start = out.len();
    let magnitude = u16::try_from(number.magnitude() + 1024).expect("magnitudes lie between -130 and 125");
    out.extend_from_slice(&magnitude.to_be_bytes());
    for pair in number.digits().chunks(2) {
        out.push(pair[0] * 10 + pair.get(1).copied().unwrap_or(0) + 1);
    }
    out.push(0);
    if number.is_negative() {
        for byte in &mut out[start..] {
            *byte = !*byte;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Key values of one type, with the bytes and digits that encodings treat in their own way.
    fn pair() -> impl Strategy<Value = (AttributeValue, AttributeValue)> {
        let bytes = || prop::collection::vec(prop::sample::select(vec![0_u8, 1, 2, 0x61, 0xfe, 0xff]), 0..5);
        let text = || prop_oneof!["[\u{0}\u{1}ab\u{ff}\u{10ffff}]{0,4}", ".{0,6}"];
        let number = || {
            let near =
                (-200_i64..200, -3_i32..4).prop_map(|(digits, exponent)| format!("{digits}e{exponent}"));
            let any = ("-?[1-9][0-9]{0,37}", -120_i32..80)
                .prop_map(|(digits, exponent)| format!("{digits}e{exponent}"));
            let edge =
                prop::sample::select(vec!["1e-130", "-1e-130", "9.9e125", "-9.9e125", "0", "1", "10", "100"]);
            prop_oneof![near, any, edge.prop_map(str::to_owned)]
                .prop_map(|text| AttributeValue::N(text.parse().unwrap()))
        };
        prop_oneof![
            (bytes(), bytes()).prop_map(|(a, b)| (AttributeValue::B(a), AttributeValue::B(b))),
            (text(), text()).prop_map(|(a, b)| (AttributeValue::S(a), AttributeValue::S(b))),
            (number(), number()),
        ]
    }

    fn encoded(value: &AttributeValue) -> Vec<u8> {
        let mut out = Vec::new();
        encode_key_value(value, &mut out);
        out
    }

    /// What is stored must stay where it is found.
    #[test]
    fn the_form_of_keys_does_not_change() {
        let number = AttributeValue::N("-1.5".parse().unwrap());
        let key = KeyBuilder::table(Space::Index, 7)
            .small(3)
            .partition(&AttributeValue::S("p".to_owned()))
            .value(&number)
            .value(&AttributeValue::B(vec![0, 0xff]));
        let hex: String = key.build().iter().map(|byte| format!("{byte:02x}")).collect();
        let expected =
            ["11", "0000000000000007", "00000003", "ea94ed3cd26623e6", "700001", "01fbffefff", "00ffff0001"];
        assert_eq!(hex, expected.concat());
        let together =
            KeyBuilder::new(Space::Index).partitions([&AttributeValue::S("p".to_owned()), &number]);
        let hex: String = together.build().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, ["11", "6bcb5a2246babd22", "700001", "01fbffefff"].concat());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

        #[test]
        fn encodings_sort_like_values_and_end_themselves((a, b) in pair()) {
            let (key_a, key_b) = (encoded(&a), encoded(&b));
            prop_assert_eq!(Some(key_a.cmp(&key_b)), a.compare(&b));
            prop_assert!(key_a == key_b || !key_b.starts_with(&key_a), "{:?} is a prefix of {:?}", a, b);
            // Whatever is laid after them, keys stay in the order of their first values.
            if key_a != key_b {
                let (long_a, long_b) = ([&key_a[..], &[0xff; 3]].concat(), [&key_b[..], &[0; 3]].concat());
                prop_assert_eq!(Some(long_a.cmp(&long_b)), a.compare(&b));
            }
        }

        #[test]
        fn prefixes_find_what_begins_with_them((a, b) in pair()) {
            let begins = match (&a, &b) {
                (AttributeValue::S(a), AttributeValue::S(b)) => b.starts_with(a.as_str()),
                (AttributeValue::B(a), AttributeValue::B(b)) => b.starts_with(a),
                _ => return Ok(()),
            };
            let mut prefix = Vec::new();
            encode_key_prefix(&a, &mut prefix);
            prop_assert_eq!(encoded(&b).starts_with(&prefix), begins);
        }

        #[test]
        fn the_end_of_a_prefix_is_its_next_neighbour(
            prefix in prop::collection::vec(any::<u8>(), 0..4),
            other in prop::collection::vec(prop_oneof![Just(0xff_u8), any::<u8>()], 0..6),
        ) {
            let prefix = [&[0x10], &prefix[..]].concat();
            let other = [&[0x10], &other[..]].concat();
            let (start, end) = prefix_range(prefix.clone());
            prop_assert_eq!(start <= other && other < end, other.starts_with(&prefix));
        }
    }
}
