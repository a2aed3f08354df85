//! Real processes that die: the test binary runs itself as a child, kills it, and looks at what is left.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use graticule_kv::embedded::EmbeddedEngine;
use graticule_kv::{Batch, CommitError, Decision, Declared, Engine, LogShard, ReadError, transact};

use crate::harness::{commit, get, log_entries, options};

const DIRECTORY: &str = "GRATICULE_KV_CHILD_DIRECTORY";
const WRITERS: usize = 8;
const SHARD: LogShard = LogShard(0);

/// A command that runs one test of this binary, which acts as a child in `directory`.
fn child(test: &str, directory: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    as_child(&mut command, test, directory);
    command
}

fn as_child(command: &mut Command, test: &str, directory: &Path) {
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]);
    command.env(DIRECTORY, directory).stdin(Stdio::null()).stdout(Stdio::piped());
}

fn child_directory() -> Option<String> {
    std::env::var(DIRECTORY).ok()
}

/// Says something to the parent. Whole lines, past the capturing of the test harness.
fn say(line: &str) {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "\n{line}").unwrap();
    stdout.flush().unwrap();
}

fn item(writer: usize, n: u64) -> String {
    format!("{writer}/{n:08}")
}

fn batch_of(writer: usize, n: u64) -> Batch {
    let mut batch = Batch::new();
    batch.put(item(writer, n), "x".repeat(300 + writer * 100));
    batch.put(format!("next {writer}"), (n + 1).to_string());
    batch.append(SHARD, item(writer, n));
    batch.add("commits", 1);
    batch
}

async fn next_of(engine: &dyn Engine, writer: usize) -> u64 {
    get(engine, &format!("next {writer}")).await.map_or(0, |next| next.parse().unwrap())
}

/// Not a test by itself: the child of [`kill_9_loses_nothing_acknowledged`].
#[tokio::test(flavor = "multi_thread")]
async fn child_commits_until_killed() {
    let Some(directory) = child_directory() else { return };
    let engine = Arc::new(EmbeddedEngine::open(directory, &options()).unwrap());
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let engine = engine.clone();
            tokio::spawn(async move {
                for n in next_of(&*engine, writer).await.. {
                    commit(&*engine, batch_of(writer, n)).await;
                    say(&format!("ack {writer} {n}"));
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_loses_nothing_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged = [0; WRITERS];
    for round in 0..6 {
        let mut child = child("crash::child_commits_until_killed", directory.path()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let killer = std::thread::spawn(move || {
            // The start of a process takes its time; so the moments spread from opening to full load.
            let moment = rand_below(60) + round * 40;
            std::thread::sleep(Duration::from_millis(moment));
            child.kill().unwrap();
            child.wait().unwrap();
        });
        for line in lines {
            let line = line.unwrap();
            let mut words = line.split(' ');
            if words.next() == Some("ack") {
                let writer: usize = words.next().unwrap().parse().unwrap();
                let n: u64 = words.next().unwrap().parse().unwrap();
                assert_eq!(n, acknowledged[writer], "a writer goes on where it was");
                acknowledged[writer] = n + 1;
            }
        }
        killer.join().unwrap();

        let engine = EmbeddedEngine::open(directory.path(), &options()).unwrap();
        let log = log_entries(&engine, SHARD).await;
        assert_eq!(engine.counter(b"commits").await.unwrap(), log.len() as i64);
        let mut expected = Vec::new();
        for (writer, acknowledged) in acknowledged.iter_mut().enumerate() {
            let next = next_of(&engine, writer).await;
            assert!(next >= *acknowledged, "writer {writer} has {next} of {acknowledged}");
            assert!(next <= *acknowledged + 1, "a writer has one commit at a time");
            assert!(get(&engine, &item(writer, next)).await.is_none());
            for n in 0..next {
                assert!(get(&engine, &item(writer, n)).await.is_some());
                expected.push(item(writer, n));
            }
            *acknowledged = next;
        }
        let mut sorted = log.clone();
        sorted.sort();
        assert_eq!(sorted, expected);
        eprintln!("round {round}: {} commits", log.len());
    }
}

/// Not a test by itself: the child of [`a_failed_write_poisons_the_engine`].
#[tokio::test(flavor = "multi_thread")]
async fn child_commits_until_the_disk_refuses() {
    let Some(directory) = child_directory() else { return };
    let engine = EmbeddedEngine::open(directory, &options()).unwrap();
    let declared = Declared::default();
    for n in 0.. {
        let mut batch = Batch::new();
        batch.put(format!("{n:04}"), "x".repeat(60_000));
        let outcome = transact(&engine, &declared, |_| Decision::Commit(batch.clone(), ())).await;
        match outcome {
            Ok(_) => say(&format!("ack 0 {n}")),
            Err(CommitError::Unknown(_)) => break,
            Err(other) => panic!("{other}"),
        }
    }
    // Nobody knows what is on disk, so nothing is answered that a restart could prove wrong.
    let outcome = transact(&engine, &declared, |_| Decision::Commit(Batch::new(), ())).await;
    assert!(matches!(outcome, Err(CommitError::Aborted(why)) if why.contains("restart")));
    assert!(matches!(engine.get(b"0000").await, Err(ReadError::Io(why)) if why.contains("restart")));
    assert!(engine.snapshot().await.is_err());
    assert!(engine.log_bounds(SHARD).await.is_err());
    say("poisoned");
}

/// A limit on file sizes makes the write-ahead log fail like a full disk, in the middle of a record.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_write_poisons_the_engine() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 1000; exec \"$0\" \"$@\""]);
    command.arg(std::env::current_exe().unwrap());
    as_child(&mut command, "crash::child_commits_until_the_disk_refuses", directory.path());
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.lines().any(|line| line == "poisoned"), "{said}");
    let acknowledged = said.lines().filter(|line| line.starts_with("ack ")).count();
    assert!(acknowledged > 0);

    let engine = EmbeddedEngine::open(directory.path(), &options()).unwrap();
    for n in 0..acknowledged {
        assert!(get(&engine, &format!("{n:04}")).await.is_some());
    }
    commit(&engine, batch_of(0, 0)).await;
}

/// Not a test by itself: the child of [`a_second_process_is_told_so`].
#[test]
fn child_opens_once() {
    let Some(directory) = child_directory() else { return };
    say(&EmbeddedEngine::open(directory, &options()).unwrap_err().to_string());
}

#[test]
fn a_second_process_is_told_so() {
    let directory = tempfile::tempdir().unwrap();
    let _engine = EmbeddedEngine::open(directory.path(), &options()).unwrap();
    let output = child("crash::child_opens_once", directory.path()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("is in use by another process; stop that process"), "{said}");
}

fn rand_below(bound: u64) -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0) % bound
}
