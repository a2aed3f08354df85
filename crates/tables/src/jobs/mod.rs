//! Background jobs of a Region: small steps, taken by one runner, each safe to repeat after a crash.

mod expiry;
mod housekeeping;
mod indexes;

use std::{sync::Arc, time::Duration};

use graticule_model::Error;

use crate::region::Region;

/// Items that one step deletes.
const SWEEP_ITEMS: usize = 256;
/// How often the runner looks around when nothing happens.
const IDLE: Duration = Duration::from_millis(500);
/// How long the runner rests after an error.
const AFTER_ERROR: Duration = Duration::from_secs(5);
/// How often logs, tombstones and tokens are looked at.
const HOUSEKEEPING: Duration = Duration::from_secs(5);
/// How often the clock's mark is saved while nothing asks for it.
const CLOCK: Duration = Duration::from_secs(1);

/// Whether a job has more to do at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progressed {
    /// It did something and has more.
    Busy,
    /// Nothing to do for now.
    Idle,
}

impl Region {
    /// Runs the Region's background jobs for as long as the process lives.
    pub fn start_jobs(self: &Arc<Region>) {
        let region = Arc::clone(self);
        self.env.supervise("region jobs", move || Arc::clone(&region).run_jobs());
        let region = Arc::clone(self);
        self.env.supervise("region clock", move || Arc::clone(&region).run_clock());
    }

    async fn run_clock(self: Arc<Region>) {
        loop {
            if let Err(error) = self.keep_clock().await {
                tracing::error!(region = %self.name, %error, "the clock cannot be saved; promises to other Regions wait");
                self.env.sleep(AFTER_ERROR).await;
            }
            let _ = self.env.timeout(CLOCK, self.clock.bounded()).await;
        }
    }

    async fn run_jobs(self: Arc<Region>) {
        let mut catalogue = self.watch_catalogue();
        let mut kept_house: Option<Duration> = None;
        loop {
            catalogue.mark_unchanged();
            let mut progress = self.step_all().await;
            let now = self.env.monotonic();
            if kept_house.is_none_or(|kept_house| now >= kept_house + HOUSEKEEPING) {
                kept_house = Some(now);
                progress = self.keep_house().await.and(progress);
            }
            match progress {
                Ok(Progressed::Busy) => tokio::task::yield_now().await,
                Ok(Progressed::Idle) => {
                    let _ = self.env.timeout(IDLE, catalogue.changed()).await;
                }
                Err(error) => {
                    tracing::error!(region = %self.name, %error, "background jobs are interrupted");
                    self.env.sleep(AFTER_ERROR).await;
                }
            }
        }
    }

    /// One step of every job that is about items.
    async fn step_all(self: &Arc<Region>) -> Result<Progressed, Error> {
        let mut progress = Ok(Progressed::Idle);
        for table in self.tables().await? {
            let rolled = self.roll_shard(&table).await.map(|()| Progressed::Idle);
            for step in [self.step_indexes(&table).await, self.step_expiry(&table).await, rolled] {
                match step {
                    Ok(Progressed::Busy) => progress = progress.and(Ok(Progressed::Busy)),
                    // The table was dropped meanwhile.
                    Ok(Progressed::Idle) | Err(Error::ResourceNotFound) => {}
                    // Trouble with one table is none of the others'.
                    Err(error) => progress = Err(error),
                }
            }
        }
        progress
    }
}
