//! An environment whose clock is set apart from another's by a shift that can be changed while it runs.
//!
//! Only the time since the epoch is shifted, as when somebody sets a clock: durations, timers and randomness are the
//! other environment's. Costs one relaxed load per look at the clock.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use crate::{Boot, BoxTask, Env, Environment};

/// A handle on how far a clock is set apart. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Shift(Arc<AtomicI64>);

impl Shift {
    /// How far the clock is ahead, in milliseconds; negative if it is behind.
    pub fn get_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Sets the clock that far ahead, or behind.
    pub fn set_ms(&self, ahead_ms: i64) {
        self.0.store(ahead_ms, Ordering::Relaxed);
    }

    pub(crate) fn applied_to(&self, env: &Env) -> Env {
        Env::new(Shifted { env: env.clone(), shift: self.clone() })
    }
}

struct Shifted {
    env: Env,
    shift: Shift,
}

impl Environment for Shifted {
    fn unix_time(&self) -> Duration {
        let ahead_ms = self.shift.get_ms();
        let by = Duration::from_millis(ahead_ms.unsigned_abs());
        let time = self.env.unix_time();
        if ahead_ms < 0 { time.saturating_sub(by) } else { time.saturating_add(by) }
    }

    fn monotonic(&self) -> Duration {
        self.env.monotonic()
    }

    fn boot(&self) -> Option<Boot> {
        self.env.boot()
    }

    fn random_u64(&self) -> u64 {
        self.env.random_u64()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.env.0.sleep(duration)
    }

    fn spawn(&self, name: &'static str, task: BoxTask) {
        self.env.0.spawn(name, task);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shifted_clock_follows_its_handle() {
        let shift = Shift::default();
        let (env, shifted) = (Env::real(), Env::real().shifted(&shift));
        for ahead_ms in [0, 90_000, -90_000] {
            shift.set_ms(ahead_ms);
            let before = i64::try_from(env.unix_ms()).unwrap();
            let seen = i64::try_from(shifted.unix_ms()).unwrap();
            let after = i64::try_from(env.unix_ms()).unwrap();
            assert!(
                (before + ahead_ms..=after + ahead_ms).contains(&seen),
                "{ahead_ms}: {before} {seen} {after}"
            );
        }
        // Before the epoch there is nothing.
        shift.set_ms(i64::MIN);
        assert_eq!(shifted.unix_ms(), 0);
    }
}
