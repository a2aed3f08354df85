//! Comparing replicas: equal ones are found equal while they are written, different ones are told by their keys.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use graticule_model::{Version, version::HybridTime};
use graticule_tables::{Change, Origin, Road};

use crate::cluster::{Node, cluster, equal, members, name, share};

/// Puts an item into one replica that no write has put there.
async fn damage(node: &Node, key: &str, value: &str, time: HybridTime) {
    let table = node.region.table(&name()).await.unwrap();
    let json = |text: String| text.into_bytes().into();
    let change = Change {
        version: Version { time, region: Arc::from("elsewhere") },
        key: json(format!(r#"{{"pk":{{"S":"{key}"}}}}"#)),
        old: None,
        new: Some(json(format!(r#"{{"pk":{{"S":"{key}"}},"v":{{"S":"{value}"}}}}"#))),
        written_ms: 0,
        expired: false,
        silent: true,
    };
    let from = "elsewhere".parse().unwrap();
    let origin =
        Origin { region: &from, log: "", position: None, road: Road::Snapshot(HybridTime::ZERO), born: None };
    node.region.apply(&table, &origin, vec![change]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_are_proven_equal_while_they_are_written() {
    let (network, [a, b]) = cluster().await;
    network.delay(3);
    a.create().await;
    for n in 0..2500 {
        a.put(&format!("k{n}"), "v").await.unwrap();
    }
    a.add(&b.name).await;
    members(&[&a, &b], &[&a.name, &b.name]).await;
    let stop = AtomicBool::new(false);
    let write = async |node: &Node| {
        let mut count = 0;
        while !stop.load(Ordering::SeqCst) {
            let key = format!("k{}", count * 17 % 2500);
            let done =
                if count % 7 == 0 { node.delete(&key).await } else { node.put(&key, "w").await.map(drop) };
            done.unwrap();
            count += 1;
            tokio::time::sleep(Duration::from_micros(300)).await;
        }
        count
    };
    let verify = async {
        let mut last = None;
        for _ in 0..5 {
            let verified = a.replicator.verify(&name(), &b.name, false).await.unwrap();
            assert!(verified.is_equal(), "{verified:?}");
            last = Some(verified);
        }
        stop.store(true, Ordering::SeqCst);
        last.unwrap()
    };
    let (from_a, from_b, verified) = tokio::join!(write(&a), write(&b), verify);
    assert!(from_a > 10 && from_b > 10 && verified.items > 1000, "{from_a} {from_b} {verified:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_differ_are_named_and_brought_in_line() {
    let (_network, [a, b]) = cluster().await;
    a.create().await;
    for n in 0..3000 {
        a.put(&format!("k{n}"), "v").await.unwrap();
    }
    a.add(&b.name).await;
    members(&[&a, &b], &[&a.name, &b.name]).await;
    equal(&[&a, &b]).await;
    let now = a.region.clock().last();
    damage(&b, "only there", "x", now).await;
    damage(&b, "k7", "changed there", now).await;
    damage(&a, "only here", "y", now).await;

    let verified = a.replicator.verify(&name(), &b.name, false).await.unwrap();
    let mut keys: Vec<(&str, bool, bool)> = verified
        .differences
        .iter()
        .map(|difference| (difference.key.as_str(), difference.here.is_some(), difference.there.is_some()))
        .collect();
    keys.sort_unstable();
    let expected = [
        (r#"{"pk":{"S":"k7"}}"#, true, true),
        (r#"{"pk":{"S":"only here"}}"#, true, false),
        (r#"{"pk":{"S":"only there"}}"#, false, true),
    ];
    assert_eq!(keys, expected);
    assert_eq!((verified.differing, verified.repaired, verified.is_equal()), (3, 0, false));

    let repaired = b.replicator.verify(&name(), &a.name, true).await.unwrap();
    assert_eq!((repaired.differing, repaired.repaired), (3, 3));
    assert!(a.replicator.verify(&name(), &b.name, false).await.unwrap().is_equal());
    assert_eq!(equal(&[&a, &b]).await.len(), 3002);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_cannot_be_reached_is_not_called_equal() {
    let (network, [a, b, c]) = cluster().await;
    share(&[&a, &b]).await;
    network.part(&a.name, &b.name);
    let error = a.replicator.verify(&name(), &b.name, false).await.unwrap_err();
    assert!(error.to_string().contains("cannot be compared"), "{error}");
    let error = a.replicator.verify(&name(), &c.name, false).await.unwrap_err();
    assert!(error.to_string().contains("no complete replica"), "{error}");
}
