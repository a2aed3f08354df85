//! A replica becomes a table of its own. While one member has still to hear of it, it is written to, and the other member
//! listens: what comes after the cut must not reach it. Nor must the replica take, once it is a table of its own, what that
//! member sent before it had heard: that has arrived, but waits, since its clock is ahead.

use std::time::Duration;

use super::stage::{A, B, C, Stage};
use crate::disk::Health;

/// More than are written while a replica leaves.
const PUTS_MAX: u64 = 5_000;
/// How long the replica waits, and what goes on meanwhile at most.
const WAITING: Duration = Duration::from_secs(4);
const EVENTS_MAX: u64 = 4_000;
/// How far the clock of A is ahead.
const AHEAD_MS: i64 = 6_000;

pub(super) async fn play(stage: Stage) -> Result<(), String> {
    stage.set(3).await?;
    stage.put_everywhere("k", "of all").await?;
    // What B tells is slow, so that there is time to act once B has left.
    for other in [A, C] {
        stage.world.network.set_latency(stage.name(B), stage.name(other), (300_000, 300_000));
    }
    if !stage.world.disassociate(stage.node(B)).await {
        return Err("the replica cannot leave".to_owned());
    }
    stage
        .until("the replica to have left", |stage| {
            let detaching = stage.table(B).and_then(|table| table.detaching);
            detaching.is_some_and(|detaching| detaching.cut.is_some() && !detaching.unsettled)
        })
        .await?;
    stage.world.network.block(stage.name(B), stage.name(C));
    stage.node(A).clock.jump_ms(stage.world.executor.now(), AHEAD_MS);
    stage.put(A, "k", "too late for B").await?;
    stage.put(B, "after", "here alone").await?;
    stage.put(B, "k", "here alone").await?;
    let (_, before) = stage.world.executor.trace_sum();
    stage.sleep(WAITING).await;
    let (_, after) = stage.world.executor.trace_sum();
    if after - before > EVENTS_MAX {
        return Err(format!("{} events while nothing happens", after - before));
    }
    if stage.table(B).is_none_or(|table| table.detaching.is_none()) {
        return Err("it did not wait for the member that has not heard of it".to_owned());
    }
    // A is to keep its connection for a while.
    stage.world.network.set_latency(stage.name(B), stage.name(A), (5_000_000, 5_000_000));
    stage.world.network.unblock(stage.name(B), stage.name(C));
    stage
        .until("a table of its own", |stage| stage.table(B).is_some_and(|table| table.group.is_none()))
        .await?;
    stage.sleep(Duration::from_millis(AHEAD_MS as u64)).await;
    stage.put(A, "k", "goes on").await?;
    stage.put(B, "later", "here alone").await?;
    stage.sleep(Duration::from_secs(2)).await;
    if !stage.has(B, "after") || stage.has(A, "after") || stage.has(C, "later") {
        return Err("what was written apart is in the wrong place".to_owned());
    }
    stage.end().await;
    Ok(())
}

/// A replica becomes a table of its own while it is written to, on a slow disk. What one member has of that, both have in the
/// end, and nothing else.
pub(super) async fn written_to(stage: Stage) -> Result<(), String> {
    stage.set(3).await?;
    stage.put_everywhere("k", "of all").await?;
    stage.node(B).disk.set_health(Health { sync_us_max: 20_000, ..Health::GOOD });
    stage.world.network.set_latency(stage.name(B), stage.name(C), (100_000, 100_000));
    if !stage.world.disassociate(stage.node(B)).await {
        return Err("the replica cannot leave".to_owned());
    }
    let has_left = |stage: &Stage| {
        let detaching = stage.table(B).and_then(|table| table.detaching);
        detaching.is_none_or(|detaching| detaching.cut.is_some() && !detaching.unsettled)
    };
    for number in 0..PUTS_MAX {
        stage.begin_put(B, &format!("n{number}"), "on the way out");
        stage.sleep(Duration::from_millis(1)).await;
        if has_left(&stage) {
            break;
        }
    }
    // What is on its way to C is lost, A has it.
    stage.cut(B, C).await;
    stage
        .until("a table of its own", |stage| stage.table(B).is_some_and(|table| table.group.is_none()))
        .await?;
    stage.end().await;
    Ok(())
}
