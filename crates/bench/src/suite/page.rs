//! Results as the page of the documentation.
//!
//! The whole page is generated, but for the explanations under targets that are not met: those are written by people
//! between two markers, and kept.

use std::fmt::Write as _;

use super::{
    products::Product,
    results::{Figures, Loaded, Results, Row, Section},
    section::engine_rate,
    targets::{self, Target},
};

const HEAD: &str = include_str!("page_head.md");
const TAIL: &str = include_str!("page_tail.md");
const UNEXPLAINED: &str = "Not explained yet.";

/// The page, with the explanations that the `earlier` one has.
pub(crate) fn render(results: &Results, earlier: &str) -> String {
    let mut text = String::from(HEAD);
    // Writing to a String cannot fail.
    text += "\n## The run\n\n| | |\n|---|---|\n";
    for (name, value) in results.about.iter().chain(&results.servers) {
        let _ = writeln!(text, "| {name} | {} |", value.replace('|', "/"));
    }
    the_targets(&mut text, results, earlier);
    text += "\n![Throughput against latency](benchmarks.svg)\n";
    text += "\nThroughput against latency with 1, 4, 16, 64 and 256 connections; further to the right and lower is better.\n";
    section(&mut text, "Memory against memory", &results.memory);
    section(&mut text, "Durable against durable", &results.durable);
    if let Some(rate) = engine_rate(&results.durable) {
        let _ = writeln!(
            text,
            "\nThe engine alone, 64 writers of 1 KB, group commit, in the same rounds: {} durable writes/s.",
            number(rate)
        );
    }
    alone(&mut text, results);
    text += TAIL;
    text
}

fn the_targets(text: &mut String, results: &Results, earlier: &str) {
    text.push_str("\n## Targets\n\n| | aim | measured | |\n|---|---|---|---|\n");
    let all = targets::all(results);
    for target in &all {
        let verdict = match target.met {
            Some(true) => "met",
            Some(false) => "**not met**",
            None => "",
        };
        let measured = target.measured.as_deref().unwrap_or("not measured");
        let _ = writeln!(text, "| {} | {} | {measured} | {verdict} |", target.what, target.aim);
    }
    for Target { name, what, met, .. } in &all {
        if *met != Some(false) {
            continue;
        }
        let why = explanation(earlier, name).unwrap_or(UNEXPLAINED);
        let _ = write!(text, "\n**{what}**: <!-- why {name} -->\n{why}\n<!-- end -->\n");
    }
}

/// What stands between the markers of a target.
fn explanation<'p>(page: &'p str, name: &str) -> Option<&'p str> {
    let (_, rest) = page.split_once(&format!("<!-- why {name} -->"))?;
    let (why, _) = rest.split_once("<!-- end -->")?;
    Some(why.trim()).filter(|why| !why.is_empty())
}

/// One table with a column per server and a line per workload; then latencies in the open loop.
fn section(text: &mut String, title: &str, section: &Section) {
    if section.rows.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n## {title}");
    let mut servers: Vec<&str> = Vec::new();
    let mut workloads: Vec<(&str, &str, u64)> = Vec::new();
    for row in &section.rows {
        if !servers.contains(&row.server.as_str()) {
            servers.push(&row.server);
        }
        if workloads.last().is_none_or(|(name, ..)| *name != row.workload) {
            workloads.push((&row.workload, &row.title, row.connections));
        }
    }
    type Figure = fn(&Figures) -> Option<f64>;
    let tables: [(&str, Figure, bool); 2] = [
        ("CPU microseconds of the server per operation (and ours as 1)", |figures| figures.server_us, true),
        ("Operations per second", |figures| Some(figures.per_second), false),
    ];
    for (what, figure, with_ratio) in tables {
        let _ = writeln!(text, "\n{what}:\n\n| | connections | {} |", servers.join(" | "));
        let _ = writeln!(text, "|---|---|{}", "---|".repeat(servers.len()));
        for (name, title, connections) in &workloads {
            let _ = write!(text, "| {title} | {connections} |");
            let ours = section.row(name, Product::Ours.name());
            for server in &servers {
                let _ = write!(text, " {} |", cell(section.row(name, server), ours, figure, with_ratio));
            }
            text.push('\n');
        }
    }
    latencies(text, section);
    loaded(text, &section.loaded);
    if section.rows.iter().any(|row| flushes(row).is_some()) {
        text.push_str(
            "\nFlushes of the disk per operation (from the kernel's count for the whole disk):\n\n",
        );
        let _ = writeln!(text, "| | {} |\n|---|{}", servers.join(" | "), "---|".repeat(servers.len()));
        for (name, title, _) in &workloads {
            let _ = write!(text, "| {title} |");
            for server in &servers {
                let value = section.row(name, server).and_then(flushes);
                let _ = write!(
                    text,
                    " {} |",
                    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"))
                );
            }
            text.push('\n');
        }
    }
    if !section.missing.is_empty() {
        text.push_str("\nNo figures:\n\n");
        for missing in &section.missing {
            let reason: String = missing.reason.chars().take(160).collect();
            let _ =
                writeln!(text, "- {}, {}: {}", missing.server, missing.workload, reason.replace('\n', " "));
        }
    }
}

