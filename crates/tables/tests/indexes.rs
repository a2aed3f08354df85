//! An index holds exactly what the projection of the items says: after any writes, while it is filled, and after it was
//! deleted and made anew.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use graticule_expr::{Placeholders, Update};
use graticule_model::{Error, Item, KeyType, Number};
use graticule_tables::{
    Action, ActionKind, Region, WriteOutcome, Written,
    schema::{IndexDefinition, IndexState, Projection, Register},
};
use proptest::prelude::*;

use crate::support::{
    Opened, assert_derived, block_on, definition, delete, eventually, item, key_schema, mix, n, new_table,
    open, plain_table, put, s, scan, set_index, table_name,
};

fn by_g(projection: Projection) -> IndexDefinition {
    definition(key_schema(("g", KeyType::S), Some(("h", KeyType::N))), projection)
}

#[derive(Debug, Clone)]
enum Step {
    Put(u8, Option<u8>, Option<u8>, bool),
    Update(u8, Option<u8>),
    Delete(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0_u8..8, prop::option::of(0_u8..3), prop::option::of(0_u8..3), any::<bool>())
            .prop_map(|(key, g, h, body)| Step::Put(key, g, h, body)),
        2 => (0_u8..8, prop::option::of(0_u8..3)).prop_map(|(key, g)| Step::Update(key, g)),
        1 => (0_u8..8).prop_map(Step::Delete),
    ]
}

fn key(number: u8) -> Item {
    item([("pk", s(format!("p{}", number % 2))), ("sk", n(i64::from(number)))])
}

fn update(text: &str, values: Option<Item>) -> Update {
    let mut placeholders = Placeholders::new(None, values).unwrap();
    Update::parse(text, &mut placeholders).unwrap()
}

