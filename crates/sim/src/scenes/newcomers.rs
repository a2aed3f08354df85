//! A member that was taken out, and does not know it yet, lets another one in. The one that took it out believes to be alone
//! meanwhile; what is written there, be it a delete of nothing, has to come to the newcomer, also if nobody kept the log. The
//! one that is out never hears of it: the one that stays has to fill the newcomer itself.

use std::time::Duration;

use graticule_tables::schema::TableStatus;

use super::stage::{A, B, C, Stage};

/// Longer than a log stays for streams, and shorter than one that was taken out is waited for.
const TRIMMED_MS: i64 = 25 * 3_600_000;
pub(super) const DEPARTURE_MS_MAX: u64 = 48 * 3_600_000;
/// Long enough for a later version.
const SOON: Duration = Duration::from_millis(5);

pub(super) async fn play(stage: Stage) -> Result<(), String> {
    stage.set(2).await?;
    stage.put_everywhere("k", "v").await?;
    stage.part(A, B);
    stage.cut(A, B).await;
    stage.remove(A, B).await?;
    stage.put(A, "alone", "v").await?;
    stage.delete(A, "k").await?;
    stage.sleep(SOON).await;
    stage.put(B, "k", "later").await?;
    stage.sleep(SOON).await;
    stage.delete(A, "k").await?;
    let trimmed = stage.world.seed.is_multiple_of(2);
    if trimmed {
        stage.jump_ms(TRIMMED_MS);
        stage.sleep(Duration::from_secs(12)).await;
    }
    stage.add(B, C).await?;
    stage.until("C to begin", |stage| stage.table(C).is_some()).await?;
    stage.reunite(A, B);
    stage
        .until("the newcomer to be complete", |stage| {
            let (a, c) = (stage.table(A), stage.table(C));
            a.zip(c).is_some_and(|(a, c)| a.settings == c.settings && c.status == TableStatus::Active)
        })
        .await?;
    if !stage.has(C, "alone") || stage.has(C, "k") {
        return Err("the newcomer lacks what was written meanwhile".to_owned());
    }
    // What was trimmed cannot be held against what was written.
    if !trimmed {
        stage.end().await;
    }
    Ok(())
}
