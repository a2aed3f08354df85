//! A member does not get what is written, while everything that it says arrives. It falls behind further than the log is kept,
//! so a comparison brings it up to date: that knows of a delete only as long as the delete is remembered.

use super::stage::{A, AGED, B, C, Stage, changes};

pub(super) async fn play(stage: Stage) -> Result<(), String> {
    stage.set(3).await?;
    stage.put_everywhere("k", "v").await?;
    stage.hold((A, C), true, |_, frame| changes(frame).is_some());
    stage.delete(A, "k").await?;
    stage.until("B to hear of the delete", |stage| !stage.has(B, "k")).await?;
    stage.sleep(AGED).await;
    for number in 0..8 {
        stage.put(A, &format!("later {number}"), "v").await?;
    }
    stage
        .until("C to be compared", |stage| {
            let mark = stage.table(A).and_then(|table| table.membership.resync.get(stage.name(C)).copied());
            mark.is_some_and(|mark| !mark.log_cut)
        })
        .await?;
    stage.cut(A, C).await;
    stage.open((A, C));
    stage
        .until("C to have been compared", |stage| {
            stage.table(A).is_some_and(|table| table.membership.resync.is_empty())
        })
        .await?;
    stage.end().await;
    Ok(())
}
