//! Background jobs of a Region: small steps, taken by one runner, each safe to repeat after a crash.

mod expiry;
mod housekeeping;
mod indexes;

use std::{sync::Arc, time::Duration};

use graticule_model::{Error, version::HybridTime};

use crate::region::Region;

/// Items that one step deletes.
const SWEEP_ITEMS: usize = 256;
/// How often the runner looks around when nothing happens.
const IDLE: Duration = Duration::from_millis(500);
/// How long the runner rests after an error.
const AFTER_ERROR: Duration = Duration::from_secs(5);
/// How often logs, tombstones and tokens are looked at.
const HOUSEKEEPING: Duration = Duration::from_secs(5);

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
    }

    async fn run_jobs(self: Arc<Region>) {
        let mut catalogue = self.watch_catalogue();
        // At once: a Region that is cut short again must know what it has promised.
        let mut kept_house: Option<Duration> = None;
        let mut saved = HybridTime::ZERO;
        loop {
            catalogue.mark_unchanged();
            let mut progress = self.step_all().await;
            let now = self.env.monotonic();
            if kept_house.is_none_or(|kept_house| now >= kept_house + HOUSEKEEPING) {
                kept_house = Some(now);
                progress = self.keep_house(&mut saved).await.and(progress);
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
