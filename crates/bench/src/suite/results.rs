//! What was measured, as it is kept in JSON. Everything that is shown is made from this and nothing else.

use serde::{Deserialize, Serialize};

/// A rate is held if at least this part of it was answered in time.
const HELD: f64 = 0.95;

/// One measurement of one server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Figures {
    pub(crate) operations: u64,
    pub(crate) per_second: f64,
    /// CPU microseconds of the server per operation, user and system.
    pub(crate) server_us: Option<f64>,
    /// Of the load generator.
    pub(crate) bench_us: Option<f64>,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) p99_9_ms: f64,
    pub(crate) max_ms: f64,
    /// Flushes of the disk, whoever asked for them.
    pub(crate) flushes_per_operation: Option<f64>,
    pub(crate) resident_bytes: Option<u64>,
    pub(crate) answer_bytes: usize,
}

/// All rounds of one workload on one server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) workload: String,
    pub(crate) title: String,
    pub(crate) server: String,
    pub(crate) connections: u64,
    pub(crate) rounds: Vec<Figures>,
}

impl Row {
    /// The median over the rounds.
    pub(crate) fn median(&self, figure: impl Fn(&Figures) -> Option<f64>) -> Option<f64> {
        median(self.rounds.iter().filter_map(figure).collect())
    }

    /// The median of this row's figure by the other's in the same round.
    pub(crate) fn ratio(&self, to: &Row, figure: impl Fn(&Figures) -> Option<f64>) -> Option<f64> {
        let pairs = self.rounds.iter().zip(&to.rounds);
        let ratios = pairs.filter_map(|(one, other)| Some(figure(one)? / figure(other)?));
        median(ratios.filter(|ratio| ratio.is_finite()).collect())
    }
}

/// A measurement in the open loop.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct OpenRow {
    pub(crate) workload: String,
    pub(crate) title: String,
    pub(crate) server: String,
    /// Percent of what it did in the closed loop.
    pub(crate) percent: u32,
    pub(crate) rate: f64,
    pub(crate) figures: Figures,
}

impl OpenRow {
    /// Whether the server kept up with what it was offered.
    pub(crate) fn held(&self) -> bool {
        self.figures.per_second >= self.rate * HELD
    }
}

/// Throughput and latency of one workload with more and more connections.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Curve {
    pub(crate) workload: String,
    pub(crate) title: String,
    pub(crate) server: String,
    pub(crate) points: Vec<(u64, Figures)>,
}

/// A server with a freshly loaded table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Loaded {
    pub(crate) server: String,
    pub(crate) items: u64,
    pub(crate) seconds: f64,
    pub(crate) resident_bytes: Option<u64>,
    pub(crate) disk_bytes: Option<u64>,
}

/// A workload that a server has no figures for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Missing {
    pub(crate) workload: String,
    pub(crate) server: String,
    pub(crate) reason: String,
}

/// Everything measured with servers of one kind of durability.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Section {
    pub(crate) rows: Vec<Row>,
    pub(crate) open: Vec<OpenRow>,
    pub(crate) curves: Vec<Curve>,
    pub(crate) loaded: Vec<Loaded>,
    pub(crate) missing: Vec<Missing>,
    /// Writes per second that the engine alone reaches, round by round; in the durable section only.
    pub(crate) engine: Vec<f64>,
}

impl Section {
    /// The rounds of a workload on a server.
    pub(crate) fn row(&self, workload: &str, server: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.workload == workload && row.server == server)
    }
}

/// How a server starts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Start {
    pub(crate) server: String,
    pub(crate) mode: String,
    pub(crate) first_answer_ms: f64,
    pub(crate) idle_bytes: Option<u64>,
    pub(crate) program_bytes: Option<u64>,
}

/// How long it took to open what a long run has left.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Reopened {
    pub(crate) disk_bytes: u64,
    pub(crate) items: u64,
    pub(crate) first_answer_ms: f64,
}

/// The name in [`Results::about`] of what the part `cache` was made with.
pub(crate) const MORE_THAN_CACHE: &str = "more data than cache";

/// A whole run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Results {
    /// Name and value of what the run was made with.
    pub(crate) about: Vec<(String, String)>,
    /// What the servers are and do about durability.
    pub(crate) servers: Vec<(String, String)>,
    pub(crate) memory: Section,
    pub(crate) durable: Section,
    pub(crate) starts: Vec<Start>,
    /// Rows whose `workload` is `get` or `put` and a number of items.
    pub(crate) growth: Vec<Row>,
    /// More data than cache.
    pub(crate) cache: Vec<Row>,
    /// PutItem with no, one and two replicas, and with a stream alone.
    pub(crate) replicas: Vec<Row>,
    pub(crate) reopened: Option<Reopened>,
}

