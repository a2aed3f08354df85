//! Keys: of which attributes those of tables and indexes are made, and the primary keys of items.
//!
//! Whoever holds a [`PrimaryKey`] may rely on its values: they fit the table's key and can be stored. Keys of indexes are
//! made and checked where index entries are derived.

pub use graticule_model::KeyAttribute;
use graticule_model::{AttributeValue, Error, Item, limits};
use serde::{Deserialize, Serialize};

use crate::{
    layout::{KeyBuilder, Space},
    schema::Table,
};

/// The key of a table or an index. Those of tables and local secondary indexes have one HASH attribute and at most one
/// RANGE attribute; those of global secondary indexes have up to four of each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredKey", into = "StoredKey")]
pub struct KeySchema {
    /// The HASH attributes, which make the partition key together; never empty.
    pub partition: Vec<KeyAttribute>,
    /// The RANGE attributes, which make the sort key together.
    pub sort: Vec<KeyAttribute>,
}

/// A key as it is stored: a part of one attribute as that attribute, one of several as their list, so that a Graticule
/// that knows no keys of several attributes refuses them rather than misreads them.
#[derive(Serialize, Deserialize)]
struct StoredKey {
    partition: StoredPart,
    sort: Option<StoredPart>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum StoredPart {
    One(KeyAttribute),
    Several(Vec<KeyAttribute>),
}

impl StoredPart {
    fn store(mut attributes: Vec<KeyAttribute>) -> Option<StoredPart> {
        match attributes.len() {
            0 | 1 => attributes.pop().map(StoredPart::One),
            _ => Some(StoredPart::Several(attributes)),
        }
    }

    fn attributes(self) -> Vec<KeyAttribute> {
        match self {
            StoredPart::One(attribute) => vec![attribute],
            StoredPart::Several(attributes) => attributes,
        }
    }
}

impl From<KeySchema> for StoredKey {
    fn from(key: KeySchema) -> StoredKey {
        StoredKey {
            partition: StoredPart::store(key.partition).unwrap_or(StoredPart::Several(Vec::new())),
            sort: StoredPart::store(key.sort),
        }
    }
}

impl TryFrom<StoredKey> for KeySchema {
    type Error = &'static str;

    fn try_from(stored: StoredKey) -> Result<KeySchema, &'static str> {
        let partition = stored.partition.attributes();
        if partition.is_empty() {
            return Err("a key without a partition key");
        }
        Ok(KeySchema { partition, sort: stored.sort.map(StoredPart::attributes).unwrap_or_default() })
    }
}

impl KeySchema {
    /// A key of one HASH attribute and perhaps one RANGE attribute.
    pub fn simple(partition: KeyAttribute, sort: Option<KeyAttribute>) -> KeySchema {
        KeySchema { partition: vec![partition], sort: sort.into_iter().collect() }
    }

    /// The first HASH attribute: the partition key of a table or a local secondary index.
    pub fn partition_key(&self) -> &KeyAttribute {
        self.partition.first().expect("every key has a partition key")
    }

    /// The first RANGE attribute: the sort key of a table or a local secondary index, if it has one.
    pub fn sort_key(&self) -> Option<&KeyAttribute> {
        self.sort.first()
    }

    /// The key attributes, those of the partition key first.
    pub fn attributes(&self) -> impl Iterator<Item = &KeyAttribute> {
        self.partition.iter().chain(&self.sort)
    }

    /// Whether `name` is a key attribute.
    pub fn contains(&self, name: &str) -> bool {
        self.attributes().any(|attribute| attribute.name == name)
    }
}

impl Table {
    /// The stored key of the item with this primary key.
    pub fn item_key(&self, key: &PrimaryKey) -> Vec<u8> {
        self.primary_key(KeyBuilder::table(Space::Items, self.id), key).build()
    }

    pub(crate) fn primary_key(&self, builder: KeyBuilder, key: &PrimaryKey) -> KeyBuilder {
        let builder = builder.partition(&key.partition);
        match &key.sort {
            Some(sort) => builder.value(sort),
            None => builder,
        }
    }

    /// Reads a request's `Key`: the key attributes, no more, no less.
    ///
    /// # Errors
    /// If it does not fit the key schema or a value is not allowed in a key.
    pub fn key_from_request(&self, key: &Item) -> Result<PrimaryKey, Error> {
        if key.len() != self.key.attributes().count() {
            return Err(Error::KeySchemaMismatch);
        }
        for attribute in self.key.attributes() {
            let value = key.get(&attribute.name).ok_or(Error::KeySchemaMismatch)?;
            if !attribute.kind.matches(value) {
                return Err(Error::KeySchemaMismatch);
            }
        }
        self.key_of(key)
    }

    /// The primary key of an item.
    ///
    /// # Errors
    /// If a key attribute is missing, has another type, or a value not allowed in a key.
    pub fn key_of(&self, item: &Item) -> Result<PrimaryKey, Error> {
        let value = |attribute: &KeyAttribute| {
            let value = item.get(&attribute.name).ok_or_else(|| Error::KeyMissing(attribute.name.clone()))?;
            if !attribute.kind.matches(value) {
                return Err(Error::KeyTypeMismatch {
                    name: attribute.name.clone(),
                    expected: attribute.kind.name(),
                    actual: value.type_name(),
                });
            }
            if let Some(kind) = empty_kind(value) {
                return Err(Error::KeyEmpty { name: attribute.name.clone(), kind });
            }
            Ok(value.clone())
        };
        let partition = value(self.key.partition_key())?;
        let sort = self.key.sort_key().map(value).transpose()?;
        if partition.size_bytes() > limits::PARTITION_KEY_BYTES_MAX {
            return Err(Error::PartitionKeyTooLong);
        }
        if sort.as_ref().is_some_and(|sort| sort.size_bytes() > limits::SORT_KEY_BYTES_MAX) {
            return Err(Error::SortKeyTooLong);
        }
        Ok(PrimaryKey { partition, sort })
    }

    /// The primary key as attributes.
    pub fn key_item(&self, key: &PrimaryKey) -> Item {
        let mut item = Item::from([(self.key.partition_key().name.clone(), key.partition.clone())]);
        if let (Some(attribute), Some(value)) = (self.key.sort_key(), &key.sort) {
            item.insert(attribute.name.clone(), value.clone());
        }
        item
    }
}

/// `string` or `binary` for an empty value of that type.
pub(crate) fn empty_kind(value: &AttributeValue) -> Option<&'static str> {
    match value {
        AttributeValue::S(text) if text.is_empty() => Some("string"),
        AttributeValue::B(bytes) if bytes.is_empty() => Some("binary"),
        _ => None,
    }
}

/// The primary key of an item, checked against its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrimaryKey {
    /// The partition key's value.
    pub partition: AttributeValue,
    /// The sort key's value, if the table has one.
    pub sort: Option<AttributeValue>,
}
