//! Adding replicas while clients write: nothing is missed, whoever it was written by.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use graticule_tables::schema::TableStatus;

use crate::cluster::{Node, cluster, equal, eventually, members, share};

/// Writes to a table from several nodes until told to stop; gives how many writes there were.
async fn write_until(stop: &AtomicBool, node: &Node, task: usize) -> usize {
    let mut count = 0;
    while !stop.load(Ordering::SeqCst) {
        let key = format!("k{}", (count * 7 + task) % 60);
        let written = if count % 5 == 4 {
            node.delete(&key).await
        } else {
            node.put(&key, &format!("{}-{task}-{count}", node.name)).await.map(drop)
        };
        written.unwrap();
        count += 1;
        if count % 8 == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_with_items_gets_a_replica() {
    let (_network, [a, b]) = cluster().await;
    a.create().await;
    for n in 0..2500 {
        a.put(&format!("old {n}"), "from before").await.unwrap();
    }
    a.delete("old 17").await.unwrap();
    a.add(&b.name).await;
    members(&[&a, &b], &[&a.name, &b.name]).await;
    assert_eq!(equal(&[&a, &b]).await.len(), 2499);

    a.put("from a", "1").await.unwrap();
    b.put("from b", "2").await.unwrap();
    b.delete("old 3").await.unwrap();
    eventually("writes in both directions", async || {
        let items = equal(&[&a, &b]).await;
        (items.len() == 2500 && items.keys().any(|item| item.contains("from b"))).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_are_added_while_all_write() {
    let (network, [a, b, c]) = cluster().await;
    network.delay(2);
    a.create().await;
    let stop = Arc::new(AtomicBool::new(false));
    let adding = async {
        a.add(&b.name).await;
        members(&[&a, &b], &[&a.name, &b.name]).await;
        let writing_in_b = write_until(&stop, &b, 3);
        let adding = async {
            b.add(&c.name).await;
            members(&[&a, &b, &c], &[&a.name, &b.name, &c.name]).await;
            stop.store(true, Ordering::SeqCst);
        };
        tokio::join!(writing_in_b, adding).0
    };
    let (first, second, third) = tokio::join!(write_until(&stop, &a, 1), write_until(&stop, &a, 2), adding);
    assert!(first > 0 && second > 0 && third > 0);
    equal(&[&a, &b, &c]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_are_added_in_different_regions_at_once() {
    let (_network, [a, b, c, d]) = cluster().await;
    share(&[&a, &b]).await;
    let stop = Arc::new(AtomicBool::new(false));
    let adding = async {
        tokio::join!(a.add(&c.name), b.add(&d.name));
        let everybody = [&a.name, &b.name, &c.name, &d.name];
        members(&[&a, &b, &c, &d], &everybody).await;
        stop.store(true, Ordering::SeqCst);
    };
    tokio::join!(write_until(&stop, &a, 1), write_until(&stop, &b, 2), adding);
    equal(&[&a, &b, &c, &d]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_join_survives_broken_connections() {
    let (network, [a, b]) = cluster().await;
    network.delay(1);
    a.create().await;
    for n in 0..3000 {
        a.put(&format!("old {n}"), &"x".repeat(500)).await.unwrap();
    }
    a.add(&b.name).await;
    let cutting = async {
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(15)).await;
            network.cut(&a.name, &b.name);
        }
    };
    // Some of it happens between the cuts, the rest once they stop.
    let _ = tokio::time::timeout(std::time::Duration::from_millis(600), cutting).await;
    members(&[&a, &b], &[&a.name, &b.name]).await;
    assert_eq!(equal(&[&a, &b]).await.len(), 3000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_is_being_filled_takes_no_requests() {
    let (network, [a, b, c]) = cluster().await;
    a.create().await;
    a.put("k", "v").await.unwrap();
    a.add(&c.name).await;
    members(&[&a, &c], &[&a.name, &c.name]).await;
    // The source waits for c to know of b, which takes until the partition is over.
    network.part(&a.name, &c.name);
    a.add(&b.name).await;
    eventually("a replica to fill", async || b.status().await).await;
    assert_eq!(b.status().await, Some(TableStatus::Creating));
    assert!(b.put("k", "w").await.is_err());
    c.put("from c", "while a does not hear").await.unwrap();
    // Time in which a source that does not wait would be done.
    tokio::time::sleep(std::time::Duration::from_millis(1000)).await;
    assert_eq!(b.status().await, Some(TableStatus::Creating));
    network.heal();
    members(&[&a, &b, &c], &[&a.name, &b.name, &c.name]).await;
    assert_eq!(equal(&[&a, &b, &c]).await.len(), 2);
}

/// The join used to wait for ever for an acknowledgement of the membership that it had started with, and no other join
/// of that Region could start while it did.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_removed_before_it_was_filled_can_be_added_again() {
    let (network, [a, b]) = cluster().await;
    a.create().await;
    a.put("k", "v").await.unwrap();
    network.part(&a.name, &b.name);
    a.add(&b.name).await;
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    a.remove(&b.name).await;
    a.add(&b.name).await;
    network.heal();
    members(&[&a, &b], &[&a.name, &b.name]).await;
    assert_eq!(equal(&[&a, &b]).await.len(), 1);
}

/// A Region that has a table of its own by the name is taken out, and keeps its table.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_of_the_same_name_is_left_alone() {
    let (_network, [a, b]) = cluster().await;
    a.create().await;
    a.put("k", "of a").await.unwrap();
    b.create().await;
    b.put("k", "of b").await.unwrap();
    a.add(&b.name).await;
    members(&[&a], &[&a.name]).await;
    let (items, _) = b.contents().await.unwrap();
    assert!(items.keys().all(|item| item.contains("of b")), "{items:?}");
}
