//! Three members take each other out while they are cut off, two of them without waiting. What is lost in the end is only what
//! the one that is expelled first was told alone: a member that leaves hands all it has to whom it knows to stay, and the one
//! that stays keeps what it has.

use std::time::Duration;

use graticule_tables::schema::TableStatus;

use super::stage::{A, B, C, Stage, changes};

pub(super) async fn play(stage: Stage) -> Result<(), String> {
    stage.set(3).await?;
    stage.put_everywhere("everywhere", "v").await?;
    for other in [B, C] {
        stage.part(A, other);
        stage.cut(A, other).await;
    }
    stage.put(A, "of A", "v").await?;
    stage.expel(A, B).await?;
    stage.expel(C, A).await?;
    let knows = |stage: &Stage| stage.table(B).is_some_and(|table| table.has_left(stage.name(A)));
    stage.until("B to know that A is out", knows).await?;
    let equal = |stage: &Stage| {
        [B, C].iter().all(|at| stage.table(*at).is_some_and(|table| table.membership.resync.is_empty()))
    };
    stage.until("B and C to be compared", equal).await?;
    // It is told to B alone: C knows of nobody else.
    stage.hold((C, B), true, |_, frame| changes(frame).is_some());
    stage.put(C, "last", "v").await?;
    stage.remove(B, C).await?;
    let leaving = |stage: &Stage| stage.table(C).is_none_or(|table| table.status == TableStatus::Deleting);
    stage.until("C to know that it is out", leaving).await?;
    // Over another connection the settings come first, and are not held behind changes.
    stage.cut(B, C).await;
    // Long enough for one that has nothing to tell to go.
    stage.sleep(Duration::from_secs(5)).await;
    stage.open((C, B));
    stage.cut(B, C).await;
    stage.until("C to be gone", |stage| stage.table(C).is_none()).await?;
    if !stage.has(B, "last") {
        return Err("C has gone without handing over what it had".to_owned());
    }
    stage.reunite(A, B);
    stage.reunite(A, C);
    stage.until("B to be gone", |stage| stage.table(B).is_none()).await?;
    if !["everywhere", "of A"].iter().all(|key| stage.has(A, key)) || stage.has(A, "last") {
        return Err("A, which stays, has something else than it had".to_owned());
    }
    stage.end().await;
    Ok(())
}
