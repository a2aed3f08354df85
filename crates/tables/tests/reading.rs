//! Query and Scan against a plain model: pages make up the whole, sort conditions are filters, segments are a
//! partition.

use graticule_expr::SortCondition;
use graticule_model::{AttributeValue, Error, Item, KeyType, limits::PAGE_BYTES_MAX};
use graticule_tables::{Direction, PageRequest, Region, Span, Table, schema::Projection};
use proptest::prelude::*;

use crate::support::{
    Opened, block_on, definition, item, key_schema, make_global, n, new_table, open, put, read_all, s,
    set_index, table_name,
};

/// Sort keys of every type, near each other and near the limits of their encodings.
fn sort_value(kind: KeyType) -> BoxedStrategy<AttributeValue> {
    match kind {
        KeyType::S => prop_oneof![
            prop::sample::select(vec!["a", "a\0", "a\0\0b", "ab", "b", "\u{1}", "é", "z\u{10ffff}"])
                .prop_map(s),
            "[ab\u{0}\u{1}\u{ff}]{1,4}".prop_map(s),
        ]
        .boxed(),
        KeyType::N => prop_oneof![
            (-30_i64..30).prop_map(n),
            (-99_i64..99, -4_i32..5).prop_map(|(digits, exponent)| AttributeValue::N(
                format!("{digits}e{exponent}").parse().unwrap()
            )),
            prop::sample::select(vec!["1e125", "-1e125", "1e-130", "-1e-130", "0"])
                .prop_map(|text| AttributeValue::N(text.parse().unwrap())),
        ]
        .boxed(),
        KeyType::B => prop::collection::vec(prop::sample::select(vec![0_u8, 1, 2, 0xfe, 0xff]), 1..4)
            .prop_map(AttributeValue::B)
            .boxed(),
    }
}

fn kind() -> impl Strategy<Value = KeyType> {
    prop::sample::select(vec![KeyType::S, KeyType::N, KeyType::B])
}

fn condition(kind: KeyType) -> BoxedStrategy<SortCondition> {
    let value = || sort_value(kind);
    let begins = if kind == KeyType::N {
        value().prop_map(SortCondition::Equal).boxed()
    } else {
        value().prop_map(SortCondition::BeginsWith).boxed()
    };
    prop_oneof![
        value().prop_map(SortCondition::Equal),
        value().prop_map(SortCondition::Less),
        value().prop_map(SortCondition::LessOrEqual),
        value().prop_map(SortCondition::Greater),
        value().prop_map(SortCondition::GreaterOrEqual),
        (value(), value()).prop_map(|(low, high)| SortCondition::Between(low, high)),
        begins,
    ]
    .boxed()
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
            (AttributeValue::B(value), AttributeValue::B(start)) => value.starts_with(start),
            _ => unreachable!(),
        },
    }
}

type Row = (u8, AttributeValue, Option<u8>);

fn rows(kind: KeyType) -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec((0_u8..3, sort_value(kind), prop::option::of(0_u8..2)), 1..40)
}

/// A table of `rows` with two indexes, and its items as a model.
async fn filled(kind: KeyType, rows: &[Row]) -> (Opened, std::sync::Arc<Table>, Vec<Item>) {
    let opened = open("a").await;
    let region = &opened.region;
    let mut table = new_table(region, "t-1", key_schema(("pk", KeyType::S), Some(("sk", kind))));
    // Tombstones lie between the items.
    make_global(region, &mut table, &["a", "b"]);
    let sparse = definition(key_schema(("g", KeyType::S), Some(("sk", kind))), Projection::All);
    set_index(region, &mut table, "by-g", Some(sparse));
    table.reconcile_indexes(true);
    let table = region.create_table(table).await.unwrap();
    let mut model: Vec<Item> = Vec::new();
    for (count, (partition, sort, g)) in rows.iter().enumerate() {
        let mut item =
            item([("pk", s(format!("p{partition}"))), ("sk", sort.clone()), ("count", n(count as i64))]);
        item.extend(g.map(|g| ("g".to_owned(), s(format!("g{g}")))));
        model.retain(|old| (&old["pk"], &old["sk"]) != (&item["pk"], &item["sk"]));
        put(region, "t-1", item.clone()).await.unwrap();
        if count % 5 == 4 {
            let key = item.into_iter().filter(|(name, _)| name == "pk" || name == "sk").collect();
            crate::support::delete(region, "t-1", key).await.unwrap();
        } else {
            model.push(item);
        }
    }
    (opened, table, model)
}