fn flushes(row: &Row) -> Option<f64> {
    row.median(|figures| figures.flushes_per_operation)
}

fn cell(
    row: Option<&Row>,
    ours: Option<&Row>,
    figure: fn(&Figures) -> Option<f64>,
    with_ratio: bool,
) -> String {
    let Some(value) = row.and_then(|row| row.median(figure)) else { return "-".to_owned() };
    let shown = if with_ratio { format!("{value:.1}") } else { number(value) };
    let ratio = row.zip(ours).filter(|(row, ours)| with_ratio && row.server != ours.server);
    match ratio.and_then(|(row, ours)| row.ratio(ours, figure)) {
        Some(ratio) => format!("{shown} ({ratio:.2})"),
        None => shown,
    }
}

fn latencies(text: &mut String, section: &Section) {
    if section.open.is_empty() {
        return;
    }
    text.push_str("\nLatency in the open loop, counted from when a request was due, in milliseconds:\n\n");
    text.push_str("| | server | offered | p50 | p99 | p99.9 |\n|---|---|---|---|---|---|\n");
    for row in &section.open {
        let Figures { p50_ms, p99_ms, p99_9_ms, .. } = row.figures;
        let _ = writeln!(
            text,
            "| {} | {} | {} % of maximum: {}/s{} | {p50_ms:.2} | {p99_ms:.2} | {p99_9_ms:.2} |",
            row.title,
            row.server,
            row.percent,
            number(row.rate),
            if row.held() { "" } else { ", not held" }
        );
    }
}

fn loaded(text: &mut String, loaded: &[Loaded]) {
    if loaded.is_empty() {
        return;
    }
    text.push_str("\nAfter loading 1 KB items with BatchWriteItem over 16 connections:\n\n");
    text.push_str("| server | items | items/s | resident memory | on disk |\n|---|---|---|---|---|\n");
    for Loaded { server, items, seconds, resident_bytes, disk_bytes } in loaded {
        let rate = number(*items as f64 / seconds);
        let (resident, disk) = (bytes(*resident_bytes), bytes(*disk_bytes));
        let _ = writeln!(text, "| {server} | {} | {rate} | {resident} | {disk} |", number(*items as f64));
    }
}

/// What ours is measured with alone.
fn alone(text: &mut String, results: &Results) {
    for (title, rows) in [
        ("As a table grows, everything in cache (ours, durable, 100 B)", &results.growth),
        ("More data than cache (ours, durable)", &results.cache),
        (
            "Replicas (ours, durable, 1 KB; CPU of the server that is written to, until all is shipped)",
            &results.replicas,
        ),
    ] {
        if rows.is_empty() {
            continue;
        }
        let _ = writeln!(
            text,
            "\n## {title}\n\n| | operations/s | CPU us | p50 ms | p99 ms |\n|---|---|---|---|---|"
        );
        for row in rows {
            let of = |figure: fn(&Figures) -> Option<f64>| row.median(figure).unwrap_or_default();
            let _ = writeln!(
                text,
                "| {} | {} | {:.1} | {:.2} | {:.2} |",
                row.title,
                number(of(|figures| Some(figures.per_second))),
                of(|figures| figures.server_us),
                of(|figures| Some(figures.p50_ms)),
                of(|figures| Some(figures.p99_ms))
            );
        }
    }
    if let Some(reopened) = &results.reopened {
        let _ = writeln!(
            text,
            "\nOpening {} of data ({} items) took {:.0} ms until the first answer.",
            bytes(Some(reopened.disk_bytes)),
            number(reopened.items as f64),
            reopened.first_answer_ms
        );
    }
    if results.starts.is_empty() {
        return;
    }
    text.push_str("\n## Starting\n\n| server | first answer | idle memory | program |\n|---|---|---|---|\n");
    for start in &results.starts {
        let _ = writeln!(
            text,
            "| {}, {} | {:.1} ms | {} | {} |",
            start.server,
            start.mode,
            start.first_answer_ms,
            bytes(start.idle_bytes),
            bytes(start.program_bytes)
        );
    }
}

/// A number with commas.
pub(crate) fn number(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Mebibytes.
pub(crate) fn bytes(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "-".to_owned(), |bytes| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)))
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::row;
    use super::*;

    #[test]
    fn explanations_survive_the_next_run() {
        let mut results = Results::default();
        results.memory.rows = vec![row("get", "ours", &[9.0]), row("get", "null", &[3.0])];
        let first = render(&results, "");
        assert!(first.contains(UNEXPLAINED), "{first}");
        assert!(first.contains("| get | 64 | 9.0 | 3.0 (0.33) |"), "{first}");
        let explained = first.replace(UNEXPLAINED, "Because of the weather.");
        assert_eq!(render(&results, &explained), explained);
        results.memory.rows = vec![row("get", "ours", &[5.0]), row("get", "null", &[3.0])];
        assert!(!render(&results, &explained).contains("weather"), "the target is met now");
    }

    #[test]
    fn numbers_are_easy_to_read() {
        assert_eq!(number(1_234_567.8), "1,234,568");
        assert_eq!(number(999.0), "999");
        assert_eq!(bytes(None), "-");
    }
}
