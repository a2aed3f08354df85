//! The one door through which everything that is not deterministic comes in: time, randomness, spawning.
//!
//! Code below the binary takes an [`Env`] instead of asking the operating system, so that a whole cluster can
//! run in one thread under a seed. Clippy's `disallowed-methods` keeps the other doors shut.

#![allow(clippy::disallowed_methods)] // this crate is the replacement that clippy.toml names

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use futures_util::FutureExt;

mod boot;
mod shift;
mod to_the_end;

pub use shift::Shift;
pub use to_the_end::ToTheEnd;

/// A future that owns what it needs, ready to be spawned.
pub type BoxTask = Pin<Box<dyn Future<Output = ()> + Send + 'static>>;

/// One boot of a machine. Its age goes on while processes come and go, whatever the clock is set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Boot {
    /// Tells boots apart.
    pub id: u128,
    /// How long ago it was. Goes on while the machine sleeps.
    pub age: Duration,
}

/// What an environment provides.
pub trait Environment: Send + Sync + 'static {
    /// Time since the Unix epoch as this machine's clock has it. May jump.
    fn unix_time(&self) -> Duration;
    /// Time since some fixed moment. Never goes back.
    fn monotonic(&self) -> Duration;
    /// Which boot of the machine this is; `None` if that cannot be told.
    fn boot(&self) -> Option<Boot> {
        None
    }
    /// A uniformly random number, good enough for identifiers and jitter.
    fn random_u64(&self) -> u64;
    /// Resolves after `duration`.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;
    /// Runs `task` in the background. `task` does not panic; `name` says what it is.
    fn spawn(&self, name: &'static str, task: BoxTask);
}

/// A shared handle on an [`Environment`].
#[derive(Clone)]
pub struct Env(Arc<dyn Environment>);

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Env")
    }
}

impl Env {
    /// Wraps an environment of the caller's.
    pub fn new(environment: impl Environment) -> Env {
        Env(Arc::new(environment))
    }

    /// The real machine: its clocks, its entropy, the current tokio runtime.
    pub fn real() -> Env {
        Env::new(Real { started: Instant::now(), boot_id: boot::id() })
    }

    /// The same environment with a clock that is set apart by `shift`, whatever that comes to be.
    pub fn shifted(&self, shift: &Shift) -> Env {
        shift.applied_to(self)
    }

    /// Time since the Unix epoch.
    pub fn unix_time(&self) -> Duration {
        self.0.unix_time()
    }

    /// Milliseconds since the Unix epoch.
    pub fn unix_ms(&self) -> u64 {
        u64::try_from(self.unix_time().as_millis()).unwrap_or(u64::MAX)
    }

    /// Time since some fixed moment; never goes back.
    pub fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }

    /// Which boot of the machine this is; `None` if that cannot be told.
    pub fn boot(&self) -> Option<Boot> {
        self.0.boot()
    }

    /// A uniformly random number.
    pub fn random_u64(&self) -> u64 {
        self.0.random_u64()
    }

    /// A random identifier in the shape of a version 4 UUID.
    pub fn random_uuid(&self) -> String {
        let (high, low) = (self.random_u64(), self.random_u64());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | ((low >> 48) & 0x3fff),
            low & 0xffff_ffff_ffff
        )
    }

    /// Resolves after `duration`.
    pub async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
    }

    /// `future`'s output, or `None` if it takes longer than `limit`.
    pub async fn timeout<T>(&self, limit: Duration, future: impl Future<Output = T>) -> Option<T> {
        let mut future = std::pin::pin!(future.fuse());
        let mut timer = self.0.sleep(limit).fuse();
        futures_util::select_biased! {
            output = future => Some(output),
            () = timer => None,
        }
    }

    /// Runs `task` in the background. A panic in it is logged, never silent.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(name, Box::pin(log_panic(name, task).map(drop)));
    }

    /// `work`'s output. `work` runs in the caller's task; if the caller stops waiting, it goes on in the background.
    pub fn to_the_end<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl Future<Output = T> + Send + 'static,
    ) -> ToTheEnd<T> {
        ToTheEnd::new(self.clone(), name, Box::pin(work))
    }

    /// Runs a task in the background that is to go on for ever: it is made anew after a panic.
    pub fn supervise<F>(&self, name: &'static str, make: impl Fn() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let env = self.clone();
        let tasks = async move {
            while log_panic(name, make()).await.is_err() {
                env.sleep(RESTART_AFTER).await;
            }
        };
        self.0.spawn(name, Box::pin(tasks));
    }
}

/// How long a supervised task rests after a panic.
const RESTART_AFTER: Duration = Duration::from_secs(1);

/// Runs a task to its end, or logs how it panicked.
async fn log_panic(name: &'static str, task: impl Future<Output = ()>) -> Result<(), ()> {
    std::panic::AssertUnwindSafe(task).catch_unwind().await.map_err(|panic| {
        let reason = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("unknown");
        tracing::error!(task = name, reason, "a background task panicked");
    })
}

struct Real {
    started: Instant,
    boot_id: Option<u128>,
}

impl Environment for Real {
    fn unix_time(&self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    fn boot(&self) -> Option<Boot> {
        Some(Boot { id: self.boot_id?, age: boot::age()? })
    }

    fn random_u64(&self) -> u64 {
        rand::random()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn spawn(&self, _name: &'static str, task: BoxTask) {
        tokio::spawn(task);
    }
}
