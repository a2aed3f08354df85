//! Shards of a stream and what dropped tables leave, as they are stored.

use std::sync::Arc;

use graticule_model::{Error, limits::STREAM_RETENTION_MS};
use graticule_tables::{
    Region,
    schema::{Register, Stream, StreamView},
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
    let stored = r#"{"label": "2027-01-15T08:00:00.000", "view": "NEW_IMAGE", "enabled_ms": 1800000000000, "first": 0,
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
    let rolled =
        eventually("a second shard", async || Some(shards().await).filter(|all| all.len() == 2)).await;
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

/// After a crash between the two commits that close a shard, records behind the mark wait for its end.
#[tokio::test]
async fn a_shard_that_was_being_closed_is_closed_after_a_crash() {
    let Opened { region, clock, .. } = open("a").await;
    let name = table_name("t-1");
    let stream = streamed_table(&region, clock.unix_ms()).await;
    for v in 0..2 {
        put(&region, "t-1", item([("pk", s("k")), ("v", n(v))])).await.unwrap();
    }
    // What was committed first: a mark that a reader may have passed already.
    let marked = region.update_table(&name, |table, _| {
        table.streams[0].unsettled = Some(1);
        Ok(())
    });
    marked.await.unwrap();
    put(&region, "t-1", item([("pk", s("k")), ("v", n(2))])).await.unwrap();
    let read = async |from: u64| {
        let found = region.find_stream(&name, &stream.label).await.unwrap();
        let shards = region.shards(&found).await.unwrap();
        let page = region.shard_page(&found, &shards[0], from, 10).await.unwrap().unwrap();
        (shards.len(), page.changes.len(), page.next)
    };
    assert_eq!(read(0).await, (1, 1, Some(1)));
    assert_eq!(read(2).await, (1, 0, Some(2)), "a reader who was ahead waits");
    region.start_jobs();
    eventually("the shard to be closed", async || (read(0).await == (2, 3, None)).then_some(())).await;
    assert_eq!(read(2).await, (2, 1, None));
}

/// The same for a stream that was being disabled, and is enabled anew before anything else.
#[tokio::test]
async fn a_stream_that_was_being_closed_has_an_end_before_another_begins() {
    let Opened { region, clock, .. } = open("a").await;
    let name = table_name("t-1");
    let stream = streamed_table(&region, clock.unix_ms()).await;
    let set = |view: Option<StreamView>| {
        let region = Arc::clone(&region);
        async move {
            let name = table_name("t-1");
            let changed = region.update_settings(&name, |table| {
                let version = region.clock().version(table.settings.version().time);
                table.settings.stream = Register::new(version, view);
                Ok::<(), Error>(())
            });
            changed.await.unwrap().0
        }
    };
    set(Some(StreamView::NewImage)).await;
    for v in 0..3 {
        put(&region, "t-1", item([("pk", s("k")), ("v", n(v))])).await.unwrap();
    }
    let closed_ms = clock.unix_ms();
    let closed = region.update_table(&name, |table, _| {
        let version = region.clock().version(table.settings.version().time);
        table.settings.stream = Register::new(version, None);
        table.close_stream(1, closed_ms);
        Ok(())
    });
    closed.await.unwrap();
    put(&region, "t-1", item([("pk", s("k")), ("v", n(9))])).await.unwrap();
    let table = set(Some(StreamView::KeysOnly)).await;
    put(&region, "t-1", item([("pk", s("k")), ("v", n(10))])).await.unwrap();
    let bounds = async |label: &str| {
        let found = region.find_stream(&name, label).await.unwrap();
        let shards = region.shards(&found).await.unwrap();
        (shards.len(), shards[0].oldest, shards[0].next, shards[0].closed)
    };
    assert_eq!(bounds(&stream.label).await, (1, 0, 3, true));
    assert_eq!(bounds(&table.streams[1].label).await, (1, 3, 4, false));
}

/// What was read of an open shard may lie behind its end, if the table's record has changed meanwhile.
#[tokio::test]
async fn a_page_counts_only_if_the_record_is_still_the_same() {
    let Opened { region, clock, .. } = open("a").await;
    let name = table_name("t-1");
    let stream = streamed_table(&region, clock.unix_ms()).await;
    put(&region, "t-1", item([("pk", s("k"))])).await.unwrap();
    let before = region.find_stream(&name, &stream.label).await.unwrap();
    let shard = region.shards(&before).await.unwrap()[0];
    assert!(region.shard_page(&before, &shard, 0, 10).await.unwrap().is_some());
    let changed = region.update_table(&name, |table, _| {
        table.deletion_protection = true;
        Ok(())
    });
    changed.await.unwrap();
    assert!(region.shard_page(&before, &shard, 0, 10).await.unwrap().is_none());
    region.drop_table(&name, |_| Ok(())).await.unwrap();
    assert!(region.shard_page(&before, &shard, 0, 10).await.unwrap().is_none());
    let after = region.find_stream(&name, &stream.label).await.unwrap();
    let shard = region.shards(&after).await.unwrap()[0];
    assert!(region.shard_page(&after, &shard, 0, 10).await.unwrap().is_some());
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
