//! What replication tells of itself: links, what is pending, what is kept and for whom.

use crate::cluster::{cluster, equal, eventually, share};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_is_cut_off_is_seen_with_all_that_is_kept_for_it() {
    let (network, [a, b]) = cluster().await;
    share(&[&a, &b]).await;
    a.put("k0", "before").await.unwrap();
    equal(&[&a, &b]).await;
    let at_rest =
        eventually("the first write to be acknowledged and b's watermark to be heard", async || {
            let status = a.replicator.status().await.unwrap();
            let peer = &status.tables[0].peers[0];
            let heard = peer.replication_latency.is_some() && peer.watermark_age_ms.is_some();
            (peer.pending_changes == 0 && heard).then_some(status)
        })
        .await;
    assert_eq!((at_rest.region.as_str(), at_rest.links.len(), at_rest.tables.len()), ("a", 1, 1));
    assert_eq!((at_rest.links[0].region.as_str(), at_rest.links[0].state.as_str()), ("b", "CONNECTED"));
    let table = &at_rest.tables[0];
    assert_eq!((table.table_name.as_str(), table.status.as_str()), ("orders", "ACTIVE"));
    let peer = &table.peers[0];
    assert_eq!((peer.region.as_str(), peer.member_status.as_str(), peer.pending_bytes), ("b", "ACTIVE", 0));
    assert_eq!(peer.acknowledged_position, table.log_next);
    assert_eq!(peer.latencies.counts.iter().sum::<u64>(), 1, "one change was shipped");

    network.part(&a.name, &b.name);
    for number in 0..30 {
        a.put(&format!("k{number}"), &"x".repeat(1000)).await.unwrap();
    }
    a.delete("k0").await.unwrap();
    // The watermark of b, and the mark of the delete, come to be old.
    a.set_clock_ahead_ms(30_000);
    let status = eventually("the link to be down", async || {
        let status = a.replicator.status().await.unwrap();
        (status.links[0].state == "DOWN").then_some(status)
    })
    .await;
    assert!(status.links[0].reason.is_some());
    let table = &status.tables[0];
    let peer = &table.peers[0];
    assert_eq!(peer.pending_changes, 31);
    assert_eq!(peer.acknowledged_position + 31, table.log_next);
    // Thirty images of a thousand bytes, and the one that was deleted.
    assert!((31_000..50_000).contains(&peer.pending_bytes), "{}", peer.pending_bytes);
    assert!(peer.watermark_age_ms.unwrap() >= 25_000);
    assert_eq!((table.tombstones_held, table.tombstones_kept_for.as_deref()), (1, Some("b")));

    a.set_clock_ahead_ms(0);
    network.heal();
    equal(&[&a, &b]).await;
    eventually("everything to be acknowledged", async || {
        let status = a.replicator.status().await.unwrap();
        let peer = &status.tables[0].peers[0];
        let done = peer.pending_changes == 0 && peer.pending_bytes == 0;
        (done && status.links[0].state == "CONNECTED" && status.links[0].connects == 2).then_some(())
    })
    .await;
}

/// Samples that are spread over a log judge it well, whatever the first of its entries are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pending_bytes_are_near_the_truth() {
    let (network, [a, b]) = cluster().await;
    share(&[&a, &b]).await;
    network.part(&a.name, &b.name);
    let before = a.replicator.status().await.unwrap().tables[0].peers[0].pending_bytes;
    assert_eq!(before, 0);
    for number in 0..400 {
        let length = if number < 100 { 10 } else { 2000 };
        a.put(&format!("k{number}"), &"x".repeat(length)).await.unwrap();
    }
    let peer = a.replicator.status().await.unwrap().tables[0].peers[0].clone();
    assert_eq!(peer.pending_changes, 400);
    // 100 entries of about 100 bytes and 300 of about 2100.
    assert!((500_000..800_000).contains(&peer.pending_bytes), "{}", peer.pending_bytes);
}
