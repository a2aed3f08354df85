//! What must hold when everything has healed and come to rest.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use graticule_model::RegionName;
use graticule_tables::Table;

use crate::{
    indexes, layout,
    replicas::{Replicas, Row, rows},
    streams,
    world::World,
};

/// How long replicas may take to become equal once everything works, beside what clocks were ahead.
const REST_MAX: Duration = Duration::from_secs(90);
/// How long tombstones may take to go after that.
const SWEEP_MAX: Duration = Duration::from_secs(60);
/// How long Replicators may take to forget replicas and members that are gone: comparisons in the background rest long.
const FORGET_MAX: Duration = Duration::from_secs(240);
/// How far all clocks move in the end, twice, so that items expire and whatever is kept for a time is kept no longer.
const EXPIRY_MS: i64 = 60 * 60 * 1000;
const LATER_MS: i64 = 8 * 24 * 60 * 60 * 1000;
/// How often counters and indexes are looked at until nothing changes meanwhile.
const LOOKS_MAX: usize = 10;
/// Tasks that a Region may have for each Region that it is linked with, and besides.
const TASKS_PER_PEER_MAX: usize = 14;
const TASKS_MAX: usize = 12;

/// Waits for rest and checks everything. What is wrong is in the model.
pub(crate) async fn all(world: &Arc<World>, ahead_ms: u64) {
    if !at_rest(world, REST_MAX + Duration::from_millis(ahead_ms)).await {
        return;
    }
    world.model.lock().check_answers();
    each_replica(world).await;
    streams::check(world).await;
    tasks(world).await;
    forgotten(world).await;
    if !swept(world, SWEEP_MAX + Duration::from_millis(ahead_ms)).await {
        return;
    }
    // Whatever has a time to live is gone before the rest is.
    for by_ms in [EXPIRY_MS, LATER_MS] {
        for node in &world.nodes {
            node.clock.jump_ms(world.executor.now(), by_ms);
        }
        world.sleep(Duration::from_secs(8)).await;
    }
    if at_rest(world, REST_MAX).await {
        world.model.lock().check_answers();
        each_replica(world).await;
        nothing_is_kept(world);
    }
}

/// Waits until all replicas are equal to what should stand; tells whether they are.
async fn at_rest(world: &Arc<World>, limit: Duration) -> bool {
    let deadline = world.executor.now() + limit;
    loop {
        let trouble = trouble(world);
        let Some(trouble) = trouble else { return true };
        if world.executor.now() >= deadline {
            world.model.lock().fail(format!("not at rest after {limit:?}: {trouble}"));
            tell_status(world).await;
            return false;
        }
        world.sleep(Duration::from_millis(500)).await;
    }
}

/// Puts into the trace what Regions say of themselves.
async fn tell_status(world: &World) {
    for node in &world.nodes {
        let Some(running) = node.running() else { continue };
        let (status, tasks) = (running.replicator.status().await, world.executor.tasks_of(running.owner));
        world.tell(&format!("{}: {status:?} {tasks:?}", node.name));
    }
    for (region, table) in Replicas::look(world).all() {
        world.tell(&format!("{region}: {:?} {:?}", table.settings.members, table.membership));
    }
}

fn live(rows: &BTreeMap<String, Row>) -> BTreeMap<&str, &Row> {
    rows.iter().filter(|(_, (_, new))| new.is_some()).map(|(key, row)| (key.as_str(), row)).collect()
}

/// How the replicas differ from what should stand.
fn trouble(world: &World) -> Option<String> {
    let replicas = Replicas::look(world);
    if let Some(trouble) = replicas.trouble() {
        return Some(trouble);
    }
    let model = world.model.lock();
    let mut first: Option<(&RegionName, BTreeMap<String, Row>)> = None;
    for (region, table) in &replicas.tables {
        let rows = rows(world, region, table);
        for key in model.writes.keys() {
            if let Some(trouble) = model.check_item(key, rows.get(key)) {
                return Some(format!("{region}: {trouble}"));
            }
        }
        if let Some(key) = rows.keys().find(|key| !model.writes.contains_key(*key)) {
            return Some(format!("{region}: item {key} was never written"));
        }
        match &first {
            Some((other, others)) if live(others) != live(&rows) => {
                return Some(format!("{region} and {other} differ: {rows:?} and {others:?}"));
            }
            Some(_) => {}
            None => first = Some((region, rows)),
        }
    }
    None
}

/// Counters and indexes against items.
async fn each_replica(world: &Arc<World>) {
    for (region, table) in Replicas::look(world).all() {
        // Items whose time to live is over go on being deleted: what counts is a look at which nothing changed.
        for _ in 0..LOOKS_MAX {
            let before = rows(world, region, table);
            let counters = counters(world, region, table, &before).await;
            let index = indexes::check(world, region, table, &before).await;
            if rows(world, region, table) == before {
                let mut model = world.model.lock();
                counters.into_iter().chain(index).for_each(|what| model.fail(format!("{region}: {what}")));
                break;
            }
        }
    }
}

