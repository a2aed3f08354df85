//! The replicas of the table as the disks have them: who has one, in which state, with which items.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use graticule_model::{RegionName, Version};
use graticule_tables::{
    Record, Table,
    schema::{IndexState, Member, TableStatus},
};

use crate::{layout, model::key_of, world::World};

/// An item as it is stored.
pub(crate) type Row = (Version, Option<Bytes>);

/// All replicas at one moment.
pub(crate) struct Replicas {
    pub(crate) tables: BTreeMap<RegionName, Table>,
    /// Those that have become tables of their own.
    pub(crate) apart: BTreeMap<RegionName, Table>,
}

impl Replicas {
    pub(crate) fn look(world: &World) -> Replicas {
        let (mut tables, mut apart) = (BTreeMap::new(), BTreeMap::new());
        let model = world.model.lock();
        for node in &world.nodes {
            let rows = node.disk.look(|store| store.with_prefix(&[layout::CATALOGUE]));
            for (_, value) in rows {
                if let Ok(table) = serde_json::from_slice::<Table>(&value) {
                    let replica = model.replicas.get(&(node.name.to_string(), table.id));
                    let own = replica.is_some_and(|replica| replica.apart);
                    if own { &mut apart } else { &mut tables }.insert(node.name.clone(), table);
                }
            }
        }
        Replicas { tables, apart }
    }

    /// Every table, whosever it is.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&RegionName, &Table)> {
        self.tables.iter().chain(&self.apart)
    }

    /// The table of a Region.
    pub(crate) fn of(&self, region: &RegionName) -> Option<&Table> {
        self.tables.get(region).or_else(|| self.apart.get(region))
    }

    /// Whether there are replicas, all active, that know each other and nobody else.
    pub(crate) fn all_active(&self) -> bool {
        self.trouble().is_none()
    }

    /// What is not as it should be in the end.
    pub(crate) fn trouble(&self) -> Option<String> {
        for (region, table) in self.all() {
            if table.status != TableStatus::Active {
                return Some(format!(
                    "the replica in {region} is {:?}: {:?}",
                    table.status, table.settings.members
                ));
            }
            if let Some(detaching) = table.detaching {
                return Some(format!("the replica in {region} is still {detaching:?}"));
            }
            if let Some((name, index)) =
                table.indexes.iter().find(|(_, index)| index.state != IndexState::Active)
            {
                return Some(format!("in {region}, index {name} is {:?}", index.state));
            }
        }
        let Some((_, first)) = self.tables.first_key_value() else {
            return self.apart.is_empty().then(|| "no replica is left".to_owned());
        };
        for (region, table) in &self.tables {
            if table.settings != first.settings {
                return Some(format!(
                    "the replica in {region} has other settings: {:?} and {:?}",
                    table.settings, first.settings
                ));
            }
            let peers: Vec<_> = table.peers(region).collect();
            if let Some((peer, member)) = peers.iter().find(|(_, member)| **member != Member::Active) {
                return Some(format!("in {region}, {peer} is {member:?}"));
            }
            let names: BTreeSet<&RegionName> = peers.iter().map(|(peer, _)| *peer).chain([region]).collect();
            let present: BTreeSet<&RegionName> = self.tables.keys().collect();
            if names != present {
                return Some(format!("{region} knows the members {names:?}, but there are {present:?}"));
            }
        }
        None
    }
}

/// The items of a replica by key, tombstones included.
pub(crate) fn rows(world: &World, region: &RegionName, table: &Table) -> BTreeMap<String, Row> {
    let Some(node) = world.nodes.iter().find(|node| node.name == *region) else { return BTreeMap::new() };
    let rows = node.disk.look(|store| store.with_prefix(&layout::prefix(layout::ITEMS, table.id)));
    let row = |value: Bytes| {
        let record = Record::decode(value).ok()?;
        let key = key_of(&record.json);
        Some((key, (record.version, (!record.tombstone).then_some(record.json))))
    };
    rows.into_iter().filter_map(|(_, value)| row(value)).collect()
}
