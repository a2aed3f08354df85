//! Comparing replicas without shipping them: digests of stretches of the key space, and the states of single keys.
//!
//! Stored keys differ between Regions only in the table's id, so a stretch is named by what follows it. Digests cover the
//! live items, with their versions. Tombstones are kept and forgotten by each Region in its own time and are not compared.

use graticule_kv::{Direction, Key, PageLimit, Value};
use graticule_model::{Error, Version};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use super::outgoing::change_of_record;
use crate::{
    layout::{KeyBuilder, Space, prefix_range},
    record::{Change, Record},
    region::{Region, internal},
    schema::Table,
};

/// What one scan of a stretch reads at most.
const PAGE: PageLimit = PageLimit { entries: 1024, bytes: 1024 * 1024 };

/// A stretch of a table's key space, by what follows the table's id in stored keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// Its first key.
    pub start: Vec<u8>,
    /// The first key after it; `None` for the end of the table.
    pub end: Option<Vec<u8>>,
}

/// What a stretch holds, in short.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Digest {
    /// Live items.
    pub items: u64,
    /// A hash over their keys, versions and attributes, in the order of the keys.
    pub hash: u128,
}

/// One live item, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyState {
    /// Its stored key, without the table's id.
    pub key: Vec<u8>,
    /// Its version.
    pub version: Version,
    /// A hash over its attributes.
    pub hash: u128,
}

impl Stretch {
    /// The whole table.
    pub fn all() -> Stretch {
        Stretch { start: Vec::new(), end: None }
    }

    fn bounds(&self, table: &Table) -> (Key, Key) {
        let (first, end) = prefix_range(KeyBuilder::table(Space::Items, table.id).build());
        let of = |key: &[u8]| [&first[..], key].concat();
        (of(&self.start), self.end.as_ref().map_or(end, |key| of(key)))
    }
}

fn prefix_length(table: &Table) -> usize {
    KeyBuilder::table(Space::Items, table.id).build().len()
}

/// Rows of one page, and where the next one begins.
type Rows = (Vec<(Key, Value)>, Option<Key>);

impl Region {
    async fn stretch_page(&self, start: &[u8], end: &[u8], limit: PageLimit) -> Result<Rows, Error> {
        let snapshot = self.engine.snapshot().await.map_err(internal)?;
        let rows = snapshot.scan(start, end, Direction::Forward, limit).await.map_err(internal)?;
        let full = rows.len() >= limit.entries
            || rows.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>() >= limit.bytes;
        let next = rows.last().filter(|_| full).map(|(key, _)| [&key[..], &[0]].concat());
        Ok((rows, next))
    }

