//! Dials for testing applications: links that lag or break, clocks that are wrong, requests that fail. All off until
//! somebody turns one, at start (`--dial`) or while the server runs (the admin endpoint, `graticule dials`).
//!
//! One shape, [`DialState`], says what is set and what is to change. Links obey in `replication`, clocks in the
//! environment that each Region is opened with, errors in [`faults`]. What nobody dialled costs one relaxed load.

pub(crate) mod faults;
pub(crate) mod spec;

use std::collections::BTreeMap;

use graticule_env::Shift;
use graticule_model::RegionName;
use graticule_replication::{LinkDial, LinkDials};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use self::faults::{FaultRule, Faults};

/// A frame that is held up for longer than this looks like a link that is down.
const DELAY_MS_MAX: u64 = 10 * 60 * 1000;
/// A Region that was ahead keeps its versions ahead, so no further than this.
const AHEAD_MS_MAX: i64 = 24 * 60 * 60 * 1000;
/// Most entries of each kind.
const ENTRIES_MAX: usize = 1000;

/// What is dialled, or is to be. In a change, what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct DialState {
    #[serde(default)]
    pub(crate) links: Vec<LinkEntry>,
    #[serde(default)]
    pub(crate) clocks: Vec<ClockEntry>,
    #[serde(default)]
    pub(crate) faults: Vec<FaultRule>,
}

/// The way from one Region to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct LinkEntry {
    pub(crate) from: RegionName,
    pub(crate) to: RegionName,
    /// In a change: the way back as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) both: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) delay_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) jitter_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) paused: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cut: Option<bool>,
}

/// The clock of a Region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct ClockEntry {
    pub(crate) region: RegionName,
    /// How far it is ahead, in milliseconds; negative if it is behind.
    pub(crate) ahead_ms: i64,
}

/// Why a change is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum DialError {
    #[error("a link leads from one Region to another, not from {0} to itself")]
    OneRegion(RegionName),
    #[error("a frame is held up for at most {DELAY_MS_MAX} ms, delay and jitter together")]
    Delay,
    #[error("a clock is set ahead or behind by at most {AHEAD_MS_MAX} ms")]
    Clock,
    #[error("a probability lies between 0 and 1, not at {0}")]
    Probability(f64),
    #[error(
        "{0} is no error that can be asked for; there are ThrottlingException, ProvisionedThroughputExceededException, RequestLimitExceeded and InternalServerError"
    )]
    UnknownError(String),
    #[error("there are at most {ENTRIES_MAX} dials of a kind")]
    TooMany,
}

/// All dials of a process.
#[derive(Debug, Default)]
pub(crate) struct Dials {
    pub(crate) links: LinkDials,
    pub(crate) faults: Faults,
    clocks: Mutex<BTreeMap<RegionName, Shift>>,
    /// One change at a time.
    changing: Mutex<()>,
}

impl Dials {
    /// The handle on a Region's clock, for its environment.
    pub(crate) fn clock(&self, region: &RegionName) -> Shift {
        self.clocks.lock().entry(region.clone()).or_default().clone()
    }

    /// What is set.
    pub(crate) fn state(&self) -> DialState {
        let link = |((from, to), dial): ((RegionName, RegionName), LinkDial)| LinkEntry {
            from,
            to,
            both: false,
            delay_ms: Some(dial.delay_ms),
            jitter_ms: Some(dial.jitter_ms),
            paused: Some(dial.paused),
            cut: Some(dial.cut),
        };
        let clocks = self.clocks.lock();
        let set = clocks.iter().filter(|(_, shift)| shift.get_ms() != 0);
        DialState {
            links: self.links.all().into_iter().map(link).collect(),
            clocks: set
                .map(|(region, shift)| ClockEntry { region: region.clone(), ahead_ms: shift.get_ms() })
                .collect(),
            faults: self.faults.all(),
        }
    }

