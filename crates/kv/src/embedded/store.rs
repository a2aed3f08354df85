//! The rows of the store: column families, encodings, reads.
//!
//! | column family | key | value |
//! |---|---|---|
//! | `default` | the caller's key | the caller's value |
//! | `counters` | the caller's key | i64, little endian |
//! | `log` | shard u64, position u64, both big endian | the entry |
//! | `log_bounds` | shard u64 big endian | first u64, next u64, both big endian |
//!
//! Invariant: `log` holds exactly the entries `first..next` of each shard's row in `log_bounds`, at every
//! commit. A missing row means `0..0`. It knows nothing of locks, groups or when writes happen.

use std::path::Path;
use std::sync::OnceLock;

use rocksdb::{ColumnFamily, DB, ErrorKind, PrefixRange, ReadOptions, WriteBatch, WriteOptions};

use super::open::Options;
use super::resident::Resident;
use crate::contract::{Direction, EachFn, Key, LogBounds, LogPage, LogShard, PageLimit, ReadError, Value};

pub(super) const COUNTERS: &str = "counters";
pub(super) const LOG: &str = "log";
pub(super) const LOG_BOUNDS: &str = "log_bounds";

const OPENED: &str = "open() opens every column family";

/// The opened database, and whether it can still be trusted.
pub(super) struct Store {
    db: DB,
    /// Why reads and commits are refused, once a write has failed.
    failure: OnceLock<String>,
    free_bytes_min: u64,
    resident: Resident,
}

impl Store {
    pub(super) fn new(db: DB, options: &Options) -> Result<Store, ReadError> {
        let resident = Resident::load(options.resident_prefix.clone(), |prefix| read_prefix(&db, prefix))?;
        Ok(Store { db, failure: OnceLock::new(), free_bytes_min: options.free_bytes_min, resident })
    }

    /// The rows that are kept in memory. After a group is written its changes must be applied to them.
    pub(super) fn resident(&self) -> &Resident {
        &self.resident
    }

    pub(super) fn path(&self) -> &Path {
        self.db.path()
    }

    pub(super) fn counters(&self) -> &ColumnFamily {
        self.db.cf_handle(COUNTERS).expect(OPENED)
    }

    pub(super) fn log(&self) -> &ColumnFamily {
        self.db.cf_handle(LOG).expect(OPENED)
    }

    pub(super) fn bounds(&self) -> &ColumnFamily {
        self.db.cf_handle(LOG_BOUNDS).expect(OPENED)
    }

    /// `Err` with the reason once a write has failed.
    pub(super) fn check_usable(&self) -> Result<(), String> {
        self.failure.get().map_or(Ok(()), |why| Err(why.clone()))
    }

    /// `Err` with the reason while the device is too full to take commits. Reads go on.
    pub(super) fn check_space(&self) -> Result<(), String> {
        // A device that does not tell is not held against the client.
        let Ok(device) = rustix::fs::statvfs(self.path()) else { return Ok(()) };
        let free_bytes = device.f_bavail.saturating_mul(device.f_frsize);
        if free_bytes >= self.free_bytes_min {
            return Ok(());
        }
        const MIB: u64 = 1024 * 1024;
        Err(format!(
            "only {} MiB are free where {} lies, and writes need {}; free some space, then they go on",
            free_bytes / MIB,
            self.path().display(),
            self.free_bytes_min / MIB
        ))
    }

    /// From now on nothing is read or committed.
    pub(super) fn fail(&self, why: String) {
        // Only the commit thread calls this, and it stops at the first failure.
        self.failure.get_or_init(|| why);
    }

    /// Makes a batch durable, then visible.
    pub(super) fn write(&self, batch: WriteBatch) -> Result<(), rocksdb::Error> {
        let mut options = WriteOptions::default();
        options.set_sync(true);
        self.db.write_opt(batch, &options)
    }

    /// The last call: leaves nothing in buffers. After a failed write it touches nothing.
    pub(super) fn close(&self) {
        if self.check_usable().is_ok()
            && let Err(error) = self.db.flush_wal(true)
        {
            tracing::error!(path = %self.path().display(), %error, "could not flush the log on close");
        }
    }

    pub(super) fn snapshot(&self) -> rocksdb::Snapshot<'_> {
        self.db.snapshot()
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Value>, ReadError> {
        if let Some(kept) = self.resident.get(key) {
            return Ok(kept);
        }
        Ok(self.db.get_pinned(key).map_err(read_error)?.map(|value| Value::copy_from_slice(&value)))
    }

    /// The value of a counter; `None` if it has no row.
    pub(super) fn counter(&self, key: &[u8]) -> Result<Option<i64>, ReadError> {
        let row = self.db.get_pinned_cf(self.counters(), key).map_err(read_error)?;
        row.map(|row| {
            let bytes = row.as_ref().try_into();
            bytes.map(i64::from_le_bytes).map_err(|_| damaged("counter", &row))
        })
        .transpose()
    }

