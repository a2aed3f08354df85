//! A replica that is to become a table of its own cannot leave while somebody needs a comparison with it. Taken out meanwhile, it
//! is written to as before, and nobody may believe that it has said all.

use std::time::Duration;

use super::stage::{A, B, C, Stage, changes};

pub(super) async fn play(stage: Stage) -> Result<(), String> {
    stage.set(3).await?;
    stage.put_everywhere("k", "v").await?;
    stage.hold((B, C), true, |_, _| true);
    for number in 0..8 {
        stage.put(B, &format!("item {number}"), "v").await?;
    }
    let owes = |stage: &Stage| {
        stage.table(B).is_some_and(|table| table.membership.resync.contains_key(stage.name(C)))
    };
    stage.until("C to fall behind", owes).await?;
    if !stage.world.disassociate(stage.node(B)).await {
        return Err("a replica cannot be disassociated".to_owned());
    }
    stage.remove(A, B).await?;
    stage
        .until("B to know", |stage| stage.table(B).is_some_and(|table| table.has_left(stage.name(B))))
        .await?;
    // Long enough for a promise.
    stage.sleep(Duration::from_secs(3)).await;
    stage.hold((B, A), true, |_, frame| changes(frame).is_some());
    stage.put(B, "late", "v").await?;
    stage.sleep(Duration::from_secs(3)).await;
    let awaits = stage.table(A).is_some_and(|table| table.awaited(stage.name(A)).next().is_some());
    if !awaits {
        return Err("B was taken for departed".to_owned());
    }
    for way in [(B, A), (B, C)] {
        stage.open(way);
    }
    stage.cut(A, B).await;
    stage.cut(B, C).await;
    stage.until("all to have it", |stage| stage.has(A, "late") && stage.has(C, "late")).await?;
    stage.end().await;
    Ok(())
}
