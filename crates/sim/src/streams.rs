//! Streams against what was written: complete, in order, without repetition.
//!
//! The log of every replica is known from its disk. [`check`] holds it against the writes of the run, and what the streams
//! give to their readers against the log.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use graticule_model::{Error, Version};
use graticule_tables::{Change, Region};

use crate::{
    model::{Model, Replica, key_of},
    replicas::{Replicas, Row, rows},
    world::{World, table_name},
};

/// What a reader sees of a record.
type Seen = (u64, Version, String);

/// Holds all streams against what was written.
pub(crate) async fn check(world: &Arc<World>) {
    logs(world);
    for node in &world.nodes {
        // Items whose time to live is over go on being deleted meanwhile.
        let before = shown_until_now(&world.model.lock(), node.name.as_str());
        let Some(read) = node.call(|region| async move { read_all(&region).await }).await else { continue };
        let mut model = world.model.lock();
        match read {
            Err(error) => model.fail(format!("{}: streams cannot be read: {error}", node.name)),
            Ok(read) => readers(&mut model, node.name.as_str(), &before, read),
        }
    }
}

/// Reads all streams of the table from the beginning, by the id of their table.
async fn read_all(region: &Region) -> Result<BTreeMap<u64, Vec<Seen>>, Error> {
    let mut read: BTreeMap<u64, Vec<Seen>> = BTreeMap::new();
    let name = table_name();
    for table in region.streamed_tables(Some(&name)).await? {
        let seen = read.entry(table.id).or_default();
        for stream in &table.streams {
            let found = match region.find_stream(&name, &stream.label).await {
                Ok(found) => found,
                Err(Error::ResourceNotFound) => continue,
                Err(error) => return Err(error),
            };
            for shard in region.shards(&found).await? {
                let mut next = Some(shard.oldest);
                while let Some(from) = next.filter(|from| *from < shard.next) {
                    let Some(page) = region.shard_page(&found, &shard, from, 7).await? else { break };
                    let record = |(at, change): (u64, Change)| (at, change.version, key_of(&change.key));
                    seen.extend(page.changes.into_iter().map(record));
                    next = page.next;
                }
            }
        }
    }
    Ok(read)
}

/// How many records of each table streams show.
fn shown_until_now(model: &Model, region: &str) -> BTreeMap<u64, usize> {
    let replicas = model.replicas.iter().filter(|((of, _), _)| of == region);
    let shown = |replica: &Replica| replica.log.values().filter(|change| !change.silent).count();
    replicas.map(|((_, table), replica)| (*table, shown(replica))).collect()
}

fn readers(model: &mut Model, region: &str, before: &BTreeMap<u64, usize>, read: BTreeMap<u64, Vec<Seen>>) {
    for (table, seen) in read {
        let Some(replica) = model.replicas.get(&(region.to_owned(), table)) else { continue };
        let shown = replica.log.iter().filter(|(_, change)| !change.silent);
        let count = seen.len().max(before.get(&table).copied().unwrap_or(0));
        let record = |(at, change): (&u64, &Change)| (*at, change.version.clone(), key_of(&change.key));
        let expected: Vec<Seen> = shown.take(count).map(record).collect();
        if seen != expected {
            let differs = seen.iter().zip(&expected).position(|(one, other)| one != other);
            model.fail(format!(
                "{region}: readers of table {table} got {} records, the log has {}; the first difference is at {differs:?}",
                seen.len(),
                expected.len(),
            ));
        }
    }
}

/// Holds the logs against the writes.
fn logs(world: &World) {
    let current = Replicas::look(world).tables;
    let items: BTreeMap<(String, u64), BTreeMap<String, Row>> = current
        .iter()
        .map(|(region, table)| ((region.to_string(), table.id), rows(world, region, table)))
        .collect();
    let mut model = world.model.lock();
    let mut broken = Vec::new();
    for ((region, table), replica) in &model.replicas {
        let what = format!("{region}, table {table}");
        let last = in_order(replica, &what, &mut broken);
        if let Some(items) = items.get(&(region.clone(), *table)) {
            ends_with_items(&last, items, &what, &mut broken);
        }
    }
    once(&model, &mut broken);
    broken.into_iter().for_each(|what| model.fail(what));
}

/// Versions of an item ascend, and every record begins where the one before ended. Gives the last image of each item.
fn in_order(
    replica: &Replica,
    what: &str,
    broken: &mut Vec<String>,
) -> BTreeMap<String, (Version, Option<Bytes>)> {
    let mut last: BTreeMap<String, (Version, Option<Bytes>)> = BTreeMap::new();
    for (at, change) in &replica.log {
        let key = key_of(&change.key);
        // While a replica is filled, what its snapshot brings shows in no record.
        let filling = replica.joined && replica.active_from.is_none_or(|from| *at < from);
        match last.get(&key) {
            Some((version, _)) if *version >= change.version => {
                broken.push(format!("{what}: item {key} has {version} and then {} at {at}", change.version));
            }
            Some((version, image)) if *image != change.old && !filling => broken.push(format!(
                "{what}: item {key} was {image:?} at {version}, but {} at {at} has it as {:?} before",
                change.version, change.old
            )),
            None if !replica.joined && change.old.is_some() => broken.push(format!(
                "{what}: the first record of item {key}, {} at {at}, has {:?} before",
                change.version, change.old
            )),
            _ => {}
        }
        last.insert(key, (change.version.clone(), change.new.clone()));
    }
    last
}

fn ends_with_items(
    last: &BTreeMap<String, (Version, Option<Bytes>)>,
    items: &BTreeMap<String, Row>,
    what: &str,
    broken: &mut Vec<String>,
) {
    for (key, (version, image)) in last {
        let item = items.get(key).and_then(|(_, new)| new.as_ref());
        if item != image.as_ref() {
            broken.push(format!(
                "{what}: the last record of item {key}, {version}, is {image:?}, the item {item:?}"
            ));
        }
    }
}

/// Every write that changed something is in the log of its Region, once.
fn once(model: &Model, broken: &mut Vec<String>) {
    let mut counts: BTreeMap<(&str, String, &Version), usize> = BTreeMap::new();
    for ((region, _), replica) in &model.replicas {
        for change in replica.log.values().filter(|change| *change.version.region == **region) {
            *counts.entry((region, key_of(&change.key), &change.version)).or_default() += 1;
        }
    }
    for (key, writes) in &model.writes {
        for (version, write) in writes {
            let count = counts.get(&(&*version.region, key.clone(), version)).copied().unwrap_or(0);
            if count > 1 || (count == 0 && write.shown) {
                broken
                    .push(format!("{}: item {key} at {version} is {count} times in the log", version.region));
            }
        }
    }
}