    pub(super) fn log_bounds(&self, shard: LogShard) -> Result<LogBounds, ReadError> {
        let row = self.db.get_pinned_cf(self.bounds(), shard.0.to_be_bytes()).map_err(read_error)?;
        let Some(row) = row else { return Ok(LogBounds::default()) };
        decode_bounds(&row).ok_or_else(|| damaged("log bounds", &row))
    }

    /// Reads bounds and entries without a snapshot: `next` only grows, and what a concurrent trim takes away
    /// it takes from the front, so the entries found are still a gap-free run.
    pub(super) fn read_log(
        &self,
        shard: LogShard,
        from: u64,
        limit: PageLimit,
    ) -> Result<LogPage, ReadError> {
        let bounds = self.log_bounds(shard)?;
        let from = from.max(bounds.first);
        let mut page = LogPage { entries: Vec::new(), next: from };
        if from >= bounds.next {
            return Ok(page);
        }
        let mut options = ReadOptions::default();
        options.set_iterate_range(log_key(shard, from)..log_key(shard, bounds.next));
        let mut rows = self.db.raw_iterator_cf_opt(self.log(), options);
        rows.seek_to_first();
        let mut bytes = 0;
        while let Some((key, entry)) = rows.item() {
            let position = decode_log_position(key).ok_or_else(|| damaged("log key", key))?;
            if !page.entries.is_empty() && position != page.next {
                return Err(ReadError::Corrupt(format!("log {} has no entry {}", shard.0, page.next)));
            }
            bytes += entry.len();
            page.entries.push((position, Value::copy_from_slice(entry)));
            page.next = position + 1;
            if page.entries.len() >= limit.entries || bytes >= limit.bytes {
                break;
            }
            rows.next();
        }
        rows.status().map_err(read_error)?;
        Ok(page)
    }
}

fn read_prefix(db: &DB, prefix: &[u8]) -> Result<Vec<(Key, Value)>, ReadError> {
    let mut options = ReadOptions::default();
    options.set_iterate_range(PrefixRange(prefix));
    let mut rows = db.raw_iterator_opt(options);
    rows.seek_to_first();
    let mut found = Vec::new();
    while let Some((key, value)) = rows.item() {
        found.push((key.to_vec(), Value::copy_from_slice(value)));
        rows.next();
    }
    rows.status().map_err(read_error)?;
    Ok(found)
}

pub(super) fn get_at(snapshot: &rocksdb::Snapshot<'_>, key: &[u8]) -> Result<Option<Value>, ReadError> {
    Ok(snapshot.get_pinned(key).map_err(read_error)?.map(|value| Value::copy_from_slice(&value)))
}

pub(super) fn walk_at(
    snapshot: &rocksdb::Snapshot<'_>,
    start: &[u8],
    end: &[u8],
    direction: Direction,
    limit: PageLimit,
    each: &mut EachFn<'_>,
) -> Result<Option<Key>, ReadError> {
    if start >= end {
        return Ok(None);
    }
    let mut options = ReadOptions::default();
    options.set_iterate_range(start..end);
    let mut rows = snapshot.raw_iterator_opt(options);
    match direction {
        Direction::Forward => rows.seek_to_first(),
        Direction::Backward => rows.seek_to_last(),
    }
    let (mut shown, mut bytes) = (0, 0);
    while let Some((key, value)) = rows.item() {
        shown += 1;
        bytes += key.len() + value.len();
        each(key, value);
        if shown >= limit.entries || bytes >= limit.bytes {
            return Ok(Some(key.to_vec()));
        }
        match direction {
            Direction::Forward => rows.next(),
            Direction::Backward => rows.prev(),
        }
    }
    rows.status().map_err(read_error)?;
    Ok(None)
}

pub(super) fn log_key(shard: LogShard, position: u64) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&shard.0.to_be_bytes());
    key[8..].copy_from_slice(&position.to_be_bytes());
    key
}

pub(super) fn encode_bounds(bounds: LogBounds) -> [u8; 16] {
    let mut row = [0; 16];
    row[..8].copy_from_slice(&bounds.first.to_be_bytes());
    row[8..].copy_from_slice(&bounds.next.to_be_bytes());
    row
}

fn decode_bounds(row: &[u8]) -> Option<LogBounds> {
    let (first, next) = row.split_first_chunk()?;
    let bounds =
        LogBounds { first: u64::from_be_bytes(*first), next: u64::from_be_bytes(next.try_into().ok()?) };
    (bounds.first <= bounds.next).then_some(bounds)
}

fn decode_log_position(key: &[u8]) -> Option<u64> {
    let (_shard, position) = key.split_first_chunk::<8>()?;
    Some(u64::from_be_bytes(position.try_into().ok()?))
}

fn damaged(what: &str, row: &[u8]) -> ReadError {
    ReadError::Corrupt(format!("a {what} of {} bytes has the wrong shape", row.len()))
}

fn read_error(error: rocksdb::Error) -> ReadError {
    match error.kind() {
        ErrorKind::Corruption => ReadError::Corrupt(error.into_string()),
        _ => ReadError::Io(error.into_string()),
    }
}
