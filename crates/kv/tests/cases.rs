//! The cases of the contract suite. Each knows only the contract, and each gets an empty engine.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use graticule_kv::{
    Batch, CommitError, Contention, Decision, Declared, Direction, Engine, KEY_BYTES_MAX, Key, LogBounds,
    LogShard, PageLimit, TRANSACTION_BYTES_MAX, VALUE_BYTES_MAX, Value, transact, transact_contending,
};

use crate::harness::{UNLIMITED, commit, declared, get, log_entries, put, scan_all, soon, text};

type TestEngine = Arc<dyn Engine>;

pub(crate) async fn a_commit_is_visible_at_once(engine: TestEngine) {
    for n in 0..20 {
        put(&*engine, "key", &n.to_string()).await;
        assert_eq!(get(&*engine, "key").await.unwrap(), n.to_string());
        let keys = declared(&["key"], &[]);
        let seen = transact(&*engine, &keys, |values| Decision::Abort(values[0].clone().map(text)));
        assert_eq!(seen.await.unwrap().0.unwrap(), n.to_string());
        let snapshot = engine.snapshot().await.unwrap();
        assert_eq!(text(snapshot.get(b"key").await.unwrap().unwrap()), n.to_string());
    }
    assert_eq!(get(&*engine, "other").await, None);
}

pub(crate) async fn abort_changes_nothing(engine: TestEngine) {
    put(&*engine, "a", "1").await;
    let (answer, committed) =
        transact(&*engine, &declared(&[], &["a"]), |values| Decision::Abort(values[0].clone()))
            .await
            .unwrap();
    assert_eq!(answer.unwrap(), "1");
    assert!(committed.positions.is_empty());
    commit(&*engine, Batch::new()).await;
    assert_eq!(scan_all(&*engine).await, [(b"a".to_vec(), Value::from("1"))]);
}

pub(crate) async fn values_come_in_declared_order(engine: TestEngine) {
    for key in ["a", "b", "c", "d"] {
        put(&*engine, key, key).await;
    }
    let keys = declared(&["d", "missing", "a"], &["c", "b"]);
    let seen = transact(&*engine, &keys, |values| Decision::Abort(values.to_vec())).await.unwrap().0;
    let seen: Vec<Option<String>> = seen.into_iter().map(|value| value.map(text)).collect();
    let expected = [Some("d"), None, Some("a"), Some("c"), Some("b")];
    assert_eq!(seen, expected.map(|value| value.map(str::to_owned)));
}

pub(crate) async fn effects_apply_in_order(engine: TestEngine) {
    put(&*engine, "b", "old").await;
    let mut batch = Batch::new();
    batch.put("a", "1");
    batch.put("a", "2");
    batch.put("c", "1");
    batch.delete("c");
    batch.delete("missing");
    batch.delete_range("a", "c");
    batch.put("b", "new");
    commit(&*engine, batch).await;
    assert_eq!(scan_all(&*engine).await, [(b"b".to_vec(), Value::from("new"))]);
}

pub(crate) async fn increments_are_never_lost(engine: TestEngine) {
    let (tasks, rounds, keys) = (8, 30, ["x", "y"]);
    let increment = |engine: TestEngine| async move {
        for _ in 0..rounds {
            transact(&*engine, &declared(&[], &keys), |values| {
                let mut batch = Batch::new();
                for (key, value) in keys.iter().zip(values) {
                    let before: u64 = value.clone().map_or(0, |value| text(value).parse().unwrap());
                    batch.put(*key, (before + 1).to_string());
                }
                Decision::Commit(batch, ())
            })
            .await
            .unwrap();
        }
    };
    let tasks: Vec<_> = (0..tasks).map(|_| tokio::spawn(increment(engine.clone()))).collect();
    let expected = tasks.len() * rounds;
    for task in tasks {
        soon(task).await.unwrap();
    }
    for key in keys {
        assert_eq!(get(&*engine, key).await.unwrap(), expected.to_string());
    }
}

/// How long a decision waits for what the test does next, on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs what may block on a thread of its own. A worker of the runtime that blocks may be the one that looks after timers,
/// and then nothing that waits for one goes on.
fn on_a_thread<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> tokio::task::JoinHandle<T> {
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || runtime.block_on(future))
}

