//! Secondary indexes against the projection of the items, computed here anew.

use std::collections::BTreeMap;

use bytes::Bytes;
use graticule_kv::Direction;
use graticule_model::{AttributeValue, Item, RegionName, codec::item_from_json, value::item_size_bytes};
use graticule_tables::{PageRequest, Region, Span, Table};

use crate::{replicas::Row, world::World};

fn parse(json: &[u8]) -> Item {
    std::str::from_utf8(json).ok().and_then(|text| item_from_json(text).ok()).unwrap_or_default()
}

/// The size of an item by DynamoDB's rules.
pub(crate) fn size(json: &Bytes) -> u64 {
    item_size_bytes(&parse(json)) as u64
}

/// Holds the index against the items.
pub(crate) async fn check(world: &World, region: &RegionName, table: &Table, rows: &BTreeMap<String, Row>) {
    const INDEX: &str = "by-g";
    if table.secondary(INDEX).is_none() {
        return;
    }
    let items = rows.values().filter_map(|(_, new)| new.as_ref()).map(|json| parse(json));
    let held = |name: &str| matches!(name, "pk" | "g" | "v");
    let project = |item: Item| -> Item { item.into_iter().filter(|(name, _)| held(name)).collect() };
    let indexed = |item: &Item| matches!(item.get("g"), Some(AttributeValue::S(_)));
    let mut expected: Vec<Item> = items.filter(indexed).map(project).collect();
    let Some(node) = world.nodes.iter().find(|node| node.name == *region) else { return };
    let asked = table.clone();
    let found = node.call(move |region| async move { read(&region, &asked, INDEX).await });
    let Some(Some((mut found, counts))) = found.await else {
        return world.model.lock().fail(format!("{region}: the index cannot be read"));
    };
    let order = |item: &Item| format!("{item:?}");
    expected.sort_by_key(order);
    found.sort_by_key(order);
    let bytes = expected.iter().map(|item| item_size_bytes(item) as u64).sum::<u64>();
    let expected_counts = (expected.len() as u64, bytes);
    let mut model = world.model.lock();
    if found != expected {
        model.fail(format!("{region}: the index holds {found:?}, the items say {expected:?}"));
    }
    if counts != expected_counts {
        model.fail(format!("{region}: the index counts {counts:?}, the items say {expected_counts:?}"));
    }
}

async fn read(region: &Region, table: &Table, index: &str) -> Option<(Vec<Item>, (u64, u64))> {
    let (local, _) = table.secondary(index)?;
    let mut after: Option<Item> = None;
    let mut items = Vec::new();
    loop {
        let request = PageRequest {
            index: Some(index),
            span: Span::Segment { segment: 0, total: 1 },
            direction: Direction::Forward,
            after: after.as_ref(),
            limit: Some(3),
            whole_items: false,
            consistent: true,
        };
        let page = region.page(table, &request).await.ok()?;
        items.extend(page.records.iter().map(|record| parse(&record.json)));
        after = page.last_key;
        if after.is_none() {
            return Some((items, region.counts(table, Some(local)).await.ok()?));
        }
    }
}
