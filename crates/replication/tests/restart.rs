//! A Region that stops dead, anywhere, goes on where its engine is: nothing acknowledged is lost.

use std::{sync::Arc, time::Duration};

use graticule_model::AttributeValue;
use graticule_tables::{Action, ActionKind, Region};
use tokio::sync::oneshot;

use crate::{
    cluster::{Node, cluster, equal, eventually, key_item, members, name, share},
    convergence::equal_to_latest,
};

/// Puts items until the Region is dead; gives the keys that were acknowledged.
async fn write_until_dead(region: Arc<Region>, prefix: String) -> Vec<String> {
    let mut acknowledged = Vec::new();
    loop {
        let key = format!("{prefix}-{}", acknowledged.len());
        let mut item = key_item(&key);
        item.insert("v".to_owned(), AttributeValue::S(prefix.clone()));
        // In the Region's own task, as a server has it: what is dead answers nobody.
        let (reply, answer) = oneshot::channel();
        let writer = Arc::clone(&region);
        region.env().spawn("request", async move {
            let _ = reply.send(writer.write_one(Action::new(name(), ActionKind::Put(item))).await);
        });
        if !matches!(answer.await, Ok(Ok(_))) {
            return acknowledged;
        }
        acknowledged.push(key);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn assert_has(items: &[String], acknowledged: &[String]) {
    for key in acknowledged {
        let quoted = format!("\"{key}\"");
        assert!(items.iter().any(|item| item.contains(&quoted)), "{key} was acknowledged and is not there");
    }
}

async fn keys(nodes: &[&Node]) -> Vec<String> {
    equal(nodes).await.into_keys().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regions_go_on_where_they_stopped() {
    let (network, [a, b]) = cluster().await;
    network.delay(1);
    share(&[&a, &b]).await;
    let (mut a, mut b) = (a, b);
    let mut acknowledged = Vec::new();
    for round in 0..4 {
        let in_a = tokio::spawn(write_until_dead(Arc::clone(&a.region), format!("a{round}")));
        let in_b = tokio::spawn(write_until_dead(Arc::clone(&b.region), format!("b{round}")));
        tokio::time::sleep(Duration::from_millis(80)).await;
        if round % 2 == 0 {
            b = b.restart(&network).await;
            a = a.restart(&network).await;
        } else {
            a = a.restart(&network).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
            b = b.restart(&network).await;
        }
        acknowledged.extend(in_a.await.unwrap());
        acknowledged.extend(in_b.await.unwrap());
    }
    assert!(acknowledged.len() > 8, "there was something to lose");
    a.put("after all", "v").await.unwrap();
    equal_to_latest(&[&a, &b]).await;
    assert_has(&keys(&[&a, &b]).await, &acknowledged);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_join_goes_on_after_restarts_of_both_ends() {
    let (network, [a, b]) = cluster().await;
    network.delay(2);
    a.create().await;
    for n in 0..2000 {
        a.put(&format!("old {n}"), &"x".repeat(800)).await.unwrap();
    }
    a.add(&b.name).await;
    eventually("a replica to fill", async || b.status().await).await;
    let a = a.restart(&network).await;
    let b = b.restart(&network).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    let a = a.restart(&network).await;
    members(&[&a, &b], &[&a.name, &b.name]).await;
    assert_eq!(equal(&[&a, &b]).await.len(), 2000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_that_was_away_catches_up() {
    let (network, [a, b, c]) = cluster().await;
    share(&[&a, &b, &c]).await;
    a.put("gone", "v").await.unwrap();
    equal(&[&a, &b, &c]).await;
    c.kill(&network);
    a.delete("gone").await.unwrap();
    for n in 0..300 {
        let writer = if n % 2 == 0 { &a } else { &b };
        writer.put(&format!("k{n}"), "while c was away").await.unwrap();
    }
    equal(&[&a, &b]).await;
    let c = c.restart(&network).await;
    equal_to_latest(&[&a, &b, &c]).await;
}
