//! Durable commits per second of the embedded engine: `cargo bench -p graticule-kv`.
//!
//! Each commit is an item and a log record of 1 KB and a counter, under a shared lock that all writers take, like a
//! PutItem on a table with a stream.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)] // a measurement drives real time and may fail as it likes

use std::sync::Arc;
use std::time::Instant;

use graticule_kv::embedded::{EmbeddedEngine, Options};
use graticule_kv::{Batch, Decision, Declared, LogShard, transact};

#[tokio::main]
async fn main() {
    for writers in [1, 16, 64, 256] {
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let engine = Arc::new(EmbeddedEngine::open(directory.path(), &Options::default()).unwrap());
        let rounds = 200_000 / writers.max(16);
        let start = Instant::now();
        let tasks: Vec<_> = (0..writers)
            .map(|writer| {
                let engine = engine.clone();
                tokio::spawn(async move {
                    for n in 0..rounds {
                        let key = format!("item {writer:03} {:05}", n * 7919 % rounds);
                        let declared = Declared {
                            reads: vec![b"table".to_vec()],
                            writes: vec![key.clone().into_bytes()],
                        };
                        transact(&*engine, &declared, |_| {
                            let mut batch = Batch::new();
                            batch.put(key.as_str(), vec![n as u8; 1024]);
                            batch.append(LogShard(0), vec![n as u8; 1024]);
                            batch.add("items", 1);
                            Decision::Commit(batch, ())
                        })
                        .await
                        .unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let seconds = start.elapsed().as_secs_f64();
        let rate = (writers * rounds) as f64 / seconds;
        println!("{writers:4} writers: {rate:8.0} commits/s of an item and a log record of 1 KB each");
    }
}