/// Two decisions that each wait for the other: they end only if both are inside at once.
pub(crate) async fn shared_reads_run_concurrently(engine: TestEngine) {
    let (to_one, from_two) = mpsc::channel();
    let (to_two, from_one) = mpsc::channel();
    let meet = |engine: TestEngine, write: &'static str, to: mpsc::Sender<()>, from: mpsc::Receiver<()>| {
        on_a_thread(async move {
            transact(&*engine, &declared(&["shared"], &[write]), move |_| {
                to.send(()).unwrap();
                from.recv_timeout(PATIENCE).expect("the other is locked out");
                let mut batch = Batch::new();
                batch.put(write, "");
                Decision::Commit(batch, ())
            })
            .await
            .unwrap();
        })
    };
    let one = meet(engine.clone(), "one", to_two, from_two);
    let two = meet(engine.clone(), "two", to_one, from_one);
    one.await.unwrap();
    two.await.unwrap();
}

/// Money moves between accounts; whoever looks through a snapshot sees all of it.
pub(crate) async fn snapshots_are_consistent_under_commits(engine: TestEngine) {
    let accounts: Vec<String> = (0..6).map(|n| format!("account {n}")).collect();
    for account in &accounts {
        put(&*engine, account, "100").await;
    }
    let movers: Vec<_> = (0..4)
        .map(|mover| {
            let (engine, accounts) = (engine.clone(), accounts.clone());
            tokio::spawn(async move {
                for round in 0..40 {
                    let from = &accounts[(mover + round) % accounts.len()];
                    let to = &accounts[(mover + round * 5 + 1 + round % 4) % accounts.len()];
                    if from == to {
                        continue;
                    }
                    transact(&*engine, &declared(&[], &[from, to]), |values| {
                        let amount = |n: usize| -> i64 { text(values[n].clone().unwrap()).parse().unwrap() };
                        let mut batch = Batch::new();
                        batch.put(from.as_str(), (amount(0) - 7).to_string());
                        batch.put(to.as_str(), (amount(1) + 7).to_string());
                        Decision::Commit(batch, ())
                    })
                    .await
                    .unwrap();
                }
            })
        })
        .collect();
    while !movers.iter().all(|mover| mover.is_finished()) {
        let snapshot = engine.snapshot().await.unwrap();
        let first = snapshot.scan(b"account", b"b", Direction::Forward, UNLIMITED).await.unwrap();
        tokio::task::yield_now().await;
        let again = snapshot.scan(b"account", b"b", Direction::Forward, UNLIMITED).await.unwrap();
        assert_eq!(first, again);
        let sum: i64 = first.into_iter().map(|(_, value)| text(value).parse::<i64>().unwrap()).sum();
        assert_eq!(sum, 600);
    }
    for mover in movers {
        mover.await.unwrap();
    }
}

pub(crate) async fn scans_go_both_ways_and_continue(engine: TestEngine) {
    let mut batch = Batch::new();
    let all: Vec<(Vec<u8>, Value)> =
        (0..100).map(|n| (format!("key {n:03}").into_bytes(), Value::from(format!("value {n}")))).collect();
    for (key, value) in &all {
        batch.put(key.clone(), value.to_vec());
    }
    batch.put("kex", "before");
    batch.put("kez", "after");
    commit(&*engine, batch).await;

    let snapshot = engine.snapshot().await.unwrap();
    let limits = [
        UNLIMITED,
        PageLimit { entries: 7, bytes: usize::MAX },
        PageLimit { entries: usize::MAX, bytes: 50 },
        PageLimit { entries: 0, bytes: 0 },
    ];
    for limit in limits {
        let (mut start, end) = (b"key ".to_vec(), b"key~".to_vec());
        let mut seen = Vec::new();
        loop {
            let page = snapshot.scan(&start, &end, Direction::Forward, limit).await.unwrap();
            let Some((last, _)) = page.last() else { break };
            assert!(page.len() <= limit.entries.max(1));
            start = [last.as_slice(), &[0]].concat();
            seen.extend(page);
        }
        assert_eq!(seen, all);

        let (start, mut end) = (b"key ".to_vec(), b"key~".to_vec());
        let mut seen = Vec::new();
        loop {
            let page = snapshot.scan(&start, &end, Direction::Backward, limit).await.unwrap();
            let Some((last, _)) = page.last() else { break };
            end = last.clone();
            seen.extend(page);
        }
        seen.reverse();
        assert_eq!(seen, all);
    }

    // "key 000" + "value 0" are 14 bytes: the third entry reaches 30.
    let limit = PageLimit { entries: usize::MAX, bytes: 30 };
    assert_eq!(snapshot.scan(b"key 000", b"l", Direction::Forward, limit).await.unwrap().len(), 3);
    // The start belongs to the range, the end does not.
    let some = snapshot.scan(b"key 010", b"key 012", Direction::Backward, UNLIMITED).await.unwrap();
    assert_eq!(some, [all[11].clone(), all[10].clone()]);
}