async fn read(
    region: &Region,
    table: &Table,
    index: Option<&str>,
    span: &Span,
    how: (Direction, Option<usize>),
) -> Vec<Item> {
    let records = read_all(region, table, index, span, how).await.unwrap();
    records.iter().map(|record| record.item().unwrap()).collect()
}

fn by_text(mut items: Vec<Item>) -> Vec<Item> {
    items.sort_by_key(|item| format!("{item:?}"));
    items
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn queries_are_filters(
        (kind, rows, condition) in kind().prop_flat_map(|kind| (Just(kind), rows(kind), condition(kind))),
        limit in 1_usize..6,
        on_index in any::<bool>(),
    ) {
        block_on(async {
            let (opened, table, model) = filled(kind, &rows).await;
            let region = &opened.region;
            let (index, attribute, prefix) = if on_index { (Some("by-g"), "g", "g") } else { (None, "pk", "p") };
            for number in 0..3 {
                let partition = s(format!("{prefix}{number}"));
                for sort in [None, Some(condition.clone())] {
                    let mut expected: Vec<Item> = model
                        .iter()
                        .filter(|item| item.get(attribute) == Some(&partition))
                        .filter(|item| sort.as_ref().is_none_or(|sort| holds(sort, &item["sk"])))
                        .cloned()
                        .collect();
                    let span = Span::Partition { partition: vec![partition.clone()], sort: sort.into_iter().collect() };
                    let forward = read(region, &table, index, &span, (Direction::Forward, None)).await;
                    assert!(
                        forward.is_sorted_by(|a, b| a["sk"].compare(&b["sk"]).unwrap().is_le()),
                        "ascending sort keys"
                    );
                    expected = by_text(expected);
                    assert_eq!(by_text(forward.clone()), expected, "{span:?}");
                    let paged = read(region, &table, index, &span, (Direction::Forward, Some(limit))).await;
                    assert_eq!(paged, forward, "pages make up the whole");
                    let mut backward = read(region, &table, index, &span, (Direction::Backward, None)).await;
                    let paged = read(region, &table, index, &span, (Direction::Backward, Some(limit))).await;
                    assert_eq!(paged, backward, "backwards too");
                    backward.reverse();
                    assert_eq!(backward, forward);
                }
            }
        });
    }

    #[test]
    fn segments_are_a_partition(
        rows in rows(KeyType::N),
        total in 1_u32..9,
        limit in prop::option::of(1_usize..5),
        on_index in any::<bool>(),
    ) {
        block_on(async {
            let (opened, table, model) = filled(KeyType::N, &rows).await;
            let index = on_index.then_some("by-g");
            let mut all = Vec::new();
            for segment in 0..total {
                let span = Span::Segment { segment, total };
                all.extend(read(&opened.region, &table, index, &span, (Direction::Forward, limit)).await);
            }
            let expected = model.into_iter().filter(|item| !on_index || item.contains_key("g")).collect();
            assert_eq!(by_text(all), by_text(expected));
        });
    }
}

#[tokio::test]
async fn a_page_holds_a_megabyte() {
    let Opened { region, .. } = open("a").await;
    let table_key = key_schema(("pk", KeyType::S), Some(("sk", KeyType::N)));
    let table = region.create_table(new_table(&region, "t-1", table_key)).await.unwrap();
    for number in 0..12 {
        let big = item([("pk", s("p")), ("sk", n(number)), ("body", s("x".repeat(200_000)))]);
        put(&region, "t-1", big).await.unwrap();
    }
    let span = Span::Partition { partition: vec![s("p")], sort: Vec::new() };
    for direction in [Direction::Forward, Direction::Backward] {
        let request = PageRequest {
            index: None,
            span: span.clone(),
            direction,
            after: None,
            limit: None,
            whole_items: false,
            consistent: true,
        };
        let page = region.page(&table, &request).await.unwrap();
        assert_eq!(page.records.len(), 6, "the item that crosses the limit is the last one");
        assert!(page.size_bytes >= PAGE_BYTES_MAX && page.last_key.is_some());
        assert_eq!(read(&region, &table, None, &span, (direction, None)).await.len(), 12);
    }
}

