//! Shared settings: merging is commutative, associative and idempotent; and what a Region does with another's.

use std::{collections::BTreeMap, sync::Arc};

use graticule_model::{Error, KeyType, Version, version::HybridTime};
use graticule_tables::{
    Merged, Region, SharedTable,
    auto_scaling::{AutoScaling, Dimension, ScalingPolicy, Utilization},
    schema::{
        Billing, CapacityOverrides, Member, Overrides, Projection, Register, Settings, StreamView,
        TableStatus, Throughput,
    },
};
use proptest::prelude::*;

use crate::support::{Opened, definition, key_schema, open, plain_table, region_name, table_name};

/// A register whose value is a function of its version, as it is in the world.
fn register<T: Clone + PartialEq + std::fmt::Debug>(
    value: impl Fn(u64) -> T + Clone,
) -> impl Strategy<Value = Register<T>> {
    (0_u64..6, 0_usize..2).prop_map(move |(time, region)| {
        let version = Version { time: HybridTime::from_bits(time), region: Arc::from(["a", "b"][region]) };
        Register::new(version, value(time * 2 + region as u64))
    })
}

fn settings() -> impl Strategy<Value = Settings> {
    let throughput = |number| Throughput { read: number, write: number };
    let index = |number: u64| {
        let key = key_schema((["x", "y"][number as usize % 2], KeyType::S), None);
        (!number.is_multiple_of(3)).then(|| definition(key, Projection::All))
    };
    let member = |number: u64| match number % 3 {
        0 => Member::Active,
        1 => Member::Removed,
        _ => Member::Joining { source: region_name("s") },
    };
    let scaling = |number: u64| {
        let auto_scaling = AutoScaling { minimum_units: number, maximum_units: 9, policy: None };
        (!number.is_multiple_of(3)).then_some(auto_scaling)
    };
    let dimension = "(writes|reads/[ab])(/i-[12])?";
    (
        register(move |number| Billing {
            on_demand: number % 2 == 0,
            throughput: throughput(number),
            ..Billing::default()
        }),
        prop::collection::btree_map("i-[12]", register(index), 0..3),
        register(|number| (number % 2 == 0).then(|| format!("ttl{number}"))),
        register(|number| (number % 3 == 0).then_some(StreamView::NewAndOldImages)),
        register(|number| (number % 3 == 0).then_some(number % 2 == 0)),
        prop::collection::btree_map("[a-c]", register(member), 0..4),
        prop::collection::btree_map(dimension, register(scaling), 0..4),
        prop::collection::btree_map("[a-c]", overrides(), 0..3),
        prop::collection::btree_map(
            "[a-c]",
            register(|number| region_name(["x", "y"][number as usize % 2])),
            0..3,
        ),
    )
        .prop_map(
            |(billing, indexes, ttl, stream, infrequent_access, members, scaling, overrides, sources)| {
                Settings {
                    billing,
                    indexes: indexes
                        .into_iter()
                        .map(|(name, index)| (name.parse().unwrap(), index))
                        .collect(),
                    ttl,
                    stream,
                    infrequent_access,
                    members: members.into_iter().map(|(name, member)| (region_name(&name), member)).collect(),
                    auto_scaling: scaling
                        .into_iter()
                        .map(|(key, value)| (key.parse().unwrap(), value))
                        .collect(),
                    overrides: overrides.into_iter().map(|(name, own)| (region_name(&name), own)).collect(),
                    sources: sources.into_iter().map(|(name, source)| (region_name(&name), source)).collect(),
                }
            },
        )
}

