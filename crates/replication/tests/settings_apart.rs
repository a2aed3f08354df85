//! Settings that were changed while Regions heard nothing of each other: all of them come together, whichever side they
//! were changed on; what is never shared stays where it is.

use std::{sync::Arc, time::Duration};

use graticule_model::Version;
use graticule_tables::{
    Table,
    schema::{Billing, IndexDefinition, Maximum, Projection, Register, StreamView, TableStatus, Throughput},
};

use crate::{
    cluster::{Node, cluster, equal, eventually, members, name, string_key},
    network::Network,
};

fn next(node: &Node, table: &Table) -> Version {
    node.region.clock().register_version(table.settings.version().time)
}

/// Waits until the settings are the same everywhere, and gives the tables.
async fn same_settings(nodes: &[&Node]) -> Vec<Table> {
    eventually("equal settings", async || {
        let mut tables = Vec::new();
        for node in nodes {
            tables.push(Table::clone(&*node.region.table(&name()).await.ok()?));
        }
        tables.iter().all(|table| table.settings == tables[0].settings).then_some(tables)
    })
    .await
}

async fn three() -> (Arc<Network>, [Node; 3]) {
    let (network, [a, b, c]) = cluster().await;
    a.create().await;
    a.put("k", "v").await.unwrap();
    a.add(&b.name).await;
    a.add(&c.name).await;
    members(&[&a, &b, &c], &[&a.name, &b.name, &c.name]).await;
    (network, [a, b, c])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_set_apart_comes_together() {
    let (network, [a, b, c]) = three().await;
    for (one, other) in [(&a, &b), (&a, &c), (&b, &c)] {
        network.part(&one.name, &other.name);
    }
    // Of a: an index, and a maximum of b's own.
    a.change(|table| {
        let version = next(&a, table);
        let definition = IndexDefinition::new(string_key("v"), Projection::All);
        table
            .settings
            .indexes
            .insert("by-value".parse().unwrap(), Register::new(version.clone(), Some(definition)));
        let own = table.settings.overrides.entry(b.name.clone()).or_default();
        own.capacity.read_max.set(&version, Some(20));
    })
    .await;
    // Of b: time to live, and a class of its own.
    b.change(|table| {
        let version = next(&b, table);
        table.settings.ttl = Register::new(version.clone(), Some("expires".to_owned()));
        let own = table.settings.overrides.entry(b.name.clone()).or_default();
        own.infrequent_access.set(&version, Some(true));
    })
    .await;
    // Of c: maxima for all, and what is c's alone.
    c.change(|table| {
        let version = next(&c, table);
        let maximum = Maximum { read: Some(100), write: Some(50) };
        let billing = Billing { on_demand: true, maximum, ..Billing::default() };
        table.settings.billing = Register::new(version, billing);
        table.tags.insert("of".to_owned(), "c".to_owned());
        table.deletion_protection = true;
        table.replica.disassociation_protection = Some(false);
    })
    .await;
    network.heal();
    let nodes = [&a, &b, &c];
    let tables = same_settings(&nodes).await;
    for (node, table) in nodes.iter().zip(&tables) {
        assert_eq!(table.ttl_attribute(), Some("expires"));
        assert!(table.secondary("by-value").is_some(), "the index is kept in {}", node.name);
        let read = |of: &Node| table.billing_in(&of.name).maximum.read;
        assert_eq!([read(&a), read(&b), read(&c)], [Some(100), Some(20), Some(100)]);
        assert_eq!(table.billing_in(&b.name).maximum.write, Some(50));
        let class = |of: &Node| table.infrequent_access_in(&of.name);
        assert_eq!([class(&a), class(&b), class(&c)], [None, Some(true), None]);
        let alone = node.name == c.name;
        assert_eq!(table.tags.is_empty(), !alone, "tags in {}", node.name);
        assert_eq!(table.deletion_protection, alone, "deletion protection in {}", node.name);
        assert_eq!(table.replica.is_protected(), !alone, "disassociation protection in {}", node.name);
    }
    equal(&nodes).await;
}

/// Between a value of one replica's own and a new value for all, the later one stands, on whichever side it was set.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_later_of_an_override_and_a_new_common_value_stands() {
    let (network, [a, b, c]) = three().await;
    let set_own = async |units: u64| {
        c.change(|table| {
            let version = next(&c, table);
            let own = table.settings.overrides.entry(a.name.clone()).or_default();
            own.capacity.read_max.set(&version, Some(units));
        })
        .await;
    };
    let set_common = async |units: u64| {
        b.change(|table| {
            let version = next(&b, table);
            let maximum = Maximum { read: Some(units), write: None };
            let billing = Billing { on_demand: true, maximum, ..Billing::default() };
            table.settings.billing = Register::new(version.clone(), billing);
            table.settings.reset_overrides(|own| own.capacity.read_max.set(&version, None));
        })
        .await;
    };
    let part = || {
        network.part(&a.name, &c.name);
        network.part(&b.name, &c.name);
    };
    let units = async || {
        network.heal();
        let tables = same_settings(&[&a, &b, &c]).await;
        tables[0].billing_in(&a.name).maximum.read
    };
    part();
    set_own(7).await;
    // Both clocks are this machine's: what is set later has the later version once its milliseconds have gone on.
    tokio::time::sleep(Duration::from_millis(3)).await;
    set_common(100).await;
    assert_eq!(units().await, Some(100));
    part();
    set_common(200).await;
    tokio::time::sleep(Duration::from_millis(3)).await;
    set_own(8).await;
    assert_eq!(units().await, Some(8));
}

/// Billing for all and the stream are set in a Region that the others have not heard of for a while.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_was_away_tells_and_hears_everything() {
    let (network, [a, b, c]) = three().await;
    network.part(&a.name, &c.name);
    network.part(&b.name, &c.name);
    let throughput = Throughput { read: 1000, write: 1000 };
    c.change(|table| {
        let version = next(&c, table);
        table.settings.billing = Register::new(version.clone(), Billing { throughput, ..Billing::default() });
        table.settings.reset_overrides(|own| own.capacity.reset(&version));
    })
    .await;
    a.change(|table| {
        let version = next(&a, table);
        table.settings.infrequent_access = Register::new(version.clone(), Some(true));
        table.settings.reset_overrides(|own| own.infrequent_access.set(&version, None));
    })
    .await;
    let c = c.restart(&network).await;
    c.put("while away", "v").await.unwrap();
    network.heal();
    for (node, table) in [&a, &b, &c].iter().zip(same_settings(&[&a, &b, &c]).await) {
        assert_eq!(table.status, TableStatus::Active);
        let billing = table.settings.billing.value;
        assert_eq!((billing.on_demand, billing.throughput), (false, throughput), "in {}", node.name);
        assert_eq!(table.infrequent_access_in(&node.name), Some(true), "in {}", node.name);
        assert_eq!(table.settings.stream.value, Some(StreamView::NewAndOldImages));
    }
    assert_eq!(equal(&[&a, &b, &c]).await.len(), 2);
}
