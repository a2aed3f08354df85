//! The stage of a scene: three Regions that share a table, hands on everything between them, and eyes on their disks.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use graticule_model::{AttributeValue, Item, RegionName};
use graticule_replication::{Body, Changes, Frame, Request, WireRoad};
use graticule_tables::{Action, ActionKind, Table};

use crate::{
    checks, faults, layout,
    layout::PARTITION_KEY,
    node::Node,
    replicas::{Replicas, Row, rows},
    world::{World, table_name},
};

/// How long anything that is promised may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked at. Often, so that a scene can act at a certain moment.
const LOOK: Duration = Duration::from_millis(1);
/// Longer than any tombstone stays that is of no use to anybody.
pub(super) const AGED: Duration = Duration::from_secs(22);

/// Longer than a member that leaves keeps others from being added.
pub(super) const LEAVING_BLOCKS_MS: i64 = 120_000;

/// A Region of a scene.
pub(super) type At = usize;
pub(super) const A: At = 0;
pub(super) const B: At = 1;
pub(super) const C: At = 2;

pub(super) struct Stage {
    pub(super) world: Arc<World>,
}

/// The changes that a frame carries.
pub(super) fn changes(frame: &Frame) -> Option<&Changes> {
    match &frame.body {
        Body::Request(Request::Changes(changes)) => Some(changes),
        _ => None,
    }
}

/// Whether a frame carries changes that come by this road.
pub(super) fn comes_by(frame: &Frame, road: fn(WireRoad) -> bool) -> bool {
    changes(frame).is_some_and(|changes| road(changes.road))
}

impl Stage {
    pub(super) fn new(world: Arc<World>) -> Stage {
        Stage { world }
    }

    pub(super) fn node(&self, at: At) -> &Arc<Node> {
        &self.world.nodes[at]
    }

    pub(super) fn name(&self, at: At) -> &RegionName {
        &self.node(at).name
    }

    /// Starts all Regions, and shares the table between the first few.
    pub(super) async fn set(&self, members: usize) -> Result<(), String> {
        for node in &self.world.nodes {
            node.start().await;
        }
        self.world.create_table().await;
        for at in 1..members {
            self.add(A, at).await?;
            self.until("a member to be complete", |stage| {
                let replicas = Replicas::look(&stage.world);
                replicas.tables.len() == at + 1 && replicas.all_active()
            })
            .await?;
        }
        Ok(())
    }

    /// Adds a member, as asked of another one.
    pub(super) async fn add(&self, by: At, newcomer: At) -> Result<(), String> {
        let added = self.world.add(self.node(by), self.node(newcomer)).await;
        if added { Ok(()) } else { Err("a member cannot be added".to_owned()) }
    }

    /// Takes a member out, as asked of another one.
    pub(super) async fn remove(&self, by: At, member: At) -> Result<(), String> {
        let removed = self.world.remove(self.node(by), self.node(member)).await;
        if removed { Ok(()) } else { Err("a member cannot be taken out".to_owned()) }
    }

    /// Takes a member out without waiting for it.
    pub(super) async fn expel(&self, by: At, member: At) -> Result<(), String> {
        self.remove(by, member).await?;
        let (Some(running), Some(table)) = (self.node(by).running(), self.table(by)) else {
            return Err("the Region that expels is not there".to_owned());
        };
        running.replicator.expel(&table, self.name(member)).await.map_err(|error| error.to_string())
    }

    /// Waits until something holds.
    pub(super) async fn until(&self, what: &str, holds: impl Fn(&Stage) -> bool) -> Result<(), String> {
        let deadline = self.world.executor.now() + PATIENCE;
        while !holds(self) {
            if self.world.executor.now() >= deadline {
                return Err(format!("waited in vain for {what}"));
            }
            self.world.sleep(LOOK).await;
        }
        self.world.tell(what);
        Ok(())
    }

    pub(super) async fn sleep(&self, duration: Duration) {
        self.world.sleep(duration).await;
    }

    /// Sets all clocks forward.
    pub(super) fn jump_ms(&self, by_ms: i64) {
        for node in &self.world.nodes {
            node.clock.jump_ms(self.world.executor.now(), by_ms);
        }
    }