#[tokio::test]
async fn a_start_key_must_fit() {
    let Opened { region, .. } = open("a").await;
    let mut table = new_table(&region, "t-1", key_schema(("pk", KeyType::S), Some(("sk", KeyType::N))));
    let on_g = definition(key_schema(("g", KeyType::S), None), Projection::All);
    set_index(&region, &mut table, "by-g", Some(on_g));
    table.reconcile_indexes(true);
    let table = region.create_table(table).await.unwrap();
    let fits = item([("pk", s("p")), ("sk", n(1))]);
    let cases = [
        (None, fits.clone(), true),
        (None, item([("pk", s("p"))]), false),
        (None, item([("pk", s("p")), ("sk", s("1"))]), false),
        (None, item([("pk", s("p")), ("sk", n(1)), ("g", s("g"))]), false),
        (None, item([("pk", s("another")), ("sk", n(1))]), false),
        (None, item([("pk", s("p")), ("sk", n(50))]), false),
        (Some("by-g"), fits, false),
        (Some("by-g"), item([("pk", s("p")), ("sk", n(1)), ("g", s("g"))]), true),
        (Some("by-g"), item([("pk", s("p")), ("sk", n(1)), ("g", s("other"))]), false),
    ];
    for (index, after, fits) in cases {
        let (partition, sort) = match index {
            None => (s("p"), vec![SortCondition::Less(n(10))]),
            Some(_) => (s("g"), Vec::new()),
        };
        let request = PageRequest {
            index,
            span: Span::Partition { partition: vec![partition], sort },
            direction: Direction::Forward,
            after: Some(&after),
            limit: None,
            whole_items: false,
            consistent: true,
        };
        match region.page(&table, &request).await {
            Ok(_) => assert!(fits, "{after:?}"),
            Err(error) => assert!(!fits && error == Error::StartKeyInvalid, "{after:?}: {error}"),
        }
    }
    let absent = PageRequest {
        index: Some("absent"),
        span: Span::Segment { segment: 0, total: 1 },
        direction: Direction::Forward,
        after: None,
        limit: None,
        whole_items: false,
        consistent: true,
    };
    assert_eq!(region.page(&table, &absent).await.unwrap_err(), Error::IndexMissing("absent".to_owned()));
    assert!(region.active_table(&table_name("t-2")).await.is_err());
}

/// A local index may hold less than the item, and give all of it when asked.
#[tokio::test]
async fn whole_items_come_from_behind_an_index() {
    let Opened { region, .. } = open("a").await;
    let mut table = new_table(&region, "t-1", key_schema(("pk", KeyType::S), Some(("sk", KeyType::N))));
    let local = definition(key_schema(("pk", KeyType::S), Some(("l", KeyType::N))), Projection::KeysOnly);
    table.local_indexes.insert("local".parse().unwrap(), local);
    table.reconcile_indexes(true);
    let table = region.create_table(table).await.unwrap();
    let whole = item([("pk", s("p")), ("sk", n(1)), ("l", n(5)), ("body", s("text"))]);
    put(&region, "t-1", whole.clone()).await.unwrap();
    for whole_items in [false, true] {
        let request = PageRequest {
            index: Some("local"),
            span: Span::Partition { partition: vec![s("p")], sort: vec![SortCondition::Equal(n(5))] },
            direction: Direction::Forward,
            after: None,
            limit: None,
            whole_items,
            consistent: true,
        };
        let page = region.page(&table, &request).await.unwrap();
        assert_eq!(page.records.len(), 1);
        assert_eq!(page.records[0].item().unwrap() == whole, whole_items);
    }
}