fn action(step: &Step) -> ActionKind {
    match step {
        Step::Put(number, g, h, body) => {
            let mut item = key(*number);
            item.extend(g.map(|g| ("g".to_owned(), s(format!("g{g}")))));
            item.extend(h.map(|h| ("h".to_owned(), n(i64::from(h)))));
            item.extend(body.then(|| ("body".to_owned(), s("text"))));
            ActionKind::Put(item)
        }
        Step::Update(number, Some(g)) => {
            let values = item([(":g", s(format!("g{g}"))), (":h", n(1))]);
            ActionKind::Update(key(*number), Some(update("SET g = :g, h = :h", Some(values))))
        }
        Step::Update(number, None) => ActionKind::Update(key(*number), Some(update("REMOVE g", None))),
        Step::Delete(number) => ActionKind::Delete(key(*number)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn indexes_are_projections_after_any_writes(steps in prop::collection::vec(step(), 1..40)) {
        block_on(async {
            let Opened { region, .. } = open("a").await;
            let table_key = key_schema(("pk", KeyType::S), Some(("sk", KeyType::N)));
            let mut table = new_table(&region, "t-1", table_key);
            let local = definition(key_schema(("pk", KeyType::S), Some(("h", KeyType::N))), Projection::KeysOnly);
            table.local_indexes.insert("local".parse().unwrap(), local);
            set_index(&region, &mut table, "all", Some(by_g(Projection::All)));
            set_index(&region, &mut table, "some", Some(by_g(Projection::Include(vec!["body".to_owned()]))));
            let on_body = definition(key_schema(("body", KeyType::S), None), Projection::KeysOnly);
            set_index(&region, &mut table, "on-body", Some(on_body));
            table.reconcile_indexes(true);
            region.create_table(table).await.unwrap();
            for (count, step) in steps.iter().enumerate() {
                region.write_one(Action::new(table_name("t-1"), action(step))).await.unwrap();
                if count % 8 == 0 {
                    assert_derived(&region, "t-1").await;
                }
            }
            assert_derived(&region, "t-1").await;
        });
    }
}

/// A write that meets a transaction is told so.
fn done_or_in_conflict(outcome: Result<Written, Error>) {
    assert!(matches!(outcome, Ok(_) | Err(Error::TransactionConflict)), "{outcome:?}");
}

async fn write_until(stop: Arc<AtomicBool>, region: Arc<Region>, seed: u64) -> u64 {
    let mut count = 0;
    while !stop.load(Ordering::SeqCst) {
        let random = mix(seed << 32 | count);
        let pk = || s(format!("k{}", (random >> 8) % 1200));
        let full = |pk| {
            item([
                ("pk", pk),
                ("g", s(format!("g{}", (random >> 20) % 7))),
                ("h", n((random >> 30) as i64 % 50)),
                ("other", s(format!("o{}", (random >> 40) % 5))),
            ])
        };
        match random % 6 {
            0 => done_or_in_conflict(delete(&region, "t-1", item([("pk", pk())])).await),
            1 => done_or_in_conflict(put(&region, "t-1", item([("pk", pk()), ("g", s("only g"))])).await),
            2 => {
                let two = [s(format!("k{}", (random >> 8) % 1200)), s(format!("k{}", 1200 + random % 7))];
                let actions = two.map(|pk| Action::new(table_name("t-1"), ActionKind::Put(full(pk))));
                let outcome = region.write(actions.to_vec(), None).await.unwrap();
                let conflict = |error: &Option<Error>| *error == Some(Error::TransactionConflict);
                assert!(match outcome {
                    WriteOutcome::Done(_) => true,
                    WriteOutcome::Refused(errors) => errors.iter().any(conflict),
                    WriteOutcome::Replayed => false,
                });
            }
            _ => done_or_in_conflict(put(&region, "t-1", full(pk())).await),
        }
        count += 1;
    }
    count
}

async fn complete(region: &Region, name: &str, expected: &IndexDefinition) {
    eventually("the index to be complete", async || {
        let table = region.table(&table_name("t-1")).await.unwrap();
        let (index, definition) = table.secondary(name)?;
        (index.state == IndexState::Active && definition == expected).then_some(())
    })
    .await;
}

async fn change_index(region: &Region, name: &str, definition: Option<IndexDefinition>) {
    let table = table_name("t-1");
    let changed = region.update_settings(&table, |table| {
        set_index(region, table, name, definition.clone());
        Ok::<(), Error>(())
    });
    changed.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_is_filled_and_made_anew_while_many_write() {
    let opened = open("a").await;
    let region = &opened.region;
    region.create_table(plain_table(region, "t-1")).await.unwrap();
    for number in 0..900 {
        let item = item([("pk", s(format!("k{number}"))), ("g", s("old")), ("h", n(number))]);
        put(region, "t-1", item).await.unwrap();
    }
    region.start_jobs();
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> =
        (0..4).map(|seed| tokio::spawn(write_until(Arc::clone(&stop), Arc::clone(region), seed))).collect();
    let first = by_g(Projection::All);
    let second = definition(key_schema(("other", KeyType::S), None), Projection::KeysOnly);
    change_index(region, "changing", Some(first.clone())).await;
    complete(region, "changing", &first).await;
    // Deleted and created at once, deleted while it is filled, and two at a time.
    change_index(region, "changing", Some(second.clone())).await;
    change_index(region, "another", Some(second.clone())).await;
    complete(region, "changing", &second).await;
    change_index(region, "changing", None).await;
    change_index(region, "changing", Some(first.clone())).await;
    change_index(region, "changing", None).await;
    change_index(region, "changing", Some(second.clone())).await;
    complete(region, "changing", &second).await;
    complete(region, "another", &second).await;
    stop.store(true, Ordering::SeqCst);
    for writer in writers {
        assert!(writer.await.unwrap() > 0);
    }
    assert_derived(region, "t-1").await;
    let table = region.table(&table_name("t-1")).await.unwrap();
    assert!(!scan(region, &table, Some("changing")).await.is_empty());
    let entries = scan(region, &table, Some("changing")).await.len()
        + scan(region, &table, Some("another")).await.len();
    assert_eq!(opened.raw(0x11..0x12).await.len(), entries, "nothing is left of deleted indexes");
    assert!(opened.raw(0x14..0x15).await.is_empty(), "nothing is left of the filling");
}

/// A write of an item that an index is being filled with waits; one that is not, or is already, does not.
#[tokio::test]
async fn an_index_that_is_being_filled_cannot_be_read() {
    let Opened { region, .. } = open("a").await;
    region.create_table(plain_table(&region, "t-1")).await.unwrap();
    put(&region, "t-1", item([("pk", s("k")), ("g", s("g"))])).await.unwrap();
    let on_g = definition(key_schema(("g", KeyType::S), None), Projection::All);
    change_index(&region, "on-g", Some(on_g.clone())).await;
    let table = region.table(&table_name("t-1")).await.unwrap();
    let error = crate::support::read_all(
        &region,
        &table,
        Some("on-g"),
        &crate::support::ALL,
        (graticule_tables::Direction::Forward, None),
    );
    assert_eq!(error.await.unwrap_err(), Error::IndexBackfilling("on-g".to_owned()));
    put(&region, "t-1", item([("pk", s("new")), ("g", s("g"))])).await.unwrap();
    let wrong = put(&region, "t-1", item([("pk", s("wrong")), ("g", n(1))])).await;
    assert!(matches!(wrong, Err(Error::IndexKeyTypeMismatch { .. })));
    region.start_jobs();
    complete(&region, "on-g", &on_g).await;
    assert_derived(&region, "t-1").await;
}

/// Expired items go, whatever index their time to live is found by; others stay.
#[tokio::test]
async fn items_expire_when_their_time_has_come() {
    let opened = open("a").await;
    let region = &opened.region;
    let now = opened.clock.unix_ms() as i64 / 1000;
    let mut table = plain_table(region, "t-1");
    set_index(
        region,
        &mut table,
        "on-g",
        Some(definition(key_schema(("g", KeyType::S), None), Projection::All)),
    );
    table.reconcile_indexes(true);
    region.create_table(table).await.unwrap();
    let with_ttl = |pk: &str, ttl| item([("pk", s(pk)), ("g", s("g")), ("ttl", ttl)]);
    for (pk, ttl) in [
        ("past", n(now - 5)),
        ("now", n(now)),
        ("soon", n(now + 30)),
        ("too old", n(now - 6 * 365 * 24 * 3600)),
        ("no number", s("1")),
        ("fraction", graticule_model::AttributeValue::N(format!("{}.5", now - 9).parse::<Number>().unwrap())),
    ] {
        put(region, "t-1", with_ttl(pk, ttl)).await.unwrap();
    }
    let name = table_name("t-1");
    let enabled = region.update_settings(&name, |table| {
        let version = region.clock().version(table.settings.version().time);
        table.settings.ttl = Register::new(version, Some("ttl".to_owned()));
        Ok::<(), Error>(())
    });
    enabled.await.unwrap();
    region.start_jobs();
    let left = async || {
        let table = region.table(&table_name("t-1")).await.unwrap();
        let mut left: Vec<String> = Vec::new();
        for item in scan(region, &table, None).await {
            let graticule_model::AttributeValue::S(pk) = &item["pk"] else { unreachable!() };
            left.push(pk.clone());
        }
        left.sort();
        left
    };
    eventually("three items to expire", async || {
        (left().await == ["no number", "soon", "too old"]).then_some(())
    })
    .await;
    put(region, "t-1", with_ttl("soon", n(now + 600))).await.unwrap();
    put(region, "t-1", with_ttl("later", n(now + 40))).await.unwrap();
    opened.clock.advance(50_000);
    eventually("one more to expire", async || {
        (left().await == ["no number", "soon", "too old"]).then_some(())
    })
    .await;
    assert_derived(region, "t-1").await;
    assert_eq!(opened.raw(0x12..0x13).await.len(), 2, "expiry entries of the items that are left");
}
