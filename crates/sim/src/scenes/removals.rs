//! A member takes a newcomer out just before it is complete, and the one that fills it learns of that only afterwards. It is out.

use std::time::Duration;

use graticule_replication::{Body, Frame, Request};

use super::stage::{A, B, C, Stage};

fn tells_settings(frame: &Frame) -> bool {
    matches!(frame.body, Body::Request(Request::Settings { .. }))
}

pub(super) async fn play(stage: Stage) -> Result<(), String> {
    stage.set(2).await?;
    stage.put_everywhere("k", "v").await?;
    stage.add(A, C).await?;
    let knows = |stage: &Stage| stage.table(B).is_some_and(|table| table.is_being_joined(stage.name(B)));
    stage.until("B to know", knows).await?;
    // The newcomer answers slowly. Meanwhile B has said that it knows, and A has all that B wrote before.
    stage.world.network.set_latency(stage.name(C), stage.name(A), (1_000_000, 1_000_000));
    stage.sleep(Duration::from_millis(600)).await;
    // What B tells of the newcomer is late, also what it tells by way of the newcomer.
    stage.hold((B, A), true, |_, frame| tells_settings(frame));
    stage.hold((B, C), true, |_, frame| tells_settings(frame));
    stage.hold((C, A), true, |_, frame| tells_settings(frame));
    stage.remove(B, C).await?;
    stage.put(B, "alone", "v").await?;
    let complete = |stage: &Stage| stage.table(A).is_some_and(|table| !table.is_being_joined(stage.name(A)));
    stage.until("the newcomer to be complete", complete).await?;
    for (from, to) in [(B, A), (B, C), (C, A)] {
        stage.open((from, to));
        stage.cut(from, to).await;
    }
    stage.until("the newcomer to be gone", |stage| stage.table(C).is_none()).await?;
    stage.end().await;
    Ok(())
}
