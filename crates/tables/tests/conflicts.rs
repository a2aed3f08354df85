//! The conflict journal: what it lists, in which order, and how much of it stays.

use std::sync::Arc;

use bytes::Bytes;
use graticule_model::{Error, Version, codec::item_to_json, version::HybridTime};
use graticule_tables::{Change, Conflict, ConflictQuery, Origin, Region, Road, Table};

use crate::support::{
    Opened, delete, eventually, item, make_global, open, plain_table, put, region_name, s, table_name,
};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

async fn global_table(region: &Region) -> Arc<Table> {
    let mut table = plain_table(region, "orders");
    make_global(region, &mut table, &["a", "b"]);
    region.create_table(table).await.unwrap();
    region.table(&table_name("orders")).await.unwrap()
}

/// A write of the Region b to one item, long ago.
fn old(key: &str, new: bool) -> Change {
    let key_json = Bytes::from(item_to_json(&item([("pk", s(key))])));
    let whole = Bytes::from(item_to_json(&item([("pk", s(key)), ("by", s("b"))])));
    Change {
        version: Version { time: HybridTime::from_unix_ms(1_000), region: Arc::from("b") },
        key: key_json,
        old: None,
        new: new.then_some(whole),
        written_ms: 0,
        expired: false,
        silent: false,
    }
}

async fn apply(region: &Region, table: &Table, road: Road, position: u64, changes: Vec<Change>) {
    let from = region_name("b");
    let position = (road == Road::Log).then_some(position);
    let origin = Origin { region: &from, log: "log", position, road, born: None };
    region.apply(table, &origin, changes).await.unwrap();
}

async fn listed(region: &Region, table: &Table) -> Vec<Conflict> {
    let query = ConflictQuery { limit: 1000, ..ConflictQuery::default() };
    region.conflicts(table, &query).await.unwrap().conflicts
}

fn keys(conflicts: &[Conflict]) -> Vec<&str> {
    conflicts.iter().map(|conflict| conflict.key.split('"').nth(5).unwrap()).collect()
}

/// Makes `count` conflicts, one a second, in items `k000`, `k001` and so on.
async fn make(opened: &Opened, table: &Table, count: usize) {
    for number in 0..count {
        let key = format!("k{number:03}");
        put(&opened.region, "orders", item([("pk", s(key.clone())), ("by", s("a"))])).await.unwrap();
        opened.clock.advance(1000);
        apply(&opened.region, table, Road::Log, number as u64 + 1, vec![old(&key, true)]).await;
    }
}

