//! A connection breaks, and what was on its way arrives late, after another connection has taken over and all that it brings
//! has been dealt with, deletes included.

use std::time::Duration;

use graticule_replication::{Body, Request, WireRoad};

use super::stage::{A, AGED, B, C, Stage, changes, comes_by};
use crate::world::table_name;

/// Changes of an older connection.
pub(super) async fn old_changes(stage: Stage) -> Result<(), String> {
    stage.set(3).await?;
    let next = stage.world.network.next_connection();
    stage.hold((A, C), false, move |connection, frame| connection < next && changes(frame).is_some());
    stage.put(A, "k", "v").await?;
    stage.until("B to have it", |stage| stage.has(B, "k")).await?;
    stage.sleep(Duration::from_millis(300)).await;
    stage.cut(A, C).await;
    stage.until("C to have it over another connection", |stage| stage.has(C, "k")).await?;
    stage.delete(B, "k").await?;
    forgotten(&stage).await?;
    arrives(&stage).await?;
    stage.end().await;
    Ok(())
}

/// Waits until C has forgotten the delete.
async fn forgotten(stage: &Stage) -> Result<(), String> {
    stage.until("C to hear of the delete", |stage| stage.remembers(C, "k")).await?;
    stage.sleep(AGED).await;
    stage.until("C to forget the delete", |stage| !stage.remembers(C, "k")).await
}

/// What was held arrives, and is to change nothing.
async fn arrives(stage: &Stage) -> Result<(), String> {
    stage.open((A, C));
    stage.sleep(Duration::from_secs(3)).await;
    if stage.has(C, "k") { Err("what was deleted is back".to_owned()) } else { Ok(()) }
}

/// Promises of an older connection.
pub(super) async fn old_promises(stage: Stage) -> Result<(), String> {
    stage.set(3).await?;
    let next = stage.world.network.next_connection();
    stage.hold((A, C), false, move |connection, frame| connection < next && changes(frame).is_some());
    stage.put(A, "k", "v").await?;
    stage.until("B to have it", |stage| stage.has(B, "k")).await?;
    stage.delete(B, "k").await?;
    stage.until("C to hear of the delete", |stage| stage.remembers(C, "k")).await?;
    // Promises that go beyond the delete wait behind the item.
    stage.sleep(Duration::from_millis(700)).await;
    stage.node(C).disk.hold();
    let waiting = stage.node(C).disk.waiting();
    stage.open((A, C));
    stage.until("C to apply what was held", |stage| stage.node(C).disk.waiting() > waiting).await?;
    stage.sleep(Duration::from_millis(100)).await;
    let next = stage.world.network.next_connection();
    stage.hold((A, C), false, move |connection, frame| connection >= next && changes(frame).is_some());
    stage.cut(A, C).await;
    // Another connection asks for the position, which is not reached yet, and sends the item once more.
    stage.sleep(Duration::from_secs(3)).await;
    stage.node(C).disk.release(false);
    stage.sleep(AGED).await;
    arrives(&stage).await?;
    stage.end().await;
    Ok(())
}

/// The question for the position, of an older connection: whoever asks it takes over.
pub(super) async fn old_questions(stage: Stage) -> Result<(), String> {
    stage.set(3).await?;
    stage.put_everywhere("k", "v").await?;
    // Whichever of the next two goes this way.
    let next = stage.world.network.next_connection();
    stage.hold((A, C), false, move |connection, frame| {
        let asks = matches!(&frame.body, Body::Request(Request::Position { log, .. }) if !log.is_empty());
        asks && (next..next + 2).contains(&connection)
    });
    stage.cut(A, C).await;
    stage.sleep(Duration::from_secs(2)).await;
    stage.cut(A, C).await;
    stage.put(A, "later", "v").await?;
    stage.until("a third connection to work", |stage| stage.has(C, "later")).await?;
    stage.open((A, C));
    stage.sleep(Duration::from_secs(2)).await;
    // A delete is forgotten only if what A promises over the third connection still counts. A has no changes to tell: they
    // would be refused, and A would ask once more.
    stage.delete(B, "k").await?;
    forgotten(&stage).await?;
    stage.end().await;
    Ok(())
}

/// Items of an older comparison.
pub(super) async fn old_repairs(stage: Stage) -> Result<(), String> {
    stage.set(3).await?;
    stage.put_everywhere("k", "v").await?;
    lose(&stage)?;
    let next = stage.world.network.next_connection() + 1;
    let repairs = |road| matches!(road, WireRoad::Repair(_));
    stage.hold((A, C), false, move |connection, frame| connection < next && comes_by(frame, repairs));
    repair(&stage);
    stage.sleep(Duration::from_secs(2)).await;
    if stage.has(C, "k") {
        return Err("the scene is not set: C is to lack what is held".to_owned());
    }
    stage.cut(A, C).await;
    stage.sleep(Duration::from_secs(2)).await;
    repair(&stage);
    stage.until("C to be brought in line", |stage| stage.has(C, "k")).await?;
    stage.delete(B, "k").await?;
    forgotten(&stage).await?;
    arrives(&stage).await?;
    Ok(())
}

/// C loses an item, as no machine should.
fn lose(stage: &Stage) -> Result<(), String> {
    let (table, stored) = stage.stored_key(C, "k").ok_or("there is no item to lose")?;
    stage.node(C).disk.tamper(|store| store.lose(&stored));
    stage.world.model.lock().lost(stage.name(C).as_str(), table.id, &stored);
    Ok(())
}

/// A compares its replica with that of C, and brings both in line.
fn repair(stage: &Stage) {
    let (Some(running), peer) = (stage.node(A).running(), stage.name(C).clone()) else { return };
    stage.world.spawn("operator", async move {
        // Whether it gets through is up to the scene.
        let _ = running.replicator.verify(&table_name(), &peer, true).await;
    });
}
