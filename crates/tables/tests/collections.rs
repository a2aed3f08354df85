//! Item collections: their sizes are exact at every commit, and bounded where a client lets them grow.

use graticule_expr::{Placeholders, Update};
use graticule_model::{Error, Item, KeyType};
use graticule_tables::{
    Action, ActionKind, Region, Table, WriteOutcome,
    schema::{COLLECTIONS_INDEX, IndexState, Projection},
};
use proptest::prelude::*;

use crate::support::{
    Opened, assert_derived, block_on, definition, delete, eventually, item, key_schema, n, new_table, open,
    put, s, table_name,
};

fn local(sort: &str, projection: Projection) -> graticule_tables::schema::IndexDefinition {
    definition(key_schema(("pk", KeyType::S), Some((sort, KeyType::N))), projection)
}

fn table_with_local_indexes(region: &Region) -> Table {
    let mut table = new_table(region, "t-1", key_schema(("pk", KeyType::S), Some(("sk", KeyType::N))));
    table.local_indexes.insert("keys".parse().unwrap(), local("a", Projection::KeysOnly));
    let body = Projection::Include(vec!["body".to_owned()]);
    table.local_indexes.insert("some".parse().unwrap(), local("b", body));
    table.local_indexes.insert("all".parse().unwrap(), local("b", Projection::All));
    table.reconcile_indexes(true);
    table
}

fn key(partition: &str, sort: i64) -> Item {
    item([("pk", s(partition)), ("sk", n(sort))])
}

/// An item that no local index holds.
fn plain(partition: &str, sort: i64, body_bytes: usize) -> Item {
    item([("pk", s(partition)), ("sk", n(sort)), ("body", s("x".repeat(body_bytes)))])
}

async fn bytes(region: &Region, partition: &str) -> Option<u64> {
    let table = region.table(&table_name("t-1")).await.unwrap();
    let key = table.key_of(&key(partition, 0)).unwrap();
    region.collection_bytes(&table, &key).await.unwrap()
}

#[derive(Debug, Clone)]
enum Step {
    Put(u8, Option<u8>, Option<u8>, usize),
    Remove(u8),
    Delete(u8),
    Together(u8, u8),
}

fn step() -> impl Strategy<Value = Step> {
    let index_key = || prop::option::of(0_u8..3);
    prop_oneof![
        4 => (0_u8..8, index_key(), index_key(), 0_usize..60)
            .prop_map(|(key, a, b, body)| Step::Put(key, a, b, body)),
        1 => (0_u8..8).prop_map(Step::Remove),
        2 => (0_u8..8).prop_map(Step::Delete),
        1 => (0_u8..4, 4_u8..8).prop_map(|(put, delete)| Step::Together(put, delete)),
    ]
}

