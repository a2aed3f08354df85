//! The shards of a stream: how a stream is opened, continued in another shard, and closed.
//!
//! A shard is a stretch of the table's log, and the shards of a stream follow each other without gap or overlap: one is
//! open, the others are closed, each the parent of the next. Where a shard ends must be behind all that anybody has
//! read from it. Nobody knows that place before the table's record says that the shard is being closed, so closing takes
//! two commits: the first one marks the stream as unsettled, and whoever reads from then on gets nothing behind the mark;
//! the second one puts the end where the log was after the first. Whoever comes across an unsettled stream may settle it.

use std::sync::Arc;

use graticule_model::{
    Error,
    limits::{STREAM_RETENTION_MS, STREAM_SHARDS_MAX},
};

use crate::{
    region::Region,
    schema::{Shard, Stream, StreamView, Table},
};

impl Table {
    /// Opens a new stream; its records start at log position `first`.
    pub fn open_stream(&mut self, view: StreamView, first: u64, now_ms: u64) {
        // Labels are times; two streams of one table never share one.
        let newest = self.streams.last().map_or(0, |stream| stream.enabled_ms);
        self.streams.push(Stream::new(view, first, now_ms.max(newest + 1)));
    }

    /// Closes the open stream, not before log position `next`. To be settled.
    pub fn close_stream(&mut self, next: u64, now_ms: u64) {
        if let Some(stream) = self.streams.last_mut().filter(|stream| stream.closed.is_none()) {
            stream.closed = Some((next, now_ms));
            stream.unsettled = Some(next);
        }
    }

    /// The stream with this label.
    pub fn stream_by_label(&self, label: &str) -> Option<&Stream> {
        self.streams.iter().find(|stream| stream.label == label)
    }

    /// Whether the end of a shard is still to be found.
    pub(crate) fn has_unsettled_stream(&self) -> bool {
        self.streams.iter().any(|stream| stream.unsettled.is_some())
    }

    /// Gives a new table's streams later labels than `newest_ms`, the latest of an earlier table of the name.
    pub(crate) fn label_streams_after(&mut self, newest_ms: u64) {
        for stream in &mut self.streams {
            if stream.enabled_ms <= newest_ms {
                *stream = Stream::new(stream.view, stream.first, newest_ms + 1);
            }
        }
    }

    /// Ends whatever is open because the table goes. From then on its log does not grow, so the newest stream ends
    /// where the log does.
    pub(crate) fn end_streams(&mut self, now_ms: u64) {
        if let Some(newest) = self.streams.last_mut()
            && (newest.closed.is_none() || newest.unsettled.is_some())
        {
            newest.closed = Some((u64::MAX, newest.closed.map_or(now_ms, |(_, closed_ms)| closed_ms)));
        }
        self.streams.iter_mut().for_each(|stream| stream.unsettled = None);
    }

    /// Forgets streams and shards that are no longer kept.
    pub(crate) fn forget_streams(&mut self, now_ms: u64) {
        self.streams.retain(|stream| stream.is_kept(now_ms));
        for stream in &mut self.streams {
            // A shard was closed when the next one was opened.
            let gone = stream.shards.iter().skip(1).filter(|next| !is_kept(next.opened_ms, now_ms)).count();
            stream.shards.drain(..gone.saturating_sub(1));
        }
    }
}

/// Whether what was closed at a certain time is still kept: nothing in it is younger.
pub(crate) fn is_kept(closed_ms: u64, now_ms: u64) -> bool {
    closed_ms >= now_ms.saturating_sub(STREAM_RETENTION_MS)
}

impl Stream {
    fn new(view: StreamView, first: u64, enabled_ms: u64) -> Stream {
        Stream {
            label: stream_label(enabled_ms),
            view,
            enabled_ms,
            first,
            closed: None,
            shards: vec![Shard { first, opened_ms: enabled_ms }],
            unsettled: None,
        }
    }

    /// Whether it is open, or was closed less than a day ago.
    pub fn is_kept(&self, now_ms: u64) -> bool {
        self.closed.is_none_or(|(_, closed_ms)| is_kept(closed_ms, now_ms))
    }

    /// Its shards, oldest first.
    pub(crate) fn lineage(&self) -> Vec<Shard> {
        if self.shards.is_empty() {
            vec![Shard { first: self.first, opened_ms: self.enabled_ms }]
        } else {
            self.shards.clone()
        }
    }

    /// Whether the newest shard should be followed by another one: it is old enough, and not empty.
    pub(crate) fn is_due(&self, log_next: u64, shard_ms: u64, now_ms: u64) -> bool {
        let lineage = self.lineage();
        lineage.len() < STREAM_SHARDS_MAX
            && self.closed.is_none()
            && self.unsettled.is_none()
            && lineage.last().is_some_and(|shard| {
                log_next > shard.first && now_ms >= shard.opened_ms.saturating_add(shard_ms)
            })
    }

    /// Puts the end of the shard that is being closed at log position `end`. An open stream goes on in a new shard.
    fn settle(&mut self, end: u64, now_ms: u64) {
        let Some(mark) = self.unsettled.take() else { return };
        let end = end.max(mark);
        match &mut self.closed {
            Some((closed_at, _)) => *closed_at = end,
            None => {
                let mut lineage = self.lineage();
                let newest = lineage.last().map_or(0, |shard| shard.opened_ms);
                lineage.push(Shard { first: end, opened_ms: now_ms.max(newest + 1) });
                self.shards = lineage;
            }
        }
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
    /// Puts the ends of shards that are being closed where nobody has read behind. Gives the table as it is then.
    ///
    /// # Errors
    /// As [`Region::update_table`].
    pub(crate) async fn settle_streams(&self, mut table: Arc<Table>) -> Result<Arc<Table>, Error> {
        while table.has_unsettled_stream() {
            // Read after the mark was seen: what was written under the record before lies below.
            let end = self.log_bounds(&table).await?.next;
            let now_ms = self.env.unix_ms();
            let settled = self.update_table(&table.name, |current, _| {
                if current.id == table.id && current.revision == table.revision {
                    current.streams.iter_mut().for_each(|stream| stream.settle(end, now_ms));
                }
                Ok(())
            });
            match settled.await {
                Ok((current, ())) if current.id == table.id => table = current,
                // It was dropped meanwhile, which ends its streams too.
                Ok(_) | Err(Error::ResourceNotFound) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(table)
    }

    /// Lets the open stream go on in a new shard, if it is time.
    pub(crate) async fn roll_shard(&self, table: &Arc<Table>) -> Result<(), Error> {
        if table.has_unsettled_stream() {
            self.settle_streams(Arc::clone(table)).await?;
            return Ok(());
        }
        let (now_ms, shard_ms) = (self.env.unix_ms(), self.shard_ms());
        let Some(open) = table.stream().filter(|stream| stream.is_due(u64::MAX, shard_ms, now_ms)) else {
            return Ok(());
        };
        let log_next = self.log_bounds(table).await?.next;
        if !open.is_due(log_next, shard_ms, now_ms) {
            return Ok(());
        }
        let marked = self.update_table(&table.name, |current, _| {
            // Another record than the one that was looked at: there will be another occasion.
            let is_seen = current.id == table.id && current.revision == table.revision;
            if is_seen && let Some(stream) = current.streams.last_mut() {
                stream.unsettled = Some(log_next);
            }
            Ok(())
        });
        let (marked, ()) = marked.await?;
        self.settle_streams(marked).await?;
        Ok(())
    }
}
