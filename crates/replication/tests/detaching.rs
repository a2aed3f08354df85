//! Replicas that become tables of their own.

use graticule_replication::Policy;
use graticule_tables::{LogLimits, schema::Detaching};

use crate::{
    cluster::{Node, cluster, equal, eventually, members, name, share},
    expelling::expelled,
    resync::nodes,
};

async fn detach(node: &Node) {
    let requested_ms = node.region.env().unix_ms();
    node.change(|table| table.detaching = Some(Detaching { requested_ms, cut: None, unsettled: false }))
        .await;
}

async fn is_ordinary(node: &Node) {
    eventually("a table of its own", async || {
        let table = node.region.active_table(&name()).await.ok()?;
        (table.group.is_none() && table.detaching.is_none() && table.settings.members.is_empty())
            .then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_becomes_a_table_of_its_own_with_everything() {
    let (network, [a, b, c]) = cluster().await;
    network.delay(2);
    share(&[&a, &b, &c]).await;
    network.part(&a.name, &b.name);
    a.put("of a", "while b was away").await.unwrap();
    b.put("of b", "while b was away").await.unwrap();
    detach(&b).await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert!(b.region.table(&name()).await.unwrap().detaching.is_some(), "it waits for a");
    b.put("while it waits", "v").await.unwrap();
    network.heal();
    is_ordinary(&b).await;
    members(&[&a, &c], &[&a.name, &c.name]).await;
    assert_eq!(b.contents().await.unwrap().0.len(), 3);
    b.put("after", "only here").await.unwrap();
    b.delete("of a").await.unwrap();
    a.put("of a", "goes on").await.unwrap();
    let items = equal(&[&a, &c]).await;
    assert!(items.keys().any(|item| item.contains("goes on")), "{items:?}");
    assert!(!items.keys().any(|item| item.contains("only here")), "{items:?}");
    eventually("the departure to be known", async || {
        let table = a.region.table(&name()).await.ok()?;
        table.membership.departed.contains_key(&b.name).then_some(())
    })
    .await;
    assert_eq!(b.contents().await.unwrap().0.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_members_both_become_ordinary() {
    let (_network, [a, b]) = cluster().await;
    a.create().await;
    a.put("k", "v").await.unwrap();
    a.add(&b.name).await;
    members(&[&a, &b], &[&a.name, &b.name]).await;
    detach(&b).await;
    is_ordinary(&b).await;
    eventually("a to be alone", async || (!a.region.table(&name()).await.ok()?.is_global()).then_some(()))
        .await;
    a.put("k", "of a").await.unwrap();
    b.put("k", "of b").await.unwrap();
    // The Region that has a table of that name cannot be filled; it is not touched.
    a.add(&b.name).await;
    eventually("b to be given up", async || (!a.region.table(&name()).await.ok()?.is_global()).then_some(()))
        .await;
    assert!(b.contents().await.unwrap().0.keys().all(|item| item.contains("of b")));
}

/// It waited for ever for those that had taken it out, and told it nothing more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_is_expelled_before_it_could_leave_becomes_a_table_of_its_own() {
    let policy = Policy { departure_ms_max: 500, ..Policy::default() };
    let (network, [a, b, c]) = nodes(&policy, LogLimits::default()).await;
    share(&[&a, &b, &c]).await;
    b.put("k", "v").await.unwrap();
    equal(&[&a, &b, &c]).await;
    network.part(&a.name, &b.name);
    network.part(&c.name, &b.name);
    detach(&b).await;
    b.put("of b", "heard by nobody").await.unwrap();
    a.remove(&b.name).await;
    expelled(&c, &b).await;
    network.heal();
    is_ordinary(&b).await;
    assert_eq!(b.contents().await.unwrap().0.len(), 2, "it keeps what it has");
    assert_eq!(equal(&[&a, &c]).await.len(), 1);
}
