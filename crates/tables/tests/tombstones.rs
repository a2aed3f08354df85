//! Marks of deletes: there for global tables only, and for as long as an older write may come.

use std::sync::Arc;

use bytes::Bytes;
use graticule_model::{Error, Item, Version, codec::item_to_json, version::HybridTime};
use graticule_tables::{
    Change, ConflictQuery, Origin, PageLimit, Region, Road,
    schema::{Member, Register},
};

use crate::support::{
    Opened, delete, eventually, item, make_global, open, plain_table, put, region_name, s, table_name,
};

fn key() -> Item {
    item([("pk", s("k"))])
}

async fn global_table(region: &Region, name: &str) {
    let mut table = plain_table(region, name);
    make_global(region, &mut table, &["a", "b"]);
    region.create_table(table).await.unwrap();
}

/// The versions of items and of tombstones.
async fn marks(region: &Region, name: &str) -> (Vec<Version>, Vec<Version>) {
    let table = region.table(&table_name(name)).await.unwrap();
    let whole = PageLimit { entries: usize::MAX, bytes: usize::MAX };
    let (changes, _) = region.snapshot_changes(&table, None, whole).await.unwrap();
    let (live, dead): (Vec<_>, Vec<_>) = changes.into_iter().partition(|change| change.new.is_some());
    let versions = |changes: Vec<Change>| changes.into_iter().map(|change| change.version).collect();
    (versions(live), versions(dead))
}

async fn apply_put(region: &Region, name: &str, time: HybridTime) {
    apply_by(region, name, Road::Log, &key(), time).await;
}

async fn apply_by(region: &Region, name: &str, road: Road, key: &Item, time: HybridTime) {
    let json = Bytes::from(item_to_json(key));
    let version = Version { time, region: Arc::from("b") };
    let change = Change {
        version,
        key: json.clone(),
        old: None,
        new: Some(json),
        written_ms: 0,
        expired: false,
        silent: false,
    };
    let from = region_name("b");
    let position = (road == Road::Log).then_some(1);
    let origin = Origin { region: &from, log: "log", position, road, born: None };
    region.apply(&region.table(&table_name(name)).await.unwrap(), &origin, vec![change]).await.unwrap();
}

#[tokio::test]
async fn only_global_tables_have_them() {
    let opened = open("a").await;
    let region = &opened.region;
    region.create_table(plain_table(region, "local")).await.unwrap();
    global_table(region, "global").await;
    for name in ["local", "global"] {
        put(region, name, key()).await.unwrap();
        delete(region, name, key()).await.unwrap();
        delete(region, name, item([("pk", s("never there"))])).await.unwrap();
    }
    assert_eq!(marks(region, "local").await, (vec![], vec![]));
    assert_eq!(marks(region, "global").await.1.len(), 2);
    assert_eq!(opened.raw(0x13..0x14).await.len(), 2);
    let table = region.table(&table_name("global")).await.unwrap();
    assert_eq!(region.counts(&table, None).await.unwrap(), (0, 0));
}

#[tokio::test]
async fn an_older_put_does_not_bring_an_item_back() {
    let Opened { region, clock, .. } = open("a").await;
    global_table(&region, "global").await;
    let old = HybridTime::from_unix_ms(clock.unix_ms() - 10);
    delete(&region, "global", key()).await.unwrap();
    apply_put(&region, "global", old).await;
    let (live, dead) = marks(&region, "global").await;
    assert_eq!((live.len(), dead.len()), (0, 1));
    let table = region.table(&table_name("global")).await.unwrap();
    let query = ConflictQuery { limit: 10, ..ConflictQuery::default() };
    let conflicts = region.conflicts(&table, &query).await.unwrap().conflicts;
    assert_eq!((conflicts.len(), region.conflict_counts(&table).await.unwrap()), (1, (1, 0)));
    assert_eq!(conflicts[0].winner, dead[0].to_string());

    let newer = dead[0].time.next();
    apply_put(&region, "global", newer).await;
    assert_eq!(marks(&region, "global").await.0.len(), 1, "a newer one does");
}

