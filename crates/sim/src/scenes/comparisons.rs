//! A member lacks what only a comparison will bring, and fills a new replica. It may do so only once it has been promised
//! that nothing older is to come, which would be a lie until then: nobody else tells the new replica.

use std::time::Duration;

use graticule_replication::WireRoad;

use super::stage::{A, B, C, Stage, changes, comes_by};

pub(super) async fn play(stage: Stage) -> Result<(), String> {
    stage.set(2).await?;
    stage.hold((A, B), true, |_, frame| changes(frame).is_some());
    for number in 0..10 {
        stage.put(A, &format!("k{number}"), "v").await?;
    }
    stage
        .until("B to be compared", |stage| {
            let mark = stage.table(A).and_then(|table| table.membership.resync.get(stage.name(B)).copied());
            mark.is_some_and(|mark| !mark.log_cut)
        })
        .await?;
    // The log is kept again from here on and goes over; the comparison does not get through.
    stage.cut(A, B).await;
    stage.hold((A, B), true, |_, frame| comes_by(frame, |road| road == WireRoad::Resync));
    stage.put(A, "fresh", "v").await?;
    stage.until("the log to arrive", |stage| stage.has(B, "fresh")).await?;
    stage.add(B, C).await?;
    stage.sleep(Duration::from_secs(8)).await;
    stage.cut(A, B).await;
    stage.open((A, B));
    stage.end().await;
    Ok(())
}
