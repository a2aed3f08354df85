//! Runs of seeds.

use std::ops::RangeInclusive;

use graticule_sim::{Options, Profile, run};

fn hold(seeds: RangeInclusive<u64>) {
    for seed in seeds {
        let report = run(seed, Options::default());
        let (profile, broken) = (report.profile, &report.broken);
        assert!(broken.is_empty(), "make sim ARGS=\"--seed {seed} --trace\" ({profile:?}): {broken:#?}");
    }
}

// Several tests, so that they share the cores.

#[test]
fn seeds_hold_one() {
    hold(1..=50);
}

#[test]
fn seeds_hold_two() {
    hold(51..=100);
}

#[test]
fn seeds_hold_three() {
    hold(101..=150);
}

#[test]
fn seeds_hold_four() {
    hold(151..=200);
}

#[test]
fn a_seed_does_the_same_again() {
    for seed in 1001..=1010 {
        assert_eq!(run(seed, Options::default()), run(seed, Options::default()), "seed {seed}");
    }
}

/// A crash takes what was not synced, so a disk that acknowledges too early must be found out; else crashes prove nothing.
#[test]
fn a_disk_that_acknowledges_before_it_syncs_is_found_out() {
    let options = Options { profile: Some(Profile::Crashes), lying_disks: true, ..Options::default() };
    let found = (1..=20).any(|seed| {
        let broken = run(seed, options).broken;
        broken.iter().any(|broken| broken.contains("never became durable"))
    });
    assert!(found);
}