async fn counters(
    world: &World,
    region: &RegionName,
    table: &Table,
    rows: &BTreeMap<String, Row>,
) -> Option<String> {
    let node = world.nodes.iter().find(|node| node.name == *region)?;
    let asked = table.clone();
    let counts =
        node.call(move |region| async move { region.counts(&asked, None).await.ok() }).await.flatten();
    let live = live(rows);
    let bytes: u64 = live.values().map(|(_, new)| new.as_ref().map_or(0, indexes::size)).sum();
    let expected = (live.len() as u64, bytes);
    (counts != Some(expected)).then(|| format!("counters say {counts:?}, the items {expected:?}"))
}

/// A Region at rest does not collect tasks.
async fn tasks(world: &World) {
    let most = TASKS_MAX + TASKS_PER_PEER_MAX * (world.nodes.len() - 1);
    for node in &world.nodes {
        let Some(running) = node.running() else { continue };
        let tasks = world.executor.tasks_of(running.owner);
        let status = running.replicator.status().await;
        let links = status.map_or(0, |status| status.links.len());
        if links >= world.nodes.len() {
            world.model.lock().fail(format!("{}: {links} links", node.name));
        }
        if tasks.values().sum::<usize>() > most {
            world.model.lock().fail(format!("{}: too many tasks: {tasks:?}", node.name));
        }
    }
}

/// Waits until Replicators remember no more than there are replicas and Regions that concern them: peers, and members that are
/// gone without having been taken out. Connections are remembered for every Region that ever shared the table.
async fn forgotten(world: &Arc<World>) {
    let too_much = || {
        let replicas = Replicas::look(world);
        let mut left = world.nodes.iter().filter_map(|node| {
            let table = replicas.tables.get(&node.name);
            let concern = |table: &Table| {
                world
                    .nodes
                    .iter()
                    .filter(|other| other.name != node.name && table.concerns(&other.name))
                    .count()
            };
            let peers = table.map_or(0, concern);
            let connected = table.map_or(0, |_| world.nodes.len() - 1);
            let footprint = node.running()?.replicator.footprint();
            let is_too_much =
                |(name, entries): &(&str, usize)| *entries > if *name == "lanes" { connected } else { peers };
            footprint
                .iter()
                .any(is_too_much)
                .then(|| format!("{}: {peers} Regions matter, but {footprint:?}", node.name))
        });
        left.next()
    };
    let deadline = world.executor.now() + FORGET_MAX;
    while let Some(left) = too_much() {
        if world.executor.now() >= deadline {
            world.model.lock().fail(left);
            return tell_status(world).await;
        }
        world.sleep(Duration::from_millis(500)).await;
    }
}

/// Waits until no tombstone is left; tells whether that is so.
async fn swept(world: &Arc<World>, limit: Duration) -> bool {
    let deadline = world.executor.now() + limit;
    loop {
        let mut left = None;
        for (region, table) in Replicas::look(world).all() {
            let marks = count(world, region, &layout::prefix(layout::TOMBSTONES, table.id));
            let rows = rows(world, region, table);
            let dead = rows.values().filter(|(_, new)| new.is_none()).count();
            if marks + dead > 0 {
                left = Some(format!("{region}: {dead} tombstones and {marks} marks of them are left"));
            }
        }
        let Some(left) = left else { return true };
        if world.executor.now() >= deadline {
            world.model.lock().fail(left);
            tell_status(world).await;
            return false;
        }
        world.sleep(Duration::from_secs(1)).await;
    }
}

fn count(world: &World, region: &RegionName, prefix: &[u8]) -> usize {
    let node = world.nodes.iter().find(|node| node.name == *region);
    node.map_or(0, |node| node.disk.look(|store| store.with_prefix(prefix).len()))
}

/// After a long time logs, journals and tokens are empty, and nothing is left of replicas that went.
fn nothing_is_kept(world: &World) {
    let replicas = Replicas::look(world);
    let mut broken = Vec::new();
    for node in &world.nodes {
        let region = &node.name;
        let current = replicas.of(region).map(|table| table.id);
        if let Some(id) = current {
            let bounds = node.disk.look(|store| store.log_bounds(graticule_kv::LogShard(id)));
            // What was written at the very end may still be on its way.
            if bounds.first < bounds.next {
                broken.push(format!("{region}: the log has {} to {}", bounds.first, bounds.next));
            }
            let cursors = count(world, region, &layout::prefix(layout::CURSORS, id));
            if cursors > 2 * world.nodes.len() {
                broken.push(format!("{region}: {cursors} cursors are left"));
            }
        }
        for (what, prefix) in [("conflicts", layout::CONFLICTS), ("tokens", layout::TOKENS)] {
            let left = count(world, region, &[prefix]);
            if left > 0 {
                broken.push(format!("{region}: {left} {what} are left"));
            }
        }
        let data = node.disk.look(|store| std::sync::Arc::clone(&store.data));
        let strays = data.keys().filter(|key| {
            (layout::ITEMS..layout::TOKENS).contains(&layout::space(key))
                && Some(layout::split_table(key).0) != current
        });
        let strays = strays.count();
        if strays > 0 {
            broken.push(format!("{region}: {strays} rows of replicas that are gone are left"));
        }
    }
    let mut model = world.model.lock();
    broken.into_iter().for_each(|what| model.fail(what));
}
