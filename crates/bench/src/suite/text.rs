//! Results as tables for a terminal.

use std::fmt::Write as _;

use super::{
    page::{bytes, number},
    results::{Results, Row, Section},
    section::engine_rate,
    targets,
};

/// Everything.
pub(crate) fn render(results: &Results) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    for (name, value) in &results.about {
        let _ = writeln!(text, "{name:<24}{value}");
    }
    section(&mut text, "memory against memory", &results.memory);
    section(&mut text, "durable against durable", &results.durable);
    if let Some(rate) = engine_rate(&results.durable) {
        let _ = writeln!(text, "the engine alone, 64 writers of 1 KB: {} durable writes/s", number(rate));
    }
    for (title, rows) in [
        ("as a table grows (in cache, durable)", &results.growth),
        ("more data than cache (durable)", &results.cache),
        ("replicas (durable; CPU of the server that is written to)", &results.replicas),
    ] {
        table(&mut text, title, rows);
    }
    if !results.starts.is_empty() {
        let _ = writeln!(text, "\n{:<22}{:>16}{:>14}{:>14}", "start", "first answer ms", "idle", "program");
        for start in &results.starts {
            let _ = writeln!(
                text,
                "{:<22}{:>16.1}{:>14}{:>14}",
                format!("{}, {}", start.server, start.mode),
                start.first_answer_ms,
                bytes(start.idle_bytes),
                bytes(start.program_bytes)
            );
        }
    }
    let _ = writeln!(text, "\n{:<80}{:<20}{:<14}", "target", "aim", "measured");
    for target in targets::all(results) {
        let verdict = match target.met {
            Some(true) => "met",
            Some(false) => "NOT MET",
            None => "",
        };
        let measured = target.measured.as_deref().unwrap_or("not measured");
        let _ = writeln!(text, "{:<80}{:<20}{measured:<14}{verdict}", target.what, target.aim);
    }
    text
}

fn section(text: &mut String, title: &str, section: &Section) {
    table(text, title, &section.rows);
    if !section.open.is_empty() {
        let _ = writeln!(
            text,
            "\n{title}, open loop\n{:<54}{:<13}{:>6}{:>11}{:>10}{:>10}{:>10}",
            "workload", "server", "load", "ops/s", "p50 ms", "p99 ms", "p99.9 ms"
        );
        for row in &section.open {
            let figures = &row.figures;
            let _ = writeln!(
                text,
                "{:<54}{:<13}{:>5}%{:>11}{:>10.3}{:>10.3}{:>10.3}{}",
                row.title,
                row.server,
                row.percent,
                number(figures.per_second),
                figures.p50_ms,
                figures.p99_ms,
                figures.p99_9_ms,
                if row.held() { "" } else { "  not held" }
            );
        }
    }
    for missing in &section.missing {
        let _ = writeln!(text, "{}: no figures of {}: {}", missing.workload, missing.server, missing.reason);
    }
}

fn table(text: &mut String, title: &str, rows: &[Row]) {
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(
        text,
        "\n{title}\n{:<54}{:<13}{:>6}{:>11}{:>10}{:>10}{:>10}{:>10}{:>10}{:>9}",
        "workload",
        "server",
        "conns",
        "ops/s",
        "server us",
        "bench us",
        "p50 ms",
        "p99 ms",
        "p99.9 ms",
        "flushes"
    );
    for row in rows {
        let figure = |value: Option<f64>, digits: usize| {
            value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
        };
        let _ = writeln!(
            text,
            "{:<54}{:<13}{:>6}{:>11}{:>10}{:>10}{:>10}{:>10}{:>10}{:>9}",
            row.title,
            row.server,
            row.connections,
            number(row.median(|figures| Some(figures.per_second)).unwrap_or_default()),
            figure(row.median(|figures| figures.server_us), 1),
            figure(row.median(|figures| figures.bench_us), 1),
            figure(row.median(|figures| Some(figures.p50_ms)), 3),
            figure(row.median(|figures| Some(figures.p99_ms)), 3),
            figure(row.median(|figures| Some(figures.p99_9_ms)), 3),
            figure(row.median(|figures| figures.flushes_per_operation), 3)
        );
    }
}
