//! Tables come and go while clients write: nothing of a table that was dropped comes back.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use graticule_model::{Error, KeyType, Version, codec::item_to_json, version::HybridTime};
use graticule_tables::{Change, Origin, Region, Road, schema::Projection};

use crate::support::{
    assert_derived, definition, item, key_schema, make_global, mix, n, open, plain_table, put, region_name,
    s, scan, set_index, table_name,
};

async fn create(region: &Region) {
    let mut table = plain_table(region, "t-1");
    make_global(region, &mut table, &["a", "b"]);
    let on_g = definition(key_schema(("g", KeyType::S), None), Projection::All);
    set_index(region, &mut table, "on-g", Some(on_g));
    table.reconcile_indexes(true);
    region.create_table(table).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_table_takes_everything_with_it() {
    let opened = open("a").await;
    let region = &opened.region;
    create(region).await;
    region.start_jobs();
    let stop = Arc::new(AtomicBool::new(false));
    let mut writers = Vec::new();
    for writer in 0..4_u64 {
        let (region, stop) = (Arc::clone(region), Arc::clone(&stop));
        writers.push(tokio::spawn(async move {
            let (mut done, mut count) = (0, 0_u64);
            while !stop.load(Ordering::SeqCst) {
                count += 1;
                let new = item([("pk", s(format!("k{}", mix(writer << 32 | count) % 50))), ("g", s("g"))]);
                let written = if writer == 0 {
                    let json = Bytes::from(item_to_json(&new));
                    let key = Bytes::from(item_to_json(&item([("pk", new["pk"].clone())])));
                    let version = Version { time: HybridTime::from_bits(count), region: Arc::from("b") };
                    let new = Some(json);
                    let change =
                        Change { version, key, old: None, new, written_ms: 0, expired: false, silent: false };
                    let from = region_name("b");
                    let origin = Origin {
                        region: &from,
                        log: "log",
                        position: Some(count),
                        road: Road::Log,
                        born: None,
                    };
                    match region.table(&table_name("t-1")).await {
                        Ok(table) => region.apply(&table, &origin, vec![change]).await,
                        Err(error) => Err(error),
                    }
                } else {
                    put(&region, "t-1", new).await.map(drop)
                };
                match written {
                    Ok(()) => done += 1,
                    Err(Error::ResourceNotFound) => tokio::task::yield_now().await,
                    Err(error) => panic!("{error}"),
                }
            }
            done
        }));
    }
    for _ in 0..40 {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        let dropped = region.drop_table(&table_name("t-1"), |_| Ok(())).await.unwrap();
        let after = opened.raw(0x10..0x18).await;
        assert!(after.iter().all(|(key, _)| key[1..9] != dropped.id.to_be_bytes()), "nothing is left");
        create(region).await;
    }
    region.drop_table(&table_name("t-1"), |_| Ok(())).await.unwrap();
    stop.store(true, Ordering::SeqCst);
    for writer in writers {
        assert!(writer.await.unwrap() > 0);
    }
    assert!(opened.raw(0x10..0x18).await.is_empty());
    create(region).await;
    let table = region.table(&table_name("t-1")).await.unwrap();
    assert!(scan(region, &table, None).await.is_empty());
    assert_eq!(region.log_bounds(&table).await.unwrap().next, 0, "a log of its own");
    assert_derived(region, "t-1").await;
}

#[tokio::test]
async fn tables_are_created_once_and_listed_in_order() {
    let opened = open("a").await;
    let region = &opened.region;
    for name in ["b-1", "a-1", "c-1", "a-10"] {
        region.create_table(plain_table(region, name)).await.unwrap();
    }
    let again = region.create_table(plain_table(region, "b-1")).await;
    assert_eq!(again.unwrap_err(), Error::TableExists("b-1".to_owned()));
    assert_eq!(region.table_names(None, 10).await.unwrap(), ["a-1", "a-10", "b-1", "c-1"]);
    assert_eq!(region.table_names(Some("a-1"), 2).await.unwrap(), ["a-10", "b-1"]);
    assert_eq!(region.table_names(Some("c-1"), 2).await.unwrap(), Vec::<String>::new());
    let mut ids: Vec<u64> = Vec::new();
    for table in region.tables().await.unwrap() {
        ids.push(table.id);
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 4);

    let refused = region.drop_table(&table_name("b-1"), |_| Err(Error::AccessDenied("no".to_owned()))).await;
    assert_eq!(refused.unwrap_err(), Error::AccessDenied("no".to_owned()));
    assert!(region.table(&table_name("b-1")).await.is_ok());
    region.drop_table(&table_name("b-1"), |_| Ok(())).await.unwrap();
    assert_eq!(region.table(&table_name("b-1")).await.unwrap_err(), Error::ResourceNotFound);
    let gone = region.drop_table(&table_name("b-1"), |_| Ok(())).await;
    assert_eq!(gone.unwrap_err(), Error::ResourceNotFound);
}

/// Changes of a record by many at once: every one of them is there, and writers always see a current one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_changes_of_a_record_all_happen() {
    let opened = open("a").await;
    let region = &opened.region;
    region.create_table(plain_table(region, "t-1")).await.unwrap();
    let mut changers = Vec::new();
    for changer in 0..8 {
        let region = Arc::clone(region);
        changers.push(tokio::spawn(async move {
            let name = table_name("t-1");
            for count in 0..20 {
                let changed = region.update_table(&name, |table, _| {
                    table.tags.insert(format!("{changer}-{count}"), "tag".to_owned());
                    Ok::<(), Error>(())
                });
                changed.await.unwrap();
                put(&region, "t-1", item([("pk", s(format!("k{changer}"))), ("v", n(count))])).await.unwrap();
            }
        }));
    }
    for changer in changers {
        changer.await.unwrap();
    }
    let table = region.table(&table_name("t-1")).await.unwrap();
    assert_eq!((table.tags.len(), table.revision), (160, 161));
    let refused = region.update_table(&table.name, |table, _| {
        table.tags.clear();
        Err::<(), _>(Error::AccessDenied("no".to_owned()))
    });
    assert!(refused.await.is_err());
    assert_eq!(region.table(&table_name("t-1")).await.unwrap().revision, 161);
    assert_derived(region, "t-1").await;
}
