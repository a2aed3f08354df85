//! Durable writes per second of the embedded engine without anything around it: what a server's writes are measured
//! against by the benchmark. Prints one number.
//!
//! 64 tasks, each writing values of 1 KB one after the other over existing keys and reading the old one first, as a
//! PutItem does; a write is acknowledged when its group is on disk.

#![allow(clippy::disallowed_methods)] // a measurement drives real time

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use graticule_kv::embedded::{EmbeddedEngine, Options};
use graticule_kv::{Batch, CommitError, Decision, Declared, transact};

const TASKS: u64 = 64;
const KEYS_PER_TASK: u64 = 500;
const VALUE_BYTES: usize = 1024;
const WARM_UP: Duration = Duration::from_millis(300);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let seconds: f64 = match (arguments.next().as_deref(), arguments.next()) {
        (None, None) => 2.0,
        (Some("--seconds"), Some(seconds)) => seconds.parse()?,
        _ => return Err("usage: [--seconds SECONDS]".into()),
    };
    let directory = tempfile::tempdir()?;
    let engine = Arc::new(EmbeddedEngine::open(directory.path(), &Options::default())?);
    let (ended, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| tokio::spawn(write(Arc::clone(&engine), task, Arc::clone(&ended), Arc::clone(&written))))
        .collect();
    tokio::time::sleep(WARM_UP).await;
    let (started, before) = (Instant::now(), written.load(Ordering::Relaxed));
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    let count = written.load(Ordering::Relaxed) - before;
    let rate = count as f64 / started.elapsed().as_secs_f64();
    ended.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await??;
    }
    println!("{rate:.0}");
    Ok(())
}

async fn write(
    engine: Arc<EmbeddedEngine>,
    task: u64,
    ended: Arc<AtomicBool>,
    written: Arc<AtomicU64>,
) -> Result<(), CommitError> {
    let mut number = task.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    while !ended.load(Ordering::Relaxed) {
        // Bytes that no compression has much to win from.
        let value: Vec<u8> = (0..VALUE_BYTES / 8).flat_map(|_| next(&mut number).to_le_bytes()).collect();
        let key = format!("item {task:03} {:05}", next(&mut number) % KEYS_PER_TASK);
        let declared = Declared { reads: Vec::new(), writes: vec![key.clone().into_bytes()] };
        transact(&*engine, &declared, |_| {
            let mut batch = Batch::new();
            batch.put(key.as_str(), value.clone());
            Decision::Commit(batch, ())
        })
        .await?;
        written.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// Xorshift: quick, and random enough for bytes that do not compress.
fn next(number: &mut u64) -> u64 {
    *number ^= *number << 13;
    *number ^= *number >> 7;
    *number ^= *number << 17;
    *number
}
