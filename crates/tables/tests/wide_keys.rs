//! Keys of several attributes: a query is a filter with an order, pages make up the whole, and what was stored before
//! there were such keys is read as it was.

use graticule_expr::SortCondition;
use graticule_model::{AttributeValue, Item, KeyType};
use graticule_tables::{
    Direction, Region, SharedTable, Span, Table,
    schema::{KeyAttribute, KeySchema, Member, Projection, Register},
};
use proptest::prelude::*;

use crate::support::{
    Opened, assert_derived, block_on, definition, delete, item, key_schema, make_global, n, new_table, open,
    put, read_all, region_name, s, set_index, table_name,
};

fn attribute(name: &str, kind: KeyType) -> KeyAttribute {
    KeyAttribute { name: name.to_owned(), kind }
}

/// Two HASH attributes and three RANGE attributes, one of them the table's partition key.
fn wide_key() -> KeySchema {
    KeySchema {
        partition: vec![attribute("h1", KeyType::S), attribute("h2", KeyType::N)],
        sort: vec![attribute("r1", KeyType::S), attribute("pk", KeyType::S), attribute("r3", KeyType::N)],
    }
}

/// Texts that run into each other if they are laid end to end without care.
fn text() -> BoxedStrategy<AttributeValue> {
    prop::sample::select(vec!["a", "a\0", "a\0\u{1}", "ab", "b", "\u{ff}", "a\u{1}"]).prop_map(s).boxed()
}

fn number() -> BoxedStrategy<AttributeValue> {
    (-3_i64..3).prop_map(n).boxed()
}

fn condition(value: BoxedStrategy<AttributeValue>, texts: bool) -> BoxedStrategy<SortCondition> {
    let begins = value.clone().prop_map(move |value| {
        if texts { SortCondition::BeginsWith(value) } else { SortCondition::Equal(value) }
    });
    prop_oneof![
        value.clone().prop_map(SortCondition::Equal),
        value.clone().prop_map(SortCondition::Less),
        value.clone().prop_map(SortCondition::LessOrEqual),
        value.clone().prop_map(SortCondition::Greater),
        value.clone().prop_map(SortCondition::GreaterOrEqual),
        (value.clone(), value).prop_map(|(low, high)| SortCondition::Between(low, high)),
        begins,
    ]
    .boxed()
}

/// Conditions on the first none, one, two or three RANGE attributes.
fn conditions() -> impl Strategy<Value = Vec<SortCondition>> {
    let equal = SortCondition::Equal;
    prop_oneof![
        Just(Vec::new()),
        condition(text(), true).prop_map(|last| vec![last]),
        (text(), condition(text(), true)).prop_map(move |(first, last)| vec![equal(first), last]),
        (text(), text(), condition(number(), false)).prop_map(move |(first, second, last)| vec![
            equal(first),
            equal(second),
            last
        ]),
    ]
}

fn holds(condition: &SortCondition, value: &AttributeValue) -> bool {
    let order = |other: &AttributeValue| value.compare(other).unwrap();
    match condition {
        SortCondition::Equal(other) => order(other).is_eq(),
        SortCondition::Less(other) => order(other).is_lt(),
        SortCondition::LessOrEqual(other) => order(other).is_le(),
        SortCondition::Greater(other) => order(other).is_gt(),
        SortCondition::GreaterOrEqual(other) => order(other).is_ge(),
        SortCondition::Between(low, high) => order(low).is_ge() && order(high).is_le(),
        SortCondition::BeginsWith(start) => match (value, start) {
            (AttributeValue::S(value), AttributeValue::S(start)) => value.starts_with(start.as_str()),
            _ => unreachable!(),
        },
    }
}

type Row = (
    AttributeValue,
    Option<AttributeValue>,
    Option<AttributeValue>,
    (Option<AttributeValue>, Option<AttributeValue>),
);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let mostly = |value: BoxedStrategy<AttributeValue>| prop::option::weighted(0.9, value);
    let row =
        (text(), mostly(text()), mostly((0_i64..2).prop_map(n).boxed()), (mostly(text()), mostly(number())));
    prop::collection::vec(row, 1..60)
}

