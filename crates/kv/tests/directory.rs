//! Directories that cannot be opened, and what the operator is told.

use std::fs;
use std::path::Path;

use graticule_kv::embedded::{EmbeddedEngine, OpenError, Options};
use graticule_kv::{Batch, CommitError, Decision, Declared, transact};

use crate::harness::{commit, get, options, put};

fn refusal(path: &Path) -> OpenError {
    let error = EmbeddedEngine::open(path, &options()).unwrap_err();
    let message = error.to_string();
    assert!(message.contains(path.to_str().unwrap()), "{message}");
    assert!(message.contains("; "), "a message ends with the next step: {message}");
    error
}

#[tokio::test]
async fn parents_are_created_and_a_closed_directory_opens_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a/b");
    for _ in 0..2 {
        let engine = EmbeddedEngine::open(&path, &options()).unwrap();
        put(&engine, "key", "value").await;
    }
    assert_eq!(fs::read_to_string(path.join("FORMAT")).unwrap(), "graticule-kv 1\n");
}

#[test]
fn a_second_opener_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let engine = EmbeddedEngine::open(directory.path(), &options()).unwrap();
    assert!(matches!(refusal(directory.path()), OpenError::Locked { .. }));
    drop(engine);
    EmbeddedEngine::open(directory.path(), &options()).unwrap();
}

#[test]
fn a_file_is_no_directory() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(refusal(&file), OpenError::NotADirectory { .. }));
    assert!(matches!(refusal(&file.join("below")), OpenError::NotADirectory { .. }));
}

#[test]
fn directories_of_others_are_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("thesis.txt"), "").unwrap();
    assert!(matches!(refusal(directory.path()), OpenError::NotAStore { .. }));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn newer_formats_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    drop(EmbeddedEngine::open(directory.path(), &options()).unwrap());
    fs::write(directory.path().join("FORMAT"), "graticule-kv 2\n").unwrap();
    assert!(matches!(refusal(directory.path()), OpenError::NewerFormat { found: 2, known: 1, .. }));
    fs::write(directory.path().join("FORMAT"), "something").unwrap();
    assert!(matches!(refusal(directory.path()), OpenError::Damaged { .. }));
}

/// Without CURRENT, RocksDB would begin a new database and delete the files of the old one.
#[tokio::test]
async fn missing_files_are_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let engine = EmbeddedEngine::open(directory.path(), &options()).unwrap();
    put(&engine, "key", "value").await;
    drop(engine);
    let current = fs::read(directory.path().join("CURRENT")).unwrap();
    fs::remove_file(directory.path().join("CURRENT")).unwrap();
    assert!(matches!(refusal(directory.path()), OpenError::Damaged { .. }));
    fs::write(directory.path().join("CURRENT"), current).unwrap();
    EmbeddedEngine::open(directory.path(), &options()).unwrap();
}

#[cfg(unix)]
#[test]
fn missing_permission_is_said() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o000)).unwrap();
    // Nothing is forbidden to root.
    if fs::read_dir(directory.path()).is_err() {
        assert!(matches!(refusal(directory.path()), OpenError::NoPermission { .. }));
    }
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
}

/// A store that filled its disk used to be of no use until it was restarted, not even for reading.
#[tokio::test]
async fn a_device_that_is_almost_full_takes_no_commits_and_gives_what_it_has() {
    let directory = tempfile::tempdir().unwrap();
    put(&EmbeddedEngine::open(directory.path(), &options()).unwrap(), "key", "value").await;
    let never_enough = Options { free_bytes_min: u64::MAX, ..options() };
    let engine = EmbeddedEngine::open(directory.path(), &never_enough).unwrap();
    let mut batch = Batch::new();
    batch.put("key", "a value of some length");
    let refused = transact(&engine, &Declared::default(), |_| Decision::Commit(batch.clone(), ())).await;
    let Err(CommitError::Aborted(reason)) = refused else { panic!("{refused:?}") };
    assert!(reason.contains("free some space"), "{reason}");
    assert_eq!(get(&engine, "key").await.as_deref(), Some("value"));

    let mut batch = Batch::new();
    batch.delete_range("k", "l");
    batch.put("what is left", "a row that tells of it");
    commit(&engine, batch).await;
    assert_eq!(get(&engine, "key").await, None, "what makes room is taken");
}