/// What a replica has of its own: of each value nothing, or something, or nothing again.
fn overrides() -> impl Strategy<Value = Overrides> {
    let value = || prop::option::of(register(|number| (number % 3 != 0).then_some(number)));
    let capacity = move || {
        (value(), value()).prop_map(|(read, read_max)| {
            let mut own = CapacityOverrides::default();
            read.into_iter().for_each(|it| own.read.set(&it.version, it.value));
            read_max.into_iter().for_each(|it| own.read_max.set(&it.version, it.value));
            own
        })
    };
    let indexes = prop::collection::btree_map("i-[12]", capacity(), 0..3);
    (capacity(), value(), indexes).prop_map(|(capacity, class, indexes)| {
        let mut own = Overrides { capacity, ..Overrides::default() };
        class.into_iter().for_each(|it| {
            own.infrequent_access.set(&it.version, it.value.map(|number| number % 2 == 0));
        });
        own.indexes = indexes.into_iter().map(|(name, index)| (name.parse().unwrap(), index)).collect();
        own
    })
}

fn merged(a: &Settings, b: &Settings) -> Settings {
    let mut merged = a.clone();
    merged.merge(b);
    merged
}

proptest! {
    #[test]
    fn merging_has_one_result(a in settings(), b in settings(), c in settings()) {
        prop_assert_eq!(merged(&a, &b), merged(&b, &a));
        prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
        prop_assert_eq!(merged(&a, &a), a.clone());
        let ab = merged(&a, &b);
        prop_assert_eq!(merged(&ab, &b), ab.clone());
        prop_assert_eq!(ab.version(), a.version().max(b.version()));
        prop_assert!(!ab.clone().merge(&a), "nothing new is no change");
    }
}

/// As stored and as sent to other Regions, which may not know them yet.
#[tokio::test]
async fn auto_scaling_settings_survive_as_json() {
    let policy = ScalingPolicy {
        name: "p".to_owned(),
        target: Utilization::new(72.5).unwrap(),
        disable_scale_in: Some(true),
        scale_in_cooldown_s: Some(60),
        scale_out_cooldown_s: None,
    };
    let scaling = AutoScaling { minimum_units: 5, maximum_units: 50, policy: Some(policy) };
    let version = Version { time: HybridTime::from_bits(7), region: Arc::from("a") };
    let (index, region) = ("by-value".parse().unwrap(), region_name("eu-west-1"));
    let dimensions = [
        (Dimension::Writes(None), "writes"),
        (Dimension::Writes(Some(index)), "writes/by-value"),
        (Dimension::Reads(region.clone(), None), "reads/eu-west-1"),
        (Dimension::Reads(region, Some("writes".parse().unwrap())), "reads/eu-west-1/writes"),
    ];
    let mut settings = plain_table(&open("a").await.region, "plain").settings;
    for (dimension, text) in &dimensions {
        assert_eq!(dimension.to_string(), *text);
        let register = Register::new(version.clone(), Some(scaling.clone()));
        settings.auto_scaling.insert(dimension.clone(), register);
    }
    let json = serde_json::to_string(&settings).unwrap();
    assert_eq!(serde_json::from_str::<Settings>(&json).unwrap(), settings);
    for text in ["", "writes/", "reads", "reads/EU", "reads/a/b-c/d", "write"] {
        assert!(text.parse::<Dimension>().is_err(), "{text}");
    }
    let mut older: serde_json::Value = serde_json::from_str(&json).unwrap();
    older.as_object_mut().unwrap().remove("auto_scaling");
    let older: Settings = serde_json::from_value(older).unwrap();
    assert!(older.auto_scaling.is_empty());
    for percent in [19.9, 90.1, f64::NAN] {
        assert_eq!(Utilization::new(percent), None);
    }
}

fn set_member(table: &mut SharedTable, region: &str, time: u64, member: Member) {
    let version = Version { time: HybridTime::from_bits(time), region: Arc::from("b") };
    table.settings.members.insert(region_name(region), Register::new(version, member));
}

/// What another Region tells of a table that has no members yet.
fn shared_table(region: &Region) -> SharedTable {
    let template = plain_table(region, "t-1");
    SharedTable {
        name: template.name,
        group: "the group".to_owned(),
        key: template.key,
        local_indexes: BTreeMap::new(),
        settings: template.settings,
    }
}

async fn status(opened: &Opened) -> Option<TableStatus> {
    opened.region.table(&table_name("t-1")).await.ok().map(|table| table.status)
}