pub(crate) async fn empty_ranges_are_empty(engine: TestEngine) {
    put(&*engine, "b", "").await;
    let snapshot = engine.snapshot().await.unwrap();
    for (start, end) in [("b", "b"), ("c", "a"), ("c", "d"), ("a", "b"), ("", "")] {
        for direction in [Direction::Forward, Direction::Backward] {
            let page = snapshot.scan(start.as_bytes(), end.as_bytes(), direction, UNLIMITED).await.unwrap();
            assert!(page.is_empty(), "{start:?}..{end:?}");
        }
    }
    let mut batch = Batch::new();
    batch.delete_range("c", "a");
    batch.delete_range("b", "b");
    commit(&*engine, batch).await;
    assert_eq!(get(&*engine, "b").await.unwrap(), "");
}

pub(crate) async fn delete_range_removes_values_and_counters(engine: TestEngine) {
    let mut batch = Batch::new();
    for key in ["a", "b", "b2", "c"] {
        batch.put(key, "value");
        batch.add(format!("{key}#count"), 5);
    }
    commit(&*engine, batch).await;
    let old = engine.snapshot().await.unwrap();

    let mut batch = Batch::new();
    batch.delete_range("b", "c");
    batch.add("b2#count", 1);
    commit(&*engine, batch).await;

    let keys: Vec<_> = scan_all(&*engine).await.into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, [b"a", b"c"]);
    for (key, expected) in [("a", 5), ("b", 0), ("b2", 1), ("c", 5)] {
        assert_eq!(engine.counter(format!("{key}#count").as_bytes()).await.unwrap(), expected, "{key}");
    }
    let before = old.scan(b"a", b"d", Direction::Forward, UNLIMITED).await.unwrap();
    assert_eq!(before.len(), 4);
}

pub(crate) async fn counters_add_up(engine: TestEngine) {
    let tasks: Vec<_> = (0..8_i64)
        .map(|task| {
            let engine = engine.clone();
            tokio::spawn(async move {
                for n in 0..25 {
                    let mut batch = Batch::new();
                    batch.add("up", 1);
                    batch.add("up", 1);
                    batch.add("mixed", if n % 2 == 0 { task } else { -task });
                    commit(&*engine, batch).await;
                }
            })
        })
        .collect();
    for task in tasks {
        soon(task).await.unwrap();
    }
    assert_eq!(engine.counter(b"up").await.unwrap(), 8 * 25 * 2);
    assert_eq!(engine.counter(b"mixed").await.unwrap(), (0..8).sum::<i64>());
    assert_eq!(engine.counter(b"never").await.unwrap(), 0);
    assert!(scan_all(&*engine).await.is_empty(), "counters are no values");
}

pub(crate) async fn counters_are_reset_in_order(engine: TestEngine) {
    let mut batch = Batch::new();
    batch.add("a", 5);
    batch.add("b", 5);
    commit(&*engine, batch).await;
    let mut batch = Batch::new();
    batch.add("a", 1);
    batch.delete("a");
    batch.add("a", 2);
    batch.add("b", 1);
    batch.delete("b");
    commit(&*engine, batch).await;
    assert_eq!(engine.counter(b"a").await.unwrap(), 2);
    assert_eq!(engine.counter(b"b").await.unwrap(), 0);
    let mut batch = Batch::new();
    batch.add("b", i64::MAX);
    batch.add("b", 1);
    batch.add("b", -1);
    commit(&*engine, batch).await;
    assert_eq!(engine.counter(b"b").await.unwrap(), i64::MAX);
}

