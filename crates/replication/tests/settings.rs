//! Settings that replicas share: set anywhere, they come to be everywhere, with what follows from them.

use std::time::Duration;

use graticule_model::{AttributeValue, IndexName};
use graticule_tables::{
    Action, ActionKind, StreamPage, Table,
    auto_scaling::{AutoScaling, Dimension},
    schema::{Billing, IndexDefinition, Projection, Register, Throughput},
};

use crate::cluster::{Node, cluster, equal, eventually, key_item, members, name, share, string_key};

fn index_name() -> IndexName {
    "by-value".parse().unwrap()
}

/// Defines the index over `attribute`, or deletes it.
fn set_index(node: &Node, table: &mut Table, attribute: Option<&str>) {
    let definition = attribute.map(|attribute| IndexDefinition::new(string_key(attribute), Projection::All));
    let version = node.region.clock().version(table.settings.version().time);
    table.settings.indexes.insert(index_name(), Register::new(version, definition));
}

/// Waits until the index is complete in every Region and holds `expected` items, the same ones everywhere.
async fn indexed(nodes: &[&Node], expected: usize) {
    eventually("equal indexes", async || {
        let mut contents = Vec::new();
        for node in nodes {
            let mut items = node.read(Some("by-value")).await.ok()?;
            items.sort();
            contents.push(items);
        }
        (contents[0].len() == expected && contents.iter().all(|other| *other == contents[0])).then_some(())
    })
    .await;
}

/// Says how reads or writes are to be scaled.
fn set_scaling(node: &Node, table: &mut Table, dimension: &Dimension, maximum_units: u64) {
    let scaling = AutoScaling { minimum_units: 1, maximum_units, policy: None };
    let version = node.region.clock().version(table.settings.version().time);
    table.settings.auto_scaling.insert(dimension.clone(), Register::new(version, Some(scaling)));
}

/// The records of the table's open stream.
async fn stream_page(node: &Node, table: &Table) -> StreamPage {
    let label = &table.stream().unwrap().label;
    let found = node.region.find_stream(&table.name, label).await.unwrap();
    let shard = node.region.shards(&found).await.unwrap()[0];
    let page = node.region.shard_page(&found, &shard, shard.oldest, 1000).await.unwrap();
    page.expect("nobody changes the table")
}

