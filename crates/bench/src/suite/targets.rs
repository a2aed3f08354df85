//! What is aimed at, and whether a run got there.

use super::{
    products::Product,
    replicas,
    results::{Figures, Results, Row, Section, median},
};

const MIB: f64 = 1_048_576.0;

/// One aim.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// By which explanations are kept.
    pub(crate) name: &'static str,
    pub(crate) what: String,
    pub(crate) aim: &'static str,
    /// What was measured, in words.
    pub(crate) measured: Option<String>,
    pub(crate) met: Option<bool>,
}

enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Bound {
    fn holds(&self, value: f64) -> bool {
        match self {
            Self::AtMost(bound) => value <= *bound,
            Self::AtLeast(bound) => value >= *bound,
        }
    }
}

fn cpu(figures: &Figures) -> Option<f64> {
    figures.server_us
}

/// How much more CPU time one server takes for a workload than another.
pub(crate) fn cpu_ratio(section: &Section, workload: &str, of: Product, to: Product) -> Option<f64> {
    section.row(workload, of.name())?.ratio(section.row(workload, to.name())?, cpu)
}

/// All of them.
pub(crate) fn all(results: &Results) -> Vec<Target> {
    use Bound::{AtLeast, AtMost};
    let (memory, durable) = (&results.memory, &results.durable);
    let (ours, null, dynoxide) = (Product::Ours, Product::Null, Product::Dynoxide);
    let times = |value: f64| format!("{value:.2} times");
    let percent = |value: f64| format!("{value:+.0} %");
    let target =
        |name, what: &str, aim, value: Option<f64>, shown: &dyn Fn(f64) -> String, bound: Bound| Target {
            name,
            what: what.to_owned(),
            aim,
            measured: value.map(shown),
            met: value.map(|value| bound.holds(value)),
        };
    let per_index = added(memory.row("put_plain", ours.name()), memory.row("put_gsi1", ours.name()));
    let table = |name| results.replicas.iter().find(|row| row.workload == name);
    let replica = added(table(replicas::ALONE), table(replicas::ONE));
    let growth = growth_ratio(&results.growth);
    let growth_title = growth.as_ref().map_or_else(
        || "GetItem, CPU with 10,000,000 items against 100,000, in cache".to_owned(),
        |(_, title)| title.clone(),
    );
    let start = results.starts.iter().find(|start| start.server == ours.name() && start.mode == "durable");
    let idle = start.and_then(|start| start.idle_bytes).map(|bytes| bytes as f64 / MIB);
    vec![
        target(
            "get-null",
            "GetItem 1 KB, in memory, CPU against the null server",
            "at most 2.0 times",
            cpu_ratio(memory, "get", ours, null),
            &times,
            AtMost(2.0),
        ),
        target(
            "put-null",
            "PutItem 1 KB, in memory, CPU against the null server",
            "at most 3.0 times",
            cpu_ratio(memory, "put", ours, null),
            &times,
            AtMost(3.0),
        ),
        target(
            "put-engine",
            "PutItem 1 KB, durable, 64 connections, throughput against the engine alone",
            "at least 60 %",
            engine_share(durable),
            &|value| format!("{value:.0} %"),
            AtLeast(60.0),
        ),
        target(
            "get-dynoxide",
            "GetItem 1 KB, in memory, CPU of dynoxide against ours",
            "at least 4 times",
            cpu_ratio(memory, "get", dynoxide, ours),
            &times,
            AtLeast(4.0),
        ),
        target(
            "put-dynoxide",
            "PutItem 1 KB, durable, 64 connections, throughput against dynoxide",
            "at least 10 times",
            durable
                .row("put", ours.name())
                .zip(durable.row("put", dynoxide.name()))
                .and_then(|(ours, dynoxide)| ours.ratio(dynoxide, |figures| Some(figures.per_second))),
            &times,
            AtLeast(10.0),
        ),
        target(
            "query-dynoxide",
            "Query of 100, in memory, CPU of dynoxide against ours",
            "at least 8 times",
            cpu_ratio(memory, "query", dynoxide, ours),
            &times,
            AtLeast(8.0),
        ),
        target(
            "transact-dynoxide",
            "TransactWriteItems of 4, in memory, CPU of dynoxide against ours",
            "at least 8 times",
            cpu_ratio(memory, "transact", dynoxide, ours),
            &times,
            AtLeast(8.0),
        ),
        target(
            "growth",
            &growth_title,
            "at most 1.5 times",
            growth.map(|(ratio, _)| ratio),
            &times,
            AtMost(1.5),
        ),
        target(
            "index",
            "PutItem, in memory, CPU of one more GSI",
            "at most +40 %",
            per_index,
            &percent,
            AtMost(40.0),
        ),
        target(
            "replica",
            "PutItem, durable, CPU of a replica at the source",
            "at most +25 %",
            replica,
            &percent,
            AtMost(25.0),
        ),
        target(
            "start",
            "Start with an empty data directory to the first answer",
            "under 50 ms",
            start.map(|start| start.first_answer_ms),
            &|value| format!("{value:.0} ms"),
            AtMost(50.0),
        ),
        target(
            "idle",
            "Idle memory, with an empty data directory",
            "under 30 MB",
            idle,
            &|value| format!("{value:.0} MB"),
            AtMost(30.0),
        ),
    ]
}

/// Percent that a workload costs more than another one that was measured in the same rounds, in CPU.
fn added(without: Option<&Row>, with: Option<&Row>) -> Option<f64> {
    Some((with?.ratio(without?, cpu)? - 1.0) * 100.0)
}

/// Percent of the engine's own rate, round by round.
pub(crate) fn engine_share(durable: &Section) -> Option<f64> {
    let ours = durable.row("put", Product::Ours.name())?;
    let shares = ours.rounds.iter().zip(&durable.engine);
    median(shares.map(|(figures, engine)| figures.per_second / engine * 100.0).collect())
}

/// GetItem's cost with most items against that with a hundred thousand.
fn growth_ratio(growth: &[Row]) -> Option<(f64, String)> {
    let gets: Vec<&Row> = growth.iter().filter(|row| row.workload.starts_with("get ")).collect();
    let base = gets.iter().find(|row| row.workload == "get 100000")?;
    let most = gets.last()?;
    let items = most.workload.trim_start_matches("get ");
    let title = format!("GetItem, CPU with {items} items against 100000, in cache");
    Some((most.ratio(base, cpu)?, title))
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::row;
    use super::*;

    #[test]
    fn targets_are_met_or_not_or_not_measured() {
        let mut results = Results::default();
        results.memory.rows = vec![
            row("get", "ours", &[8.0, 16.0]),
            row("get", "null", &[4.0, 8.0]),
            row("put", "ours", &[16.0]),
            row("put", "null", &[4.0]),
            row("put_plain", "ours", &[20.0, 40.0]),
            row("put_gsi1", "ours", &[25.0, 50.0]),
        ];
        results.durable.rows = vec![row("put", "ours", &[50.0])];
        results.durable.engine = vec![40_000.0];
        let met = |name: &str| {
            let target = all(&results).into_iter().find(|target| target.name == name).unwrap();
            (target.met, target.measured)
        };
        assert_eq!(met("get-null"), (Some(true), Some("2.00 times".to_owned())));
        assert_eq!(met("put-null"), (Some(false), Some("4.00 times".to_owned())));
        assert_eq!(met("put-engine"), (Some(false), Some("50 %".to_owned())));
        assert_eq!(met("index"), (Some(true), Some("+25 %".to_owned())));
        assert_eq!(met("get-dynoxide"), (None, None));
    }
}
