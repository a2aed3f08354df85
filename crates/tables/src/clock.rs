//! The hybrid logical clock of one Region, and the promise that watermarks are made of.
//!
//! Every write takes its version here. The clock never gives a time twice, never goes back, and knows which writes are
//! still on their way, so that it can say below which time no further version will appear ([`Clock::closed`]).
//!
//! Promises hold over a crash, to whatever time somebody sets the machine's clock meanwhile. A [`Mark`] of the clock is
//! saved every second or so. What is promised stays below a bound that follows from the last one and from the time that
//! has passed since then, as the age of the machine's boot tells it; a restart computes the same bound and begins after it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use graticule_env::{Boot, Env};
use graticule_model::{RegionName, Version, version::HybridTime};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// The most that promises go beyond the last mark. If the machine was booted since, a restart begins there.
const AHEAD_MAX: Duration = Duration::from_secs(2);
/// How far promises may outrun the time that has passed since the last mark.
const SLACK: Duration = Duration::from_millis(100);

/// A Region's source of versions.
#[derive(Debug)]
pub struct Clock {
    env: Env,
    region: Arc<str>,
    state: Mutex<State>,
    /// A promise was held back by the bound.
    bounded: Notify,
}

#[derive(Debug)]
struct State {
    last: HybridTime,
    /// The mark that was saved last, and the one that was taken last, which a crash may find saved or not: both bound
    /// what is promised.
    saved: Mark,
    taken: Mark,
    /// For each write under way: the time that its version comes after. Counted.
    writing: BTreeMap<HybridTime, usize>,
}

/// A duration as the difference of two times.
fn span(duration: Duration) -> u64 {
    HybridTime::from_unix_ms(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)).to_bits()
}

/// Where a clock was at some moment: what a restart must know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    time: HybridTime,
    boot: Option<Boot>,
}

impl Mark {
    /// The mark of a clock that has promised nothing yet.
    pub const NONE: Mark = Mark { time: HybridTime::ZERO, boot: None };

    /// Bound of everything that was promised between this mark and `now`, if no later mark was saved.
    fn promised_max(&self, now: Option<Boot>) -> HybridTime {
        if *self == Mark::NONE {
            return HybridTime::ZERO;
        }
        let same_boot = self.boot.zip(now).filter(|(then, now)| then.id == now.id);
        let elapsed = same_boot.and_then(|(then, now)| now.age.checked_sub(then.age));
        let ahead = elapsed.map_or(AHEAD_MAX, |elapsed| AHEAD_MAX.min(elapsed + SLACK));
        HybridTime::from_bits(self.time.to_bits() + span(ahead))
    }

    /// As it is stored: the time, then id and age in nanoseconds of the boot if that is known, all big-endian.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = self.time.to_bits().to_be_bytes().to_vec();
        if let Some(boot) = self.boot {
            bytes.extend(boot.id.to_be_bytes());
            bytes.extend(u64::try_from(boot.age.as_nanos()).unwrap_or(u64::MAX).to_be_bytes());
        }
        bytes
    }

    /// What [`Mark::encode`] gave.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Mark> {
        let (time, boot) = bytes.split_first_chunk()?;
        let boot = match boot.split_first_chunk() {
            Some((id, age)) => {
                let age = Duration::from_nanos(u64::from_be_bytes(age.try_into().ok()?));
                Some(Boot { id: u128::from_be_bytes(*id), age })
            }
            None if boot.is_empty() => None,
            None => return None,
        };
        Some(Mark { time: HybridTime::from_bits(u64::from_be_bytes(*time)), boot })
    }
}

/// Held while a write is under way; keeps [`Clock::closed`] from passing its version.
#[derive(Debug)]
pub struct WriteTicket {
    clock: Arc<Clock>,
    floor: HybridTime,
}

impl Clock {
    /// A clock that gives only times after everything that may have been promised since `saved`, its last mark.
    pub fn new(env: Env, region: &RegionName, saved: Mark) -> Arc<Clock> {
        let last = saved.promised_max(env.boot());
        let state = State { last, saved, taken: saved, writing: BTreeMap::new() };
        Arc::new(Clock {
            env,
            region: Arc::from(region.as_str()),
            state: Mutex::new(state),
            bounded: Notify::new(),
        })
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

    /// The version of a shared setting that takes the place of one set at `seen`. It leaves room for what a setting becomes by
    /// itself. Settings from a clock that is far ahead are accepted, so that they can be mended; items must not follow them
    /// into the future.
    pub fn register_version(&self, seen: HybridTime) -> Version {
        let own = self.version(HybridTime::ZERO);
        Version { time: own.time.max(seen.next().next()), region: own.region }
    }

    /// Takes note of a time seen elsewhere, so that later versions come after it.
    pub fn observe(&self, seen: HybridTime) {
        let mut state = self.state.lock();
        state.last = state.last.max(seen);
    }

    /// A time below which no write of this Region will get its version any more, and below which all writes have been
    /// committed or have failed. It lags behind if the clock's mark cannot be saved.
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
        let boot = self.env.boot();
        let bound = state.saved.promised_max(boot).min(state.taken.promised_max(boot));
        if bound < closed {
            self.bounded.notify_one();
        }
        closed.min(bound)
    }

    /// Where the clock is now, to be saved. Until that is known to be done, the same mark is given again.
    pub fn mark(&self) -> Mark {
        let mut state = self.state.lock();
        if state.taken != state.saved {
            return state.taken;
        }
        state.last = self.physical().max(state.last);
        // Not more than what was promised needs, or every restart would begin a little further in the future.
        let needed = HybridTime::from_bits(state.last.next().to_bits().saturating_sub(span(SLACK)));
        state.taken = Mark { time: self.physical().max(needed), boot: self.env.boot() };
        state.taken
    }

    /// Takes note that `mark` is saved and will be known after a restart.
    pub fn saved(&self, mark: Mark) {
        self.state.lock().saved = mark;
    }

    /// Whether a later mark than the one that was saved last is needed.
    pub(crate) fn has_moved(&self) -> bool {
        let state = self.state.lock();
        state.taken.time < state.last || state.taken != state.saved
    }

    /// Resolves when a promise would have gone further with a later mark.
    pub(crate) async fn bounded(&self) {
        self.bounded.notified().await;
    }

    /// A time that no promise until now has gone beyond, and that every promise goes beyond that is asked for from now on
    /// while nothing older is being written.
    pub(crate) fn turn(&self) -> HybridTime {
        let mut state = self.state.lock();
        state.last = state.last.next();
        state.last
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
