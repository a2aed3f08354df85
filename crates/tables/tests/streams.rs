//! Streams: every change once, in the order of each item, and nothing else; each stream its own stretch of the log.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use graticule_model::{Error, Version, codec::item_to_json, limits::STREAM_RETENTION_MS};
use graticule_tables::{
    Change, Origin, PageLimit, Region, Road, Table,
    schema::{Register, Stream, StreamView},
};

use crate::support::{
    Opened, delete, eventually, item, make_global, n, open, plain_table, put, region_name, s, scan,
    table_name,
};

async fn set_stream(region: &Region, view: Option<StreamView>) -> Arc<Table> {
    let name = table_name("t-1");
    let changed = region.update_settings(&name, |table| {
        let version = region.clock().version(table.settings.version().time);
        table.settings.stream = Register::new(version, view);
        Ok::<(), Error>(())
    });
    changed.await.unwrap().0
}

/// All records of a stream of `t-1`, shard by shard, in pages, and whether it has an end.
async fn records(region: &Region, stream: &Stream, limit: usize) -> (Vec<(u64, Change)>, bool) {
    let found = region.find_stream(&table_name("t-1"), &stream.label).await.unwrap();
    let mut records = Vec::new();
    let mut ended = false;
    for shard in region.shards(&found).await.unwrap() {
        assert!(records.last().is_none_or(|(last, _)| *last < shard.first));
        let mut next = Some(shard.oldest);
        while let Some(position) = next.filter(|next| *next < shard.next || shard.closed) {
            let page = region.shard_page(&found, &shard, position, limit).await.unwrap();
            let page = page.expect("nobody changes the table");
            assert!(page.next.is_none_or(|next| next > position), "the end of a page is further on");
            records.extend(page.changes);
            next = page.next;
        }
        ended = shard.closed;
    }
    (records, ended)
}

