//! Versions: a local write beats what it saw, whatever the clock does, and a promise about them is kept.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use graticule_kv::memory::MemoryEngine;
use graticule_model::{Version, codec::item_to_json, version::HybridTime};
use graticule_tables::{Change, Clock, Mark, Origin, PageLimit, Region, Road};

use crate::support::{
    Opened, delete, eventually, item, make_global, mix, n, open, plain_table, put, region_name, s,
    table_name, test_env,
};

#[tokio::test]
async fn a_write_beats_what_it_saw() {
    let Opened { region, clock, .. } = open("a").await;
    let mut table = plain_table(&region, "t-1");
    make_global(&region, &mut table, &["a", "z"]);
    region.create_table(table).await.unwrap();
    let key = item([("pk", s("k"))]);
    let json = Bytes::from(item_to_json(&key));
    let ahead = HybridTime::from_unix_ms(clock.unix_ms() + 60_000);
    let version = Version { time: ahead, region: Arc::from("z") };
    let change = Change {
        version: version.clone(),
        key: json.clone(),
        old: None,
        new: Some(json),
        written_ms: 0,
        expired: false,
        silent: false,
    };
    let from = region_name("z");
    let origin = Origin { region: &from, log: "log", position: Some(1), road: Road::Log, born: None };
    region
        .apply(&region.table(&table_name("t-1")).await.unwrap(), &origin, vec![change.clone()])
        .await
        .unwrap();
    clock.advance(-3_600_000);
    let written = put(&region, "t-1", item([("pk", s("k")), ("v", n(1))])).await.unwrap();
    let mine = written.version;
    assert!(mine > version && *mine.region == *"a");
    // Again and again, and across deletes.
    let mut last = mine;
    for count in 0..5 {
        delete(&region, "t-1", key.clone()).await.unwrap();
        clock.advance(if count % 2 == 0 { -1000 } else { 5 });
        let next = put(&region, "t-1", key.clone()).await.unwrap().version;
        assert!(next > last);
        last = next;
    }
    // What was overtaken stays overtaken.
    region.apply(&region.table(&table_name("t-1")).await.unwrap(), &origin, vec![change]).await.unwrap();
    let table = region.table(&table_name("t-1")).await.unwrap();
    let whole = PageLimit { entries: usize::MAX, bytes: usize::MAX };
    let (changes, _) = region.snapshot_changes(&table, None, whole).await.unwrap();
    assert_eq!(changes.iter().map(|change| &change.version).collect::<Vec<_>>(), [&last]);
}

/// A write that had announced itself got an older version than had been promised, if the clock was set back between.
#[test]
fn a_clock_set_back_during_a_write_breaks_no_promise() {
    let (env, test_clock) = test_env();
    let clock = Clock::new(env, &region_name("a"), Mark::NONE);
    clock.saved(clock.mark());
    let ticket = clock.begin_write();
    let promised = clock.closed();
    test_clock.advance(-10_000);
    let version = clock.version(HybridTime::ZERO);
    assert!(version.time >= promised, "{version} is below the promise");
    drop(ticket);
    assert!(clock.closed() > version.time, "a write that has ended is covered at once");
    let next = clock.version(HybridTime::ZERO);
    assert!(next.time >= clock.last() && next.time > version.time);
}

#[test]
fn a_write_under_way_holds_the_promise_down() {
    let (env, test_clock) = test_env();
    let clock = Clock::new(env, &region_name("a"), Mark::NONE);
    clock.saved(clock.mark());
    let first = clock.begin_write();
    let held = clock.closed();
    test_clock.advance(50);
    let second = clock.begin_write();
    assert_eq!(clock.closed(), held);
    let late = clock.version(HybridTime::ZERO);
    assert!(late.time >= held);
    drop(first);
    assert!(clock.closed() > held && clock.closed() <= late.time);
    drop(second);
    assert!(clock.closed() > late.time);
}

