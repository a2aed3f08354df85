//! Streams against what was written: complete, in order, without repetition.
//!
//! The log of every replica is known from its disk. [`check`] holds it against the writes of the run, and what the streams
//! give to their readers against the log.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use graticule_model::{Error, Version};
use graticule_tables::Change;

use crate::{
    model::{Model, Replica, key_of},
    node::Node,
    reader::{Reader, Seen},
    replicas::{Replicas, Row, rows},
    world::World,
};

/// How long the closing of a shard is waited for, and how often: if the disk fails between its two commits, the second one
/// comes five seconds later.
const CLOSING_WAIT: Duration = Duration::from_millis(100);
const CLOSING_ATTEMPTS: usize = 60;

/// Reads the streams of a Region while things go on, over crashes.
pub(crate) async fn follow(world: Arc<World>, node: Arc<Node>) {
    let mut random = world.random(&format!("reader {}", node.name));
    while world.is_busy() {
        world.sleep(random.millis(50, 1_500)).await;
        read_on(&world, &node).await;
    }
}

/// Lets the reader of a Region read on, if the Region can answer.
async fn read_on(world: &World, node: &Node) {
    let reader = world.readers.lock().get(&node.name).cloned().unwrap_or_default();
    if let Some(Ok(reader)) = node.call(|region| async move { reader.read_on(&region).await }).await {
        world.readers.lock().insert(node.name.clone(), reader);
    }
}

/// Holds all streams against what was written.
pub(crate) async fn check(world: &Arc<World>) {
    logs(world);
    for node in &world.nodes {
        // Items whose time to live is over go on being deleted meanwhile.
        let before = shown_until_now(&world.model.lock(), node.name.as_str());
        let (mut follower, mut anew) = read_both(world, node).await;
        // A shard that is just being closed holds its last records back until its end is known.
        let complete = |reader: &Reader| {
            before.iter().all(|(table, count)| reader.seen.get(table).is_none_or(|seen| seen.len() >= *count))
        };
        for _ in 0..CLOSING_ATTEMPTS {
            if !matches!(&anew, Some(Ok(anew)) if !complete(anew) || !complete(&follower)) {
                break;
            }
            world.sleep(CLOSING_WAIT).await;
            (follower, anew) = read_both(world, node).await;
        }
        let mut model = world.model.lock();
        match anew {
            None => model.fail(format!("{}: streams cannot be read, the Region is down", node.name)),
            Some(Err(error)) => model.fail(format!("{}: streams cannot be read: {error}", node.name)),
            Some(Ok(reader)) => {
                for (who, reader) in [("the follower", follower), ("a new reader", reader)] {
                    readers(&mut model, node.name.as_str(), &before, who, reader);
                }
            }
        }
    }
}

/// What the follower of a Region's streams has by now, and what somebody gets who reads them anew.
async fn read_both(world: &World, node: &Node) -> (Reader, Option<Result<Reader, Error>>) {
    read_on(world, node).await;
    let follower = world.readers.lock().get(&node.name).cloned().unwrap_or_default();
    let anew = node.call(|region| async move { Reader::default().read_on(&region).await }).await;
    (follower, anew)
}

/// How many records of each table streams show.
fn shown_until_now(model: &Model, region: &str) -> BTreeMap<u64, usize> {
    let replicas = model.replicas.iter().filter(|((of, _), _)| of == region);
    let shown = |replica: &Replica| replica.log.values().filter(|change| !change.silent).count();
    replicas.map(|((_, table), replica)| (*table, shown(replica))).collect()
}

fn readers(model: &mut Model, region: &str, before: &BTreeMap<u64, usize>, who: &str, reader: Reader) {
    for (table, seen) in reader.seen {
        let Some(replica) = model.replicas.get(&(region.to_owned(), table)) else { continue };
        let shown = replica.log.iter().filter(|(_, change)| !change.silent);
        let count = seen.len().max(before.get(&table).copied().unwrap_or(0));
        let record = |(at, change): (&u64, &Change)| (*at, change.version.clone(), key_of(&change.key));
        let expected: Vec<Seen> = shown.take(count).map(record).collect();
        if seen != expected {
            let differs = seen.iter().zip(&expected).position(|(one, other)| one != other);
            model.fail(format!(
                "{region}: {who} of table {table} got {} records, the log has {}; the first difference is at {differs:?}",
                seen.len(),
                expected.len(),
            ));
        }
    }
}