fn row_item(count: usize, (pk, h1, h2, (r1, r3)): &Row) -> Item {
    let mut item = item([("pk", pk.clone()), ("sk", n(count as i64 % 9)), ("count", n(count as i64))]);
    for (name, value) in [("h1", h1), ("h2", h2), ("r1", r1), ("r3", r3)] {
        item.extend(value.clone().map(|value| (name.to_owned(), value)));
    }
    item
}

async fn filled(region: &std::sync::Arc<Region>, rows: &[Row]) -> (std::sync::Arc<Table>, Vec<Item>) {
    let mut table = new_table(region, "t-1", key_schema(("pk", KeyType::S), Some(("sk", KeyType::N))));
    set_index(region, &mut table, "wide", Some(definition(wide_key(), Projection::All)));
    table.reconcile_indexes(true);
    let table = region.create_table(table).await.unwrap();
    let mut model: Vec<Item> = Vec::new();
    for (count, row) in rows.iter().enumerate() {
        let item = row_item(count, row);
        model.retain(|old| (&old["pk"], &old["sk"]) != (&item["pk"], &item["sk"]));
        put(region, "t-1", item.clone()).await.unwrap();
        if count % 7 == 6 {
            let key = item.into_iter().filter(|(name, _)| name == "pk" || name == "sk").collect();
            delete(region, "t-1", key).await.unwrap();
        } else {
            model.push(item);
        }
    }
    (table, model)
}

