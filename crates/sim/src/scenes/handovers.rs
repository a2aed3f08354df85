//! A member that leaves hands over its last writes to all that it knows to stay, while it does not know that another one has been
//! added, nor that one of it. It must not go before it has heard: nobody else would tell the newcomer.

use std::time::Duration;

use graticule_replication::{Body, Frame, Request};
use graticule_tables::schema::TableStatus;

use super::stage::{A, B, C, LEAVING_BLOCKS_MS, Stage, changes};

fn tells_settings(frame: &Frame) -> bool {
    matches!(frame.body, Body::Request(Request::Settings { .. }))
}

pub(super) async fn play(stage: Stage) -> Result<(), String> {
    stage.set(2).await?;
    stage.put_everywhere("k", "v").await?;
    stage.hold((A, B), true, |_, frame| tells_settings(frame));
    stage.part(B, C);
    let added_first = !stage.world.seed.is_multiple_of(2);
    if added_first {
        stage.add(A, C).await?;
    }
    stage.hold((B, A), true, |_, frame| changes(frame).is_some());
    stage.put(B, "last", "v").await?;
    stage.world.leave(stage.node(B)).await;
    // Over another connection the settings come first, and are not held behind changes.
    stage.cut(A, B).await;
    if !added_first {
        // A knows, and B knows that A knows of nobody else. For a while A lets nobody in.
        stage.sleep(Duration::from_secs(5)).await;
        stage.jump_ms(LEAVING_BLOCKS_MS);
        stage.add(A, C).await?;
    }
    let complete = |stage: &Stage| stage.table(C).is_some_and(|table| table.status == TableStatus::Active);
    stage.until("C to be complete", complete).await?;
    stage.cut(A, B).await;
    stage.open((B, A));
    stage.until("A to have it", |stage| stage.has(A, "last")).await?;
    stage.sleep(Duration::from_secs(5)).await;
    stage.open((A, B));
    stage.reunite(B, C);
    stage.until("B to be gone", |stage| stage.table(B).is_none()).await?;
    stage.until("C to have it", |stage| stage.has(C, "last")).await?;
    stage.end().await;
    Ok(())
}