pub(crate) async fn log_positions_have_no_gaps(engine: TestEngine) {
    let shards = [LogShard(0), LogShard(1), LogShard(u64::MAX)];
    let tasks: Vec<_> = (0..12)
        .map(|task| {
            let engine = engine.clone();
            tokio::spawn(async move {
                let mut mine = Vec::new();
                for n in 0..20 {
                    let mut batch = Batch::new();
                    let mut appended = Vec::new();
                    for entry in 0..1 + n % 3 {
                        let shard = shards[(task + n + entry) % shards.len()];
                        let text = format!("{task}/{n}/{entry}");
                        batch.append(shard, text.clone());
                        appended.push((shard, text));
                    }
                    let positions = commit(&*engine, batch).await.positions;
                    assert_eq!(positions.len(), appended.len());
                    mine.extend(appended.into_iter().zip(positions));
                }
                mine
            })
        })
        .collect();
    let mut expected: BTreeMap<LogShard, BTreeMap<u64, String>> = BTreeMap::new();
    for task in tasks {
        let mut last: BTreeMap<LogShard, u64> = BTreeMap::new();
        for ((shard, text), position) in soon(task).await.unwrap() {
            assert!(last.insert(shard, position).is_none_or(|before| before < position));
            assert!(expected.entry(shard).or_default().insert(position, text).is_none());
        }
    }
    for shard in shards {
        let entries = log_entries(&*engine, shard).await;
        assert_eq!(entries, expected[&shard].values().cloned().collect::<Vec<_>>());
    }
}

pub(crate) async fn log_pages_are_bounded_and_continue(engine: TestEngine) {
    let shard = LogShard(9);
    assert_eq!(engine.log_bounds(shard).await.unwrap(), LogBounds { first: 0, next: 0 });
    assert!(engine.read_log(shard, 0, UNLIMITED).await.unwrap().entries.is_empty());
    let mut batch = Batch::new();
    for n in 0..50 {
        batch.append(shard, format!("entry {n:02}"));
        batch.append(LogShard(10), "of another log");
    }
    commit(&*engine, batch).await;

    for limit in [
        PageLimit { entries: 7, bytes: usize::MAX },
        PageLimit { entries: 100, bytes: 20 },
        PageLimit { entries: 0, bytes: 0 },
    ] {
        let (mut from, mut seen) = (0, Vec::new());
        loop {
            let page = engine.read_log(shard, from, limit).await.unwrap();
            if page.entries.is_empty() {
                assert_eq!(page.next, from);
                break;
            }
            assert!(page.entries.len() <= limit.entries.max(1) && page.entries.len() <= 7);
            from = page.next;
            seen.extend(page.entries);
        }
        let expected: Vec<_> = (0..50).map(|n| (n, Value::from(format!("entry {n:02}")))).collect();
        assert_eq!(seen, expected);
    }
    // Eight bytes each: the third reaches twenty.
    let page = engine.read_log(shard, 5, PageLimit { entries: 100, bytes: 20 }).await.unwrap();
    assert_eq!((page.entries.len(), page.next), (3, 8));
}

pub(crate) async fn trimmed_positions_are_not_reused(engine: TestEngine) {
    let shard = LogShard(3);
    let append = |count: usize| {
        let mut batch = Batch::new();
        (0..count).for_each(|_| batch.append(shard, "entry"));
        commit(&*engine, batch)
    };
    let trim = |position: u64| {
        let mut batch = Batch::new();
        batch.trim_log(shard, position);
        commit(&*engine, batch)
    };
    append(10).await;
    trim(4).await;
    assert_eq!(engine.log_bounds(shard).await.unwrap(), LogBounds { first: 4, next: 10 });
    let page = engine.read_log(shard, 0, UNLIMITED).await.unwrap();
    assert_eq!((page.entries[0].0, page.entries.len(), page.next), (4, 6, 10));
    // Trimming backwards does nothing, and trimming past the end trims everything there is.
    trim(2).await;
    assert_eq!(engine.log_bounds(shard).await.unwrap(), LogBounds { first: 4, next: 10 });
    trim(1000).await;
    assert_eq!(engine.log_bounds(shard).await.unwrap(), LogBounds { first: 10, next: 10 });
    let page = engine.read_log(shard, 0, UNLIMITED).await.unwrap();
    assert_eq!((page.entries.len(), page.next), (0, 10));
    assert_eq!(append(2).await.positions, [10, 11]);
    // Within one batch effects apply in order.
    let mut batch = Batch::new();
    batch.append(shard, "gone");
    batch.trim_log(shard, 13);
    batch.append(shard, "kept");
    assert_eq!(commit(&*engine, batch).await.positions, [12, 13]);
    assert_eq!(log_entries(&*engine, shard).await, ["kept"]);
}