#[tokio::test]
async fn an_entry_says_who_won_who_lost_and_what_is_gone() {
    let Opened { region, clock, .. } = open("a").await;
    let table = global_table(&region).await;
    put(&region, "orders", item([("pk", s("put")), ("by", s("a"))])).await.unwrap();
    delete(&region, "orders", item([("pk", s("deleted"))])).await.unwrap();
    clock.advance(5);
    apply(&region, &table, Road::Log, 1, vec![old("put", true), old("deleted", false)]).await;
    let mut conflicts = listed(&region, &table).await;
    conflicts.sort_by(|one, other| one.key.cmp(&other.key));
    let [deleted, put] = &conflicts[..] else { panic!("{conflicts:?}") };
    assert_eq!((deleted.winner_deletes, deleted.loser_deletes, &deleted.discarded), (true, true, &None));
    assert_eq!((put.winner_deletes, put.loser_deletes), (false, false));
    assert_eq!(put.discarded.as_deref(), Some(r#"{"by":{"S":"b"},"pk":{"S":"put"}}"#));
    for conflict in [deleted, put] {
        assert_eq!((conflict.winner_region.as_str(), conflict.loser_region.as_str()), ("a", "b"));
        assert!(conflict.winner.ends_with("@a"), "{}", conflict.winner);
        assert_eq!(conflict.loser, "1000.0@b");
        assert_eq!(conflict.at_ms, clock.unix_ms());
    }
}

#[tokio::test]
async fn it_is_read_by_time_and_page_by_page() {
    let opened = open("a").await;
    let region = &opened.region;
    let table = global_table(region).await;
    let begun_ms = opened.clock.unix_ms();
    make(&opened, &table, 10).await;
    assert_eq!(keys(&listed(region, &table).await)[..3], ["k000", "k001", "k002"]);
    // They were discarded one, two, three ... seconds after the beginning.
    let range = ConflictQuery {
        since_ms: Some(begun_ms + 3000),
        until_ms: Some(begun_ms + 6000),
        limit: 100,
        after: None,
    };
    assert_eq!(keys(&region.conflicts(&table, &range).await.unwrap().conflicts), ["k002", "k003", "k004"]);
    let mut seen = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let query = ConflictQuery { limit: 3, after: after.as_deref(), ..ConflictQuery::default() };
        let page = region.conflicts(&table, &query).await.unwrap();
        assert!(page.conflicts.len() <= 3);
        seen.extend(page.conflicts);
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, listed(region, &table).await, "pages together are the whole");
    for token in ["x", "abc", "zz"] {
        let query = ConflictQuery { limit: 3, after: Some(token), ..ConflictQuery::default() };
        assert!(matches!(region.conflicts(&table, &query).await, Err(Error::Validation(_))), "{token}");
    }
}

/// A batch that comes once more, after a link broke, used to be counted again, and a write that had seen what it
/// overwrote used to be listed as its conflict.
#[tokio::test]
async fn what_comes_again_or_to_fill_gaps_is_no_conflict() {
    let opened = open("a").await;
    let region = &opened.region;
    let table = global_table(region).await;
    apply(region, &table, Road::Log, 7, vec![old("seen", true)]).await;
    put(region, "orders", item([("pk", s("seen")), ("by", s("a"))])).await.unwrap();
    for road in [Road::Log, Road::Snapshot(HybridTime::ZERO), Road::Resync] {
        apply(region, &table, road, 7, vec![old("seen", true)]).await;
        assert_eq!(listed(region, &table).await, [], "{road:?}");
    }
    put(region, "orders", item([("pk", s("unseen"))])).await.unwrap();
    for _ in 0..2 {
        apply(region, &table, Road::Log, 8, vec![old("unseen", true)]).await;
        assert_eq!(keys(&listed(region, &table).await), ["unseen"]);
        assert_eq!(region.conflict_counts(&table).await.unwrap(), (1, 0));
    }
}

#[tokio::test]
async fn the_oldest_go_when_there_are_too_many_and_are_counted() {
    let opened = open("a").await;
    let region = &opened.region;
    let table = global_table(region).await;
    region.set_conflict_journal_max(5);
    make(&opened, &table, 12).await;
    assert_eq!(listed(region, &table).await.len(), 12);
    region.start_jobs();
    eventually("the oldest to go", async || {
        opened.clock.advance(5_000);
        (region.conflict_counts(&table).await.unwrap() == (12, 7)).then_some(())
    })
    .await;
    assert_eq!(keys(&listed(region, &table).await), ["k007", "k008", "k009", "k010", "k011"]);
}

#[tokio::test]
async fn entries_go_after_a_week() {
    let opened = open("a").await;
    let region = &opened.region;
    let table = global_table(region).await;
    make(&opened, &table, 2).await;
    opened.clock.advance(6 * DAY_MS);
    put(region, "orders", item([("pk", s("late"))])).await.unwrap();
    apply(region, &table, Road::Log, 3, vec![old("late", true)]).await;
    opened.clock.advance(DAY_MS);
    region.start_jobs();
    eventually("the old ones to go", async || {
        opened.clock.advance(5_000);
        (keys(&listed(region, &table).await) == ["late"]).then_some(())
    })
    .await;
    assert_eq!(region.conflict_counts(&table).await.unwrap(), (3, 0), "age is no want of room");
}
