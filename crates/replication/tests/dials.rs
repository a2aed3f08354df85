//! Links that misbehave as they are told to: late, silent or broken, both ways or one, whichever end was told.

use std::{sync::Arc, time::Instant};

use graticule_kv::memory::MemoryEngine;
use graticule_replication::{LinkDial, LinkDials, Policy};
use graticule_tables::LogLimits;

use crate::{
    cluster::{Node, equal, eventually, share},
    network::Network,
};

/// Two Regions that share a table, each with the dials of a process of its own.
async fn two() -> ([Node; 2], [LinkDials; 2]) {
    let network = Arc::new(Network::default());
    let dials = [LinkDials::default(), LinkDials::default()];
    let open = async |name: &str, dials: &LinkDials| {
        let policy = Policy { dials: dials.clone(), ..Policy::default() };
        let engine = Arc::new(MemoryEngine::new());
        Node::open_with(&network, name.parse().unwrap(), engine, 0, policy, LogLimits::default()).await
    };
    let (a, b) = (open("a", &dials[0]).await, open("b", &dials[1]).await);
    share(&[&a, &b]).await;
    equal(&[&a, &b]).await;
    ([a, b], dials)
}

fn set(dials: &LinkDials, from: &Node, to: &Node, dial: LinkDial) {
    dials.change(|all| _ = all.insert((from.name.clone(), to.name.clone()), dial));
}

async fn has(node: &Node, value: &str) -> bool {
    node.read(None).await.unwrap().iter().any(|item| item.contains(value))
}

async fn arrives(node: &Node, value: &str) {
    eventually(value, async || has(node, value).await.then_some(())).await;
}

async fn link_state(node: &Node) -> (String, u64) {
    let status = node.replicator.status().await.unwrap();
    (status.links[0].state.clone(), status.links[0].connects)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_delayed_comes_late_and_in_order_and_is_measured() {
    let ([a, b], [at_a, _]) = two().await;
    let dial = LinkDial { delay_ms: 150, jitter_ms: 50, ..LinkDial::default() };
    set(&at_a, &a, &b, dial);
    let sent = Instant::now();
    for number in 0..20 {
        a.put("k", &format!("number {number}")).await.unwrap();
    }
    arrives(&b, "number 19").await;
    assert!(sent.elapsed().as_millis() >= 150, "it came after {:?}", sent.elapsed());
    let latency = eventually("the acknowledgement", async || {
        let peer = a.replicator.status().await.unwrap().tables[0].peers[0].clone();
        (peer.pending_changes == 0).then_some(peer.replication_latency).flatten()
    })
    .await;
    assert!(latency.changes >= 20 && latency.min_ms >= 150, "{latency:?}");
    // Acknowledgements of what b writes travel the same way.
    b.put("of b", "there and back").await.unwrap();
    let latency = eventually("the acknowledgement of b's write", async || {
        b.replicator.status().await.unwrap().tables[0].peers[0].replication_latency
    })
    .await;
    assert!(latency.min_ms >= 150, "{latency:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_is_paused_says_nothing_and_stays_open() {
    // Either end can be told.
    for told in 0..2 {
        let ([a, b], dials) = two().await;
        let before = link_state(&a).await;
        set(&dials[told], &a, &b, LinkDial { paused: true, ..LinkDial::default() });
        a.put("of a", "held").await.unwrap();
        b.put("of b", "not held").await.unwrap();
        arrives(&a, "not held").await;
        // What b sends is acknowledged, although the acknowledgement goes the way of what is held.
        eventually("the acknowledgement", async || {
            let status = b.replicator.status().await.unwrap();
            (status.tables[0].peers[0].pending_changes == 0).then_some(())
        })
        .await;
        assert!(!has(&b, "of a").await, "told at {told}");
        let status = a.replicator.status().await.unwrap();
        // What came from b is in the log as well.
        assert!((1..=2).contains(&status.tables[0].peers[0].pending_changes), "{status:?}");
        dials[told].change(|all| all.clear());
        arrives(&b, "of a").await;
        equal(&[&a, &b]).await;
        assert_eq!(link_state(&a).await, before, "the link was open all the time");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_is_cut_breaks_and_is_refused_until_it_is_healed() {
    for told in 0..2 {
        let ([a, b], dials) = two().await;
        set(&dials[told], &a, &b, LinkDial { cut: true, ..LinkDial::default() });
        eventually("the link to be down", async || (link_state(&a).await.0 == "DOWN").then_some(())).await;
        a.put("of a", "cut off").await.unwrap();
        // The other direction goes on.
        b.put("of b", "goes on").await.unwrap();
        arrives(&a, "goes on").await;
        assert!(!has(&b, "of a").await, "told at {told}");
        dials[told].change(|all| all.clear());
        arrives(&b, "of a").await;
        equal(&[&a, &b]).await;
    }
}
