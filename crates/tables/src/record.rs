//! Stored forms of items and of log records: versioned bytes, item bodies in canonical JSON.
//!
//! An item record is `format | flags | version | size | JSON`, where a tombstone's JSON holds the key alone. A log record
//! holds what one mutation did to one item. Both carry the version of the write that made them.

use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes};
use graticule_kv::ReadError;
use graticule_model::{
    Item, Version,
    codec::{stored_item_from_json, stored_part_from_json},
    version::HybridTime,
};

const FORMAT: u8 = 1;
const TOMBSTONE: u8 = 1;

/// A stored item, or the mark that a deleted one left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The write that put it here.
    pub version: Version,
    /// Whether this is the mark of a delete.
    pub tombstone: bool,
    /// The item's size by DynamoDB's rules; 0 for a tombstone.
    pub size_bytes: u32,
    /// Canonical JSON of the item; of its key, for a tombstone.
    pub json: Bytes,
}

fn corrupt(what: &str) -> ReadError {
    ReadError::Corrupt(format!("{what} has an unknown form"))
}

/// Parses canonical JSON that this crate has stored.
pub(crate) fn parse_stored(json: &[u8]) -> Result<Item, ReadError> {
    let text = std::str::from_utf8(json).map_err(|_| corrupt("an item"))?;
    stored_item_from_json(text).map_err(|_| corrupt("an item"))
}

/// Parses of canonical JSON that this crate has stored the attributes with the names that are wanted.
pub(crate) fn parse_stored_part(json: &[u8], wanted: impl Fn(&str) -> bool) -> Result<Item, ReadError> {
    let text = std::str::from_utf8(json).map_err(|_| corrupt("an item"))?;
    stored_part_from_json(text, wanted).map_err(|_| corrupt("an item"))
}

/// Reads stored bytes from the front. Bytes are taken apart only where they are kept.
struct Cursor {
    stored: Bytes,
    at: usize,
}

impl Cursor {
    fn new(stored: Bytes) -> Cursor {
        Cursor { stored, at: 0 }
    }

    fn take(&mut self, length: usize) -> Option<&[u8]> {
        let taken = self.stored.get(self.at..)?.get(..length)?;
        self.at += length;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_be_bytes(self.take(8)?.try_into().ok()?))
    }

    fn version(&mut self) -> Option<Version> {
        let time = HybridTime::from_bits(self.u64()?);
        let length = usize::from(self.u8()?);
        Some(Version { time, region: Arc::from(std::str::from_utf8(self.take(length)?).ok()?) })
    }

    fn skip_version(&mut self) -> Option<()> {
        self.take(8)?;
        let length = usize::from(self.u8()?);
        self.take(length).map(drop)
    }

    fn blob(&mut self) -> Option<Bytes> {
        let length = self.u32()? as usize;
        let start = self.at;
        self.take(length)?;
        Some(self.stored.slice(start..self.at))
    }

    /// All that is left.
    fn rest(mut self) -> Bytes {
        self.stored.advance(self.at);
        self.stored
    }
}

fn put_version(version: &Version, out: &mut Vec<u8>) {
    out.put_u64(version.time.to_bits());
    out.put_u8(u8::try_from(version.region.len()).expect("Region names have at most 32 bytes"));
    out.put_slice(version.region.as_bytes());
}

fn put_blob(bytes: &[u8], out: &mut Vec<u8>) {
    out.put_u32(u32::try_from(bytes.len()).expect("items have at most 400 KB"));
    out.put_slice(bytes);
}

impl Record {
    /// The stored bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(32 + self.json.len());
        out.put_u8(FORMAT);
        out.put_u8(if self.tombstone { TOMBSTONE } else { 0 });
        put_version(&self.version, &mut out);
        out.put_u32(self.size_bytes);
        out.put_slice(&self.json);
        out
    }

    /// Reads stored bytes.
    ///
    /// # Errors
    /// If they are not a record of a known format.
    pub fn decode(stored: Bytes) -> Result<Record, ReadError> {
        let mut cursor = Cursor::new(stored);
        let mut read = || {
            let format = cursor.u8()?;
            let flags = cursor.u8()?;
            let version = cursor.version()?;
            let size_bytes = cursor.u32()?;
            (format == FORMAT).then_some((flags, version, size_bytes))
        };
        let (flags, version, size_bytes) = read().ok_or_else(|| corrupt("an item record"))?;
        Ok(Record { version, tombstone: flags & TOMBSTONE != 0, size_bytes, json: cursor.rest() })
    }

    /// The attributes.
    ///
    /// # Errors
    /// If the stored JSON is damaged.
    pub fn item(&self) -> Result<Item, ReadError> {
        parse_stored(&self.json)
    }

    /// The item, if this is one.
    pub fn live(&self) -> Option<StoredItem> {
        (!self.tombstone).then(|| StoredItem { size_bytes: self.size_bytes, json: self.json.clone() })
    }
}