async fn same_settings(nodes: &[&Node]) -> Table {
    eventually("equal settings", async || {
        let first = nodes[0].region.table(&name()).await.unwrap();
        for node in nodes {
            if node.region.table(&name()).await.unwrap().settings != first.settings {
                return None;
            }
        }
        Some(Table::clone(&first))
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_appears_everywhere() {
    let (network, [a, b, c]) = cluster().await;
    a.create().await;
    for n in 0..700 {
        a.put(&format!("k{n}"), &format!("v{}", n % 9)).await.unwrap();
    }
    a.add(&b.name).await;
    members(&[&a, &b], &[&a.name, &b.name]).await;
    a.change(|table| set_index(&a, table, Some("v"))).await;
    for n in 0..100 {
        b.put(&format!("k{n}"), "changed during the backfill").await.unwrap();
        b.delete(&format!("k{}", 200 + n)).await.unwrap();
    }
    equal(&[&a, &b]).await;
    indexed(&[&a, &b], 600).await;
    // A replica made now has the index from the start.
    b.add(&c.name).await;
    members(&[&a, &b, &c], &[&a.name, &b.name, &c.name]).await;
    indexed(&[&a, &b, &c], 600).await;

    // Deleted and made anew with another key, while one Region hears nothing.
    network.part(&a.name, &c.name);
    network.part(&b.name, &c.name);
    a.change(|table| set_index(&a, table, None)).await;
    a.change(|table| set_index(&a, table, Some("pk"))).await;
    c.put("meanwhile", "v").await.unwrap();
    network.heal();
    equal(&[&a, &b, &c]).await;
    same_settings(&[&a, &b, &c]).await;
    indexed(&[&a, &b, &c], 601).await;
    for node in [&a, &b, &c] {
        let table = node.region.table(&name()).await.unwrap();
        let (_, definition) = table.secondary("by-value").unwrap();
        assert_eq!(definition.key, string_key("pk"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_changes_of_settings_come_together() {
    let (network, [a, b, c]) = cluster().await;
    share(&[&a, &b, &c]).await;
    for (one, other) in [(&a, &b), (&a, &c), (&b, &c)] {
        network.part(&one.name, &other.name);
    }
    let billing = Billing { throughput: Throughput { read: 7, write: 5 }, ..Billing::default() };
    a.change(|table| {
        let version = a.region.clock().version(table.settings.version().time);
        table.settings.billing = Register::new(version, billing);
    })
    .await;
    b.change(|table| set_index(&b, table, Some("v"))).await;
    c.change(|table| {
        let version = c.region.clock().version(table.settings.version().time);
        table.settings.ttl = Register::new(version, Some("expires".to_owned()));
    })
    .await;
    // One dimension is set in two Regions, the later one stands; another in one.
    let (writes, reads) = (Dimension::Writes(None), Dimension::Reads(b.name.clone(), None));
    a.change(|table| set_scaling(&a, table, &writes, 10)).await;
    b.region.env().sleep(Duration::from_millis(5)).await;
    b.change(|table| set_scaling(&b, table, &writes, 20)).await;
    c.change(|table| set_scaling(&c, table, &reads, 30)).await;
    c.put("k", "v").await.unwrap();
    network.heal();
    let table = same_settings(&[&a, &b, &c]).await;
    let most = |dimension| table.settings.auto_scaling(dimension).map(|scaling| scaling.maximum_units);
    assert_eq!((most(&writes), most(&reads)), (Some(20), Some(30)));
    assert_eq!((table.settings.billing.value, table.ttl_attribute()), (billing, Some("expires")));
    equal(&[&a, &b, &c]).await;
    indexed(&[&a, &b, &c], 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn items_expire_everywhere_and_streams_say_so() {
    let (_network, [a, b]) = cluster().await;
    a.create().await;
    let mut item = key_item("short-lived");
    let past = b.region.env().unix_ms() / 1000 - 60;
    item.insert("expires".to_owned(), AttributeValue::N(past.into()));
    a.put("stays", "v").await.unwrap();
    a.add(&b.name).await;
    members(&[&a, &b], &[&a.name, &b.name]).await;
    b.region.write_one(Action::new(name(), ActionKind::Put(item))).await.unwrap();
    // Otherwise a could be without the item because it has not come yet.
    assert_eq!(equal(&[&a, &b]).await.len(), 2);
    b.change(|table| {
        let version = b.region.clock().version(table.settings.version().time);
        table.settings.ttl = Register::new(version, Some("expires".to_owned()));
    })
    .await;
    eventually("the item to expire", async || {
        let (items, _) = a.contents().await?;
        (a.region.table(&name()).await.ok()?.ttl_attribute() == Some("expires") && items.len() == 1)
            .then_some(())
    })
    .await;
    assert_eq!(equal(&[&a, &b]).await.len(), 1);
    for node in [&a, &b] {
        let table = node.region.table(&name()).await.unwrap();
        let page = stream_page(node, &table).await;
        let removals: Vec<bool> = page
            .changes
            .iter()
            .filter(|(_, change)| change.new.is_none())
            .map(|(_, change)| change.expired)
            .collect();
        assert_eq!(removals, [true], "in {}", node.name);
    }
}

/// Every write that won shows once in the stream of each replica, in the order of its item; what a new replica is
/// filled with does not show.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_show_every_write_once_in_each_region() {
    let (network, [a, b]) = cluster().await;
    a.create().await;
    a.put("old", "before there was a stream").await.unwrap();
    a.add(&b.name).await;
    members(&[&a, &b], &[&a.name, &b.name]).await;
    for n in 0..20 {
        a.put("of a", &n.to_string()).await.unwrap();
        b.put("of b", &n.to_string()).await.unwrap();
        if n % 7 == 3 {
            network.cut(&a.name, &b.name);
        }
    }
    equal(&[&a, &b]).await;
    b.put("of b", "19").await.unwrap(); // the same once more is not shown
    equal(&[&a, &b]).await;
    for node in [&a, &b] {
        let table = node.region.table(&name()).await.unwrap();
        let page = stream_page(node, &table).await;
        for key in ["of a", "of b"] {
            let of_key = page
                .changes
                .iter()
                .filter(|(_, change)| change.key.ends_with(format!("{key}\"}}}}").as_bytes()));
            let news: Vec<_> = of_key.map(|(_, change)| change.new.clone().unwrap()).collect();
            assert_eq!(news.len(), 20, "{key} in {}", node.name);
            for (n, new) in news.iter().enumerate() {
                assert!(
                    new.ends_with(format!("{{\"S\":\"{n}\"}}}}").as_bytes()),
                    "{key} in {}: {new:?}",
                    node.name
                );
            }
        }
        assert_eq!(page.changes.len(), 40, "nothing else shows in {}", node.name);
    }
}

/// A replica that leaves ends its stream, which can be read on; one that comes back has another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stream_of_a_replica_that_left_can_be_read() {
    let (_network, [a, b]) = cluster().await;
    share(&[&a, &b]).await;
    a.put("of a", "1").await.unwrap();
    b.put("of b", "2").await.unwrap();
    equal(&[&a, &b]).await;
    let label = b.region.table(&name()).await.unwrap().stream().unwrap().label.clone();
    a.remove(&b.name).await;
    eventually("the replica to go", async || b.region.table(&name()).await.is_err().then_some(())).await;
    let read = async || {
        let found = b.region.find_stream(&name(), &label).await.unwrap();
        let shard = b.region.shards(&found).await.unwrap()[0];
        let page = b.region.shard_page(&found, &shard, shard.oldest, 100).await.unwrap().unwrap();
        (page.changes.len(), page.next)
    };
    assert_eq!(read().await, (2, None));
    a.add(&b.name).await;
    members(&[&a, &b], &[&a.name, &b.name]).await;
    b.put("of b", "3").await.unwrap();
    let table = b.region.table(&name()).await.unwrap();
    assert_ne!(table.stream().unwrap().label, label);
    assert_eq!(stream_page(&b, &table).await.changes.len(), 1);
    assert_eq!(read().await, (2, None));
}
