//! A member that was taken out, or left, has told all it had, and is down before it can go. What it told is deleted, and the
//! delete forgotten; then another member is added. Back again, it finds a replica that has heard nothing of it, and tells it
//! everything. Nothing of that may come back, be the newcomer complete by then or not.

use std::time::Duration;

use graticule_replication::{Body, Reply, WireRoad};
use graticule_tables::schema::TableStatus;

use super::stage::{A, AGED, B, C, Stage, comes_by};

pub(super) async fn play(stage: Stage) -> Result<(), String> {
    stage.set(2).await?;
    stage.put(B, "k", "v").await?;
    stage.until("A to have it", |stage| stage.has(A, "k")).await?;
    // B does not hear that A knows, so it cannot go.
    stage.hold((A, B), true, |_, frame| matches!(frame.body, Body::Reply(Reply::SettingsMerged { .. })));
    // One that was taken out compares itself with the newcomer; one that becomes a table of its own tells it its log.
    if stage.world.seed % 4 < 2 {
        stage.remove(A, B).await?;
    } else if !stage.world.disassociate(stage.node(B)).await {
        return Err("a member cannot become a table of its own".to_owned());
    }
    let told_all = |stage: &Stage| {
        let (table, here) = (stage.table(A), stage.name(A));
        table.is_some_and(|table| table.has_left(stage.name(B)) && table.awaited(here).next().is_none())
    };
    stage.until("B to have told all", told_all).await?;
    stage.node(B).crash();
    if stage.table(B).is_none() {
        return Err("the scene is not set: B is to have its replica still".to_owned());
    }
    stage.open((A, B));
    stage.delete(A, "k").await?;
    stage.sleep(AGED).await;
    if stage.remembers(A, "k") {
        return Err("the scene is not set: A is to have forgotten the delete".to_owned());
    }
    let complete = |stage: &Stage| stage.table(C).is_some_and(|table| table.status == TableStatus::Active);
    let early = stage.world.seed.is_multiple_of(2);
    if early {
        stage.hold((A, C), false, |_, frame| comes_by(frame, |road| matches!(road, WireRoad::Snapshot(_))));
    }
    stage.add(A, C).await?;
    if early {
        stage.until("C to begin", |stage| stage.table(C).is_some()).await?;
    } else {
        stage.until("C to be complete", complete).await?;
    }
    stage.node(B).start().await;
    stage.sleep(Duration::from_secs(3)).await;
    stage.open((A, C));
    let gone = |stage: &Stage| stage.table(B).is_none_or(|table| table.group.is_none());
    stage.until("B to be gone", gone).await?;
    stage.until("C to be complete", complete).await?;
    if stage.has(C, "k") {
        return Err("what was deleted came back".to_owned());
    }
    stage.end().await;
    Ok(())
}
