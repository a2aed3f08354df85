//! hyper's timer over the environment's clock, without a timer per request.
//!
//! hyper sets a deadline for every request head. A real timer for each would be armed and disarmed once per request
//! and hardly ever fire. A deadline here only compares clocks when it is polled; the connection's driver promises to
//! poll once per tick.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use graticule_env::Env;
use hyper::rt::{Sleep, Timer};

/// The timer given to hyper.
pub(crate) struct TickTimer {
    env: Env,
    /// What `Env::monotonic`'s zero is called in hyper's type for time.
    origin: Instant,
}

impl TickTimer {
    /// A timer over `env`.
    #[allow(clippy::disallowed_methods)] // an Instant has no other constructor; only differences to it are used
    pub(crate) fn new(env: Env) -> TickTimer {
        TickTimer { env, origin: Instant::now() }
    }
}

impl Timer for TickTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        Box::pin(Deadline { env: self.env.clone(), at: self.env.monotonic() + duration })
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Deadline { env: self.env.clone(), at: deadline.saturating_duration_since(self.origin) })
    }

    fn now(&self) -> Instant {
        self.origin + self.env.monotonic()
    }
}

struct Deadline {
    env: Env,
    at: Duration,
}

impl Future for Deadline {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.env.monotonic() >= self.at { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Sleep for Deadline {}
