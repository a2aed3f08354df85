//! A batch is being applied when the next one arrives, and the disk refuses it. The next one must not be applied: its position
//! is beyond what is missing.

use std::time::Duration;

use super::stage::{A, C, Stage};

pub(super) async fn play(stage: Stage) -> Result<(), String> {
    stage.set(3).await?;
    stage.put_everywhere("k", "v").await?;
    stage.node(C).disk.hold();
    let waiting = stage.node(C).disk.waiting();
    stage.put(A, "one", "v").await?;
    stage.until("C to apply it", |stage| stage.node(C).disk.waiting() > waiting).await?;
    stage.put(A, "two", "v").await?;
    stage.sleep(Duration::from_millis(500)).await;
    stage.node(C).disk.release(true);
    stage.until("everything to be there", |stage| stage.has(C, "one") && stage.has(C, "two")).await?;
    stage.end().await;
    Ok(())
}