    /// The digest of a stretch of a table. Reads it page by page: a write meanwhile may be in it or not.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn digest(&self, table: &Table, stretch: &Stretch) -> Result<Digest, Error> {
        let (mut start, end) = stretch.bounds(table);
        let skip = prefix_length(table);
        let (mut items, mut hash) = (0, Xxh3::new());
        loop {
            let (rows, next) = self.stretch_page(&start, &end, PAGE).await?;
            for (key, value) in rows {
                let record = Record::decode(value).map_err(internal)?;
                if record.tombstone {
                    continue;
                }
                items += 1;
                let key = &key[skip..];
                hash.update(&(key.len() as u64).to_be_bytes());
                hash.update(key);
                hash.update(&record.version.time.to_bits().to_be_bytes());
                hash.update(&[u8::try_from(record.version.region.len()).unwrap_or(u8::MAX)]);
                hash.update(record.version.region.as_bytes());
                hash.update(&(record.json.len() as u64).to_be_bytes());
                hash.update(&record.json);
            }
            match next {
                Some(next) => start = next,
                None => return Ok(Digest { items, hash: hash.digest128() }),
            }
        }
    }

    /// Cuts off the part of a stretch that holds about `items` stored items, so that it can be compared by itself. The
    /// second is what is left; `None` at the end.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn split_stretch(
        &self,
        table: &Table,
        stretch: &Stretch,
        items: usize,
    ) -> Result<(Stretch, Option<Stretch>), Error> {
        let (start, end) = stretch.bounds(table);
        let limit = PageLimit { entries: items, bytes: PAGE.bytes };
        let (_, next) = self.stretch_page(&start, &end, limit).await?;
        let Some(next) = next else { return Ok((stretch.clone(), None)) };
        let middle = next[prefix_length(table)..].to_vec();
        let first = Stretch { start: stretch.start.clone(), end: Some(middle.clone()) };
        Ok((first, Some(Stretch { start: middle, end: stretch.end.clone() })))
    }

    /// The live items of the beginning of a stretch, in short, at most `limit` of them; and what is left of it.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn key_states(
        &self,
        table: &Table,
        stretch: &Stretch,
        limit: usize,
    ) -> Result<(Vec<KeyState>, Option<Stretch>), Error> {
        let (mut start, end) = stretch.bounds(table);
        let skip = prefix_length(table);
        let mut states = Vec::new();
        loop {
            let page = PageLimit { entries: PAGE.entries.min(limit - states.len()), bytes: PAGE.bytes };
            let (rows, next) = self.stretch_page(&start, &end, page).await?;
            for (key, value) in rows {
                let record = Record::decode(value).map_err(internal)?;
                if !record.tombstone {
                    let (key, hash) = (key[skip..].to_vec(), xxh3_128(&record.json));
                    states.push(KeyState { key, version: record.version, hash });
                }
            }
            let Some(next) = next else { return Ok((states, None)) };
            if states.len() >= limit {
                let left = Stretch { start: next[skip..].to_vec(), end: stretch.end.clone() };
                return Ok((states, Some(left)));
            }
            start = next;
        }
    }

    /// What is stored under the first few of `keys` (as [`KeyState`] has them), up to `limit`, as changes: items and
    /// tombstones. Keys with nothing have none. Also how many keys that are, at least one if there is one.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn changes_of_keys(
        &self,
        table: &Table,
        keys: &[Vec<u8>],
        limit: PageLimit,
    ) -> Result<(Vec<Change>, usize), Error> {
        let prefix = KeyBuilder::table(Space::Items, table.id).build();
        let (mut changes, mut bytes, mut answered) = (Vec::new(), 0, 0);
        for key in keys {
            if answered > 0 && (changes.len() >= limit.entries || bytes >= limit.bytes) {
                break;
            }
            answered += 1;
            let stored = self.engine.get(&[&prefix[..], key].concat()).await.map_err(internal)?;
            if let Some(stored) = stored {
                bytes += stored.len();
                changes.push(change_of_record(table, stored)?);
            }
        }
        Ok((changes, answered))
    }

    /// Tombstones after `after`, as changes, oldest first, with the mark to go on after; until there are none left.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn tombstone_changes(
        &self,
        table: &Table,
        after: Option<&[u8]>,
    ) -> Result<(Vec<Change>, Option<Vec<u8>>), Error> {
        let prefix = KeyBuilder::table(Space::Tombstones, table.id).build();
        let (mut start, end) = prefix_range(prefix.clone());
        if let Some(after) = after {
            start = [after, &[0]].concat();
        }
        let marks = {
            let snapshot = self.engine.snapshot().await.map_err(internal)?;
            snapshot.scan(&start, &end, Direction::Forward, PAGE).await.map_err(internal)?
        };
        let last = marks.last().map(|(mark, _)| mark.clone());
        let keys: Vec<Vec<u8>> = marks.iter().map(|(mark, _)| mark[prefix.len() + 8..].to_vec()).collect();
        // A page of marks is a batch: tombstones hold no more than a key.
        let (changes, _) =
            self.changes_of_keys(table, &keys, PageLimit { bytes: usize::MAX, ..PAGE }).await?;
        Ok((changes.into_iter().filter(|change| change.new.is_none()).collect(), last))
    }
}
