//! What is on its way: enough that acknowledgements from afar hold nothing up.

use std::sync::Arc;

use graticule_kv::memory::MemoryEngine;
use graticule_replication::{LinkDial, LinkDials, Policy};
use graticule_tables::LogLimits;

use crate::{
    cluster::{Node, equal, eventually, share},
    network::Network,
};

/// Two replicas, and the dials of the links of the first.
async fn replicas() -> (Node, Node, LinkDials) {
    let network = Arc::new(Network::default());
    let dials = LinkDials::default();
    let policy = Policy { dials: dials.clone(), ..Policy::default() };
    let engine = Arc::new(MemoryEngine::new());
    let name = "a".parse().unwrap();
    let a = Node::open_with(&network, name, engine, 0, policy, LogLimits::default()).await;
    let b = Node::open(&network, "b").await;
    share(&[&a, &b]).await;
    (a, b, dials)
}

/// Nothing gets from `a` to `b`, and so nothing is acknowledged, but the link stays open.
fn pause(dials: &LinkDials, a: &Node, b: &Node, paused: bool) {
    let link = (a.name.clone(), b.name.clone());
    dials.change(|dials| _ = dials.insert(link, LinkDial { paused, ..LinkDial::default() }));
}

/// How many log positions were sent and not acknowledged, and how many are there but not sent.
async fn under_way(a: &Node) -> (u64, u64) {
    let status = a.replicator.status().await.unwrap();
    let (table, peer) = (&status.tables[0], &status.tables[0].peers[0]);
    (peer.sent_position - peer.acknowledged_position, table.log_next - peer.sent_position)
}

/// No more than four batches were ever on their way. Small ones took that room within milliseconds, and what followed
/// waited for a whole round trip before it left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_leave_without_waiting_for_acknowledgements() {
    let (a, b, dials) = replicas().await;
    pause(&dials, &a, &b, true);
    for number in 1..=12_u64 {
        a.put(&format!("k{number}"), "v").await.unwrap();
        eventually("the change to leave", async || {
            let (sent, left) = under_way(&a).await;
            (left == 0 && sent >= number).then_some(())
        })
        .await;
    }
    pause(&dials, &a, &b, false);
    assert_eq!(equal(&[&a, &b]).await.len(), 12);
}
