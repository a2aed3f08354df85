//! A member has told one of the others of an item, goes down, and is expelled by the one that lacks it. Until the first has
//! heard of that and has told, what it promises must not make the other one believe that it has everything: it would take
//! the item, when it comes, for one that was deleted.

use std::time::Duration;

use graticule_replication::{Body, Frame, Request, WireRoad};

use super::stage::{A, AGED, B, C, Stage, changes, comes_by};

fn tells_settings(frame: &Frame) -> bool {
    matches!(frame.body, Body::Request(Request::Settings { .. }))
}

pub(super) async fn play(stage: Stage) -> Result<(), String> {
    stage.set(3).await?;
    stage.put_everywhere("deleted", "v").await?;
    stage.hold((C, B), true, |_, frame| changes(frame).is_some());
    stage.put(C, "k", "v").await?;
    stage.until("A to have it", |stage| stage.has(A, "k")).await?;
    // What B forgets, it forgets for good. What C promises A goes beyond both.
    stage.delete(B, "deleted").await?;
    stage.sleep(Duration::from_secs(2)).await;
    stage.node(C).crash();
    if stage.world.seed.is_multiple_of(2) {
        stage.hold((B, A), true, |_, frame| tells_settings(frame));
    } else {
        stage.hold((A, B), true, |_, frame| comes_by(frame, |road| road == WireRoad::Resync));
    }
    stage.expel(B, C).await?;
    stage.sleep(AGED).await;
    if stage.has(B, "k") || !stage.has(A, "k") {
        return Err("the scene is not set: A is to have what B lacks".to_owned());
    }
    stage.open((B, A));
    stage.open((A, B));
    stage.cut(A, B).await;
    stage.until("B to have it", |stage| stage.has(B, "k")).await?;
    stage.end().await;
    Ok(())
}