/// Holds the logs against the writes.
fn logs(world: &World) {
    let current = Replicas::look(world);
    let items: BTreeMap<(String, u64), BTreeMap<String, Row>> = current
        .all()
        .map(|(region, table)| ((region.to_string(), table.id), rows(world, region, table)))
        .collect();
    let mut model = world.model.lock();
    let mut broken = Vec::new();
    for ((region, table), replica) in &model.replicas {
        let what = format!("{region}, table {table}");
        let lasts = in_order(replica, &what, &mut broken);
        if let Some(items) = items.get(&(region.clone(), *table)) {
            ends_with_items(&lasts, items, &what, &mut broken);
        }
    }
    once(&model, &mut broken);
    broken.into_iter().for_each(|what| model.fail(what));
}

/// The last record of an item.
struct Last {
    version: Version,
    image: Option<Bytes>,
    /// It was logged while the replica was being filled: what a snapshot brought after it shows in no record.
    filling: bool,
}

/// Versions of an item ascend, and every record begins where the one before ended. Gives the last record of each item.
fn in_order(replica: &Replica, what: &str, broken: &mut Vec<String>) -> BTreeMap<String, Last> {
    let mut lasts: BTreeMap<String, Last> = BTreeMap::new();
    for (at, change) in &replica.log {
        let key = key_of(&change.key);
        match lasts.get(&key) {
            Some(last) if last.version >= change.version => {
                let before = &last.version;
                broken.push(format!("{what}: item {key} has {before} and then {} at {at}", change.version));
            }
            Some(last) if last.image != change.old && !last.filling => broken.push(format!(
                "{what}: item {key} was {:?} at {}, but {} at {at} has it as {:?} before",
                last.image, last.version, change.version, change.old
            )),
            None if !replica.joined && change.old.is_some() => broken.push(format!(
                "{what}: the first record of item {key}, {} at {at}, has {:?} before",
                change.version, change.old
            )),
            _ => {}
        }
        let filling = replica.joined && replica.active_from.is_none_or(|from| *at < from);
        lasts.insert(key, Last { version: change.version.clone(), image: change.new.clone(), filling });
    }
    lasts
}

fn ends_with_items(
    lasts: &BTreeMap<String, Last>,
    items: &BTreeMap<String, Row>,
    what: &str,
    broken: &mut Vec<String>,
) {
    for (key, last) in lasts.iter().filter(|(_, last)| !last.filling) {
        let item = items.get(key).and_then(|(_, new)| new.as_ref());
        if item != last.image.as_ref() {
            let Last { version, image, .. } = last;
            broken.push(format!(
                "{what}: the last record of item {key}, {version}, is {image:?}, the item {item:?}"
            ));
        }
    }
}

/// Every write that changed something is in the log of its Region, and no log has one twice. A replica that was made anew may
/// be told by a comparison of what the one before it had written.
fn once(model: &Model, broken: &mut Vec<String>) {
    let mut logged: BTreeSet<(&str, String, &Version)> = BTreeSet::new();
    for ((region, table), replica) in &model.replicas {
        let mut here = BTreeSet::new();
        for change in replica.log.values().filter(|change| *change.version.region == **region) {
            let (key, version) = (key_of(&change.key), &change.version);
            if !here.insert((key.clone(), version)) {
                broken.push(format!("{region}, table {table}: item {key} at {version} is in the log twice"));
            }
            logged.insert((region, key, version));
        }
    }
    for (key, writes) in &model.writes {
        for (version, _) in writes.iter().filter(|(_, write)| write.shown) {
            if !logged.contains(&(&*version.region, key.clone(), version)) {
                broken.push(format!("{}: item {key} at {version} is not in the log", version.region));
            }
        }
    }
}
