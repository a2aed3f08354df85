//! What a run is about: which faults it has and how much of everything, drawn from its seed.

use std::time::Duration;

use crate::random::Random;

/// A kind of run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Profile {
    /// Nothing fails.
    Calm,
    /// Regions cannot reach each other for a while, in one direction or both; connections break.
    Partitions,
    /// Regions crash at any step and come back; disks fail.
    Crashes,
    /// Clocks jump and drift, and Regions crash.
    Clocks,
    /// Members come and go while Regions cannot be reached or crash.
    Membership,
    /// Several members take each other out, or leave, while others are down or cut off.
    Feuds,
    /// Regions, disks and connections are slow or stand still.
    Slow,
    /// All of it.
    Everything,
}

const PROFILES: [Profile; 8] = [
    Profile::Calm,
    Profile::Partitions,
    Profile::Crashes,
    Profile::Clocks,
    Profile::Membership,
    Profile::Feuds,
    Profile::Slow,
    Profile::Everything,
];

/// One run.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) profile: Profile,
    pub(crate) regions: usize,
    pub(crate) keys: usize,
    pub(crate) clients: usize,
    /// The longest that a client rests between requests.
    pub(crate) pace_ms: u64,
    /// The longest padding of an item, in bytes.
    pub(crate) padding: usize,
    /// How long clients write.
    pub(crate) duration: Duration,
    /// The longest rest between faults.
    pub(crate) fault_ms: u64,
    /// The longest that a Region is away, in milliseconds.
    pub(crate) away_ms: u64,
    /// Operators add and remove members.
    pub(crate) members_change: bool,
    /// Operators take out members that are away.
    pub(crate) feuds: bool,
    /// Operators drop and create the index.
    pub(crate) index_changes: bool,
    /// How many changes of log are kept for a member that is away.
    pub(crate) log_changes_max: Option<u64>,
    /// How long a member that was taken out is waited for.
    pub(crate) departure_ms_max: Option<u64>,
    /// How often replicas are compared in the background.
    pub(crate) verify_every: Option<Duration>,
}

impl Plan {
    pub(crate) fn new(seed: u64, profile: Option<Profile>) -> Plan {
        let mut random = Random::new(seed, "plan");
        let drawn = *random.pick(&PROFILES);
        let profile = profile.unwrap_or(drawn);
        let regions = if random.percent(70) { 3 } else { random.between(4, 5) as usize };
        let keys = random.between(2, 10) as usize;
        let clients = random.between(1, 2) as usize;
        let members_change =
            profile == Profile::Membership || (profile == Profile::Everything && random.percent(40));
        // Much in a short time, or little in a long one.
        let long = random.percent(if members_change || profile.has_clocks() { 60 } else { 20 });
        let (duration, pace_ms) = if long {
            (random.millis(15_000, 50_000), *random.pick(&[500, 1_000, 2_000]))
        } else {
            (random.millis(2_000, 8_000), *random.pick(&[100, 300, 800]))
        };
        let fault_ms =
            if long { *random.pick(&[800, 3_000, 8_000]) } else { *random.pick(&[200, 800, 2_000]) };
        let padding = if random.percent(4) { 300_000 } else { *random.pick(&[0, 100, 3_000]) };
        let index_changes = random.percent(15);
        let log_changes_max = random.percent(25).then(|| random.between(3, 60));
        let departure_ms_max = random.percent(25).then(|| random.between(2_000, 20_000));
        let verify_every = random.percent(25).then(|| random.millis(1_000, 8_000));
        Plan {
            profile,
            regions,
            keys,
            clients,
            pace_ms,
            padding,
            duration,
            fault_ms,
            away_ms: 25_000,
            members_change,
            feuds: profile == Profile::Feuds,
            index_changes,
            log_changes_max,
            departure_ms_max,
            verify_every,
        }
    }

    /// A world of three Regions in which nothing happens by itself.
    pub(crate) fn of_scene(log_changes_max: Option<u64>) -> Plan {
        Plan {
            profile: Profile::Calm,
            regions: 3,
            keys: 0,
            clients: 0,
            pace_ms: 0,
            padding: 0,
            duration: Duration::ZERO,
            fault_ms: 0,
            away_ms: 0,
            members_change: false,
            feuds: false,
            index_changes: false,
            log_changes_max,
            departure_ms_max: None,
            verify_every: None,
        }
    }
}

impl Profile {
    pub(crate) fn has_partitions(self) -> bool {
        matches!(self, Profile::Partitions | Profile::Clocks | Profile::Membership | Profile::Everything)
    }

    pub(crate) fn has_crashes(self) -> bool {
        matches!(self, Profile::Crashes | Profile::Clocks | Profile::Membership | Profile::Everything)
    }

    pub(crate) fn has_disk_faults(self) -> bool {
        matches!(self, Profile::Crashes | Profile::Everything)
    }

    pub(crate) fn has_clocks(self) -> bool {
        matches!(self, Profile::Clocks | Profile::Everything)
    }

    pub(crate) fn has_slowness(self) -> bool {
        matches!(self, Profile::Slow | Profile::Everything)
    }
}