/// What readers want of a record: the item. Versions are left alone, since reading one costs more than all the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredItem {
    /// The item's size by DynamoDB's rules.
    pub size_bytes: u32,
    /// Canonical JSON of the item.
    pub json: Bytes,
}

impl StoredItem {
    /// The item in the stored bytes of a record; `None` for a tombstone.
    ///
    /// # Errors
    /// If they are not a record of a known format.
    pub(crate) fn decode(stored: Bytes) -> Result<Option<StoredItem>, ReadError> {
        let mut cursor = Cursor::new(stored);
        let mut read = || {
            let format = cursor.u8()?;
            let flags = cursor.u8()?;
            cursor.skip_version()?;
            let size_bytes = cursor.u32()?;
            (format == FORMAT).then_some((flags, size_bytes))
        };
        let (flags, size_bytes) = read().ok_or_else(|| corrupt("an item record"))?;
        Ok((flags & TOMBSTONE == 0).then(|| StoredItem { size_bytes, json: cursor.rest() }))
    }

    /// The attributes.
    ///
    /// # Errors
    /// If the stored JSON is damaged.
    pub fn item(&self) -> Result<Item, ReadError> {
        parse_stored(&self.json)
    }
}

/// What one mutation did to one item: the entry of a table's log, and what travels between Regions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The write that did it; its Region is the change's origin.
    pub version: Version,
    /// Canonical JSON of the primary key.
    pub key: Bytes,
    /// The item before, as it was in the Region that logged this.
    pub old: Option<Bytes>,
    /// The item after; `None` for a delete.
    pub new: Option<Bytes>,
    /// Time of the write in the Region that logged this, in milliseconds since the epoch.
    pub written_ms: u64,
    /// The TTL of the item did it, not a client.
    pub expired: bool,
    /// Streams do not show it: nothing but the version changed.
    pub silent: bool,
}

const HAS_OLD: u8 = 1;
const HAS_NEW: u8 = 2;
const EXPIRED: u8 = 4;
const SILENT: u8 = 8;

impl Change {
    /// The stored bytes.
    pub fn encode(&self) -> Vec<u8> {
        let size = |image: &Option<Bytes>| image.as_ref().map_or(0, Bytes::len);
        let mut out = Vec::with_capacity(64 + self.key.len() + size(&self.old) + size(&self.new));
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        out.put_u8(FORMAT);
        out.put_u8(
            flag(self.old.is_some(), HAS_OLD)
                | flag(self.new.is_some(), HAS_NEW)
                | flag(self.expired, EXPIRED)
                | flag(self.silent, SILENT),
        );
        put_version(&self.version, &mut out);
        out.put_u64(self.written_ms);
        put_blob(&self.key, &mut out);
        for image in [&self.old, &self.new].into_iter().flatten() {
            put_blob(image, &mut out);
        }
        out
    }

    /// Reads stored bytes.
    ///
    /// # Errors
    /// If they are not a change of a known format.
    pub fn decode(stored: Bytes) -> Result<Change, ReadError> {
        let mut cursor = Cursor::new(stored);
        let mut read = || {
            let format = cursor.u8()?;
            let flags = cursor.u8()?;
            let version = cursor.version()?;
            let written_ms = cursor.u64()?;
            let key = cursor.blob()?;
            let old = if flags & HAS_OLD != 0 { Some(cursor.blob()?) } else { None };
            let new = if flags & HAS_NEW != 0 { Some(cursor.blob()?) } else { None };
            (format == FORMAT).then_some(Change {
                version,
                key,
                old,
                new,
                written_ms,
                expired: flags & EXPIRED != 0,
                silent: flags & SILENT != 0,
            })
        };
        read().ok_or_else(|| corrupt("a log record"))
    }

    /// The same change without the image that only this Region's stream needs.
    #[must_use]
    pub fn for_shipping(self) -> Change {
        Change { old: None, ..self }
    }
}
