//! Clocks that disagree: nothing is lost, and nothing from the far future is taken.

use std::time::Duration;

use crate::cluster::{cluster, equal, eventually, members, name, share};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_from_the_future_are_held_back() {
    let (_network, [a, b]) = cluster().await;
    share(&[&a, &b]).await;
    b.set_clock_ahead_ms(2_500);
    let version = b.put("k", "from the future").await.unwrap();
    eventually("the change to be taken", async || {
        let (items, _) = a.contents().await?;
        let ahead_ms = version.time.unix_ms().saturating_sub(a.region.env().unix_ms());
        assert!(items.is_empty() || ahead_ms <= 500, "taken while {ahead_ms} ms in the future");
        (!items.is_empty()).then_some(())
    })
    .await;
    equal(&[&a, &b]).await;
    // Whoever has seen it can overwrite it, with a clock that is still behind it.
    a.put("k", "later").await.unwrap();
    assert!(equal(&[&a, &b]).await.keys().all(|item| item.contains("later")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_behind_does_not_lose_what_it_has_seen() {
    let (_network, [a, b]) = cluster().await;
    b.set_clock_ahead_ms(-400);
    a.create().await;
    a.put("k", "1").await.unwrap();
    a.add(&b.name).await;
    members(&[&a, &b], &[&a.name, &b.name]).await;
    equal(&[&a, &b]).await;
    b.put("k", "2").await.unwrap();
    b.delete("never there").await.unwrap();
    let items = equal(&[&a, &b]).await;
    assert!(items.keys().all(|item| item.contains("\"2\"")), "{items:?}");
}

/// A watermark said only what was strictly below the latest time seen. After a clock had been set back, that was not
/// past the moment for which a join waits until the clock had made up for it, be it hours.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_set_back_does_not_hold_up_a_join() {
    let (_network, [a, b, c]) = cluster().await;
    share(&[&a, &b]).await;
    b.put("k", "before").await.unwrap();
    b.set_clock_ahead_ms(-3_600_000);
    a.add(&c.name).await;
    members(&[&a, &b, &c], &[&a.name, &b.name, &c.name]).await;
    b.put("k", "after").await.unwrap();
    let items = equal(&[&a, &b, &c]).await;
    assert!(items.keys().all(|item| item.contains("after")), "{items:?}");
}

/// Settings are versioned like items: one that is set by a slow clock must beat the one that it replaces.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_clock_can_add_and_remove_replicas() {
    let (_network, [a, b, c]) = cluster().await;
    b.set_clock_ahead_ms(-3_600_000);
    share(&[&a, &b]).await;
    b.add(&c.name).await;
    members(&[&a, &b, &c], &[&a.name, &b.name, &c.name]).await;
    b.remove(&c.name).await;
    members(&[&a, &b], &[&a.name, &b.name]).await;
    eventually("the replica to go", async || c.region.table(&name()).await.is_err().then_some(())).await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    equal(&[&a, &b]).await;
}
