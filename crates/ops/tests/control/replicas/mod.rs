//! ReplicaUpdates, with other Regions that only say whether they have a table.

mod leaving;
mod members;
mod own;

use std::sync::Arc;

use graticule_model::{Error, RegionName, TableName, version::HybridTime};
use graticule_tables::{
    BoxFuture, PeerTable, Peers, Table,
    schema::{Departed, Member, Register},
};
use serde_json::{Value, json};

use super::plain;
use crate::support::Server;

/// A Region whose replica may not be deleted, once it is a member.
const PROTECTED: &str = "sa-east-1";

/// Regions of which one has a table.
struct Others {
    known: Option<Vec<RegionName>>,
    occupied: RegionName,
}

impl Peers for Others {
    fn known(&self) -> Option<Vec<RegionName>> {
        self.known.clone()
    }

    fn table<'a>(
        &'a self,
        region: &'a RegionName,
        _: &'a TableName,
    ) -> BoxFuture<'a, Result<Option<PeerTable>, Error>> {
        let protected = region.as_str() == PROTECTED;
        let found = *region == self.occupied || protected;
        Box::pin(async move { Ok(found.then_some(PeerTable { deletion_protection: protected })) })
    }

    fn join_percent(&self, _: &Table, region: &RegionName) -> Option<u8> {
        (region.as_str() == "us-east-1").then_some(42)
    }
}

pub(super) fn region(name: &str) -> RegionName {
    name.parse().unwrap()
}

pub(super) async fn start(known: Option<Vec<RegionName>>) -> Server {
    let server = Server::start().await;
    server.context.region.set_peers(Arc::new(Others { known, occupied: region("ap-south-1") }));
    server.ok("CreateTable", plain("plain")).await;
    server
}

pub(super) fn update(updates: Value) -> Value {
    json!({"TableName": "plain", "ReplicaUpdates": updates})
}

pub(super) fn create(region: &str) -> Value {
    json!({"Create": {"RegionName": region}})
}

pub(super) fn delete(region: &str) -> Value {
    json!({"Delete": {"RegionName": region}})
}

pub(super) fn override_reads(region: &str) -> Value {
    json!({"Update": {"RegionName": region, "OnDemandThroughputOverride": {"MaxReadRequestUnits": 5}}})
}

/// What replication does once the newcomer is filled.
pub(super) async fn finish_joining(server: &Server, newcomer: &str) {
    let here = &server.context.region;
    let name = "plain".parse().unwrap();
    let settle = here.update_settings(&name, |table| {
        let version = here.clock().version(HybridTime::ZERO);
        table.settings.members.insert(region(newcomer), Register::new(version, Member::Active));
        Ok(())
    });
    settle.await.unwrap();
}

pub(super) const IN_USE: &str = "The resource which you are attempting to change is in use.";

/// What replication does once the replica that was taken out has handed over everything.
pub(super) async fn finish_leaving(server: &Server, member: &str) {
    let here = &server.context.region;
    let table = here.table(&"plain".parse().unwrap()).await.unwrap();
    let removed = table.settings.members[member].version.clone();
    let departed = Departed { member: removed, absent: true };
    here.mark_departed(&table, &region(member), &departed).await.unwrap();
}
