//! What was measured, and its two forms: a table for people, JSON for machines.

use std::{fmt::Write as _, time::Duration};

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::{
    accounting::CpuUsed,
    rates::{self, Rate},
};

/// Latencies are kept in nanoseconds, to three digits, up to two minutes.
const LATENCY_NS_MAX: u64 = 120_000_000_000;

/// Collects the outcomes of one workload.
#[derive(Debug)]
pub struct Recorder {
    latency_ns: Histogram<u64>,
    errors: u64,
    first_error: Option<String>,
    requests: u64,
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}

impl Recorder {
    /// An empty one.
    pub fn new() -> Self {
        let latency_ns = Histogram::new_with_bounds(1_000, LATENCY_NS_MAX, 3).expect("the bounds are valid");
        Self { latency_ns, errors: 0, first_error: None, requests: 0 }
    }

    /// Counts an operation that did what it should.
    pub fn success(&mut self, latency: Duration) {
        self.latency_ns.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(LATENCY_NS_MAX));
    }

    /// Counts an operation that did not; the first one is told at once.
    pub fn failure(&mut self, error: String) {
        self.errors += 1;
        if self.first_error.is_none() {
            eprintln!("first error: {error}");
            self.first_error = Some(error);
        }
    }

    /// The first failure, if there was one.
    pub fn first_error(&self) -> Option<&str> {
        self.first_error.as_deref()
    }

    /// How many operations did what they should.
    pub fn operations(&self) -> u64 {
        self.latency_ns.len()
    }

    /// p50, p90, p99, p99.9 and the maximum.
    pub fn latency_ms(&self) -> [f64; 5] {
        let ms = |quantile: f64| self.latency_ns.value_at_quantile(quantile) as f64 / 1e6;
        [ms(0.5), ms(0.9), ms(0.99), ms(0.999), self.latency_ns.max() as f64 / 1e6]
    }

    /// Counts requests where an operation takes several.
    pub fn add_requests(&mut self, count: u64) {
        self.requests += count;
    }

    /// The requests so counted.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// Sums up. `requests` is what CPU time is divided by, if it is not the number of operations and errors.
    pub fn finish(
        self,
        workload: &'static str,
        elapsed: Duration,
        requests: Option<u64>,
        cpu: CpuUsed,
    ) -> Measurement {
        let operations = self.latency_ns.len();
        let requests = requests.unwrap_or(operations + self.errors);
        let per_request = |used: Duration| used.as_secs_f64() * 1e6 / requests.max(1) as f64;
        let latency_ms = self.latency_ms();
        let measurement = Measurement {
            workload,
            operations,
            requests,
            seconds: elapsed.as_secs_f64(),
            errors: self.errors,
            first_error: self.first_error,
            latency_ms,
            server_cpu_us_per_request: cpu.server.map(per_request),
            bench_cpu_us_per_request: cpu.bench.map(per_request),
        };
        eprintln!("{workload}: {:.0} operations/s", measurement.operations_per_second());
        measurement
    }
}

/// The result of one workload.
#[derive(Clone, Debug)]
pub struct Measurement {
    /// Its name.
    pub workload: &'static str,
    /// Operations that succeeded in the measured time.
    pub operations: u64,
    /// Requests that CPU time is divided by.
    pub requests: u64,
    /// From the end of the warm-up to the last answer.
    pub seconds: f64,
    /// Operations that failed, including those of the warm-up.
    pub errors: u64,
    /// How the first of them failed.
    pub first_error: Option<String>,
    /// p50, p90, p99, p99.9 and the maximum.
    pub latency_ms: [f64; 5],
    /// User and system time of the server.
    pub server_cpu_us_per_request: Option<f64>,
    /// User and system time of this process.
    pub bench_cpu_us_per_request: Option<f64>,
}

impl Measurement {
    /// Throughput.
    pub fn operations_per_second(&self) -> f64 {
        self.operations as f64 / self.seconds
    }

    fn to_json(&self) -> Value {
        let [p50, p90, p99, p99_9, max] = self.latency_ms;
        json!({
            "workload": self.workload,
            "operations": self.operations,
            "requests": self.requests,
            "seconds": self.seconds,
            "operations_per_second": self.operations_per_second(),
            "errors": self.errors,
            "first_error": self.first_error,
            "latency_ms": {"p50": p50, "p90": p90, "p99": p99, "p99_9": p99_9, "max": max},
            "server_cpu_us_per_request": self.server_cpu_us_per_request,
            "bench_cpu_us_per_request": self.bench_cpu_us_per_request,
        })
    }
}

/// Everything one run has to tell.
#[derive(Debug, Default)]
pub struct Report {
    /// Name and value of each line of the header.
    pub header: Vec<(&'static str, String)>,
    /// One per workload, two for replication.
    pub measurements: Vec<Measurement>,
    /// What is counted rather than timed one by one.
    pub rates: Vec<Rate>,
    /// Why the run ended early, if it did.
    pub aborted: Option<String>,
}

impl Report {
    /// Errors of all workloads.
    pub fn errors(&self) -> u64 {
        self.measurements.iter().map(|measurement| measurement.errors).sum()
    }

    /// One object.
    pub fn to_json(&self) -> Value {
        let header: serde_json::Map<_, _> =
            self.header.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        let results: Vec<_> = self.measurements.iter().map(Measurement::to_json).collect();
        let rates: Vec<_> = self.rates.iter().map(Rate::to_json).collect();
        json!({"about": header, "results": results, "rates": rates, "aborted": self.aborted})
    }

    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.measurements.is_empty() && self.rates.is_empty()
    }

    /// A header and a table, or two.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        for (name, value) in &self.header {
            let _ = writeln!(text, "{name:<12}{value}");
        }
        if !self.measurements.is_empty() {
            self.latencies_to_text(&mut text);
        }
        if !self.rates.is_empty() {
            rates::to_text(&self.rates, &mut text);
        }
        text
    }

    fn latencies_to_text(&self, text: &mut String) {
        let _ = writeln!(
            text,
            "\n{:<22}{:>10}{:>8}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}",
            "workload",
            "ops/s",
            "errors",
            "p50 ms",
            "p90 ms",
            "p99 ms",
            "p99.9 ms",
            "max ms",
            "server",
            "bench"
        );
        let cpu = |used: Option<f64>| used.map_or_else(|| "-".to_owned(), |used| format!("{used:.1}"));
        for row in &self.measurements {
            let _ =
                write!(text, "{:<22}{:>10.0}{:>8}", row.workload, row.operations_per_second(), row.errors);
            for latency_ms in row.latency_ms {
                let _ = write!(text, "{latency_ms:>10.3}");
            }
            let server = cpu(row.server_cpu_us_per_request);
            let _ = writeln!(text, "{server:>10}{:>10}", cpu(row.bench_cpu_us_per_request));
        }
        text.push_str(
            "server and bench: CPU microseconds per request, user and system, of servers and load generator\n",
        );
        for row in &self.measurements {
            if let Some(error) = &row.first_error {
                let _ = writeln!(text, "{}: {} errors; the first: {error}", row.workload, row.errors);
            }
        }
    }
}
