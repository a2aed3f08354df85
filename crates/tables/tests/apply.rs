//! Applying changes from elsewhere is idempotent and commutative: any order, any repetition, any number of Regions,
//! the same result.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use graticule_model::{AttributeValue, Item, KeyType, Version, codec::item_to_json, version::HybridTime};
use graticule_tables::{
    Change, Origin, PageLimit, Road,
    schema::{Projection, Register},
};
use proptest::prelude::*;

use crate::support::{
    Opened, assert_derived, block_on, definition, item, key_schema, make_global, mix, n, new_table, open,
    region_name, s, set_index, table_name,
};

const REGIONS: [&str; 3] = ["x", "y", "z"];

/// Which write: of one of a few items, at some time, in some Region.
type Write = (u8, u64, usize);

fn key(number: u8) -> Item {
    item([("pk", s(format!("p{}", number % 3))), ("sk", n(i64::from(number)))])
}

/// What a write did is a function of its version, as it is in the world.
fn change(&(number, time, region): &Write) -> Change {
    let version = Version { time: HybridTime::from_bits(time), region: Arc::from(REGIONS[region]) };
    let random = mix(u64::from(number) << 40 | time << 8 | region as u64);
    let new = (!random.is_multiple_of(4)).then(|| {
        let mut new = key(number);
        let mut set = |bit: u32, name: &str, value: AttributeValue| {
            if (random >> bit) & 1 == 1 {
                new.insert(name.to_owned(), value);
            }
        };
        set(8, "g", s(format!("g{}", (random >> 20) % 3)));
        set(9, "g", n(1)); // the wrong type for the index
        set(10, "l", n((random >> 24) as i64 % 5));
        set(11, "ttl", n((random >> 30) as i64 % 100_000));
        set(12, "body", s("x".repeat((random >> 50) as usize % 40)));
        set(13, "empty", s(""));
        Bytes::from(item_to_json(&new))
    });
    let key = Bytes::from(item_to_json(&key(number)));
    Change { version, key, old: None, new, written_ms: 0, expired: false, silent: false }
}

async fn open_with_table(name: &str) -> Opened {
    let opened = open(name).await;
    let region = &opened.region;
    let mut table = new_table(region, "t-1", key_schema(("pk", KeyType::S), Some(("sk", KeyType::N))));
    make_global(region, &mut table, &["x", "y", "z", "w"]);
    let local = definition(key_schema(("pk", KeyType::S), Some(("l", KeyType::N))), Projection::KeysOnly);
    table.local_indexes.insert("local".parse().unwrap(), local);
    let by_g = key_schema(("g", KeyType::S), Some(("l", KeyType::N)));
    set_index(
        region,
        &mut table,
        "by-g",
        Some(definition(key_schema(("g", KeyType::S), None), Projection::All)),
    );
    set_index(
        region,
        &mut table,
        "by-g-l",
        Some(definition(by_g, Projection::Include(vec!["body".to_owned()]))),
    );
    let mut wide = key_schema(("g", KeyType::S), Some(("ttl", KeyType::N)));
    wide.partition.extend(key_schema(("l", KeyType::N), None).partition);
    wide.sort.extend(key_schema(("sk", KeyType::N), None).partition);
    set_index(region, &mut table, "wide", Some(definition(wide, Projection::KeysOnly)));
    let version = region.clock().version(HybridTime::ZERO);
    table.settings.ttl = Register::new(version, Some("ttl".to_owned()));
    table.reconcile_indexes(true);
    region.create_table(table).await.unwrap();
    opened
}

/// Every item and tombstone by its key: version and JSON.
async fn contents(opened: &Opened) -> BTreeMap<Bytes, (Version, Option<Bytes>)> {
    let table = opened.region.table(&table_name("t-1")).await.unwrap();
    let whole = PageLimit { entries: usize::MAX, bytes: usize::MAX };
    let (changes, _) = opened.region.snapshot_changes(&table, None, whole).await.unwrap();
    changes.into_iter().map(|change| (change.key, (change.version, change.new))).collect()
}

