//! Replicas that leave: what clients wrote there arrives first, and they can come back.

use std::time::Duration;

use graticule_tables::schema::TableStatus;

use crate::{
    cluster::{Node, cluster, equal, eventually, members, name, share},
    convergence::winners,
};

async fn gone(node: &Node) {
    eventually("the replica to go", async || node.region.table(&name()).await.is_err().then_some(())).await;
}

/// Writes until the replica takes no more; gives how many writes were acknowledged.
async fn write_until_refused(node: &Node) -> usize {
    let mut count = 0;
    while node.put(&format!("{} {count}", node.name), "last words").await.is_ok() {
        count += 1;
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_ships_what_it_has_before_it_goes() {
    let (network, [a, b, c]) = cluster().await;
    network.delay(3);
    share(&[&a, &b, &c]).await;
    let removing = async {
        tokio::time::sleep(Duration::from_millis(60)).await;
        a.remove(&c.name).await;
    };
    let (from_c, ()) = tokio::join!(write_until_refused(&c), removing);
    gone(&c).await;
    members(&[&a, &b], &[&a.name, &b.name]).await;
    assert_eq!(equal(&[&a, &b]).await.len(), from_c);

    // And by itself, until one is left.
    let removing = async {
        tokio::time::sleep(Duration::from_millis(60)).await;
        b.remove(&b.name).await;
    };
    let (from_b, ()) = tokio::join!(write_until_refused(&b), removing);
    gone(&b).await;
    members(&[&a], &[&a.name]).await;
    assert_eq!(equal(&[&a]).await.len(), from_b + from_c);
    assert!(!a.region.table(&name()).await.unwrap().is_global());
}

/// The link remembered that it had shipped the table, and never did again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_can_come_back() {
    let (_network, [a, b]) = cluster().await;
    a.create().await;
    for round in 0..3 {
        a.add(&b.name).await;
        members(&[&a, &b], &[&a.name, &b.name]).await;
        a.put("of a", &round.to_string()).await.unwrap();
        b.put(&format!("of b {round}"), "v").await.unwrap();
        equal(&[&a, &b]).await;
        a.remove(&b.name).await;
        gone(&b).await;
        a.put("while b is out", &round.to_string()).await.unwrap();
        a.delete(&format!("of b {round}")).await.unwrap();
    }
    a.add(&b.name).await;
    members(&[&a, &b], &[&a.name, &b.name]).await;
    assert_eq!(equal(&[&a, &b]).await.len(), 2);
}

/// What a replica was filled with was shipped once more, if it had been written there in an earlier life, and counted as
/// a conflict wherever it had been overwritten since.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fills_a_replica_is_not_shipped_again() {
    let (_network, [a, b]) = cluster().await;
    share(&[&a, &b]).await;
    b.put("k", "of an earlier life").await.unwrap();
    equal(&[&a, &b]).await;
    a.remove(&b.name).await;
    gone(&b).await;
    a.add(&b.name).await;
    members(&[&a, &b], &[&a.name, &b.name]).await;
    assert_eq!(equal(&[&a, &b]).await.len(), 1);
    assert!(winners(&[&b]).await.is_empty());
}

/// A replica that left while a new one was being filled from it left that one unfinished for ever. Whoever stays fills it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_replica_is_filled_although_its_source_goes() {
    let (network, [a, b, c]) = cluster().await;
    a.create().await;
    a.put("k", "v").await.unwrap();
    a.add(&b.name).await;
    members(&[&a, &b], &[&a.name, &b.name]).await;
    network.part(&a.name, &c.name);
    a.add(&c.name).await;
    eventually("a replica to fill", async || c.status().await).await;
    a.put("last words", "v").await.unwrap();
    b.put("of b", "v").await.unwrap();
    a.remove(&a.name).await;
    network.heal();
    members(&[&b, &c], &[&b.name, &c.name]).await;
    gone(&a).await;
    assert_eq!(equal(&[&b, &c]).await.len(), 3);
}

