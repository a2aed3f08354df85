//! Write-ahead logs whose last bytes did not make it to the disk: the store opens with a prefix.

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use graticule_kv::embedded::{EmbeddedEngine, OpenError};
use graticule_kv::{Batch, Engine, LogShard};

use crate::harness::{commit, get, log_entries, options};

const COMMITS: u64 = 30;
const SHARD: LogShard = LogShard(7);
/// Several pages each, so that a page can be missing in the middle of a record.
const VALUE_BYTES: usize = 20_000;

async fn write_sample(path: &Path) {
    let engine = EmbeddedEngine::open(path, &options()).unwrap();
    for n in 0..COMMITS {
        let mut batch = Batch::new();
        batch.put(format!("{n:04}"), "x".repeat(VALUE_BYTES));
        batch.append(SHARD, format!("{n:04}"));
        batch.add("commits", 1);
        assert_eq!(commit(&engine, batch).await.positions, [n]);
    }
}

fn newest_log(path: &Path) -> PathBuf {
    let files = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "log")).max().unwrap()
}

fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.path().join(entry.file_name())).unwrap();
    }
    to
}

/// Opens, checks that exactly a prefix is there in all its parts, and answers how long it is.
async fn prefix(path: &Path) -> u64 {
    let engine = EmbeddedEngine::open(path, &options()).unwrap();
    let log = log_entries(&engine, SHARD).await;
    let length = log.len() as u64;
    assert_eq!(log, (0..length).map(|n| format!("{n:04}")).collect::<Vec<_>>());
    assert_eq!(engine.counter(b"commits").await.unwrap(), length as i64);
    for n in 0..COMMITS {
        assert_eq!(get(&engine, &format!("{n:04}")).await.is_some(), n < length, "{n} of {length}");
    }
    let mut batch = Batch::new();
    batch.append(SHARD, "next");
    assert_eq!(commit(&engine, batch).await.positions, [length]);
    length
}

#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_tail_leaves_a_prefix() {
    let sample = tempfile::tempdir().unwrap();
    write_sample(sample.path()).await;
    let log_bytes = fs::metadata(newest_log(sample.path())).unwrap().len();
    assert!(log_bytes > COMMITS * VALUE_BYTES as u64);
    let mut before = COMMITS;
    for missing in [0, 1, 5, 100, 8_000, 20_300, 45_000, 200_000, log_bytes - 3, log_bytes] {
        let directory = copy(sample.path());
        let log = OpenOptions::new().write(true).open(newest_log(directory.path())).unwrap();
        log.set_len(log_bytes - missing).unwrap();
        let length = prefix(directory.path()).await;
        let lost_max = missing.div_ceil(VALUE_BYTES as u64);
        assert!(length + lost_max >= COMMITS, "{missing} bytes missing, {length} commits left");
        assert!(missing == 0 || length < COMMITS);
        assert!(length <= before);
        before = length;
    }
}

/// After a power cut the pages of the last write may be on disk in any selection.
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_page_leaves_a_prefix() {
    let sample = tempfile::tempdir().unwrap();
    write_sample(sample.path()).await;
    let log_bytes = fs::metadata(newest_log(sample.path())).unwrap().len();
    for from_end in [100, 1_000, 4_096, 8_192, 12_288, 19_000, 60_000] {
        let directory = copy(sample.path());
        let mut log = OpenOptions::new().write(true).open(newest_log(directory.path())).unwrap();
        log.seek(SeekFrom::Start(log_bytes - from_end)).unwrap();
        log.write_all(&vec![0; 4_096.min(from_end as usize)]).unwrap();
        drop(log);
        let length = prefix(directory.path()).await;
        assert!(length < COMMITS);
        let lost_max = from_end.div_ceil(VALUE_BYTES as u64);
        assert!(length + lost_max >= COMMITS, "{from_end} from the end, {length} commits left");
    }
}

/// A torn tail is what a crash leaves. A log file that was complete and is not any more is a loss of
/// acknowledged commits: that is said, not tolerated.
#[tokio::test(flavor = "multi_thread")]
async fn losses_in_older_logs_are_noticed() {
    let sample = tempfile::tempdir().unwrap();
    let engine = EmbeddedEngine::open(sample.path(), &options()).unwrap();
    for n in 0..12 {
        let mut batch = Batch::new();
        // Fills a memtable and so begins a new file, while the counter still needs the old one.
        batch.put(format!("{n:04}"), vec![n; 4 * 1024 * 1024]);
        batch.add("commits", 1);
        commit(&engine, batch).await;
    }
    drop(engine);
    let files = fs::read_dir(sample.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let logs = files.filter(|name| name.to_string_lossy().ends_with(".log"));
    let oldest = logs.min().unwrap();
    assert!(sample.path().join(&oldest) != newest_log(sample.path()));

    let truncated = copy(sample.path());
    let log = OpenOptions::new().write(true).open(truncated.path().join(&oldest)).unwrap();
    log.set_len(log.metadata().unwrap().len() - 1000).unwrap();
    let missing = copy(sample.path());
    fs::remove_file(missing.path().join(&oldest)).unwrap();
    for directory in [truncated, missing] {
        let refused = EmbeddedEngine::open(directory.path(), &options()).unwrap_err();
        assert!(matches!(refused, OpenError::Damaged { .. }), "{refused}");
    }
    let engine = EmbeddedEngine::open(sample.path(), &options()).unwrap();
    assert_eq!(engine.counter(b"commits").await.unwrap(), 12);
}