impl Results {
    /// What a run was made with.
    fn made_with(&self, name: &str) -> &str {
        self.about.iter().find(|(known, _)| known == name).map_or("not told", |(_, value)| value)
    }

    /// Takes the parts that a later run has in place of its own, and says with what they were made.
    pub(crate) fn take(&mut self, later: Results) {
        let made_with =
            ["date", "source", "other programs", "load"].map(|name| later.made_with(name)).join("; ");
        let mut parts = Vec::new();
        let mut has = |part: &'static str, is_there: bool| {
            if is_there {
                parts.push(part);
            }
            is_there
        };
        if has("starts", !later.starts.is_empty()) {
            self.starts = later.starts;
        }
        if has("memory", !later.memory.rows.is_empty()) {
            self.memory = later.memory;
        }
        if has("durable", !later.durable.rows.is_empty()) {
            self.durable = later.durable;
        }
        if has("growth", !later.growth.is_empty()) {
            self.growth = later.growth;
        }
        if has("cache", !later.cache.is_empty()) {
            (self.cache, self.reopened) = (later.cache, later.reopened);
            self.about.retain(|(name, _)| name != MORE_THAN_CACHE);
            self.about.extend(later.about.into_iter().filter(|(name, _)| name == MORE_THAN_CACHE));
        }
        if has("replicas", !later.replicas.is_empty()) {
            self.replicas = later.replicas;
        }
        self.about.push((format!("measured apart: {}", parts.join(", ")), made_with));
    }
}

/// The one in the middle, or the mean of the two there.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        count if count % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Figures of a server that needs `server_us` for an operation.
    pub(crate) fn figures(per_second: f64, server_us: f64) -> Figures {
        Figures {
            operations: 1_000,
            per_second,
            server_us: Some(server_us),
            bench_us: Some(1.0),
            p50_ms: 0.5,
            p99_ms: 1.5,
            p99_9_ms: 2.5,
            max_ms: 3.5,
            flushes_per_operation: Some(0.1),
            resident_bytes: Some(1 << 20),
            answer_bytes: 2,
        }
    }

    /// A row with one round per figure.
    pub(crate) fn row(workload: &str, server: &str, server_us: &[f64]) -> Row {
        Row {
            workload: workload.to_owned(),
            title: workload.to_owned(),
            server: server.to_owned(),
            connections: 64,
            rounds: server_us.iter().map(|us| figures(1e6 / us, *us)).collect(),
        }
    }

    #[test]
    fn parts_of_a_later_run_take_the_place_of_earlier_ones() {
        let run = |date: &str, larger: &str| Results {
            about: vec![
                ("date".to_owned(), date.to_owned()),
                (MORE_THAN_CACHE.to_owned(), larger.to_owned()),
            ],
            ..Results::default()
        };
        let mut whole = run("Monday", "little");
        whole.growth = vec![row("get 1", "ours", &[1.0])];
        whole.replicas = vec![row("put", "ours", &[1.0])];
        let mut later = run("Tuesday", "much");
        later.growth = vec![row("get 1", "ours", &[2.0]), row("get 2", "ours", &[2.0])];
        later.cache = vec![row("get", "ours", &[3.0])];
        whole.take(later);
        assert_eq!((whole.growth.len(), whole.cache.len(), whole.replicas.len()), (2, 1, 1));
        let about: Vec<(&str, &str)> =
            whole.about.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let apart = "Tuesday; not told; not told; not told";
        assert_eq!(
            about,
            [("date", "Monday"), (MORE_THAN_CACHE, "much"), ("measured apart: growth, cache", apart)]
        );
    }

    #[test]
    fn ratios_are_paired_within_rounds() {
        // The machine was half as fast in the second round and both suffered.
        let (ours, null) = (row("get", "ours", &[10.0, 20.0, 11.0]), row("get", "null", &[5.0, 10.0, 5.0]));
        assert_eq!(ours.ratio(&null, |figures| figures.server_us), Some(2.0));
        assert_eq!(ours.median(|figures| figures.server_us), Some(11.0));
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![1.0, 4.0]), Some(2.5));
    }
}