/// Whoever fills a new replica waits for what the members have to say that it knows. Two that become members while the others
/// are cut off from each other are waited for by nobody.
#[tokio::test]
async fn a_member_that_was_never_seen_to_join_is_compared() {
    let opened = open("a").await;
    let region = &opened.region;
    let mut shared = shared_table(region);
    let merged_owes = async |shared: &SharedTable| {
        region.merge_settings(shared).await.unwrap();
        let table = region.table(&table_name("t-1")).await.unwrap();
        table.membership.resync.keys().map(ToString::to_string).collect::<Vec<_>>()
    };
    set_member(&mut shared, "b", 1, Member::Active);
    set_member(&mut shared, "a", 2, Member::Joining { source: region_name("b") });
    assert_eq!(merged_owes(&shared).await, [""; 0]);
    set_member(&mut shared, "a", 3, Member::Active);
    set_member(&mut shared, "c", 10, Member::Joining { source: region_name("b") });
    assert_eq!(merged_owes(&shared).await, [""; 0], "b waits");
    let complete = shared.settings.members[&region_name("c")].completed();
    shared.settings.members.insert(region_name("c"), complete);
    assert_eq!(merged_owes(&shared).await, [""; 0]);
    set_member(&mut shared, "d", 20, Member::Active);
    assert_eq!(merged_owes(&shared).await, ["d"]);
}

/// The life of a replica as its Region sees it.
#[tokio::test]
async fn a_replica_comes_and_goes_as_it_is_told() {
    let opened = open("a").await;
    let region = &opened.region;
    let mut shared = shared_table(region);
    let done = |merged: Result<Merged, Error>| matches!(merged, Ok(Merged::Done { .. }));
    set_member(&mut shared, "b", 1, Member::Active);
    assert_eq!(region.merge_settings(&shared).await.unwrap(), Merged::Absent);
    assert_eq!(status(&opened).await, None, "others have a table, we do not");

    set_member(&mut shared, "a", 2, Member::Joining { source: region_name("b") });
    assert!(done(region.merge_settings(&shared).await));
    assert_eq!(status(&opened).await, Some(TableStatus::Creating));
    assert!(region.active_table(&table_name("t-1")).await.is_err());
    assert!(done(region.merge_settings(&shared).await), "once more is no harm");
    assert_eq!(status(&opened).await, Some(TableStatus::Creating));

    let foreign = SharedTable { group: "another group".to_owned(), ..shared.clone() };
    assert_eq!(region.merge_settings(&foreign).await.unwrap(), Merged::Foreign);

    set_member(&mut shared, "a", 3, Member::Active);
    assert!(done(region.merge_settings(&shared).await));
    assert_eq!(status(&opened).await, Some(TableStatus::Active));

    let mut stale = shared.clone();
    set_member(&mut stale, "a", 2, Member::Joining { source: region_name("b") });
    assert!(done(region.merge_settings(&stale).await));
    assert_eq!(status(&opened).await, Some(TableStatus::Active), "what is older changes nothing");

    // Taken out, heard or not, and added again: the old replica goes first.
    set_member(&mut shared, "a", 5, Member::Joining { source: region_name("b") });
    for _ in 0..2 {
        assert_eq!(region.merge_settings(&shared).await.unwrap(), Merged::Leaving);
        assert_eq!(status(&opened).await, Some(TableStatus::Deleting));
    }
    region.drop_table(&table_name("t-1"), |_| Ok(())).await.unwrap();
    assert!(done(region.merge_settings(&shared).await));
    assert_eq!(status(&opened).await, Some(TableStatus::Creating));

    set_member(&mut shared, "a", 6, Member::Removed);
    assert!(done(region.merge_settings(&shared).await));
    assert_eq!(status(&opened).await, Some(TableStatus::Deleting));
    region.drop_table(&table_name("t-1"), |_| Ok(())).await.unwrap();
    assert_eq!(region.merge_settings(&shared).await.unwrap(), Merged::Absent);
    assert_eq!(status(&opened).await, None, "a member that was removed makes no table");
}
