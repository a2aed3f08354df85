//! Two members take each other out while one of them fills a newcomer. Until that is complete, one of the two has to stay, and to
//! fill it: otherwise all three would wait for each other, and what was written would be lost.

use std::time::Duration;

use graticule_replication::WireRoad;
use graticule_tables::schema::TableStatus;

use super::stage::{A, B, C, LEAVING_BLOCKS_MS, Stage, comes_by};

pub(super) async fn play(stage: Stage) -> Result<(), String> {
    stage.set(2).await?;
    stage.put_everywhere("k", "v").await?;
    stage.part(A, B);
    stage.part(B, C);
    stage.cut(A, B).await;
    // The later removal decides which of the two stays: the one that fills the newcomer, or the other one.
    let fills = stage.world.seed.is_multiple_of(2);
    if fills {
        stage.remove(B, A).await?;
        stage.sleep(Duration::from_millis(5)).await;
    }
    stage.remove(A, B).await?;
    stage.put(B, "of B", "v").await?;
    stage.jump_ms(LEAVING_BLOCKS_MS);
    stage.hold((A, C), true, |_, frame| comes_by(frame, |road| matches!(road, WireRoad::Snapshot(_))));
    stage.add(A, C).await?;
    stage.until("C to begin", |stage| stage.table(C).is_some()).await?;
    if !fills {
        stage.jump_ms(LEAVING_BLOCKS_MS);
        stage.remove(B, A).await?;
    }
    for number in 0..3 {
        stage.put(A, &format!("of A {number}"), "v").await?;
    }
    stage.reunite(A, B);
    stage.reunite(B, C);
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
