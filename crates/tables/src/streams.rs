//! DynamoDB Streams, read from the table's log.
//!
//! A stream is a stretch of the log and has one shard; a record's sequence number is its log position. Changes that
//! streams do not show are passed over.

use graticule_kv::PageLimit;
use graticule_model::{
    Error,
    limits::{STREAM_PAGE_BYTES_MAX, STREAM_RECORDS_PAGE_MAX, STREAM_RETENTION_MS},
};

use crate::{
    record::Change,
    region::{Region, internal},
    schema::{Stream, StreamView, Table},
};

/// Records of one shard, in order.
#[derive(Debug, Clone, Default)]
pub struct StreamPage {
    /// Log positions and changes.
    pub changes: Vec<(u64, Change)>,
    /// Where to go on; `None` at the end of a closed shard.
    pub next: Option<u64>,
}

/// The extent of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamBounds {
    /// Position of the oldest record that can be read.
    pub first: u64,
    /// Position after the newest record.
    pub next: u64,
}

impl Table {
    /// Opens a new stream; its records start at log position `first`.
    pub fn open_stream(&mut self, view: StreamView, first: u64, now_ms: u64) {
        // Labels are times; two streams of one table never share one.
        let newest = self.streams.last().map_or(0, |stream| stream.enabled_ms);
        let enabled_ms = now_ms.max(newest + 1);
        self.streams.push(Stream { label: stream_label(enabled_ms), view, enabled_ms, first, closed: None });
    }

    /// Ends the open stream at log position `next`.
    pub fn close_stream(&mut self, next: u64, now_ms: u64) {
        if let Some(stream) = self.streams.last_mut().filter(|stream| stream.closed.is_none()) {
            stream.closed = Some((next, now_ms));
        }
    }

    /// The stream with this label.
    pub fn stream_by_label(&self, label: &str) -> Option<&Stream> {
        self.streams.iter().find(|stream| stream.label == label)
    }
}

/// A time as `2026-01-31T23:59:59.999`.
fn stream_label(unix_ms: u64) -> String {
    let (days, ms) = (unix_ms / 86_400_000, unix_ms % 86_400_000);
    // Civil date from days since 1970-01-01, in years that start in March (proleptic Gregorian calendar).
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}", ms % 1000)
}

impl Region {
    /// The extent of a stream now.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn stream_bounds(&self, table: &Table, stream: &Stream) -> Result<StreamBounds, Error> {
        let log = self.engine.log_bounds(table.log()).await.map_err(internal)?;
        let next = stream.closed.map_or(log.next, |(next, _)| next);
        Ok(StreamBounds { first: stream.first.max(log.first).min(next), next })
    }

    /// Records of a stream from position `from` on.
    ///
    /// # Errors
    /// [`Error::TrimmedDataAccess`] if they are gone.
    pub async fn stream_page(
        &self,
        table: &Table,
        stream: &Stream,
        from: u64,
        limit: usize,
    ) -> Result<StreamPage, Error> {
        let bounds = self.stream_bounds(table, stream).await?;
        if from < bounds.first {
            return Err(Error::TrimmedDataAccess);
        }
        let limit = limit.min(STREAM_RECORDS_PAGE_MAX);
        let page_limit = PageLimit { entries: limit, bytes: STREAM_PAGE_BYTES_MAX };
        let log = self.engine.read_log(table.log(), from, page_limit).await.map_err(internal)?;
        let mut page = StreamPage::default();
        for (position, entry) in log.entries {
            if position >= bounds.next {
                break;
            }
            let change = Change::decode(entry).map_err(internal)?;
            if !change.silent {
                page.changes.push((position, change));
            }
        }
        let next = log.next.min(bounds.next).max(from);
        page.next = (stream.closed.is_none() || next < bounds.next).then_some(next);
        Ok(page)
    }

    /// The first log position whose record was written at `unix_ms` or later.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn stream_position_at(
        &self,
        table: &Table,
        stream: &Stream,
        unix_ms: u64,
    ) -> Result<u64, Error> {
        let bounds = self.stream_bounds(table, stream).await?;
        let (mut low, mut high) = (bounds.first, bounds.next);
        while low < high {
            let middle = low + (high - low) / 2;
            let one = PageLimit { entries: 1, bytes: usize::MAX };
            let entry = self.engine.read_log(table.log(), middle, one).await.map_err(internal)?;
            let Some((_, entry)) = entry.entries.into_iter().next() else { break };
            if Change::decode(entry).map_err(internal)?.written_ms < unix_ms {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// The first log position whose record is not older than streams are kept.
    pub(crate) async fn stream_retention(&self, table: &Table) -> Result<u64, Error> {
        let oldest_ms = self.env.unix_ms().saturating_sub(STREAM_RETENTION_MS);
        match table.streams.first() {
            Some(stream) => {
                let whole = Stream { first: 0, closed: None, ..stream.clone() };
                self.stream_position_at(table, &whole, oldest_ms).await
            }
            None => Ok(u64::MAX),
        }
    }
}
