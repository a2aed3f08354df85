//! Scenes: every rule that rarely matters by chance, under a few seeds each.
//!
//! A scene that fails is played again with `make sim ARGS="--scene NAME --seed N --trace"`.

use graticule_sim::{Scene, play};

fn holds(scene: Scene) {
    // The scene of clocks has ten cases.
    let seeds = if scene == Scene::Clocks { 10 } else { 4 };
    for seed in 1..=seeds {
        let broken = play(scene, seed, false);
        assert!(broken.is_empty(), "{scene:?}, seed {seed}: {broken:#?}");
    }
}

macro_rules! scenes {
    ($($test:ident: $scene:ident),* $(,)?) => {
        $(#[test]
        fn $test() {
            holds(Scene::$scene);
        })*

        /// None is forgotten.
        #[test]
        fn every_scene_is_played() {
            assert_eq!([$(Scene::$scene),*], Scene::ALL);
        }
    };
}

scenes! {
    a_replica_that_left_ships_nothing: Detached,
    what_is_written_while_a_replica_leaves_comes_to_all_or_none: Leaving,
    one_that_cannot_leave_yet_promises_nothing: Stuck,
    one_that_leaves_goes_when_all_have_what_it_had: Handovers,
    one_of_two_that_take_each_other_out_fills_the_newcomer: Disputes,
    a_delete_is_remembered_for_those_who_lack_it: Tombstones,
    nothing_is_promised_before_a_comparison: Comparisons,
    promises_wait_for_writes: Writing,
    nothing_is_applied_behind_what_was_refused: Refused,
    a_clock_set_back_breaks_no_promise: Clocks,
    changes_of_an_older_connection_do_not_count: LateChanges,
    promises_of_an_older_connection_do_not_count: LatePromises,
    questions_of_an_older_connection_take_nothing_over: LateQuestions,
    an_older_comparison_does_not_count: LateRepairs,
    what_an_expelled_member_told_some_comes_to_all: Orphans,
    what_is_given_up_is_what_nobody_else_had: GivenUp,
    what_is_written_alone_comes_to_newcomers: Newcomers,
    a_newcomer_that_is_taken_out_is_out: Removals,
    one_that_comes_back_late_brings_nothing_back: Latecomers,
}
