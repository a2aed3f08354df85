//! What a replica still keeps for others: the part of its log that a member lacks, and marks of deletes.
//!
//! Figures for people. Nothing here decides what is kept.

use graticule_kv::{Direction, PageLimit};
use graticule_model::Error;

use crate::{
    layout::{KeyBuilder, Space, prefix_range},
    region::{Region, internal},
    schema::Table,
};

/// Places of a log that are looked at to judge how long its entries are.
const SAMPLES: u64 = 4;
/// What is read at each of them.
const SAMPLE: PageLimit = PageLimit { entries: 16, bytes: 128 * 1024 };
/// Tombstones are counted up to this many.
const TOMBSTONES_COUNTED_MAX: usize = 10_000;

/// A part of a log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pending {
    /// Its positions.
    pub changes: u64,
    /// About how many bytes its entries have: exact for a few, otherwise judged by samples that are spread over it. The
    /// engine's own estimate leaves out what is still in its write buffers, which is where a backlog begins.
    pub bytes: u64,
}

impl Region {
    /// The part of a table's log from position `from` to its head.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn pending(&self, table: &Table, from: u64) -> Result<Pending, Error> {
        let log = self.log_bounds(table).await?;
        let from = from.max(log.first);
        let changes = log.next.saturating_sub(from);
        let (mut seen, mut seen_bytes, mut position) = (0_u64, 0_u64, from);
        for sample in 0..SAMPLES {
            // Samples do not overlap: a short log is read once, and wholly.
            position = position.max(from + changes / SAMPLES * sample);
            if position >= log.next {
                break;
            }
            let page = self.engine.read_log(table.log(), position, SAMPLE).await.map_err(internal)?;
            position = page.next.max(position);
            seen += page.entries.len() as u64;
            seen_bytes += page.entries.iter().map(|(_, entry)| entry.len() as u64).sum::<u64>();
        }
        let bytes = u128::from(seen_bytes) * u128::from(changes) / u128::from(seen.max(1));
        Ok(Pending { changes, bytes: u64::try_from(bytes).unwrap_or(u64::MAX) })
    }

    /// How many marks of deletes a table keeps; more than ten thousand are not counted on.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn tombstones_held(&self, table: &Table) -> Result<u64, Error> {
        let (start, end) = prefix_range(KeyBuilder::table(Space::Tombstones, table.id).build());
        let snapshot = self.engine.snapshot().await.map_err(internal)?;
        let limit = PageLimit { entries: TOMBSTONES_COUNTED_MAX, bytes: usize::MAX };
        let rows = snapshot.scan(&start, &end, Direction::Forward, limit).await.map_err(internal)?;
        Ok(rows.len() as u64)
    }
}
