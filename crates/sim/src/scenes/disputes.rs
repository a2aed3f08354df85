//! Two members take each other out while one of them fills a newcomer. Until that is complete, one of the two has to stay, and to
//! fill it: otherwise all three would wait for each other, and what was written would be lost.

use std::time::Duration;

use graticule_replication::WireRoad;
use graticule_tables::schema::TableStatus;

use super::stage::{A, B, C, LEAVING_BLOCKS_MS, Stage, comes_by};

pub(super) async fn play(stage: Stage) -> Result<(), String> {
    stage.set(2).await?;
    stage.put_everywhere("k", "v").await?;
    for (from, to) in [(A, B), (B, A), (B, C), (C, B)] {
        stage.hold((from, to), true, |_, _| true);
    }
    stage.cut(A, B).await;
    // The later removal decides which of the two stays: the one that fills the newcomer, or the other one.
    let fills = stage.world.seed.is_multiple_of(2);
    if fills {
        remove(&stage, B, A).await?;
        stage.sleep(Duration::from_millis(5)).await;
    }
    remove(&stage, A, B).await?;
    stage.put(B, "of B", "v").await?;
    stage.jump_ms(LEAVING_BLOCKS_MS);
    stage.hold((A, C), true, |_, frame| comes_by(frame, |road| matches!(road, WireRoad::Snapshot(_))));
    if !stage.world.add(stage.node(A), stage.node(C)).await {
        return Err("a member cannot be added".to_owned());
    }
    stage.until("C to begin", |stage| stage.table(C).is_some()).await?;
    if !fills {
        stage.jump_ms(LEAVING_BLOCKS_MS);
        remove(&stage, B, A).await?;
    }
    for number in 0..3 {
        stage.put(A, &format!("of A {number}"), "v").await?;
    }
    for (from, to) in [(A, B), (B, A), (B, C), (C, B)] {
        stage.open((from, to));
    }
    // Long enough for one that has left to go.
    stage.sleep(Duration::from_secs(5)).await;
    stage.open((A, C));
    stage.cut(A, C).await;
    let complete = |stage: &Stage| stage.table(C).is_some_and(|table| table.status == TableStatus::Active);
    stage.until("C to be complete", complete).await?;
    let only = |stage: &Stage| stage.table(A).is_none() && stage.table(B).is_none();
    stage.until("A and B to be gone", only).await?;
    for key in ["k", "of B", "of A 0", "of A 2"] {
        if !stage.has(C, key) {
            return Err(format!("{key} is lost"));
        }
    }
    stage.end().await;
    Ok(())
}

async fn remove(stage: &Stage, by: usize, member: usize) -> Result<(), String> {
    let removed = stage.world.remove(stage.node(by), stage.node(member)).await;
    if removed { Ok(()) } else { Err("a member cannot be taken out".to_owned()) }
}
