//! The stamp of one write: hybrid logical clock time, then Region.
//!
//! Versions are totally ordered, so that any two Regions agree which of two writes of one item is the later one.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// Hybrid logical clock time: milliseconds since the epoch and a counter within one millisecond.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HybridTime(u64);

const COUNTER_BITS: u32 = 20;

impl HybridTime {
    /// Before every write.
    pub const ZERO: HybridTime = HybridTime(0);

    /// The first moment of a millisecond.
    pub fn from_unix_ms(unix_ms: u64) -> HybridTime {
        HybridTime(unix_ms << COUNTER_BITS)
    }

    /// The moment that [`HybridTime::to_bits`] gave.
    pub fn from_bits(bits: u64) -> HybridTime {
        HybridTime(bits)
    }

    /// As a number that sorts the same way.
    pub fn to_bits(self) -> u64 {
        self.0
    }

    /// Its milliseconds since the epoch.
    pub fn unix_ms(self) -> u64 {
        self.0 >> COUNTER_BITS
    }

    /// The next moment.
    #[must_use]
    pub fn next(self) -> HybridTime {
        HybridTime(self.0 + 1)
    }
}

/// The stamp of one write.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Version {
    /// When, as far as clocks can say.
    pub time: HybridTime,
    /// The Region that took the write; breaks ties.
    pub region: Arc<str>,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}@{}", self.time.unix_ms(), self.time.0 & ((1 << COUNTER_BITS) - 1), self.region)
    }
}