    /// Begins to write an item.
    pub(super) fn begin_put(&self, at: At, key: &str, value: &str) {
        let (node, action) = (Arc::clone(self.node(at)), put(key, value));
        self.world.spawn("writer", async move {
            node.call(move |region| async move { region.write_one(action).await.is_ok() }).await;
        });
    }

    /// Writes an item.
    pub(super) async fn put(&self, at: At, key: &str, value: &str) -> Result<(), String> {
        self.write(at, put(key, value)).await
    }

    /// Deletes an item.
    pub(super) async fn delete(&self, at: At, key: &str) -> Result<(), String> {
        self.write(at, Action::new(table_name(), ActionKind::Delete(item(key)))).await
    }

    async fn write(&self, at: At, action: Action) -> Result<(), String> {
        let written = self.node(at).call(move |region| async move { region.write_one(action).await });
        match written.await {
            Some(Ok(_)) => Ok(()),
            Some(Err(error)) => Err(format!("a write failed: {error}")),
            None => Err("a write had no answer".to_owned()),
        }
    }

    /// Writes an item and waits until others have it.
    pub(super) async fn put_everywhere(&self, key: &str, value: &str) -> Result<(), String> {
        self.put(A, key, value).await?;
        self.until("an item to be everywhere", |stage| {
            (0..stage.world.nodes.len()).all(|at| stage.table(at).is_none() || stage.has(at, key))
        })
        .await
    }

    /// The table of a Region as its disk has it.
    pub(super) fn table(&self, at: At) -> Option<Table> {
        Replicas::look(&self.world).of(self.name(at)).cloned()
    }

    fn rows(&self, at: At) -> BTreeMap<String, Row> {
        self.table(at).map(|table| rows(&self.world, self.name(at), &table)).unwrap_or_default()
    }

    /// Whether an item is there.
    pub(super) fn has(&self, at: At, key: &str) -> bool {
        self.rows(at).get(key).is_some_and(|(_, new)| new.is_some())
    }

    /// Whether the delete of an item is remembered.
    pub(super) fn remembers(&self, at: At, key: &str) -> bool {
        self.rows(at).get(key).is_some_and(|(_, new)| new.is_none())
    }

    /// The stored key of an item.
    pub(super) fn stored_key(&self, at: At, key: &str) -> Option<(Table, Vec<u8>)> {
        let table = self.table(at)?;
        let prefix = layout::prefix(layout::ITEMS, table.id);
        let rows = self.node(at).disk.look(|store| store.with_prefix(&prefix));
        let (rest, _) = rows.into_iter().find(|(rest, _)| {
            let text = key.as_bytes();
            rest.windows(text.len()).any(|part| part == text)
        })?;
        Some((table, [prefix, rest].concat()))
    }

    /// Holds frames from one Region to another. See [`crate::network::Network::hold`].
    pub(super) fn hold(
        &self,
        (from, to): (At, At),
        loses: bool,
        holds: impl Fn(u64, &Frame) -> bool + Send + Sync + 'static,
    ) {
        self.world.network.hold(self.name(from), self.name(to), loses, holds);
    }

    /// Holds nothing any more.
    pub(super) fn open(&self, (from, to): (At, At)) {
        self.world.network.open(self.name(from), self.name(to));
    }

    /// Lets nothing through between two Regions.
    pub(super) fn part(&self, one: At, other: At) {
        for way in [(one, other), (other, one)] {
            self.hold(way, true, |_, _| true);
        }
    }

    /// Lets everything through between two Regions.
    pub(super) fn reunite(&self, one: At, other: At) {
        self.open((one, other));
        self.open((other, one));
    }

    /// Breaks the connections between two Regions, and lets that sink in.
    pub(super) async fn cut(&self, one: At, other: At) {
        self.world.network.cut(self.name(one), self.name(other));
        self.sleep(Duration::from_millis(5)).await;
    }

    /// Everything heals, and all is as it must be in the end.
    pub(super) async fn end(&self) {
        faults::heal(&self.world).await;
        checks::all(&self.world, 0).await;
    }
}

fn item(key: &str) -> Item {
    Item::from([(PARTITION_KEY.to_owned(), AttributeValue::S(key.to_owned()))])
}

fn put(key: &str, value: &str) -> Action {
    let mut item = item(key);
    item.insert("v".to_owned(), AttributeValue::S(value.to_owned()));
    Action::new(table_name(), ActionKind::Put(item))
}
