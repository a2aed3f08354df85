//! Attribute values and items, their sizes and their limits.
//!
//! Sets are kept in ascending order without duplicates, maps by attribute name: equal values are equal structures and
//! have one written form.

use std::{cmp::Ordering, collections::BTreeMap, fmt};

use crate::{error::Error, limits::ITEM_SIZE_BYTES_MAX, number::Number};

/// An item, or any map of attributes: name to value.
pub type Item = BTreeMap<String, AttributeValue>;

/// One value of DynamoDB's ten types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeValue {
    /// String.
    S(String),
    /// Number.
    N(Number),
    /// Binary.
    B(Vec<u8>),
    /// Boolean.
    Bool(bool),
    /// Null.
    Null,
    /// Set of strings: not empty, ascending by UTF-8 bytes.
    Ss(Vec<String>),
    /// Set of numbers: not empty, ascending.
    Ns(Vec<Number>),
    /// Set of binaries: not empty, ascending.
    Bs(Vec<Vec<u8>>),
    /// List.
    L(Vec<AttributeValue>),
    /// Map.
    M(Item),
}

impl AttributeValue {
    /// The type's name on the wire: `S`, `NULL`, `SS`, …
    pub fn type_name(&self) -> &'static str {
        match self {
            AttributeValue::S(_) => "S",
            AttributeValue::N(_) => "N",
            AttributeValue::B(_) => "B",
            AttributeValue::Bool(_) => "BOOL",
            AttributeValue::Null => "NULL",
            AttributeValue::Ss(_) => "SS",
            AttributeValue::Ns(_) => "NS",
            AttributeValue::Bs(_) => "BS",
            AttributeValue::L(_) => "L",
            AttributeValue::M(_) => "M",
        }
    }

    /// This value's share of an item's size, without its name.
    pub fn size_bytes(&self) -> usize {
        match self {
            AttributeValue::S(text) => text.len(),
            AttributeValue::N(number) => number.size_bytes(),
            AttributeValue::B(bytes) => bytes.len(),
            AttributeValue::Bool(_) | AttributeValue::Null => 1,
            AttributeValue::Ss(set) => set.iter().map(String::len).sum(),
            AttributeValue::Ns(set) => set.iter().map(|number| number.size_bytes()).sum(),
            AttributeValue::Bs(set) => set.iter().map(Vec::len).sum(),
            AttributeValue::L(list) => 3 + list.iter().map(|value| 1 + value.size_bytes()).sum::<usize>(),
            AttributeValue::M(map) => {
                3 + map.iter().map(|(name, value)| 1 + name.len() + value.size_bytes()).sum::<usize>()
            }
        }
    }

    /// How many levels this value has: 1 for a scalar, a set, and an empty list or map.
    pub fn levels(&self) -> usize {
        match self {
            AttributeValue::L(list) => 1 + list.iter().map(AttributeValue::levels).max().unwrap_or(0),
            AttributeValue::M(map) => 1 + map.values().map(AttributeValue::levels).max().unwrap_or(0),
            _ => 1,
        }
    }

    /// The order of two values of one scalar type (S, N or B), by which keys sort and `<` compares; `None` for
    /// other types or a pair of different ones.
    pub fn compare(&self, other: &AttributeValue) -> Option<Ordering> {
        match (self, other) {
            (AttributeValue::S(a), AttributeValue::S(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
            (AttributeValue::N(a), AttributeValue::N(b)) => Some(a.cmp(b)),
            (AttributeValue::B(a), AttributeValue::B(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    /// A set of strings.
    ///
    /// # Errors
    /// If it is empty or has duplicates.
    pub fn string_set(mut elements: Vec<String>) -> Result<AttributeValue, Error> {
        if elements.is_empty() {
            return Err(Error::SetEmpty("SS"));
        }
        if has_duplicates(&elements) {
            return Err(Error::StringSetDuplicates(elements.join(", ")));
        }
        elements.sort_unstable();
        Ok(AttributeValue::Ss(elements))
    }

    /// A set of numbers.
    ///
    /// # Errors
    /// If it is empty or has duplicates (by value: 1 and 1.0 are one).
    pub fn number_set(mut elements: Vec<Number>) -> Result<AttributeValue, Error> {
        if elements.is_empty() {
            return Err(Error::SetEmpty("NS"));
        }
        if has_duplicates(&elements) {
            return Err(Error::NumberSetDuplicates);
        }
        elements.sort_unstable();
        Ok(AttributeValue::Ns(elements))
    }

    /// A set of binaries.
    ///
    /// # Errors
    /// If it is empty or has duplicates.
    pub fn binary_set(mut elements: Vec<Vec<u8>>) -> Result<AttributeValue, Error> {
        if elements.is_empty() {
            return Err(Error::SetEmpty("BS"));
        }
        if has_duplicates(&elements) {
            let shown: Vec<String> =
                elements.iter().map(|bytes| base64_simd::STANDARD.encode_to_string(bytes)).collect();
            return Err(Error::BinarySetDuplicates(shown.join(", ")));
        }
        elements.sort_unstable();
        Ok(AttributeValue::Bs(elements))
    }
}

fn has_duplicates<T: Ord>(elements: &[T]) -> bool {
    let mut sorted: Vec<&T> = elements.iter().collect();
    sorted.sort_unstable();
    sorted.windows(2).any(|pair| pair[0] == pair[1])
}

/// The size of an item: names and values.
pub fn item_size_bytes(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value.size_bytes()).sum()
}

/// Refuses an item over the size limit.
///
/// # Errors
/// [`Error::ItemTooLarge`].
pub fn check_item_size(item: &Item) -> Result<usize, Error> {
    let size_bytes = item_size_bytes(item);
    if size_bytes > ITEM_SIZE_BYTES_MAX { Err(Error::ItemTooLarge) } else { Ok(size_bytes) }
}

/// The types that a key attribute may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum KeyType {
    /// String.
    S,
    /// Number.
    N,
    /// Binary.
    B,
}

impl KeyType {
    /// Whether `value` is of this type.
    pub fn matches(self, value: &AttributeValue) -> bool {
        self.name() == value.type_name()
    }

    /// The type's name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            KeyType::S => "S",
            KeyType::N => "N",
            KeyType::B => "B",
        }
    }
}

/// A key attribute: its name and type.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KeyAttribute {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: KeyType,
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
