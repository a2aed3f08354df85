//! A replica becomes a table of its own. While one member has still to hear of it, it is written to, and the other member
//! listens: what comes after the cut must not reach it.

use std::time::Duration;

use super::stage::{A, B, C, Stage};

pub(super) async fn play(stage: Stage) -> Result<(), String> {
    stage.set(3).await?;
    stage.put_everywhere("k", "of all").await?;
    // What B tells C is slow, so that there is time to stop it once B has left.
    stage.world.network.set_latency(stage.name(B), stage.name(C), (300_000, 300_000));
    if !stage.world.disassociate(stage.node(B)).await {
        return Err("the replica cannot leave".to_owned());
    }
    stage
        .until("the replica to have left", |stage| {
            let detaching = stage.table(B).and_then(|table| table.detaching);
            detaching.is_some_and(|detaching| detaching.cut.is_some())
        })
        .await?;
    stage.world.network.block(stage.name(B), stage.name(C));
    stage.put(B, "after", "here alone").await?;
    stage.put(B, "k", "here alone").await?;
    stage.sleep(Duration::from_secs(4)).await;
    if stage.table(B).is_none_or(|table| table.detaching.is_none()) {
        return Err("it did not wait for the member that has not heard of it".to_owned());
    }
    stage.world.network.heal();
    stage
        .until("a table of its own", |stage| stage.table(B).is_some_and(|table| table.group.is_none()))
        .await?;
    stage.put(A, "k", "goes on").await?;
    stage.put(B, "later", "here alone").await?;
    stage.sleep(Duration::from_secs(2)).await;
    if !stage.has(B, "after") || stage.has(A, "after") || stage.has(C, "later") {
        return Err("what was written apart is in the wrong place".to_owned());
    }
    stage.end().await;
    Ok(())
}
