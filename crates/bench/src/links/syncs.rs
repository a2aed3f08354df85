//! How long the disk takes meanwhile: small writes beside a load, each synced, at a steady rate.
//!
//! Both Regions sync what they acknowledge to the same disk. When the disk completes nothing for a while, neither do
//! they, and whoever reads their worst figures wants to know.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use crate::{
    accounting::CpuUsed,
    report::{Measurement, Recorder},
};

const EVERY: Duration = Duration::from_millis(10);
const WRITE_BYTES: usize = 4096;
const NAME: &str = "  syncs meanwhile";

/// Overwrites the start of a file of its own in `directory` from `from` until `end`; each write counts from its due time.
pub(super) fn measure(directory: &Path, from: Instant, end: Instant) -> io::Result<Measurement> {
    let path = directory.join("sync-probe");
    let file = File::create(&path)?;
    let mut recorder = Recorder::new();
    let mut due = from;
    while due < end {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        file.write_all_at(&[0x5a; WRITE_BYTES], 0)?;
        file.sync_data()?;
        recorder.success(due.elapsed());
        due += EVERY;
    }
    fs::remove_file(path)?;
    Ok(recorder.finish(NAME, end - from, None, CpuUsed::UNKNOWN))
}
