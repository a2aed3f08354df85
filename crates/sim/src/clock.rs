//! The environment of one incarnation of a Region: a clock with offset, drift and jumps, its own randomness, and tasks that
//! die with it.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use graticule_env::{Boot, BoxTask, Environment};
use parking_lot::Mutex;

use crate::{
    executor::{Executor, Owner},
    random::Random,
};

/// When simulated time begins, in seconds since the Unix epoch.
const EPOCH_SECONDS: u64 = 1_800_000_000;

/// The clock of a Region's machine. It outlives the Region's crashes.
#[derive(Debug, Default)]
pub(crate) struct MachineClock {
    set: Mutex<Set>,
}

#[derive(Debug, Default)]
struct Set {
    /// How far the clock is ahead of true time, in microseconds.
    ahead_us: i64,
    /// How much faster than true time it runs, in parts per million.
    drift_ppm: i64,
    /// True time from which the drift counts.
    since: Duration,
}

impl MachineClock {
    /// What the clock shows at a moment of true time.
    fn unix_time(&self, now: Duration) -> Duration {
        let set = self.set.lock();
        let true_us = (Duration::from_secs(EPOCH_SECONDS) + now).as_micros() as i64;
        Duration::from_micros((true_us + set.ahead_us_at(now)).max(0) as u64)
    }

    /// How far it is ahead at a moment of true time, in milliseconds.
    pub(crate) fn ahead_ms(&self, now: Duration) -> i64 {
        self.set.lock().ahead_us_at(now) / 1000
    }

    /// Sets it to be ahead by so much.
    pub(crate) fn set_ahead_ms(&self, now: Duration, ahead_ms: i64) {
        let mut set = self.set.lock();
        set.ahead_us = ahead_ms * 1000;
        set.since = now;
    }

    /// Moves it by so much.
    pub(crate) fn jump_ms(&self, now: Duration, by_ms: i64) {
        let ahead_ms = self.ahead_ms(now);
        self.set_ahead_ms(now, ahead_ms + by_ms);
    }

    /// Sets how fast it runs from now on.
    pub(crate) fn set_drift_ppm(&self, now: Duration, drift_ppm: i64) {
        let mut set = self.set.lock();
        set.ahead_us = set.ahead_us_at(now);
        set.since = now;
        set.drift_ppm = drift_ppm;
    }
}

impl Set {
    fn ahead_us_at(&self, now: Duration) -> i64 {
        let elapsed_us = now.saturating_sub(self.since).as_micros() as i64;
        self.ahead_us + elapsed_us * self.drift_ppm / 1_000_000
    }
}

/// One incarnation of a Region's machine.
pub(crate) struct Machine {
    pub(crate) executor: Weak<Executor>,
    pub(crate) owner: Owner,
    pub(crate) clock: Arc<MachineClock>,
    pub(crate) random: Mutex<Random>,
    /// Shared with whoever crashes it.
    pub(crate) alive: Arc<AtomicBool>,
}

impl Machine {
    fn now(&self) -> Duration {
        self.executor.upgrade().map_or(Duration::ZERO, |executor| executor.now())
    }
}

impl Environment for Machine {
    fn unix_time(&self) -> Duration {
        self.clock.unix_time(self.now())
    }

    fn monotonic(&self) -> Duration {
        self.now()
    }

    fn boot(&self) -> Option<Boot> {
        Some(Boot { id: 1, age: self.now() })
    }

    fn random_u64(&self) -> u64 {
        self.random.lock().next()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        match self.executor.upgrade() {
            Some(executor) => Box::pin(executor.sleep(duration)),
            None => Box::pin(std::future::pending()),
        }
    }

    fn spawn(&self, name: &'static str, task: BoxTask) {
        if self.alive.load(Ordering::Relaxed)
            && let Some(executor) = self.executor.upgrade()
        {
            executor.spawn(self.owner, name, task);
        }
    }
}
