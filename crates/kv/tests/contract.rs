//! The contract suite: every case of [`crate::cases`] on every engine.

macro_rules! contract {
    ($($case:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                let fixture = crate::harness::Fixture::memory();
                crate::cases::$case(fixture.engine.clone()).await;
            })*
        }
        mod resident {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                let fixture = crate::harness::Fixture::resident();
                crate::cases::$case(fixture.engine.clone()).await;
            })*
        }
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                let fixture = crate::harness::Fixture::embedded();
                crate::cases::$case(fixture.engine.clone()).await;
            })*
        }
    };
}

contract! {
    a_commit_is_visible_at_once,
    abort_changes_nothing,
    values_come_in_declared_order,
    effects_apply_in_order,
    increments_are_never_lost,
    shared_reads_run_concurrently,
    snapshots_are_consistent_under_commits,
    scans_go_both_ways_and_continue,
    empty_ranges_are_empty,
    delete_range_removes_values_and_counters,
    counters_add_up,
    counters_are_reset_in_order,
    log_positions_have_no_gaps,
    log_pages_are_bounded_and_continue,
    trimmed_positions_are_not_reused,
    long_trims_keep_the_rest,
    watches_tell_of_growth,
    limits_are_enforced,
    dropped_transactions_leave_no_trace,
    claims_turn_others_away,
    claims_are_on_keys_alone,
    claims_end_before_the_answer,
    dropped_claims_leave_no_trace,
    claims_do_not_deadlock,
}