/// The replica that was on its way out took the new membership for its own and went all the same, while its Region
/// acknowledged, and dropped, what was sent to fill the new one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_can_come_back_before_it_has_left() {
    let (network, [a, b, c]) = cluster().await;
    network.delay(2);
    a.create().await;
    a.add(&b.name).await;
    a.add(&c.name).await;
    let everybody = [&a.name, &b.name, &c.name];
    members(&[&a, &b, &c], &everybody).await;
    for round in 0..3 {
        for n in 0..20 {
            a.put(&format!("a {round} {n}"), "v").await.unwrap();
            c.put(&format!("c {round} {n}"), "v").await.unwrap();
            b.put(&format!("b {round} {n}"), "v").await.unwrap();
        }
        a.remove(&b.name).await;
        tokio::time::sleep(Duration::from_millis(round * 8)).await;
        a.put(&format!("between {round}"), "v").await.unwrap();
        c.delete(&format!("a {round} 3")).await.unwrap();
        a.add(&b.name).await;
        c.put(&format!("after {round}"), "v").await.unwrap();
        members(&[&a, &b, &c], &everybody).await;
        equal(&[&a, &b, &c]).await;
    }
}

/// A Region that heard of its removal and its return at once kept its old replica, with items that had been deleted
/// elsewhere while it was out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_missed_its_own_removal_is_filled_anew() {
    let (network, [a, b]) = cluster().await;
    a.create().await;
    a.put("stale", "v").await.unwrap();
    a.put("stays", "v").await.unwrap();
    a.add(&b.name).await;
    members(&[&a, &b], &[&a.name, &b.name]).await;
    equal(&[&a, &b]).await;
    network.part(&a.name, &b.name);
    b.put("unheard", "written before b knew").await.unwrap();
    a.remove(&b.name).await;
    a.delete("stale").await.unwrap();
    a.add(&b.name).await;
    network.heal();
    members(&[&a, &b], &[&a.name, &b.name]).await;
    let items: Vec<String> = equal(&[&a, &b]).await.into_keys().collect();
    assert!(items.len() == 2 && items.iter().all(|item| !item.contains("stale")), "{items:?}");
}

/// A table that is the last replica wrote no tombstones any more, while a replica that had been taken out was still
/// sending what it had.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_words_of_a_replica_do_not_undo_later_writes() {
    let (network, [a, b]) = cluster().await;
    a.create().await;
    a.put("same", "0").await.unwrap();
    a.add(&b.name).await;
    members(&[&a, &b], &[&a.name, &b.name]).await;
    equal(&[&a, &b]).await;
    network.part(&a.name, &b.name);
    b.put("deleted", "before").await.unwrap();
    b.put("same", "1").await.unwrap();
    b.put("other", "1").await.unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    a.remove(&b.name).await;
    a.delete("deleted").await.unwrap();
    a.put("same", "0").await.unwrap();
    network.heal();
    gone(&b).await;
    let items: Vec<String> = equal(&[&a]).await.into_keys().collect();
    assert_eq!(items.len(), 2, "{items:?}");
    assert!(items.iter().any(|item| item.contains("same") && item.contains("\"0\"")), "{items:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_that_was_down_when_it_was_removed_leaves_when_it_is_back() {
    let (network, [a, b, c]) = cluster().await;
    share(&[&a, &b, &c]).await;
    network.part(&a.name, &c.name);
    network.part(&b.name, &c.name);
    c.put("last words", "v").await.unwrap();
    c.kill(&network);
    b.remove(&c.name).await;
    members(&[&a, &b], &[&a.name, &b.name]).await;
    network.heal();
    let c = c.restart(&network).await;
    gone(&c).await;
    assert_eq!(equal(&[&a, &b]).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_can_leave_at_once() {
    let (_network, [a, b, c]) = cluster().await;
    share(&[&a, &b, &c]).await;
    b.put("of b", "v").await.unwrap();
    c.put("of c", "v").await.unwrap();
    tokio::join!(b.remove(&b.name), c.remove(&c.name));
    gone(&b).await;
    gone(&c).await;
    members(&[&a], &[&a.name]).await;
    assert_eq!(equal(&[&a]).await.len(), 2);
}

/// Both dropped the table, each because the other one had said so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_that_take_each_other_out_one_stays_with_everything() {
    let (network, [a, b]) = cluster().await;
    share(&[&a, &b]).await;
    network.part(&a.name, &b.name);
    a.put("of a", "v").await.unwrap();
    b.put("of b", "v").await.unwrap();
    a.remove(&b.name).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    b.remove(&a.name).await;
    network.heal();
    gone(&b).await;
    eventually("what the other one had", async || (a.contents().await?.0.len() == 2).then_some(())).await;
    assert_eq!(a.status().await, Some(TableStatus::Active));
    a.put("afterwards", "v").await.unwrap();
    a.add(&b.name).await;
    members(&[&a, &b], &[&a.name, &b.name]).await;
    assert_eq!(equal(&[&a, &b]).await.len(), 3);
}

/// The one that was taken out last was to stay, but had gone before it was known to be: the others waited for it for ever,
/// all on their way out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_three_that_take_each_other_out_one_stays_with_everything() {
    let (network, [a, b, c]) = cluster().await;
    share(&[&a, &b, &c]).await;
    for (one, other) in [(&a, &b), (&b, &c), (&c, &a)] {
        network.part(&one.name, &other.name);
    }
    for (node, victim) in [(&a, &b), (&b, &c), (&c, &a)] {
        node.put(&format!("of {}", node.name), "v").await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
        node.remove(&victim.name).await;
    }
    // What a has goes to c, which is to stay as far as both know.
    network.heal_pair(&a.name, &c.name);
    gone(&a).await;
    network.heal();
    gone(&b).await;
    eventually("all that was written", async || (c.contents().await?.0.len() == 3).then_some(())).await;
    assert_eq!(c.status().await, Some(TableStatus::Active));
    c.add(&a.name).await;
    members(&[&a, &c], &[&a.name, &c.name]).await;
    assert_eq!(equal(&[&a, &c]).await.len(), 3);
}

