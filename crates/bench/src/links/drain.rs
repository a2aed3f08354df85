//! Draining a backlog: the link is cut, changes are written, the link is healed, and the clock runs until the other
//! Region has acknowledged the last one. And what a replica costs its source.
//!
//! The writes while the link is cut are the local writes that draining is compared with: same items, same machine, one
//! after the other.

use std::time::Instant;

use super::{
    equal,
    meter::Meter,
    pair::Pair,
    writers::{Pace, Puts},
};
use crate::{rates::Rate, report::Recorder};

/// Writes `count` items while the link is cut, then drains: the rate of the writes and that of draining.
pub(super) async fn backlog(pair: &Pair, puts: &Puts, count: u64) -> Result<[Rate; 2], String> {
    let bytes = puts.item_bytes;
    pair.create_table(&puts.table, true).await?;
    pair.cut(true).await?;
    let meter = Meter::start(pair);
    let (recorder, took) = puts.run(Pace::Each(count)).await?;
    let written = meter.rate(format!("local writes, {bytes} bytes"), count, took);
    refused(&recorder)?;
    let meter = Meter::start(pair);
    let healed = Instant::now();
    pair.cut(false).await?;
    pair.wait_shipped(&puts.table).await?;
    let mut drained = meter.rate(format!("backlog drained, {bytes} bytes"), count, healed.elapsed());
    drained.to_local = Some(drained.per_second() / written.per_second());
    equal::check(pair, &puts.table, Some(count)).await?;
    Ok([written, drained])
}

/// Writes `count` items, with a replica or without one; CPU time counts until they are shipped.
pub(super) async fn cost(pair: &Pair, puts: &Puts, count: u64, replicated: bool) -> Result<Rate, String> {
    pair.create_table(&puts.table, replicated).await?;
    let meter = Meter::start(pair);
    let (recorder, took) = puts.run(Pace::Each(count)).await?;
    if replicated {
        pair.wait_shipped(&puts.table).await?;
    }
    let name = if replicated { "one replica" } else { "no replica" };
    let rate = meter.rate(format!("puts with {name}, {} bytes", puts.item_bytes), count, took);
    refused(&recorder)?;
    if replicated {
        equal::check(pair, &puts.table, Some(count)).await?;
    }
    Ok(rate)
}

fn refused(recorder: &Recorder) -> Result<(), String> {
    match recorder.first_error() {
        Some(error) => Err(format!("a write failed: {error}")),
        None => Ok(()),
    }
}
