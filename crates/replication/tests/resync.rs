//! Members that need more than the log: they get what they lack by comparison, deletes too, and writes never stop.

use std::sync::Arc;

use graticule_kv::memory::MemoryEngine;
use graticule_replication::Policy;
use graticule_tables::LogLimits;

use crate::{
    cluster::{Node, equal, eventually, name, share},
    network::Network,
};

/// Longer than a stream's records and a tombstone's least age.
const DAYS_MS: i64 = 50 * 60 * 60 * 1000;

pub(crate) async fn nodes<const N: usize>(policy: &Policy, limits: LogLimits) -> (Arc<Network>, [Node; N]) {
    let network = Arc::new(Network::default());
    let mut nodes = Vec::new();
    for letter in ('a'..).take(N) {
        let name = letter.to_string().parse().unwrap();
        let engine = Arc::new(MemoryEngine::new());
        nodes.push(Node::open_with(&network, name, engine, 0, policy.clone(), limits).await);
    }
    (network, nodes.try_into().ok().unwrap())
}

async fn log_is_cut(node: &Node, peer: &Node, first: u64) {
    eventually("the log to be cut", async || {
        let table = node.region.table(&name()).await.ok()?;
        let cut = table.membership.resync.get(&peer.name)?.log_cut;
        let bounds = node.region.log_bounds(&table).await.ok()?;
        (cut && bounds.first > first).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_was_away_for_longer_than_the_log_is_kept_gets_everything() {
    let limits = LogLimits { changes: 100, ..LogLimits::default() };
    let (network, [a, b, c]) = nodes(&Policy::default(), limits).await;
    share(&[&a, &b, &c]).await;
    for n in 0..3000 {
        a.put(&format!("k{n}"), "before").await.unwrap();
    }
    equal(&[&a, &b, &c]).await;
    network.part(&a.name, &b.name);
    for n in 0..150 {
        a.put(&format!("k{n}"), "while b was away").await.unwrap();
        a.delete(&format!("k{}", 1000 + n)).await.unwrap();
        a.put(&format!("new {n}"), "while b was away").await.unwrap();
        b.put(&format!("of b {n}"), "while b was away").await.unwrap();
    }
    b.put("k20", "later than that of a").await.unwrap();
    let head = a.region.log_bounds(&a.region.table(&name()).await.unwrap()).await.unwrap().next;
    for node in [&a, &b, &c] {
        node.set_clock_ahead_ms(DAYS_MS);
    }
    // Housekeeping cuts the log, and would forget tombstones that are only old.
    log_is_cut(&a, &b, head - 1).await;
    a.put("after the cut", "v").await.unwrap();
    network.heal();
    let items = equal(&[&a, &b, &c]).await;
    assert_eq!(items.len(), 3000 - 150 + 150 + 150 + 1, "{}", items.len());
    assert!(items.keys().any(|item| item.contains("later than that of a")));
    eventually("the log to be kept again", async || {
        let table = a.region.table(&name()).await.ok()?;
        table.membership.resync.is_empty().then_some(())
    })
    .await;
    a.delete("k0").await.unwrap();
    assert_eq!(equal(&[&a, &b, &c]).await.len(), 3150);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_restarts_in_the_middle_of_a_comparison_starts_over() {
    let limits = LogLimits { changes: 20, ..LogLimits::default() };
    let (network, [a, b]) = nodes(&Policy::default(), limits).await;
    share(&[&a, &b]).await;
    network.part(&a.name, &b.name);
    for n in 0..3000 {
        a.put(&format!("k{n}"), &"v".repeat(300)).await.unwrap();
    }
    for node in [&a, &b] {
        node.set_clock_ahead_ms(DAYS_MS);
    }
    log_is_cut(&a, &b, 1).await;
    network.delay(5);
    network.heal();
    let mut a = a;
    for _ in 0..3 {
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
        a = a.restart(&network).await;
    }
    assert_eq!(equal(&[&a, &b]).await.len(), 3000);
}

/// A comparison brought back what somebody else had deleted: the Region that was compared had forgotten the delete, the one
/// that compared had not heard of it yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delete_is_remembered_until_every_member_has_heard_of_it() {
    let limits = LogLimits { changes: 100, ..LogLimits::default() };
    let (network, [a, b, c]) = nodes(&Policy::default(), limits).await;
    share(&[&a, &b, &c]).await;
    a.put("of a", "v").await.unwrap();
    b.put("of b", "v").await.unwrap();
    equal(&[&a, &b, &c]).await;
    // b deletes, and tells c of it, who tells everybody that nothing older will come, and a, who hears of nothing.
    network.part(&a.name, &b.name);
    b.delete("of a").await.unwrap();
    b.delete("of b").await.unwrap();
    eventually("c to hear of it", async || c.contents().await?.0.is_empty().then_some(())).await;
    let older = c.region.clock().last();
    eventually("what a promises to pass it", async || {
        let table = c.region.table(&name()).await.ok()?;
        c.replicator.is_settled(&table, older).then_some(())
    })
    .await;
    // The deletes grow old, and c needs to be compared by a.
    for node in [&a, &b, &c] {
        node.set_clock_ahead_ms(DAYS_MS);
    }
    network.part(&a.name, &c.name);
    for n in 0..150 {
        a.put(&format!("later {n}"), "v").await.unwrap();
    }
    log_is_cut(&a, &c, 1).await;
    network.heal_pair(&a.name, &c.name);
    eventually("c to be compared", async || {
        let table = a.region.table(&name()).await.ok()?;
        (!table.membership.resync.contains_key(&c.name)).then_some(())
    })
    .await;
    let items: Vec<String> = c.contents().await.unwrap().0.into_keys().collect();
    assert!(items.len() == 150 && items.iter().all(|item| item.contains("later")), "{}", items.len());
    let held = async |node: &Node| {
        let table = node.region.table(&name()).await.unwrap();
        node.region.tombstones_held(&table).await.unwrap()
    };
    assert_eq!(held(&c).await, 2, "a has not heard of the deletes");
    network.heal();
    assert_eq!(equal(&[&a, &b, &c]).await.len(), 150);
    for node in [&a, &b, &c] {
        eventually("the deletes to be forgotten", async || (held(node).await == 0).then_some(())).await;
    }
}