fn actions(step: &Step) -> Vec<ActionKind> {
    let at = |number: u8| key(&format!("p{}", number % 3), i64::from(number));
    match step {
        Step::Put(number, a, b, body) => {
            let mut item = at(*number);
            item.extend(a.map(|a| ("a".to_owned(), n(i64::from(a)))));
            item.extend(b.map(|b| ("b".to_owned(), n(i64::from(b)))));
            item.insert("body".to_owned(), s("x".repeat(*body)));
            vec![ActionKind::Put(item)]
        }
        Step::Remove(number) => {
            let mut placeholders = Placeholders::new(None, None).unwrap();
            let update = Update::parse("REMOVE a, body", &mut placeholders).unwrap();
            vec![ActionKind::Update(at(*number), Some(update))]
        }
        Step::Delete(number) => vec![ActionKind::Delete(at(*number))],
        Step::Together(put, delete) => {
            let mut item = at(*put);
            item.insert("b".to_owned(), n(7));
            vec![ActionKind::Put(item), ActionKind::Delete(at(*delete))]
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn sizes_are_those_of_items_and_entries(steps in prop::collection::vec(step(), 1..40)) {
        block_on(async {
            let Opened { region, .. } = open("a").await;
            region.create_table(table_with_local_indexes(&region)).await.unwrap();
            for step in &steps {
                let actions = actions(step).into_iter().map(|kind| Action::new(table_name("t-1"), kind)).collect();
                let outcome = region.write(actions, None).await.unwrap();
                let WriteOutcome::Done(written) = outcome else { panic!("{outcome:?}") };
                for written in written {
                    let Some(record) = written.new.or(written.old) else { continue };
                    let key = written.table.key_of(&record.item().unwrap()).unwrap();
                    let bytes = region.collection_bytes(&written.table, &key).await.unwrap();
                    assert_eq!(written.collection_bytes, bytes, "what the write says");
                }
            }
            assert_derived(&region, "t-1").await;
        });
    }
}

#[tokio::test]
async fn a_collection_does_not_grow_beyond_the_limit() {
    let Opened { region, .. } = open("a").await;
    region.create_table(table_with_local_indexes(&region)).await.unwrap();
    // pk + 1, sk + 2, body + 93: a hundred bytes and five.
    region.set_collection_bytes_max(315);
    for sort in 1..=3 {
        put(&region, "t-1", plain("p", sort, 94)).await.unwrap();
    }
    assert_eq!(bytes(&region, "p").await, Some(315));

    let refused = put(&region, "t-1", plain("p", 4, 1)).await.unwrap_err();
    assert_eq!(refused, Error::CollectionTooLarge);
    let grown = put(&region, "t-1", plain("p", 1, 95)).await.unwrap_err();
    assert_eq!(grown, Error::CollectionTooLarge);
    // An entry in an index counts as well.
    let mut indexed = plain("p", 1, 90);
    indexed.insert("a".to_owned(), n(1));
    assert_eq!(put(&region, "t-1", indexed).await.unwrap_err(), Error::CollectionTooLarge);
    put(&region, "t-1", plain("another", 1, 90)).await.unwrap();
    assert_eq!(bytes(&region, "p").await, Some(315), "what was refused changed nothing");

    // What keeps or shrinks it goes on, even above a limit that has come down.
    region.set_collection_bytes_max(100);
    put(&region, "t-1", plain("p", 1, 94)).await.unwrap();
    put(&region, "t-1", plain("p", 1, 90)).await.unwrap();
    delete(&region, "t-1", key("p", 2)).await.unwrap();
    region.set_collection_bytes_max(315);
    put(&region, "t-1", plain("p", 4, 98)).await.unwrap();
    assert_eq!(bytes(&region, "p").await, Some(315));
    assert_derived(&region, "t-1").await;
}

#[tokio::test]
async fn a_transaction_says_which_actions_let_a_collection_grow_too_large() {
    let Opened { region, .. } = open("a").await;
    region.create_table(table_with_local_indexes(&region)).await.unwrap();
    region.set_collection_bytes_max(250);
    let put = |item| Action::new(table_name("t-1"), ActionKind::Put(item));
    let three = [plain("p", 1, 94), plain("p", 2, 94), plain("p", 3, 94)];
    let outcome = region.write([plain("q", 1, 94)].into_iter().chain(three).map(put).collect(), None).await;
    let WriteOutcome::Refused(errors) = outcome.unwrap() else { panic!("it was done") };
    assert_eq!(errors, [None, None, None, Some(Error::CollectionTooLarge)]);
    assert_eq!(bytes(&region, "p").await, Some(0));

    // What one action takes away makes room for another.
    let outcome = region.write(vec![put(plain("p", 1, 94)), put(plain("p", 2, 94))], None).await.unwrap();
    assert!(matches!(outcome, WriteOutcome::Done(_)));
    let removed = Action::new(table_name("t-1"), ActionKind::Delete(key("p", 1)));
    let outcome = region.write(vec![removed, put(plain("p", 3, 94))], None).await.unwrap();
    let WriteOutcome::Done(written) = outcome else { panic!("{outcome:?}") };
    assert!(written.iter().all(|written| written.collection_bytes == Some(210)));
}

/// A table made by an earlier Graticule has no sizes: they are found while writes go on.
#[tokio::test]
async fn sizes_are_found_for_tables_that_have_none() {
    let Opened { region, .. } = open("a").await;
    let mut table = table_with_local_indexes(&region);
    table.indexes.remove(COLLECTIONS_INDEX);
    region.create_table(table).await.unwrap();
    for sort in 0..300 {
        let mut item = plain(&format!("p{}", sort % 7), sort, 10);
        item.insert("a".to_owned(), n(sort));
        put(&region, "t-1", item).await.unwrap();
    }
    assert_eq!(bytes(&region, "p1").await, None);
    region.set_collection_bytes_max(1);
    put(&region, "t-1", plain("p1", 1000, 10)).await.expect("no limit is known to be passed");
    region.start_jobs();
    for sort in 0..100 {
        match sort % 3 {
            0 => drop(delete(&region, "t-1", key(&format!("p{}", sort % 7), sort)).await.unwrap()),
            // Refused once the sizes are known.
            _ => drop(put(&region, "t-1", plain(&format!("p{}", sort % 7), sort, 40)).await),
        }
    }
    eventually("the sizes to be known", async || {
        let table = region.table(&table_name("t-1")).await.unwrap();
        let index = table.indexes.get(COLLECTIONS_INDEX)?;
        (index.state == IndexState::Active).then_some(())
    })
    .await;
    assert_derived(&region, "t-1").await;
    assert_eq!(put(&region, "t-1", plain("p1", 2000, 10)).await.unwrap_err(), Error::CollectionTooLarge);
}