fn compare(a: &Item, b: &Item) -> std::cmp::Ordering {
    let by = |name: &str| a[name].compare(&b[name]).unwrap();
    by("r1").then(by("pk")).then(by("r3")).then(by("sk"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn queries_are_filters_in_the_order_of_the_key(rows in rows(), conditions in conditions(), limit in 1_usize..6) {
        block_on(async {
            let Opened { region, .. } = open("a").await;
            let (table, model) = filled(&region, &rows).await;
            assert_derived(&region, "t-1").await;
            let partitions = ["a", "a\0", "a\0\u{1}", "b"].into_iter().flat_map(|h1| [0, 1].map(|h2| [s(h1), n(h2)]));
            for partition in partitions {
                let mut expected: Vec<Item> = model
                    .iter()
                    .filter(|item| item.get("h1") == Some(&partition[0]) && item.get("h2") == Some(&partition[1]))
                    .filter(|item| item.contains_key("r1") && item.contains_key("r3"))
                    .filter(|item| {
                        conditions.iter().zip(["r1", "pk", "r3"]).all(|(condition, name)| holds(condition, &item[name]))
                    })
                    .cloned()
                    .collect();
                expected.sort_by(compare);
                let span = Span::Partition { partition: partition.to_vec(), sort: conditions.clone() };
                let read = async |direction, limit| {
                    let records = read_all(&region, &table, Some("wide"), &span, (direction, limit)).await.unwrap();
                    records.iter().map(|record| record.item().unwrap()).collect::<Vec<Item>>()
                };
                assert_eq!(read(Direction::Forward, None).await, expected);
                assert_eq!(read(Direction::Forward, Some(limit)).await, expected, "in pages");
                expected.reverse();
                assert_eq!(read(Direction::Backward, Some(limit)).await, expected, "backwards");
            }
        });
    }
}

/// A record as it was stored before keys could have several attributes.
const EARLIER_RECORD: &str = include_str!("fixtures/table_record_1.json");

#[test]
fn a_record_of_an_earlier_form_is_read() {
    let table: Table = serde_json::from_str(EARLIER_RECORD).unwrap();
    let names = |key: &KeySchema| -> Vec<String> { key.attributes().map(|it| it.name.clone()).collect() };
    assert_eq!(names(&table.key), ["pk", "sk"]);
    assert_eq!(table.key.sort.len(), 1);
    assert_eq!(names(&table.local_indexes.values().next().unwrap().key), ["pk", "lsk"]);
    let global: Vec<Vec<String>> =
        table.global_indexes().map(|(_, definition)| names(&definition.key)).collect();
    assert_eq!(global, [vec!["g"], vec!["g", "h"]]);
    // Keys of one attribute of each kind are still stored in that form.
    let stored: serde_json::Value = serde_json::to_value(&table).unwrap();
    let earlier: serde_json::Value = serde_json::from_str(EARLIER_RECORD).unwrap();
    assert_eq!(stored["key"], earlier["key"]);
    assert_eq!(stored["local_indexes"]["local"]["key"], earlier["local_indexes"]["local"]["key"]);
    assert_eq!(
        stored["indexes"]["one"]["derivation"]["Secondary"]["key"],
        earlier["indexes"]["one"]["derivation"]["Secondary"]["key"]
    );
}

#[test]
fn keys_of_several_attributes_are_stored_as_lists() {
    let key = wide_key();
    let stored = serde_json::to_value(&key).unwrap();
    assert!(stored["partition"].is_array() && stored["sort"].is_array());
    assert_eq!(serde_json::from_value::<KeySchema>(stored).unwrap(), key);
    let none = serde_json::json!({"partition": [], "sort": null});
    assert!(serde_json::from_value::<KeySchema>(none).is_err(), "a key has a partition key");
}

/// Replicas tell each other of such keys.
#[tokio::test]
async fn keys_of_several_attributes_are_shared() {
    let Opened { region, .. } = open("a").await;
    let mut table = new_table(&region, "t-1", key_schema(("pk", KeyType::S), None));
    make_global(&region, &mut table, &["a"]);
    let joining = Member::Joining { source: region_name("a") };
    let version = region.clock().version(table.settings.version().time);
    table.settings.members.insert(region_name("b"), Register::new(version, joining));
    set_index(&region, &mut table, "wide", Some(definition(wide_key(), Projection::All)));
    let told = serde_json::to_vec(&table.shared().unwrap()).unwrap();
    let heard: SharedTable = serde_json::from_slice(&told).unwrap();
    let other = open("b").await;
    other.region.merge_settings(&heard).await.unwrap();
    let replica = other.region.table(&table_name("t-1")).await.unwrap();
    let keys: Vec<&KeySchema> = replica.global_indexes().map(|(_, definition)| &definition.key).collect();
    assert_eq!(keys, [&wide_key()]);
}

#[tokio::test]
async fn an_index_of_several_attributes_is_filled() {
    let Opened { region, .. } = open("a").await;
    let table = new_table(&region, "t-1", key_schema(("pk", KeyType::S), Some(("sk", KeyType::N))));
    region.create_table(table).await.unwrap();
    for count in 0..300_i64 {
        let mut item =
            item([("pk", s(format!("p{}", count % 5))), ("sk", n(count)), ("h1", s("h")), ("r1", s("r"))]);
        item.insert("h2".to_owned(), if count % 3 == 0 { s("no number") } else { n(count % 2) });
        if count % 4 != 0 {
            item.insert("r3".to_owned(), n(-count));
        }
        put(&region, "t-1", item).await.unwrap();
    }
    let wide = definition(wide_key(), Projection::KeysOnly);
    region
        .update_settings(&table_name("t-1"), |table| {
            set_index(&region, table, "wide", Some(wide.clone()));
            Ok::<(), graticule_model::Error>(())
        })
        .await
        .unwrap();
    region.start_jobs();
    crate::support::eventually("the index to be filled", async || {
        let table = region.table(&table_name("t-1")).await.unwrap();
        (table.indexes["wide"].state == graticule_tables::schema::IndexState::Active).then_some(())
    })
    .await;
    assert_derived(&region, "t-1").await;
}
