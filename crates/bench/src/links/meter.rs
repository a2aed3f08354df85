//! What the two servers, each by itself, spend on some changes.

use std::time::Duration;

use super::pair::Pair;
use crate::{
    accounting::{CpuReading, CpuUsed},
    rates::Rate,
};

/// CPU time of the two servers, each by itself, from some moment on.
pub(super) struct Meter {
    pids: [Option<u32>; 2],
    before: [CpuReading; 2],
}

impl Meter {
    /// From now on.
    pub(super) fn start(pair: &Pair) -> Self {
        let pids = [Some(pair.source_pid()), pair.target_pid()];
        Self { pids, before: pids.map(|pid| CpuReading::take(pid.as_slice())) }
    }

    /// What was used until now, as a rate of `changes` in `took`.
    pub(super) fn rate(&self, name: String, changes: u64, took: Duration) -> Rate {
        let mut used = self.pids.iter().zip(&self.before).map(|(pid, before)| {
            let CpuUsed { server, .. } = CpuReading::take(pid.as_slice()).since(before);
            server.map(|used| used.as_secs_f64() * 1e6 / changes.max(1) as f64)
        });
        let (source_us, target_us) = (used.next().flatten(), used.next().flatten());
        let rate = Rate { name, changes, seconds: took.as_secs_f64(), source_us, target_us, to_local: None };
        eprintln!("{}: {:.0} changes/s", rate.name, rate.per_second());
        rate
    }
}
