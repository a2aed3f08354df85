//! A write has its version, and its commit waits for the disk. Meanwhile another Region deletes the item, later: a third one
//! must remember that until the write has come.

use std::time::Duration;

use super::stage::{A, AGED, B, C, Stage};

pub(super) async fn play(stage: Stage) -> Result<(), String> {
    stage.set(3).await?;
    stage.put_everywhere("k", "v").await?;
    stage.node(A).disk.hold();
    stage.begin_put(A, "k", "under way");
    stage.until("the write to wait for the disk", |stage| stage.node(A).disk.waiting() > 0).await?;
    stage.sleep(Duration::from_millis(20)).await;
    stage.delete(B, "k").await?;
    stage.until("C to hear of the delete", |stage| !stage.has(C, "k")).await?;
    stage.sleep(AGED).await;
    stage.node(A).disk.release(false);
    stage.end().await;
    Ok(())
}
