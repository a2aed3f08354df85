//! Stored forms of items and of log records: versioned bytes, item bodies in canonical JSON.
//!
//! An item record is `format | flags | version | size | JSON`, where a tombstone's JSON holds the key alone. A log record
//! holds what one mutation did to one item. Both carry the version of the write that made them.

use std::sync::Arc;

use bytes::{BufMut, Bytes};
use graticule_kv::ReadError;
use graticule_model::{Item, Version, codec::stored_item_from_json, version::HybridTime};

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

struct Cursor(Bytes);

impl Cursor {
    fn take(&mut self, length: usize) -> Option<Bytes> {
        (self.0.len() >= length).then(|| self.0.split_to(length))
    }

    fn u8(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.as_ref().try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_be_bytes(self.take(8)?.as_ref().try_into().ok()?))
    }

    fn version(&mut self) -> Option<Version> {
        let time = HybridTime::from_bits(self.u64()?);
        let length = usize::from(self.u8()?);
        let region = self.take(length)?;
        Some(Version { time, region: Arc::from(std::str::from_utf8(&region).ok()?) })
    }

    fn blob(&mut self) -> Option<Bytes> {
        let length = self.u32()? as usize;
        self.take(length)
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
        let mut cursor = Cursor(stored);
        let mut read = || {
            let format = cursor.u8()?;
            let flags = cursor.u8()?;
            let version = cursor.version()?;
            let size_bytes = cursor.u32()?;
            (format == FORMAT).then_some((flags, version, size_bytes))
        };
        let (flags, version, size_bytes) = read().ok_or_else(|| corrupt("an item record"))?;
        Ok(Record { version, tombstone: flags & TOMBSTONE != 0, size_bytes, json: cursor.0 })
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
        let mut cursor = Cursor(stored);
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