/// Three tables, looked at in the order of their names: once the last one is swept, the others have been.
#[tokio::test]
async fn they_go_when_all_members_have_passed_them_and_they_are_old() {
    let opened = open("a").await;
    let region = &opened.region;
    for name in ["no-floor", "old-floor", "passed"] {
        global_table(region, name).await;
        delete(region, name, key()).await.unwrap();
    }
    let deleted = marks(region, "old-floor").await.1[0].time;
    let floor = async |name: &str, time| {
        let table = region.table(&table_name(name)).await.unwrap();
        region.set_tombstone_floor(&table, time);
    };
    floor("old-floor", deleted).await;
    floor("passed", HybridTime::from_unix_ms(opened.clock.unix_ms() + 3_600_000)).await;
    opened.clock.advance(9_000);
    delete(region, "passed", item([("pk", s("young"))])).await.unwrap();
    // Put once more: its tombstone is gone already, but the mark of it is still to be swept.
    put(region, "passed", item([("pk", s("back"))])).await.unwrap();
    delete(region, "passed", item([("pk", s("back"))])).await.unwrap();
    put(region, "passed", item([("pk", s("back"))])).await.unwrap();
    region.start_jobs();
    opened.clock.advance(2_000);
    eventually("the old tombstone to go", async || {
        (marks(region, "passed").await.1.len() == 1).then_some(())
    })
    .await;
    assert_eq!(marks(region, "no-floor").await.1.len(), 1, "nobody said that it can go");
    assert_eq!(marks(region, "old-floor").await.1.len(), 1, "a member may still send what is older");
    opened.clock.advance(20_000);
    eventually("the young one to go", async || marks(region, "passed").await.1.is_empty().then_some(()))
        .await;
    assert_eq!(marks(region, "passed").await.0.len(), 1, "what was put after its delete stays");
    assert_eq!(marks(region, "old-floor").await.1.len(), 1);
    floor("old-floor", deleted.next()).await;
    opened.clock.advance(6_000);
    eventually("the floor to pass it", async || marks(region, "old-floor").await.1.is_empty().then_some(()))
        .await;
    eventually("all other marks to be swept", async || {
        (opened.raw(0x13..0x14).await.len() == 1).then_some(())
    })
    .await;
}

/// A comparison, or one that comes late, brings what may have been deleted and forgotten since.
#[tokio::test]
async fn what_was_deleted_and_forgotten_does_not_come_back() {
    let opened = open("a").await;
    let region = &opened.region;
    global_table(region, "global").await;
    delete(region, "global", key()).await.unwrap();
    opened.clock.advance(20_000);
    let table = region.table(&table_name("global")).await.unwrap();
    let floor = HybridTime::from_unix_ms(opened.clock.unix_ms() - 5_000);
    region.set_tombstone_floor(&table, HybridTime::from_unix_ms(opened.clock.unix_ms()));
    region.start_jobs();
    eventually("the tombstone to go", async || marks(region, "global").await.1.is_empty().then_some(()))
        .await;
    let forgotten = HybridTime::from_unix_ms(opened.clock.unix_ms() - 15_000);
    let live = async |name: &str| {
        let there = marks(region, "global").await.0.len();
        delete(region, "global", item([("pk", s(name))])).await.unwrap();
        there
    };
    for (road, time, there) in [
        (Road::Resync, forgotten, 0),
        (Road::Resync, floor, 1),
        (Road::Repair(forgotten), forgotten, 0),
        (Road::Repair(forgotten), floor, 0),
        (Road::Repair(floor), forgotten, 1),
    ] {
        let name = format!("{road:?} of {time:?}");
        apply_by(region, "global", road, &item([("pk", s(&name))]), time).await;
        assert_eq!(live(&name).await, there, "{name}, forgotten after {forgotten:?} and before {floor:?}");
    }
}