#[tokio::test]
async fn every_change_shows_once_with_both_images() {
    let Opened { region, .. } = open("a").await;
    region.create_table(plain_table(&region, "t-1")).await.unwrap();
    put(&region, "t-1", item([("pk", s("before"))])).await.unwrap();
    let table = set_stream(&region, Some(StreamView::NewAndOldImages)).await;
    let k = || item([("pk", s("k"))]);
    let with = |v| item([("pk", s("k")), ("v", n(v))]);
    put(&region, "t-1", with(1)).await.unwrap();
    put(&region, "t-1", with(1)).await.unwrap(); // changes nothing
    put(&region, "t-1", with(2)).await.unwrap();
    delete(&region, "t-1", k()).await.unwrap();
    delete(&region, "t-1", k()).await.unwrap(); // nothing there
    put(&region, "t-1", with(3)).await.unwrap();
    let (shown, ended) = records(&region, table.stream().unwrap(), 2).await;
    assert!(!ended);
    let text =
        |image: &Option<bytes::Bytes>| image.as_ref().map(|json| String::from_utf8(json.to_vec()).unwrap());
    let images: Vec<_> = shown.iter().map(|(_, change)| (text(&change.old), text(&change.new))).collect();
    let json = |v: i64| Some(format!(r#"{{"pk":{{"S":"k"}},"v":{{"N":"{v}"}}}}"#));
    assert_eq!(images, [(None, json(1)), (json(1), json(2)), (json(2), None), (None, json(3))]);
    assert!(shown.is_sorted_by(|(a, one), (b, other)| a < b && one.version < other.version));
    assert!(shown.iter().all(|(_, change)| &change.key[..] == br#"{"pk":{"S":"k"}}"#));
}

#[tokio::test]
async fn a_stream_made_anew_is_another_one() {
    let Opened { region, clock, .. } = open("a").await;
    region.create_table(plain_table(&region, "t-1")).await.unwrap();
    set_stream(&region, Some(StreamView::KeysOnly)).await;
    for v in 0..3 {
        put(&region, "t-1", item([("pk", s("first")), ("v", n(v))])).await.unwrap();
    }
    let table = set_stream(&region, None).await;
    assert!(table.stream().is_none());
    put(&region, "t-1", item([("pk", s("unseen"))])).await.unwrap();
    let table = set_stream(&region, Some(StreamView::NewImage)).await;
    put(&region, "t-1", item([("pk", s("second"))])).await.unwrap();
    clock.advance(1000);
    // Another view is another stream.
    let table_again = set_stream(&region, Some(StreamView::OldImage)).await;
    put(&region, "t-1", item([("pk", s("third"))])).await.unwrap();
    assert_eq!((table.streams.len(), table_again.streams.len()), (2, 3));
    let mut labels: Vec<&str> = table_again.streams.iter().map(|stream| &stream.label[..]).collect();
    labels.dedup();
    assert_eq!(labels.len(), 3, "{labels:?}");
    assert!(labels[0].starts_with("2027-01-15T08:00:00.0"), "{labels:?}");
    for (stream, (count, key)) in table_again.streams.iter().zip([(3, "first"), (1, "second"), (1, "third")])
    {
        let (shown, ended) = records(&region, stream, 1).await;
        assert_eq!((shown.len(), ended), (count, stream.closed.is_some()), "{key}");
        assert!(shown.iter().all(|(_, change)| String::from_utf8_lossy(&change.key).contains(key)));
        assert_eq!(table_again.stream_by_label(&stream.label), Some(stream));
    }
}

/// A stream that was closed lost the records of writes that were committed while it was: they were acknowledged with the
/// stream on, but lay behind its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_a_stream_loses_no_record() {
    let Opened { region, .. } = open("a").await;
    region.create_table(plain_table(&region, "t-1")).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let mut writers = Vec::new();
    for writer in 0..4 {
        let (region, stop) = (Arc::clone(&region), Arc::clone(&stop));
        writers.push(tokio::spawn(async move {
            let mut streamed: BTreeMap<String, usize> = BTreeMap::new();
            let mut count = 0;
            while !stop.load(Ordering::SeqCst) {
                let written = put(&region, "t-1", item([("pk", s(format!("k{writer}"))), ("v", n(count))]))
                    .await
                    .unwrap();
                if let Some(stream) = written.table.stream() {
                    *streamed.entry(stream.label.clone()).or_default() += 1;
                }
                count += 1;
                if count % 16 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            streamed
        }));
    }
    for _ in 0..12 {
        set_stream(&region, Some(StreamView::NewImage)).await;
        tokio::time::sleep(std::time::Duration::from_millis(3)).await;
        set_stream(&region, None).await;
    }
    stop.store(true, Ordering::SeqCst);
    let mut expected: BTreeMap<String, usize> = BTreeMap::new();
    for writer in writers {
        for (label, count) in writer.await.unwrap() {
            *expected.entry(label).or_default() += count;
        }
    }
    let table = region.table(&table_name("t-1")).await.unwrap();
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for stream in &table.streams {
        let (shown, ended) = records(&region, stream, 100).await;
        assert!(ended);
        if !shown.is_empty() {
            found.insert(stream.label.clone(), shown.len());
        }
    }
    assert_eq!(found, expected);
}

#[tokio::test]
async fn records_are_kept_for_a_day() {
    let Opened { region, clock, .. } = open("a").await;
    region.create_table(plain_table(&region, "t-1")).await.unwrap();
    let table = set_stream(&region, Some(StreamView::NewImage)).await;
    for hour in 0..3 {
        put(&region, "t-1", item([("pk", s("k")), ("v", n(hour))])).await.unwrap();
        clock.advance(3_600_000);
    }
    let label = &table.stream().unwrap().label;
    let found = region.find_stream(&table_name("t-1"), label).await.unwrap();
    let shard = async || region.shards(&found).await.unwrap()[0];
    let now = clock.unix_ms();
    let whole = shard().await;
    for (unix_ms, position) in [(0, 0), (now - 2 * 3_600_000, 1), (now - 3_600_000, 2), (now, 3)] {
        assert_eq!(region.shard_position_at(&found, &whole, unix_ms).await.unwrap(), position);
    }
    // Nothing is rolled here: a shard that is left would be another one.
    region.set_shard_ms(u64::MAX / 2);
    region.start_jobs();
    clock.advance(STREAM_RETENTION_MS as i64 - 3_600_000 - 1);
    let trimmed = eventually("two records to go", async || {
        let shard = shard().await;
        (shard.oldest >= 2).then_some(shard)
    })
    .await;
    assert_eq!((trimmed.first, trimmed.oldest), (0, 2));
    let gone = region.shard_page(&found, &trimmed, 1, 10).await;
    assert_eq!(gone.unwrap_err(), Error::TrimmedDataAccess);
    let left = region.shard_page(&found, &trimmed, 2, 10).await.unwrap().unwrap();
    assert_eq!(left.changes.len(), 1);

    // A stream that was closed goes altogether once its records have.
    set_stream(&region, None).await;
    clock.advance(STREAM_RETENTION_MS as i64 + 10_000);
    eventually("the stream to go", async || {
        region.table(&table_name("t-1")).await.unwrap().streams.is_empty().then_some(())
    })
    .await;
}

/// A log that a peer has not read is kept, whatever its age.
#[tokio::test]
async fn what_a_member_lacks_is_kept() {
    let Opened { region, clock, .. } = open("a").await;
    for name in ["lagging", "shipped"] {
        let mut table = plain_table(&region, name);
        crate::support::make_global(&region, &mut table, &["a", "b"]);
        let view = Some(StreamView::NewAndOldImages);
        table.settings.stream = Register::new(table.settings.version().clone(), view);
        table.open_stream(StreamView::NewAndOldImages, 0, clock.unix_ms());
        region.create_table(table).await.unwrap();
        for v in 0..5 {
            put(&region, name, item([("pk", s("k")), ("v", n(v))])).await.unwrap();
        }
    }
    let lagging = region.table(&table_name("lagging")).await.unwrap();
    let shipped = region.table(&table_name("shipped")).await.unwrap();
    let peer = crate::support::region_name("b");
    region.save_sent_cursor(&lagging, &peer, "there", 2).await.unwrap();
    region.save_sent_cursor(&shipped, &peer, "there", 5).await.unwrap();
    region.save_sent_cursor(&shipped, &peer, "there", 1).await.unwrap();
    let cursor = region.sent_cursor(&shipped, &peer).await.unwrap();
    assert_eq!(cursor.position_of("there"), 5, "a late save does not move it back");
    assert_eq!(cursor.position_of("made anew"), 0, "what one replica has says nothing of another one");
    clock.advance(STREAM_RETENTION_MS as i64 + 10_000);
    region.start_jobs();
    eventually("what was shipped to go", async || {
        (region.log_bounds(&shipped).await.unwrap().first == 5).then_some(())
    })
    .await;
    assert_eq!(region.log_bounds(&lagging).await.unwrap().first, 2);
    let whole = PageLimit { entries: 9, bytes: usize::MAX };
    assert_eq!(region.outgoing(&lagging, 2, whole).await.unwrap().changes.len(), 3);
    assert!(region.outgoing(&lagging, 0, whole).await.unwrap().cut, "what was before is no more");
}

/// What streams do not show need not be kept: images before, and what other Regions wrote.
#[tokio::test]
async fn a_global_table_without_a_stream_logs_what_it_ships_and_no_more() {
    let Opened { region, .. } = open("a").await;
    let mut table = plain_table(&region, "t-1");
    make_global(&region, &mut table, &["a", "b"]);
    let table = region.create_table(table).await.unwrap();
    for v in 0..2 {
        put(&region, "t-1", item([("pk", s("k")), ("v", n(v))])).await.unwrap();
    }
    let from = region_name("b");
    let origin = Origin { region: &from, log: "log", position: Some(1), road: Road::Log, born: None };
    let json = Bytes::from(item_to_json(&item([("pk", s("other"))])));
    let version = Version { time: region.clock().last().next(), region: Arc::from("b") };
    let change = Change {
        version,
        key: json.clone(),
        old: None,
        new: Some(json),
        written_ms: 0,
        expired: false,
        silent: false,
    };
    region.apply(&table, &origin, vec![change]).await.unwrap();
    let whole = PageLimit { entries: 100, bytes: usize::MAX };
    let outgoing = region.outgoing(&table, 0, whole).await.unwrap();
    assert_eq!((outgoing.changes.len(), outgoing.next), (2, 2));
    assert!(outgoing.changes.iter().all(|change| change.silent && change.new.is_some()));
    assert_eq!(scan(&region, &table, None).await.len(), 2);
}
