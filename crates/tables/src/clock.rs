//! The hybrid logical clock of one Region, and the promise that watermarks are made of.
//!
//! Every write takes its version here. The clock never gives a time twice, never goes back, and knows which writes are
//! still on their way, so that it can say below which time no further version will appear ([`Clock::closed`]).

use std::{collections::BTreeMap, sync::Arc};

use graticule_env::Env;
use graticule_model::{RegionName, Version, version::HybridTime};
use parking_lot::Mutex;

/// How far promises may go beyond the time that was saved last, in milliseconds: two intervals of saving.
const PROMISED_AHEAD_MS: u64 = 10_000;
/// A clock that is behind the saved time by more than this was set back. Less may come from clocks of other Regions.
const SET_BACK_MS: u64 = 1_000;

/// A Region's source of versions.
#[derive(Debug)]
pub struct Clock {
    env: Env,
    region: Arc<str>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    last: HybridTime,
    /// [`Clock::closed`] does not go beyond, so that a restart knows what may have been promised.
    promised_max: HybridTime,
    /// For each write under way: the time that its version comes after. Counted.
    writing: BTreeMap<HybridTime, usize>,
}

/// Held while a write is under way; keeps [`Clock::closed`] from passing its version.
#[derive(Debug)]
pub struct WriteTicket {
    clock: Arc<Clock>,
    floor: HybridTime,
}

fn ahead(time: HybridTime) -> HybridTime {
    HybridTime::from_unix_ms(time.unix_ms() + PROMISED_AHEAD_MS)
}

impl Clock {
    /// A clock that gives only times after `seen`, the time that was saved last. If the clock behind it was set back since,
    /// it begins after everything that may have been promised meanwhile: others have forgotten deletes before that.
    pub fn new(env: Env, region: &RegionName, seen: HybridTime) -> Arc<Clock> {
        let now_ms = env.unix_ms();
        let set_back = now_ms + SET_BACK_MS < seen.unix_ms();
        let last = if set_back { ahead(seen) } else { seen };
        let promised_max = ahead(last.max(HybridTime::from_unix_ms(now_ms)));
        let state = State { last, promised_max, writing: BTreeMap::new() };
        Arc::new(Clock { env, region: Arc::from(region.as_str()), state: Mutex::new(state) })
    }

    fn physical(&self) -> HybridTime {
        HybridTime::from_unix_ms(self.env.unix_ms())
    }

    /// Announces a write: its version will not be below what [`Clock::closed`] has said until now.
    pub fn begin_write(self: &Arc<Clock>) -> WriteTicket {
        let mut state = self.state.lock();
        let floor = self.physical().max(state.last);
        // If the clock is set back before the version is taken, it must still come after this.
        state.last = floor;
        *state.writing.entry(floor).or_default() += 1;
        WriteTicket { clock: Arc::clone(self), floor }
    }

    /// The version of a write that has seen versions up to `seen`.
    pub fn version(&self, seen: HybridTime) -> Version {
        let mut state = self.state.lock();
        state.last = self.physical().max(state.last.next()).max(seen.next());
        Version { time: state.last, region: Arc::clone(&self.region) }
    }

    /// The version of a shared setting that takes the place of one set at `seen`. Settings from a clock that is far
    /// ahead are accepted, so that they can be mended; items must not follow them into the future.
    pub fn register_version(&self, seen: HybridTime) -> Version {
        let own = self.version(HybridTime::ZERO);
        Version { time: own.time.max(seen.next()), region: own.region }
    }

    /// Takes note of a time seen elsewhere, so that later versions come after it.
    pub fn observe(&self, seen: HybridTime) {
        let mut state = self.state.lock();
        state.last = state.last.max(seen);
    }

    /// A time below which no write of this Region will get its version any more, and below which all writes have been
    /// committed or have failed. It lags behind if it cannot be saved.
    pub fn closed(&self) -> HybridTime {
        let mut state = self.state.lock();
        let closed = match state.writing.first_key_value() {
            // A version comes after all that was given or seen before, even while the clock behind it stands still.
            Some((floor, _)) => floor.next(),
            None => {
                state.last = self.physical().max(state.last);
                state.last.next()
            }
        };
        closed.min(state.promised_max)
    }

    /// Takes note that `time` is saved and will be known after a restart.
    pub(crate) fn saved(&self, time: HybridTime) {
        let mut state = self.state.lock();
        state.promised_max = state.promised_max.max(ahead(time));
    }

    /// The latest time given, seen or promised.
    pub fn last(&self) -> HybridTime {
        self.state.lock().last
    }
}

impl Drop for WriteTicket {
    fn drop(&mut self) {
        let mut state = self.clock.state.lock();
        if let Some(count) = state.writing.get_mut(&self.floor) {
            *count -= 1;
            if *count == 0 {
                state.writing.remove(&self.floor);
            }
        }
    }
}