/// The keys of all items, index entries and expiry entries.
async fn keys(opened: &Opened) -> Vec<Vec<u8>> {
    opened.raw(0x10..0x13).await.into_iter().map(|(key, _)| key).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn any_order_and_repetition_ends_the_same(
        writes in prop::collection::vec((0_u8..6, 1_u64..12, 0_usize..3), 1..40),
        orders in prop::collection::vec(any::<u64>(), 3),
        batch in 1_usize..9,
    ) {
        block_on(async {
            let mut expected: BTreeMap<Bytes, (Version, Option<Bytes>)> = BTreeMap::new();
            for change in writes.iter().map(change) {
                let latest = expected.entry(change.key).or_insert((change.version.clone(), change.new.clone()));
                if latest.0 < change.version {
                    *latest = (change.version, change.new);
                }
            }
            let mut all_keys = Vec::new();
            for (region, seed) in ["w", "v", "x"].into_iter().zip(&orders) {
                let opened = open_with_table(region).await;
                let mut sequence: Vec<&Write> = writes.iter().chain(&writes).collect();
                sequence.sort_by_cached_key(|write| mix(seed ^ mix(u64::from(write.0) << 32 | write.1 << 8 | write.2 as u64)));
                let cut = (*seed % sequence.len() as u64) as usize;
                sequence.rotate_left(cut);
                for (position, batch) in sequence.chunks(batch).enumerate() {
                    // Snapshots bring changes of all origins, also of the Region itself.
                    let from_log = region != "x" && seed % 3 != 0;
                    let from = region_name("y");
                    let position = from_log.then_some(position as u64);
                    let road = match position {
                        Some(_) => Road::Log,
                        None if seed % 2 == 0 => Road::Snapshot(HybridTime::ZERO),
                        None => Road::Resync,
                    };
                    let origin = Origin { region: &from, log: "the log", position, road, born: None };
                    let changes = batch.iter().map(|write| change(write)).collect();
                    opened.region.apply(&opened.region.table(&table_name("t-1")).await.unwrap(), &origin, changes).await.unwrap();
                }
                assert_eq!(contents(&opened).await, expected, "in {region}");
                assert_derived(&opened.region, "t-1").await;
                all_keys.push(keys(&opened).await);
            }
            assert_eq!(all_keys[0], all_keys[1]);
            assert_eq!(all_keys[0], all_keys[2]);
        });
    }
}

/// A batch with one item twice used to compare both changes with what was stored before, so that the last one stood.
#[tokio::test]
async fn the_later_of_two_changes_in_one_batch_stands() {
    let opened = open_with_table("w").await;
    let from = region_name("x");
    let origin = Origin { region: &from, log: "the log", position: Some(2), road: Road::Log, born: None };
    let versions = [(0, 9, 0), (0, 4, 0)];
    let changes: Vec<Change> = versions.iter().map(change).collect();
    let expected = (changes[0].version.clone(), changes[0].new.clone());
    opened
        .region
        .apply(&opened.region.table(&table_name("t-1")).await.unwrap(), &origin, changes)
        .await
        .unwrap();
    assert_eq!(contents(&opened).await.into_values().collect::<Vec<_>>(), [expected]);
}

/// What a connection that broke had still on its way moved the cursor back.
#[tokio::test]
async fn the_position_reached_never_goes_back() {
    let opened = open_with_table("w").await;
    let (from, name) = (region_name("x"), table_name("t-1"));
    let table = opened.region.table(&name).await.unwrap();
    for (position, reached) in [(5, 5), (3, 5), (8, 8)] {
        let origin =
            Origin { region: &from, log: "the log", position: Some(position), road: Road::Log, born: None };
        opened
            .region
            .apply(&opened.region.table(&name).await.unwrap(), &origin, vec![change(&(1, position, 0))])
            .await
            .unwrap();
        let cursor = opened.region.received_cursor(&table, &from, "the log").await.unwrap();
        assert_eq!(cursor, Some(reached));
    }
    let other_log =
        Origin { region: &from, log: "of a new replica", position: Some(1), road: Road::Log, born: None };
    opened
        .region
        .apply(&opened.region.table(&name).await.unwrap(), &other_log, vec![change(&(2, 1, 0))])
        .await
        .unwrap();
    assert_eq!(opened.region.received_cursor(&table, &from, "of a new replica").await.unwrap(), Some(1));
    assert_eq!(opened.region.received_cursor(&table, &from, "the log").await.unwrap(), None);
}

#[tokio::test]
async fn large_batches_are_applied_whole() {
    let opened = open_with_table("w").await;
    let from = region_name("x");
    let origin = Origin { region: &from, log: "the log", position: Some(1000), road: Road::Log, born: None };
    let changes: Vec<Change> = (0..1000)
        .map(|number| {
            let key = item([("pk", s("p")), ("sk", n(number))]);
            let json = Bytes::from(item_to_json(&key));
            let version = Version { time: HybridTime::from_bits(5), region: Arc::from("x") };
            Change {
                version,
                key: json.clone(),
                old: None,
                new: Some(json),
                written_ms: 0,
                expired: false,
                silent: false,
            }
        })
        .collect();
    opened
        .region
        .apply(&opened.region.table(&table_name("t-1")).await.unwrap(), &origin, changes)
        .await
        .unwrap();
    let table = opened.region.table(&table_name("t-1")).await.unwrap();
    assert_eq!(opened.region.counts(&table, None).await.unwrap().0, 1000);
    assert_eq!(opened.region.received_cursor(&table, &from, "the log").await.unwrap(), Some(1000));
    let mut snapshot = Vec::new();
    let mut after: Option<Vec<u8>> = None;
    loop {
        let limit = PageLimit { entries: 77, bytes: usize::MAX };
        let (changes, last) = opened.region.snapshot_changes(&table, after.as_deref(), limit).await.unwrap();
        snapshot.extend(changes);
        let Some(last) = last else { break };
        after = Some(last);
    }
    assert_eq!(snapshot.len(), 1000, "a snapshot in pages is the whole table");
}