/// Changes the membership of Region "b" in a table.
async fn member(region: &Region, name: &str, member: Member) {
    let name = table_name(name);
    let changed = region.update_settings(&name, |table| {
        let version = region.clock().version(table.settings.version().time);
        table.settings.members.insert(region_name("b"), Register::new(version, member.clone()));
        Ok::<(), Error>(())
    });
    changed.await.unwrap();
}

/// What the source has forgotten, a new replica has never known: a member that was taken out may tell of it. Its latest
/// writes are new to everybody.
#[tokio::test]
async fn a_new_replica_takes_nothing_that_its_source_has_forgotten() {
    let Opened { region, clock, .. } = open("a").await;
    global_table(&region, "global").await;
    let table = region.table(&table_name("global")).await.unwrap();
    let forgotten = HybridTime::from_unix_ms(clock.unix_ms() - 10_000);
    let (old, new) = (HybridTime::from_unix_ms(clock.unix_ms() - 20_000), forgotten);
    let from = region_name("c");
    for time in [forgotten, old] {
        let road = Road::Snapshot(time);
        let origin = Origin { region: &from, log: "log", position: None, road, born: None };
        region.apply(&table, &origin, Vec::new()).await.unwrap();
    }
    assert_eq!(region.forgotten_time(&table).await.unwrap(), forgotten, "the latest that was told");
    let live = async || marks(&region, "global").await.0.len();
    for road in [Road::Log, Road::Resync] {
        member(&region, "global", Member::Removed).await;
        let key = |name: &str| item([("pk", s(format!("{name}, {road:?}")))]);
        let before = live().await;
        apply_by(&region, "global", road, &key("old"), old).await;
        assert_eq!(live().await, before, "{road:?}");
        apply_by(&region, "global", road, &key("new"), new).await;
        assert_eq!(live().await, before + 1, "{road:?}");
        member(&region, "global", Member::Active).await;
        apply_by(&region, "global", road, &key("of a member"), old).await;
        let told = usize::from(road == Road::Log);
        assert_eq!(live().await, before + 1 + told, "{road:?}: a member's log tells what is new to all");
    }
}

/// A snapshot is read in parts: what would be forgotten meanwhile would be in none, and told before by nobody.
#[tokio::test]
async fn none_goes_while_a_replica_is_being_filled() {
    let opened = open("a").await;
    let region = &opened.region;
    for name in ["another", "joined"] {
        global_table(region, name).await;
        delete(region, name, key()).await.unwrap();
        let table = region.table(&table_name(name)).await.unwrap();
        region.set_tombstone_floor(&table, HybridTime::from_unix_ms(opened.clock.unix_ms() + 3_600_000));
    }
    member(region, "joined", Member::Joining { source: region_name("a") }).await;
    // Looked at in the order of their names: once the last one is swept, the first has been.
    global_table(region, "last").await;
    delete(region, "last", key()).await.unwrap();
    let last = region.table(&table_name("last")).await.unwrap();
    region.set_tombstone_floor(&last, HybridTime::from_unix_ms(opened.clock.unix_ms() + 3_600_000));
    opened.clock.advance(20_000);
    region.start_jobs();
    for name in ["another", "last"] {
        eventually("a tombstone to go", async || marks(region, name).await.1.is_empty().then_some(())).await;
    }
    assert_eq!(marks(region, "joined").await.1.len(), 1);
    member(region, "joined", Member::Active).await;
    opened.clock.advance(6_000);
    eventually("it to go", async || marks(region, "joined").await.1.is_empty().then_some(())).await;
}

/// While a replica that was taken out still sends what it has, its last writes must not undo later ones here.
#[tokio::test]
async fn the_last_replica_still_compares_versions() {
    let Opened { region, clock, .. } = open("a").await;
    global_table(&region, "global").await;
    let before = HybridTime::from_unix_ms(clock.unix_ms() - 10);
    member(&region, "global", Member::Removed).await;
    let table = region.table(&table_name("global")).await.unwrap();
    assert!(!table.is_global());
    put(&region, "global", key()).await.unwrap();
    delete(&region, "global", key()).await.unwrap();
    apply_put(&region, "global", before).await;
    assert!(marks(&region, "global").await.0.is_empty());
}