/// A replica that had been taken out while it was cut off waited for ever to hand over what it had to one that had lost
/// everything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_stays_if_nobody_else_is_left() {
    let (network, [a, b]) = cluster().await;
    share(&[&a, &b]).await;
    b.put("everywhere", "v").await.unwrap();
    equal(&[&a, &b]).await;
    let before = b.region.table(&name()).await.unwrap();
    network.part(&a.name, &b.name);
    b.put("only here", "v").await.unwrap();
    a.remove(&b.name).await;
    let told = a.region.table(&name()).await.unwrap().shared().unwrap();
    b.region.merge_settings(&told).await.unwrap();
    assert_eq!(b.status().await, Some(TableStatus::Deleting));
    a.kill(&network);
    let a = Node::open(&network, a.name.as_str()).await;
    network.heal();
    eventually("the last one to stay", async || (b.status().await? == TableStatus::Active).then_some(()))
        .await;
    assert_eq!(b.contents().await.unwrap().0.len(), 2);
    assert_eq!(b.region.table(&name()).await.unwrap().uuid, before.uuid);
    assert!(b.region.table(&name()).await.unwrap().replicas(&b.name).next().is_none());
    b.add(&a.name).await;
    members(&[&a, &b], &[&a.name, &b.name]).await;
    assert_eq!(equal(&[&a, &b]).await.len(), 2);
    // And when it is told to go by itself, it goes, though the other one has lost everything.
    a.kill(&network);
    let _a = Node::open(&network, a.name.as_str()).await;
    b.remove(&b.name).await;
    gone(&b).await;
}

/// A Region that has lost its data is no replica any longer: the others do not wait for it, and it can be added anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_has_lost_its_data_is_seen_to_be_gone() {
    let (network, [a, b, c]) = cluster().await;
    share(&[&a, &b, &c]).await;
    // Only one of the others has what it wrote last.
    network.part(&a.name, &c.name);
    c.put("of c", "v").await.unwrap();
    eventually("its last words", async || (b.contents().await?.0.len() == 1).then_some(())).await;
    c.kill(&network);
    let c = Node::open(&network, c.name.as_str()).await;
    network.heal();
    for node in [&a, &b] {
        eventually("the loss to be seen", async || {
            let table = node.region.table(&name()).await.ok()?;
            (table.replicas(&node.name).count() == 1).then_some(())
        })
        .await;
    }
    assert_eq!(equal(&[&a, &b]).await.len(), 1);
    b.put("afterwards", "v").await.unwrap();
    a.add(&c.name).await;
    members(&[&a, &b, &c], &[&a.name, &b.name, &c.name]).await;
    assert_eq!(equal(&[&a, &b, &c]).await.len(), 2);
}
