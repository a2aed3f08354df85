//! The conflict journal: writes that the last writer won against, listed in the Region of the winner.
//!
//! A write is listed where it lost on arrival: in the Region whose own, later write stood there already. Between two Regions
//! that happens once for each discarded write, in the Region that wrote what stands. The opposite, a write of this Region that one from elsewhere
//! takes the place of, is not listed here: versions do not tell whether its writer had seen what it overwrote. If it had
//! not, the overwritten write travels there, loses there, and is listed there. Where three Regions write one item at once,
//! a write that lost against two others may be listed in both their Regions. A batch that a crash interrupted is applied
//! again, and what lost in it may be listed twice.
//!
//! Bounded: entries stay for seven days, and per table as many as [`Region::set_conflict_journal_max`] says, of
//! [`JOURNAL_BYTES_MAX`] bytes together; the oldest go first and are counted. The bounds are kept by housekeeping, every
//! few seconds. Nothing decides anything by what is listed.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicU64, Ordering},
};

use graticule_kv::{Batch, Direction, PageLimit};
use graticule_model::{Error, Version, version::HybridTime};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::{
    derive::{BASE, COUNT_CONFLICTS, COUNT_CONFLICTS_FORGOTTEN, counter_key},
    layout::{KeyBuilder, Space, prefix_range},
    record::{Change, Record},
    region::{Region, internal},
    schema::{PrimaryKey, Table},
};

/// Longest JSON of a discarded item that the journal keeps.
const DISCARDED_BYTES_MAX: usize = 1024 * 1024;
/// How long entries stay.
const AGE_MS_MAX: u64 = 7 * 24 * 60 * 60 * 1000;
/// Entries per table, unless it is set otherwise.
const JOURNAL_MAX: u64 = 10_000;
/// Bytes of entries per table.
pub(crate) const JOURNAL_BYTES_MAX: usize = 64 * 1024 * 1024;
/// What is read at once.
const PAGE: PageLimit = PageLimit { entries: 1000, bytes: 4 * 1024 * 1024 };

/// A replicated change that lost against a later local write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Conflict {
    /// The item's key, as JSON.
    pub key: String,
    /// The version that stands.
    pub winner: String,
    /// The Region that wrote it.
    #[serde(default)]
    pub winner_region: String,
    /// What stands is a delete.
    #[serde(default)]
    pub winner_deletes: bool,
    /// The version that was discarded.
    pub loser: String,
    /// The Region that wrote that.
    #[serde(default)]
    pub loser_region: String,
    /// What was discarded is a delete.
    #[serde(default)]
    pub loser_deletes: bool,
    /// The item that was discarded, as JSON; absent if it was a delete, or is very long.
    pub discarded: Option<String>,
    /// When it was discarded, in milliseconds since the epoch, on the clock of the Region that lists it.
    pub at_ms: u64,
}

/// Which entries are asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct ConflictQuery<'a> {
    /// Discarded at this time or later, in milliseconds since the epoch.
    pub since_ms: Option<u64>,
    /// Discarded before this time.
    pub until_ms: Option<u64>,
    /// Most entries; fewer come if they are long.
    pub limit: usize,
    /// Goes on after the page that gave this.
    pub after: Option<&'a str>,
}

/// Entries, oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ConflictPage {
    /// What was discarded.
    pub conflicts: Vec<Conflict>,
    /// Given if there may be more: to be asked for after it.
    pub next: Option<String>,
}

/// The journal's bound, and what is known of its size.
#[derive(Debug)]
pub(crate) struct Journal {
    entries_max: AtomicU64,
    /// How many conflicts there had been when a table's journal was last measured, by table id.
    measured: Mutex<HashMap<u64, i64>>,
}

impl Default for Journal {
    fn default() -> Journal {
        Journal { entries_max: AtomicU64::new(JOURNAL_MAX), measured: Mutex::default() }
    }
}

fn prefix(table: &Table) -> KeyBuilder {
    KeyBuilder::table(Space::Conflicts, table.id)
}

/// Entries lie in the order of their discarding.
fn from_ms(table: &Table, at_ms: u64) -> Vec<u8> {
    // Beyond what a hybrid time can hold there is nothing.
    prefix(table).number(HybridTime::from_unix_ms(at_ms.min(u64::MAX >> 20)).to_bits()).build()
}

/// Lists a change that loses against `stored`.
pub(super) fn note(
    table: &Table,
    key: &PrimaryKey,
    stored: &Record,
    change: &Change,
    now_ms: u64,
    batch: &mut Batch,
) {
    let Version { time, region } = &change.version;
    let text = |json: &[u8]| String::from_utf8_lossy(json).into_owned();
    let conflict = Conflict {
        key: text(&change.key),
        winner: stored.version.to_string(),
        winner_region: stored.version.region.to_string(),
        winner_deletes: stored.tombstone,
        loser: change.version.to_string(),
        loser_region: region.to_string(),
        loser_deletes: change.new.is_none(),
        discarded: change
            .new
            .as_ref()
            .filter(|json| json.len() <= DISCARDED_BYTES_MAX)
            .map(|json| text(json)),
        at_ms: now_ms,
    };
    // Writes of one transaction have one version.
    let place = prefix(table)
        .number(HybridTime::from_unix_ms(now_ms).to_bits())
        .number(time.to_bits())
        .bytes(region.as_bytes());
    batch.put(table.primary_key(place, key).build(), serde_json::to_vec(&conflict).unwrap_or_default());
    batch.add(counter_key(table.id, BASE, COUNT_CONFLICTS), 1);
}

