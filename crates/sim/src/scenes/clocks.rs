//! A Region has promised the others that it writes nothing older than a delete of which it has not heard. It crashes before it
//! has saved what time it was, its clock is set back, and it comes back and writes to the deleted item.

use std::time::Duration;

use graticule_model::version::HybridTime;

use super::stage::{A, B, C, Stage, changes};
use crate::layout;

/// Where the clock stands after the restart, seen from the moment when it was saved last, in milliseconds.
const RESTARTS_MS: [i64; 10] = [-3_600_000, -60_000, -12_000, -5_000, -1_500, -990, -600, -200, 0, 200];

pub(super) async fn play(stage: Stage) -> Result<(), String> {
    let restart_ms = RESTARTS_MS[(stage.world.seed % RESTARTS_MS.len() as u64) as usize];
    stage.set(3).await?;
    stage.put_everywhere("k", "v").await?;
    // Until nothing but the clock has to be saved: what waits for the disk promises nothing.
    stage.sleep(Duration::from_secs(3)).await;
    let saved = |stage: &Stage| stage.node(A).disk.look(|store| store.with_prefix(&[layout::REGION]));
    let before = saved(&stage);
    stage.until("the clock to be saved", |stage| saved(stage) != before).await?;
    let saved_at = stage.world.executor.now();
    stage.node(A).disk.hold();
    stage.hold((B, A), true, |_, frame| changes(frame).is_some());
    stage.sleep(Duration::from_millis(300)).await;
    stage.delete(B, "k").await?;
    stage.until("C to hear of the delete", |stage| !stage.has(C, "k")).await?;
    let deleted = stage.node(C).running().map_or(HybridTime::ZERO, |running| running.region.clock().last());
    stage
        .until("C to be promised that nothing older comes", |stage| {
            let (running, table) = (stage.node(C).running(), stage.table(C));
            running.zip(table).is_some_and(|(running, table)| running.replicator.is_settled(&table, deleted))
        })
        .await?;
    // A hears from C that it has everything from there.
    stage.sleep(Duration::from_millis(800)).await;
    stage.node(A).disk.release(true);
    stage.node(A).crash();
    let away_ms = (stage.world.executor.now() - saved_at).as_millis() as i64;
    stage.node(A).clock.jump_ms(stage.world.executor.now(), restart_ms - away_ms);
    stage.node(A).start().await;
    stage.put(A, "k", "again").await?;
    stage.sleep(Duration::from_secs(2)).await;
    stage.end().await;
    Ok(())
}
