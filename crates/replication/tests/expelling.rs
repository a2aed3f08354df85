//! Members that are taken out while they cannot be reached: they are waited for, but not for ever.

use std::time::Duration;

use graticule_replication::Policy;
use graticule_tables::{LogLimits, schema::Member};

use crate::{
    cluster::{Node, cluster, equal, eventually, members, name, share},
    resync::nodes,
};

async fn gone(node: &Node) {
    eventually("the replica to go", async || node.region.table(&name()).await.is_err().then_some(())).await;
}

/// Waits until `node` knows that `member` was expelled.
pub(crate) async fn expelled(node: &Node, member: &Node) {
    eventually("the member to be expelled", async || {
        let table = node.region.table(&name()).await.ok()?;
        (table.settings.members.get(&member.name)?.value == Member::Expelled).then_some(())
    })
    .await;
}

/// More than a tombstone's least age.
const MINUTE_MS: i64 = 60_000;

/// Longer than the interval of housekeeping.
async fn let_housekeeping_pass() {
    tokio::time::sleep(Duration::from_secs(7)).await;
}

/// Tombstones did not wait for a member that had been taken out, so what it still had brought deleted items back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_deleted_does_not_come_back_with_a_member_that_was_taken_out() {
    let (network, [a, b, c]) = cluster().await;
    a.create().await;
    a.put("k", "0").await.unwrap();
    a.add(&b.name).await;
    a.add(&c.name).await;
    let all = [&a, &b, &c];
    members(&all, &[&a.name, &b.name, &c.name]).await;
    equal(&all).await;
    network.part(&a.name, &b.name);
    network.part(&c.name, &b.name);
    b.put("k", "1").await.unwrap();
    b.put("last words", "v").await.unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    a.delete("k").await.unwrap();
    equal(&[&a, &c]).await;
    a.remove(&b.name).await;
    for node in all {
        node.set_clock_ahead_ms(MINUTE_MS);
    }
    let_housekeeping_pass().await;
    network.heal();
    gone(&b).await;
    let items: Vec<String> = equal(&[&a, &c]).await.into_keys().collect();
    assert!(items.len() == 1 && items[0].contains("last words"), "{items:?}");
    eventually("the departure to be known", async || {
        let table = a.region.table(&name()).await.ok()?;
        table.membership.departed.contains_key(&b.name).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_stays_away_is_expelled_and_the_others_agree() {
    let policy = Policy { departure_ms_max: 1_500, ..Policy::default() };
    let (network, [a, b, c]) = nodes(&policy, LogLimits::default()).await;
    share(&[&a, &b, &c]).await;
    // Of its last writes one reaches one of the others, one reaches nobody.
    network.part(&a.name, &b.name);
    b.put("heard by c", "v").await.unwrap();
    eventually("c to hear it", async || (c.contents().await?.0.len() == 1).then_some(())).await;
    network.part(&c.name, &b.name);
    b.put("heard by nobody", "v").await.unwrap();
    a.remove(&b.name).await;
    expelled(&c, &b).await;
    assert_eq!(equal(&[&a, &c]).await.len(), 1);
    network.heal();
    gone(&b).await;
    let items: Vec<String> = equal(&[&a, &c]).await.into_keys().collect();
    assert!(items.len() == 1 && items[0].contains("heard by c"), "{items:?}");
    // And it can become a member again.
    a.add(&b.name).await;
    members(&[&a, &b, &c], &[&a.name, &b.name, &c.name]).await;
    b.put("back", "v").await.unwrap();
    eventually("what it writes now", async || (a.contents().await?.0.len() == 2).then_some(())).await;
    equal(&[&a, &b, &c]).await;
}

/// A replica that was made after an expulsion did not know of it, and took what nobody else took.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_replica_does_not_listen_to_who_was_expelled_before() {
    let (network, [a, b, c]) = cluster().await;
    share(&[&a, &c]).await;
    let born = c.region.table(&name()).await.unwrap().membership.born.clone();
    network.part(&a.name, &c.name);
    network.part(&b.name, &c.name);
    a.remove(&c.name).await;
    let table = a.region.table(&name()).await.unwrap();
    a.region.expel(&table, &c.name).await.unwrap();
    a.add(&b.name).await;
    members(&[&a, &b], &[&a.name, &b.name]).await;
    for node in [&a, &b] {
        let table = node.region.table(&name()).await.unwrap();
        assert!(!table.listens_to(&c.name, born.as_ref()), "{} listens", node.name);
        assert!(table.membership.resync.is_empty());
    }
}

/// Both went, each because the other one had said so, and all that was written was lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_that_expel_each_other_one_stays() {
    let (network, [a, b]) = cluster().await;
    share(&[&a, &b]).await;
    network.part(&a.name, &b.name);
    for (node, other) in [(&a, &b), (&b, &a)] {
        node.put(&format!("of {}", node.name), "v").await.unwrap();
        node.remove(&other.name).await;
        let table = node.region.table(&name()).await.unwrap();
        node.region.expel(&table, &other.name).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    network.heal();
    // a was expelled last; what b has is refused.
    gone(&b).await;
    let items: Vec<String> = equal(&[&a]).await.into_keys().collect();
    assert!(items.len() == 1 && items[0].contains("of a"), "{items:?}");
    a.put("afterwards", "v").await.unwrap();
    a.add(&b.name).await;
    members(&[&a, &b], &[&a.name, &b.name]).await;
    b.put("of b", "again").await.unwrap();
    assert_eq!(equal(&[&a, &b]).await.len(), 3);
}