pub(crate) async fn long_trims_keep_the_rest(engine: TestEngine) {
    let (shard, after) = (LogShard(3), LogShard(4));
    let mut batch = Batch::new();
    for n in 0..500 {
        batch.append(shard, n.to_string());
        batch.append(after, n.to_string());
    }
    commit(&*engine, batch).await;
    let mut batch = Batch::new();
    batch.trim_log(shard, 498);
    commit(&*engine, batch).await;
    assert_eq!(log_entries(&*engine, shard).await, ["498", "499"]);
    assert_eq!(log_entries(&*engine, after).await.len(), 500);
}

pub(crate) async fn watches_tell_of_growth(engine: TestEngine) {
    let shard = LogShard(1);
    let append = |shard: LogShard| {
        let mut batch = Batch::new();
        batch.append(shard, "entry");
        commit(&*engine, batch)
    };
    append(shard).await;
    let mut watch = engine.watch_log(shard);
    assert_eq!(*watch.borrow_and_update(), 1);
    append(LogShard(2)).await;
    assert!(!watch.has_changed().unwrap());
    append(shard).await;
    assert_eq!(*engine.watch_log(shard).borrow(), 2);
    soon(watch.changed()).await.unwrap();
    assert_eq!(*watch.borrow_and_update(), 2);

    let waiting = tokio::spawn(async move {
        watch.changed().await.unwrap();
        *watch.borrow()
    });
    append(shard).await;
    assert_eq!(soon(waiting).await.unwrap(), 3);
    // All watches are gone by now; a new one knows.
    append(shard).await;
    assert_eq!(*engine.watch_log(shard).borrow(), 4);
}

pub(crate) async fn limits_are_enforced(engine: TestEngine) {
    let refused = |batch: Batch| {
        let engine = engine.clone();
        async move {
            let declared = Declared::default();
            let outcome = transact(&*engine, &declared, |_| Decision::Commit(batch.clone(), ())).await;
            match outcome {
                Err(CommitError::TooLarge { size_bytes, limit_bytes }) => {
                    assert!(size_bytes > limit_bytes);
                    limit_bytes
                }
                other => panic!("{other:?}"),
            }
        }
    };
    let with = |effect: &dyn Fn(&mut Batch)| {
        let mut batch = Batch::new();
        batch.put("small", "");
        effect(&mut batch);
        batch
    };
    let long_key = vec![b'k'; KEY_BYTES_MAX + 1];
    let long_value = vec![b'v'; VALUE_BYTES_MAX + 1];
    assert_eq!(refused(with(&|batch| batch.put(long_key.clone(), ""))).await, KEY_BYTES_MAX);
    assert_eq!(refused(with(&|batch| batch.delete(long_key.clone()))).await, KEY_BYTES_MAX);
    assert_eq!(refused(with(&|batch| batch.add(long_key.clone(), 1))).await, KEY_BYTES_MAX);
    assert_eq!(refused(with(&|batch| batch.delete_range("", long_key.clone()))).await, KEY_BYTES_MAX);
    assert_eq!(refused(with(&|batch| batch.put("k", long_value.clone()))).await, VALUE_BYTES_MAX);
    assert_eq!(refused(with(&|batch| batch.append(LogShard(0), long_value.clone()))).await, VALUE_BYTES_MAX);
    let many = |batch: &mut Batch| {
        let value = &long_value[..VALUE_BYTES_MAX];
        (0..=TRANSACTION_BYTES_MAX / VALUE_BYTES_MAX).for_each(|n| batch.put(n.to_string(), value));
    };
    assert_eq!(refused(with(&many)).await, TRANSACTION_BYTES_MAX);
    assert!(scan_all(&*engine).await.is_empty());

    let largest = with(&|batch| batch.put(&long_key[1..], &long_value[1..]));
    commit(&*engine, largest).await;
    assert_eq!(engine.get(&long_key[1..]).await.unwrap().unwrap().len(), VALUE_BYTES_MAX);
}