fn token(key: &[u8], prefix: &[u8]) -> String {
    key[prefix.len()..].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read_token(token: &str) -> Option<Vec<u8>> {
    let digits = token.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| (byte as char).to_digit(16);
    digits.chunks_exact(2).map(|pair| Some((digit(pair[0])? * 16 + digit(pair[1])?) as u8)).collect()
}

impl Region {
    /// Sets how many discarded writes are listed per table; the oldest go first.
    pub fn set_conflict_journal_max(&self, entries_max: u64) {
        self.journal.entries_max.store(entries_max, Ordering::Relaxed);
    }

    /// Writes from elsewhere that lost against later writes of this Region.
    ///
    /// # Errors
    /// [`Error::Validation`] if `after` is no token of this journal; otherwise if the engine fails.
    pub async fn conflicts(&self, table: &Table, query: &ConflictQuery<'_>) -> Result<ConflictPage, Error> {
        let (first, last) = prefix_range(prefix(table).build());
        let mut start = query.since_ms.map_or_else(|| first.clone(), |at_ms| from_ms(table, at_ms));
        let end = query.until_ms.map_or(last, |at_ms| from_ms(table, at_ms));
        if let Some(after) = query.after {
            let rest = read_token(after)
                .ok_or_else(|| Error::Validation("after is no token of a page of conflicts".to_owned()))?;
            start = start.max([&first[..], &rest, &[0]].concat());
        }
        let snapshot = self.engine.snapshot().await.map_err(internal)?;
        let page = PageLimit { entries: query.limit.clamp(1, PAGE.entries), bytes: PAGE.bytes };
        let rows = snapshot.scan(&start, &end, Direction::Forward, page).await.map_err(internal)?;
        let conflicts = rows.iter().map(|(_, value)| serde_json::from_slice(value).map_err(internal));
        let conflicts = conflicts.collect::<Result<Vec<Conflict>, _>>()?;
        let bytes: usize = rows.iter().map(|(key, value)| key.len() + value.len()).sum();
        let full = rows.len() >= page.entries || bytes >= page.bytes;
        let next = rows.last().filter(|_| full).map(|(key, _)| token(key, &first));
        Ok(ConflictPage { conflicts, next })
    }

    /// How many writes from elsewhere have lost against writes of this Region, ever, and how many of those the journal
    /// had no room for any more.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn conflict_counts(&self, table: &Table) -> Result<(u64, u64), Error> {
        let count = async |which| {
            let counter = self.engine.counter(&counter_key(table.id, BASE, which)).await.map_err(internal)?;
            Ok::<u64, Error>(u64::try_from(counter).unwrap_or(0))
        };
        Ok((count(COUNT_CONFLICTS).await?, count(COUNT_CONFLICTS_FORGOTTEN).await?))
    }

    /// Forgets what is too old, or too much.
    pub(crate) async fn keep_journal(&self, table: &Table) -> Result<(), Error> {
        let (first, last) = prefix_range(prefix(table).build());
        let horizon = from_ms(table, self.env.unix_ms().saturating_sub(AGE_MS_MAX));
        self.forget_range(first.clone(), horizon).await?;
        let counter = counter_key(table.id, BASE, COUNT_CONFLICTS);
        let counted = self.engine.counter(&counter).await.map_err(internal)?;
        if self.journal.measured.lock().get(&table.id) == Some(&counted) {
            return Ok(());
        }
        let entries_max = self.journal.entries_max.load(Ordering::Relaxed);
        let (mut entries, mut bytes, mut forgotten) = (0_u64, 0_usize, 0_i64);
        // Everything from here on stays.
        let mut kept_from = last.clone();
        let mut end = last;
        loop {
            let snapshot = self.engine.snapshot().await.map_err(internal)?;
            let rows = snapshot.scan(&first, &end, Direction::Backward, PAGE).await.map_err(internal)?;
            let Some((oldest, _)) = rows.last() else { break };
            end = oldest.clone();
            for (key, value) in rows {
                bytes = bytes.saturating_add(key.len() + value.len());
                if forgotten == 0 && entries < entries_max && bytes <= JOURNAL_BYTES_MAX {
                    entries += 1;
                    kept_from = key;
                } else {
                    forgotten += 1;
                }
            }
        }
        if forgotten > 0 {
            let tally = counter_key(table.id, BASE, COUNT_CONFLICTS_FORGOTTEN);
            self.put_rows_of(table, |batch| {
                batch.delete_range(first.clone(), kept_from.clone());
                batch.add(tally.clone(), forgotten);
            })
            .await?;
        }
        self.journal.measured.lock().insert(table.id, counted);
        Ok(())
    }

    /// The journals of tables that are no more need no measuring.
    pub(crate) fn forget_journals(&self, there: impl Fn(u64) -> bool) {
        self.journal.measured.lock().retain(|table_id, _| there(*table_id));
    }
}