/// The promise as links use it: first the promise, then the head of the log; nothing older may come after that head.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_below_a_promise_is_committed_after_it() {
    let opened = open("a").await;
    let region = &opened.region;
    let mut table = plain_table(region, "t-1");
    make_global(region, &mut table, &["a", "b"]);
    let table = region.create_table(table).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let mut writers = Vec::new();
    for writer in 0..4_u64 {
        let (region, stop, clock) = (Arc::clone(region), Arc::clone(&stop), opened.clock.clone());
        writers.push(tokio::spawn(async move {
            let mut count = 0;
            while !stop.load(Ordering::SeqCst) {
                let random = mix(writer << 32 | count);
                put(&region, "t-1", item([("pk", s(format!("k{}", random % 20))), ("v", n(count as i64))]))
                    .await
                    .unwrap();
                clock.advance((random >> 20) as i64 % 30 - 15);
                count += 1;
            }
        }));
    }
    let mut promises: Vec<(HybridTime, u64)> = Vec::new();
    for _ in 0..600 {
        let promised = region.clock().closed();
        let head = region.log_bounds(&table).await.unwrap().next;
        promises.push((promised, head));
        tokio::task::yield_now().await;
    }
    stop.store(true, Ordering::SeqCst);
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(promises.is_sorted_by_key(|(promised, _)| *promised), "a promise is never taken back");
    let head = region.log_bounds(&table).await.unwrap().next;
    let mut times = Vec::new();
    for position in 0..head {
        let one = PageLimit { entries: 1, bytes: usize::MAX };
        let page = region.outgoing(&table, position, one).await.unwrap();
        times.push(page.changes[0].version.time);
    }
    let mut unique = times.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), times.len(), "no version is given twice");
    for (promised, head) in promises {
        let oldest = times[head as usize..].iter().min();
        assert!(
            oldest.is_none_or(|oldest| *oldest >= promised),
            "{oldest:?} came after {promised:?} at {head}"
        );
    }
}

/// What is promised before a crash binds the restart, whatever the machine's clock shows at any moment and however late
/// marks are saved, or booted anew; and restarts do not drive the clock into the future.
#[test]
fn promises_bind_whoever_starts_again() {
    for seed in 0..2_000 {
        let mut step = 0;
        let mut random = |below: u64| {
            step += 1;
            mix(seed << 32 | step) % below
        };
        let (env, machine) = test_env();
        let mut stored = Mark::NONE;
        let mut clock = Clock::new(env.clone(), &region_name("a"), stored);
        let (mut promised, mut latest) = (HybridTime::ZERO, machine.unix_ms());
        for _ in 0..60 {
            match random(8) {
                0 => machine.set_unix_ms(machine.unix_ms() + random(20_000)),
                1 => machine.set_unix_ms(machine.unix_ms() - random(20_000)),
                2 => machine.advance(random(3_000) as i64),
                // Whether the mark was saved may never be known.
                3 => {
                    let mark = clock.mark();
                    if random(2) == 0 {
                        stored = mark;
                    }
                }
                4 => {
                    stored = clock.mark();
                    clock.saved(stored);
                }
                5 => promised = promised.max(clock.closed()),
                6 => drop(clock.version(HybridTime::ZERO)),
                _ => {
                    if random(4) == 0 {
                        machine.boot();
                    }
                    clock = Clock::new(env.clone(), &region_name("a"), stored);
                    let version = clock.version(HybridTime::ZERO);
                    assert!(version.time >= promised, "seed {seed}: {version} is below {promised:?}");
                }
            }
            latest = latest.max(machine.unix_ms());
        }
        assert!(clock.last().unix_ms() <= latest + 60 * 2_000);
    }
    // The usual case: a crash and a restart at once, again and again, with a clock that is right.
    let (env, machine) = test_env();
    let mut clock = Clock::new(env.clone(), &region_name("a"), Mark::NONE);
    for _ in 0..100 {
        let mark = clock.mark();
        clock.saved(mark);
        machine.advance(150);
        clock.closed();
        clock = Clock::new(env.clone(), &region_name("a"), mark);
        assert!(clock.version(HybridTime::ZERO).time.unix_ms() <= machine.unix_ms() + 100);
    }
}

#[tokio::test]
async fn versions_go_on_after_a_restart_with_a_clock_set_back() {
    let opened = open("a").await;
    let region = &opened.region;
    region.create_table(plain_table(region, "t-1")).await.unwrap();
    region.start_jobs();
    let written = put(region, "t-1", item([("pk", s("k"))])).await.unwrap().version;
    let engine = Arc::clone(&opened.engine);
    opened.clock.advance(20_000);
    let reopen = async || {
        let engine = Arc::<MemoryEngine>::clone(&engine);
        Region::open(region_name("a"), engine, opened.env.clone()).await.unwrap()
    };
    eventually("the clock to be saved", async || {
        (reopen().await.clock().last() >= written.time).then_some(())
    })
    .await;
    opened.clock.advance(-7_200_000);
    let again = reopen().await;
    let later = put(&again, "t-1", item([("pk", s("another"))])).await.unwrap().version;
    assert!(later > written);
}