/// Clients that go away at every point of a transaction: nothing stays locked, nothing is half there.
pub(crate) async fn dropped_transactions_leave_no_trace(engine: TestEngine) {
    let shard = LogShard(0);
    let shared = engine.clone();
    let write = move |pair: usize, id: String| {
        let engine = shared.clone();
        async move {
            let keys = [format!("left {pair}"), format!("right {pair}")];
            transact(&*engine, &declared(&["everyone"], &[&keys[0], &keys[1]]), |_| {
                let mut batch = Batch::new();
                keys.iter().for_each(|key| batch.put(key.as_str(), id.as_str()));
                batch.append(shard, id.as_str());
                batch.add("commits", 1);
                Decision::Commit(batch, ())
            })
            .await
        }
    };
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let write = write.clone();
            tokio::spawn(async move {
                let mut finished = Vec::new();
                for n in 0..60 {
                    let id = format!("{task}/{n}");
                    let mut commit = pin!(write((task * 7 + n) % 3, id.clone()));
                    for _ in 0..(task + n) % 6 {
                        if let std::task::Poll::Ready(outcome) = futures_util::poll!(&mut commit) {
                            outcome.unwrap();
                            finished.push(id);
                            break;
                        }
                        tokio::task::yield_now().await;
                    }
                }
                finished
            })
        })
        .collect();
    let mut finished = Vec::new();
    for task in tasks {
        finished.extend(soon(task).await.unwrap());
    }
    // These get the locks only when the commits before them are done, dropped or not.
    for pair in 0..3 {
        soon(write(pair, format!("last {pair}"))).await.unwrap();
    }
    let log = log_entries(&*engine, shard).await;
    assert_eq!(engine.counter(b"commits").await.unwrap(), log.len() as i64);
    for pair in 0..3 {
        for side in ["left", "right"] {
            assert_eq!(get(&*engine, &format!("{side} {pair}")).await.unwrap(), format!("last {pair}"));
        }
    }
    assert!(finished.iter().all(|id| log.iter().filter(|entry| *entry == id).count() == 1));
    let mut unique = log.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), log.len());
}

/// Runs a transaction that claims `keys` and does not end before it is told to. Answers once it has its locks.
async fn hold_claims(
    engine: &TestEngine,
    keys: &'static [&'static str],
) -> (mpsc::Sender<()>, tokio::task::JoinHandle<()>) {
    let (engine, (release, released)) = (engine.clone(), mpsc::channel());
    let (started, has_started) = tokio::sync::oneshot::channel();
    let mut started = Some(started);
    let task = on_a_thread(async move {
        let write = move |_: &[Option<Value>]| {
            if let Some(started) = started.take() {
                started.send(()).unwrap();
            }
            released.recv_timeout(PATIENCE).expect("the test releases it");
            let mut batch = Batch::new();
            keys.iter().for_each(|key| batch.put(*key, "claimed"));
            Decision::Commit(batch, ())
        };
        transact_contending(&*engine, &declared(&[], keys), Contention::Claim, write).await.unwrap();
    });
    soon(has_started).await.unwrap();
    (release, task)
}

/// Sets keys to `value`, standing to others as `contention` says; answers who was in the way.
async fn contend(
    engine: &TestEngine,
    keys: &[&str],
    contention: Contention,
    value: &str,
) -> Result<(), Vec<usize>> {
    let write = |_: &[Option<Value>]| {
        let mut batch = Batch::new();
        keys.iter().for_each(|key| batch.put(*key, value));
        Decision::Commit(batch, ())
    };
    match transact_contending(&**engine, &declared(&[], keys), contention, write).await {
        Ok(_) => Ok(()),
        Err(CommitError::Contended(taken)) => Err(taken),
        Err(error) => panic!("{error}"),
    }
}

pub(crate) async fn claims_turn_others_away(engine: TestEngine) {
    let (release, holder) = hold_claims(&engine, &["a", "b"]).await;
    let keys: Vec<Key> = ["c", "b", "a"].map(|key| key.as_bytes().to_vec()).into();
    assert_eq!(soon(engine.claimed(&keys)).await, [false, true, true]);
    assert_eq!(soon(contend(&engine, &["c", "b"], Contention::Claim, "")).await, Err(vec![1]));
    assert_eq!(soon(contend(&engine, &["b", "a"], Contention::Claim, "")).await, Err(vec![0, 1]));
    assert_eq!(soon(contend(&engine, &["a"], Contention::Yield, "")).await, Err(vec![0]));
    assert_eq!(soon(contend(&engine, &["c"], Contention::Claim, "other")).await, Ok(()));
    let patient = {
        let engine = engine.clone();
        tokio::spawn(async move { contend(&engine, &["a"], Contention::Wait, "later").await })
    };
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!patient.is_finished(), "who waits for everybody waits for claims too");
    release.send(()).unwrap();
    soon(holder).await.unwrap();
    assert_eq!(soon(engine.claimed(&keys)).await, [false; 3]);
    assert_eq!(soon(patient).await.unwrap(), Ok(()));
    assert_eq!(get(&*engine, "a").await.as_deref(), Some("later"));
    assert_eq!(get(&*engine, "b").await.as_deref(), Some("claimed"));
}