    /// Changes what `change` names, all of it or, if some of it cannot be, nothing.
    pub(crate) fn change(&self, change: &DialState) -> Result<(), DialError> {
        let _changing = self.changing.lock();
        let mut links = self.links.all();
        for entry in &change.links {
            if entry.from == entry.to {
                return Err(DialError::OneRegion(entry.from.clone()));
            }
            let back = entry.both.then(|| (entry.to.clone(), entry.from.clone()));
            for pair in std::iter::once((entry.from.clone(), entry.to.clone())).chain(back) {
                turn(links.entry(pair).or_default(), entry)?;
            }
        }
        let faults = faults::changed(self.faults.all(), &change.faults)?;
        let too_far = |entry: &ClockEntry| entry.ahead_ms.unsigned_abs() > AHEAD_MS_MAX.unsigned_abs();
        if change.clocks.iter().any(too_far) {
            return Err(DialError::Clock);
        }
        let mut clocks = self.clocks.lock();
        let new_clocks = change.clocks.iter().filter(|entry| !clocks.contains_key(&entry.region)).count();
        if links.len().max(faults.len()).max(clocks.len() + new_clocks) > ENTRIES_MAX {
            return Err(DialError::TooMany);
        }
        for entry in &change.clocks {
            clocks.entry(entry.region.clone()).or_default().set_ms(entry.ahead_ms);
        }
        drop(clocks);
        self.faults.set(faults);
        self.links.change(|dials| *dials = links);
        tracing::warn!(dials = %spec::words(&self.state()).join(" "), "dials were turned");
        Ok(())
    }

    /// Turns all dials off.
    pub(crate) fn reset(&self) {
        let _changing = self.changing.lock();
        self.clocks.lock().values().for_each(|shift| shift.set_ms(0));
        self.faults.set(Vec::new());
        self.links.change(BTreeMap::clear);
        tracing::warn!("all dials were turned off");
    }
}

fn turn(dial: &mut LinkDial, entry: &LinkEntry) -> Result<(), DialError> {
    dial.delay_ms = entry.delay_ms.unwrap_or(dial.delay_ms);
    dial.jitter_ms = entry.jitter_ms.unwrap_or(dial.jitter_ms);
    dial.paused = entry.paused.unwrap_or(dial.paused);
    dial.cut = entry.cut.unwrap_or(dial.cut);
    let fits = dial.delay_ms.saturating_add(dial.jitter_ms) <= DELAY_MS_MAX;
    if fits { Ok(()) } else { Err(DialError::Delay) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(json: &str) -> DialState {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_change_turns_what_it_names_and_leaves_the_rest() {
        let dials = Dials::default();
        dials
            .change(&state(r#"{"Links":[{"From":"a","To":"b","Both":true,"DelayMs":80,"JitterMs":5}],"Clocks":[{"Region":"a","AheadMs":-3}]}"#))
            .unwrap();
        dials.change(&state(r#"{"Links":[{"From":"b","To":"a","Cut":true}]}"#)).unwrap();
        let expected = state(
            r#"{"Links":[{"From":"a","To":"b","DelayMs":80,"JitterMs":5,"Paused":false,"Cut":false},
                {"From":"b","To":"a","DelayMs":80,"JitterMs":5,"Paused":false,"Cut":true}],
                "Clocks":[{"Region":"a","AheadMs":-3}]}"#,
        );
        assert_eq!(dials.state(), expected);
        assert_eq!(dials.clock(&"a".parse().unwrap()).get_ms(), -3);
        dials.reset();
        assert_eq!(dials.state(), DialState::default());
        assert!(!dials.links.is_on() && !dials.faults.is_on());
    }

    #[test]
    fn a_change_that_cannot_be_changes_nothing() {
        let dials = Dials::default();
        for (json, error) in [
            (
                r#"{"Clocks":[{"Region":"a","AheadMs":1}],"Links":[{"From":"a","To":"a","Cut":true}]}"#,
                "to itself",
            ),
            (
                r#"{"Links":[{"From":"a","To":"b","DelayMs":1}],"Clocks":[{"Region":"a","AheadMs":86400001}]}"#,
                "86400000 ms",
            ),
            (r#"{"Links":[{"From":"a","To":"b","DelayMs":600000,"JitterMs":1}]}"#, "600000 ms"),
            (
                r#"{"Links":[{"From":"a","To":"b","Cut":true}],"Faults":[{"Error":"ThrottlingException","Probability":1.5}]}"#,
                "between 0 and 1",
            ),
            (
                r#"{"Links":[{"From":"a","To":"b","Cut":true}],"Faults":[{"Error":"Boom","Probability":1}]}"#,
                "Boom is no error",
            ),
        ] {
            let refused = dials.change(&state(json)).unwrap_err().to_string();
            assert!(refused.contains(error), "{json}: {refused}");
            assert_eq!(dials.state(), DialState::default(), "{json}");
        }
    }
}
