//! Shards of a stream and what dropped tables leave, as they are stored.

use graticule_model::{Error, limits::STREAM_RETENTION_MS};
use graticule_tables::{
    Region,
    schema::{Stream, StreamView},
};

use crate::support::{Opened, eventually, item, n, open, plain_table, put, s, table_name};

async fn streamed_table(region: &Region, clock_ms: u64) -> Stream {
    let mut table = plain_table(region, "t-1");
    table.open_stream(StreamView::NewImage, 0, clock_ms);
    region.create_table(table).await.unwrap().streams[0].clone()
}

/// Records that were written before a stream could have several shards.
#[tokio::test]
async fn a_record_without_shards_is_a_stream_with_one() {
    let Opened { region, clock, .. } = open("a").await;
    let stored = r#"{"label": "2027-01-15T08:00:00.000", "view": "NewImage", "enabled_ms": 1800000000000, "first": 0,
        "closed": null}"#;
    let mut table = plain_table(&region, "t-1");
    table.streams = vec![serde_json::from_str(stored).unwrap()];
    region.create_table(table).await.unwrap();
    put(&region, "t-1", item([("pk", s("k")), ("v", n(1))])).await.unwrap();
    let name = table_name("t-1");
    let shards = async || {
        let found = region.find_stream(&name, "2027-01-15T08:00:00.000").await.unwrap();
        region.shards(&found).await.unwrap()
    };
    let alone = shards().await;
    assert_eq!((alone.len(), alone[0].opened_ms, alone[0].closed), (1, 1_800_000_000_000, false));
    region.set_shard_ms(1000);
    clock.advance(1000);
    region.start_jobs();
    let rolled = eventually("a second shard", async || Some(shards().await).filter(|all| all.len() == 2)).await;
    assert_eq!((rolled[0].opened_ms, rolled[0].first, rolled[0].next), (1_800_000_000_000, 0, 1));
    assert!(rolled[0].closed && !rolled[1].closed);
    assert_eq!((rolled[1].parent_ms, rolled[1].first), (Some(1_800_000_000_000), 1));
}

/// The record of a table does not grow for ever.
#[tokio::test]
async fn old_shards_are_forgotten() {
    let Opened { region, clock, .. } = open("a").await;
    streamed_table(&region, clock.unix_ms()).await;
    let hour_ms: i64 = 3_600_000;
    region.set_shard_ms(4 * 3_600_000);
    region.start_jobs();
    let mut most = 0;
    for round in 0..12 {
        put(&region, "t-1", item([("pk", s("k")), ("v", n(round))])).await.unwrap();
        clock.advance(4 * hour_ms);
        let newest = clock.unix_ms();
        let shards = eventually("the next shard", async || {
            let table = region.table(&table_name("t-1")).await.unwrap();
            let shards = table.streams[0].shards.clone();
            (shards.last().unwrap().opened_ms == newest).then_some(shards.len())
        })
        .await;
        most = most.max(shards);
    }
    assert!((7..=9).contains(&most), "{most}");
}

#[tokio::test]
async fn what_a_dropped_table_leaves_goes_after_a_day() {
    let opened = open("a").await;
    let Opened { region, clock, .. } = &opened;
    let name = table_name("t-1");
    let old = streamed_table(region, clock.unix_ms()).await;
    let table = region.table(&name).await.unwrap();
    put(region, "t-1", item([("pk", s("k")), ("v", n(1))])).await.unwrap();
    clock.advance(3_600_000);
    put(region, "t-1", item([("pk", s("k")), ("v", n(2))])).await.unwrap();
    clock.advance(3_600_000);
    region.drop_table(&name, |_| Ok(())).await.unwrap();
    assert_eq!(opened.raw(0x04..0x05).await.len(), 1);
    assert_eq!(opened.raw(0x10..0x18).await, []);

    // In the same millisecond: the label is another one nevertheless.
    clock.advance(-2 * 3_600_000);
    let new = streamed_table(region, clock.unix_ms()).await;
    assert_ne!(old.label, new.label);
    clock.advance(2 * 3_600_000);
    region.drop_table(&name, |_| Ok(())).await.unwrap();
    assert_eq!(opened.raw(0x04..0x05).await.len(), 2);

    // Opened anew, the Region reads on.
    let again = Region::open(region.name().clone(), opened.engine.clone(), opened.env.clone()).await.unwrap();
    let found = again.find_stream(&name, &old.label).await.unwrap();
    let shard = again.shards(&found).await.unwrap()[0];
    assert_eq!((shard.oldest, shard.next, shard.closed), (0, 2, true));
    let page = again.shard_page(&found, &shard, 1, 10).await.unwrap().unwrap();
    assert_eq!((page.changes.len(), page.next), (1, None));

    again.start_jobs();
    clock.advance(STREAM_RETENTION_MS as i64 - 3_600_000 - 1);
    eventually("the first record to go", async || {
        (again.log_bounds(&table).await.unwrap().first == 1).then_some(())
    })
    .await;
    let shard = again.shards(&found).await.unwrap()[0];
    assert_eq!(again.shard_page(&found, &shard, 0, 10).await.unwrap_err(), Error::TrimmedDataAccess);
    clock.advance(3 * 3_600_000);
    eventually("everything to go", async || {
        let log = again.log_bounds(&table).await.unwrap();
        (opened.raw(0x04..0x05).await.is_empty() && log.first == log.next).then_some(())
    })
    .await;
    assert_eq!(again.find_stream(&name, &old.label).await.unwrap_err(), Error::ResourceNotFound);
}

/// A table that never had a stream leaves nothing.
#[tokio::test]
async fn a_table_without_streams_leaves_nothing() {
    let opened = open("a").await;
    opened.region.create_table(plain_table(&opened.region, "t-1")).await.unwrap();
    put(&opened.region, "t-1", item([("pk", s("k"))])).await.unwrap();
    opened.region.drop_table(&table_name("t-1"), |_| Ok(())).await.unwrap();
    assert_eq!(opened.raw(0x04..0x18).await, []);
}