/// More keys than there are stripes: some share one with the claimed key, and have to wait, but nothing else.
pub(crate) async fn claims_are_on_keys_alone(engine: TestEngine) {
    let (release, holder) = hold_claims(&engine, &["claimed"]).await;
    let writers: Vec<_> = (0..10_000)
        .map(|n| {
            let engine = engine.clone();
            let contention = if n % 2 == 0 { Contention::Yield } else { Contention::Claim };
            tokio::spawn(async move { contend(&engine, &[&format!("other {n}")], contention, "").await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    release.send(()).unwrap();
    soon(holder).await.unwrap();
    for writer in writers {
        assert_eq!(soon(writer).await.unwrap(), Ok(()));
    }
}

/// Who has heard of the end of a transaction meets nothing of it any more.
pub(crate) async fn claims_end_before_the_answer(engine: TestEngine) {
    for n in 0..200 {
        let contention = if n % 2 == 0 { Contention::Claim } else { Contention::Yield };
        assert_eq!(soon(contend(&engine, &["a", "b"], contention, "")).await, Ok(()));
        let keys = declared(&[], &["a"]);
        let aborted = transact_contending(&*engine, &keys, Contention::Claim, |_| Decision::Abort(()));
        soon(aborted).await.unwrap();
    }
}

pub(crate) async fn dropped_claims_leave_no_trace(engine: TestEngine) {
    let (release, holder) = hold_claims(&engine, &["a"]).await;
    {
        // It claims one key and waits for another that somebody else has locked.
        let engine = engine.clone();
        let (locked, is_locked) = tokio::sync::oneshot::channel();
        let (unlock, unlocked) = mpsc::channel::<()>();
        let mut locked = Some(locked);
        let shared = engine.clone();
        let other = on_a_thread(async move {
            transact(&*shared, &declared(&[], &["z"]), move |_| {
                if let Some(locked) = locked.take() {
                    locked.send(()).unwrap();
                }
                unlocked.recv_timeout(PATIENCE).expect("the test unlocks it");
                Decision::Abort(())
            })
            .await
            .unwrap();
        });
        soon(is_locked).await.unwrap();
        {
            let mut waiting = pin!(contend(&engine, &["y", "z"], Contention::Claim, "never"));
            assert!(futures_util::poll!(&mut waiting).is_pending());
            assert_eq!(soon(contend(&engine, &["y"], Contention::Yield, "")).await, Err(vec![0]));
        }
        assert_eq!(soon(contend(&engine, &["y"], Contention::Yield, "free")).await, Ok(()));
        unlock.send(()).unwrap();
        soon(other).await.unwrap();
    }
    release.send(()).unwrap();
    soon(holder).await.unwrap();
    assert_eq!(get(&*engine, "y").await.as_deref(), Some("free"));
}

/// Overlapping claims in every order: each either commits or is turned away at once, and somebody always commits.
pub(crate) async fn claims_do_not_deadlock(engine: TestEngine) {
    let tasks: Vec<_> = (0..6)
        .map(|task: usize| {
            let engine = engine.clone();
            tokio::spawn(async move {
                let mut done = 0;
                for n in 0..100 {
                    let keys = [format!("k{}", (task + n) % 4), format!("k{}", (task * 3 + n + 1) % 4)];
                    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
                    let keys = if keys[0] == keys[1] { &keys[..1] } else { &keys[..] };
                    let contention = [Contention::Claim, Contention::Yield, Contention::Wait][(task + n) % 3];
                    let outcome = contend(&engine, keys, contention, "").await;
                    assert!(contention != Contention::Wait || outcome.is_ok());
                    done += usize::from(outcome.is_ok());
                }
                done
            })
        })
        .collect();
    for task in tasks {
        assert!(soon(task).await.unwrap() > 0);
    }
}
