//! Concurrent writes of the same items: whatever the network does, all Regions end equal, with the latest write of each.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use graticule_env::Env;
use graticule_model::{AttributeValue, Version};
use graticule_tables::{Action, ActionKind, ConflictPage, ConflictQuery, PageLimit, WriteOutcome};

use crate::cluster::{Node, cluster, equal, key_item, members, name, share};

/// Every write that clients made in `nodes`: by item the latest version, and what it wrote.
pub(crate) async fn winners(nodes: &[&Node]) -> BTreeMap<String, (Version, Option<String>)> {
    let mut winners: BTreeMap<String, (Version, Option<String>)> = BTreeMap::new();
    for node in nodes {
        let table = node.region.table(&name()).await.unwrap();
        let whole = PageLimit { entries: usize::MAX, bytes: usize::MAX };
        for change in node.region.outgoing(&table, 0, whole).await.unwrap().changes {
            let text = |json: &[u8]| String::from_utf8(json.to_vec()).unwrap();
            let written = (change.version, change.new.as_deref().map(text));
            let latest = winners.entry(text(&change.key)).or_insert_with(|| written.clone());
            if latest.0 < written.0 {
                *latest = written;
            }
        }
    }
    winners
}

/// Waits until the replicas are equal and asserts that every item is the latest write of it.
pub(crate) async fn equal_to_latest(nodes: &[&Node]) {
    let items = equal(nodes).await;
    let expected: BTreeMap<String, Version> =
        winners(nodes).await.into_values().filter_map(|(version, new)| Some((new?, version))).collect();
    assert_eq!(items, expected);
}

/// Puts and deletes a few items over and over.
async fn write_at_random(node: &Node, seed: u64, until: Instant) -> usize {
    let mut random = seed;
    let mut count = 0;
    while Instant::now() < until {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let key = format!("k{}", (random >> 33) % 40);
        if (random >> 50).is_multiple_of(3) {
            node.delete(&key).await.unwrap();
        } else {
            node.put(&key, &format!("{}-{seed}-{count}", node.name)).await.unwrap();
        }
        count += 1;
        if count % 3 == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_regions_agree_after_random_partitions() {
    let (network, [a, b, c]) = cluster().await;
    network.delay(1);
    a.create().await;
    a.add(&b.name).await;
    a.add(&c.name).await;
    let everybody = [&a, &b, &c];
    members(&everybody, &[&a.name, &b.name, &c.name]).await;
    let until = Instant::now() + Duration::from_millis(2500);
    let env = Env::real();
    let trouble = async {
        while Instant::now() < until {
            let one = (env.random_u64() % 3) as usize;
            let (one, other) = (everybody[one], everybody[(one + 1) % 3]);
            match env.random_u64() % 3 {
                0 => network.part(&one.name, &other.name),
                1 => network.cut(&one.name, &other.name),
                _ => network.heal(),
            }
            tokio::time::sleep(Duration::from_millis(env.random_u64() % 60)).await;
        }
        network.heal();
    };
    let (from_a, from_b, from_c, from_c_too, ()) = tokio::join!(
        write_at_random(&a, 1, until),
        write_at_random(&b, 2, until),
        write_at_random(&c, 3, until),
        write_at_random(&c, 4, until),
        trouble
    );
    assert!(from_a > 0 && from_b > 0 && from_c > 0 && from_c_too > 0);
    equal_to_latest(&everybody).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_later_of_a_put_and_a_delete_stands() {
    let (network, [a, b]) = cluster().await;
    a.create().await;
    a.put("deleted last", "0").await.unwrap();
    a.put("put last", "0").await.unwrap();
    a.add(&b.name).await;
    members(&[&a, &b], &[&a.name, &b.name]).await;
    equal(&[&a, &b]).await;
    network.part(&a.name, &b.name);
    a.delete("put last").await.unwrap();
    b.put("deleted last", "1").await.unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    a.delete("deleted last").await.unwrap();
    b.put("put last", "1").await.unwrap();
    network.heal();
    // Until the links are back, the replicas differ in both items.
    let items = equal(&[&a, &b]).await;
    let items: Vec<&String> = items.keys().collect();
    assert!(items.len() == 1 && items[0].contains("put last") && items[0].contains("\"1\""), "{items:?}");
}

/// The journal used to hold one row per version, but the items of one transaction have one version.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lost_is_counted_and_listed() {
    let (network, [a, b]) = cluster().await;
    share(&[&a, &b]).await;
    network.part(&a.name, &b.name);
    let put = |key: &str| {
        let mut item = key_item(key);
        item.insert("v".to_owned(), AttributeValue::S("of a".to_owned()));
        Action::new(name(), ActionKind::Put(item))
    };
    let outcome = a.region.write(vec![put("one"), put("two")], None).await.unwrap();
    let WriteOutcome::Done(written) = outcome else { panic!("not done: {outcome:?}") };
    let lost = written[0].version.to_string();
    tokio::time::sleep(Duration::from_millis(5)).await;
    let winner = b.put("one", "of b").await.unwrap().to_string();
    b.delete("two").await.unwrap();
    network.heal();
    equal_to_latest(&[&a, &b]).await;

    let at_a = a.region.table(&name()).await.unwrap();
    let query = ConflictQuery { limit: 10, ..ConflictQuery::default() };
    let page = a.region.conflicts(&at_a, &query).await.unwrap();
    assert_eq!(page, ConflictPage::default(), "a has lost, not won");
    let at_b = b.region.table(&name()).await.unwrap();
    let (mut listed, count) = crate::cluster::eventually("two conflicts", async || {
        let listed = b.region.conflicts(&at_b, &query).await.unwrap().conflicts;
        let (count, _) = b.region.conflict_counts(&at_b).await.unwrap();
        (count >= 2).then_some((listed, count))
    })
    .await;
    listed.sort_by(|one, other| one.key.cmp(&other.key));
    assert_eq!((listed.len(), count), (2, 2), "{listed:?}");
    assert_eq!(
        (&listed[0].key[..], &listed[0].winner, &listed[0].loser),
        (r#"{"pk":{"S":"one"}}"#, &winner, &lost)
    );
    assert!(listed.iter().all(|conflict| conflict.discarded.as_ref().unwrap().contains("of a")));
    assert_eq!(listed[1].loser, lost);
}
