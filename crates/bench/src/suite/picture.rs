//! Throughput against latency as a picture: a panel per workload, a line per server, a point per number of connections.
//!
//! Written as SVG by hand: axes, lines and words are all that is needed.

use std::fmt::Write as _;

use super::results::{Curve, Results};

const PANEL_WIDTH: f64 = 420.0;
const PANEL_HEIGHT: f64 = 330.0;
const LEFT: f64 = 64.0;
const TOP: f64 = 44.0;
const PLOT_WIDTH: f64 = PANEL_WIDTH - LEFT - 20.0;
const PLOT_HEIGHT: f64 = PANEL_HEIGHT - TOP - 52.0;
const COLOURS: [(&str, &str); 4] =
    [("ours", "#0b6e4f"), ("null", "#8a8a8a"), ("dynoxide", "#c1440e"), ("dynalite", "#3b5ba5")];
const OTHER_COLOUR: &str = "#b0b0b0";

/// An axis that counts in powers of ten.
struct Axis {
    low: f64,
    high: f64,
}

impl Axis {
    fn over(values: impl Iterator<Item = f64>) -> Self {
        let (mut low, mut high) = (f64::MAX, f64::MIN_POSITIVE);
        for value in values.filter(|value| *value > 0.0) {
            low = low.min(value);
            high = high.max(value);
        }
        let low = low.min(high);
        Self { low: low.log10().floor(), high: high.log10().ceil().max(low.log10().floor() + 1.0) }
    }

    /// From 0 to 1.
    fn place(&self, value: f64) -> f64 {
        (value.log10() - self.low) / (self.high - self.low)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        (self.low as i32..=self.high as i32).map(|power| 10_f64.powi(power))
    }
}

/// The picture.
pub(crate) fn render(results: &Results) -> String {
    let mut panels: Vec<(String, Vec<&Curve>)> = Vec::new();
    for (mode, section) in [("memory", &results.memory), ("durable", &results.durable)] {
        for curve in section.curves.iter().filter(|curve| !curve.points.is_empty()) {
            let title = format!("{}, {mode}", curve.title);
            match panels.iter_mut().find(|(known, _)| *known == title) {
                Some((_, curves)) => curves.push(curve),
                None => panels.push((title, vec![curve])),
            }
        }
    }
    let rows = panels.len().div_ceil(2).max(1) as f64;
    let (width, height) = (PANEL_WIDTH * 2.0, PANEL_HEIGHT * rows);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
         font-size=\"11\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    );
    for (at, (title, curves)) in panels.iter().enumerate() {
        let (x, y) = ((at % 2) as f64 * PANEL_WIDTH, (at / 2) as f64 * PANEL_HEIGHT);
        // Writing to a String cannot fail.
        let _ = writeln!(svg, "<g transform=\"translate({x} {y})\">");
        panel(&mut svg, title, curves);
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

fn panel(svg: &mut String, title: &str, curves: &[&Curve]) {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let across = Axis::over(points().map(|(_, figures)| figures.per_second));
    let up = Axis::over(points().map(|(_, figures)| figures.p99_ms));
    let x = |value: f64| LEFT + across.place(value) * PLOT_WIDTH;
    let y = |value: f64| TOP + (1.0 - up.place(value)) * PLOT_HEIGHT;
    let (right, bottom) = (LEFT + PLOT_WIDTH, TOP + PLOT_HEIGHT);
    let _ = writeln!(svg, "<text x=\"{LEFT}\" y=\"18\" font-size=\"14\" font-weight=\"bold\">{title}</text>");
    for tick in across.ticks() {
        let at = x(tick);
        let _ = writeln!(
            svg,
            "<path d=\"M{at:.1} {TOP}V{bottom:.1}\" stroke=\"#e4e4e4\"/>\
             <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            bottom + 16.0,
            short(tick)
        );
    }
    for tick in up.ticks() {
        let at = y(tick);
        let _ = writeln!(
            svg,
            "<path d=\"M{LEFT} {at:.1}H{right:.1}\" stroke=\"#e4e4e4\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 6.0,
            at + 4.0,
            short(tick)
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">operations per second</text>\
         <text x=\"14\" y=\"{:.1}\" text-anchor=\"middle\" transform=\"rotate(-90 14 {:.1})\">p99, ms</text>",
        LEFT + PLOT_WIDTH / 2.0,
        bottom + 36.0,
        TOP + PLOT_HEIGHT / 2.0,
        TOP + PLOT_HEIGHT / 2.0
    );
    for (at, curve) in curves.iter().enumerate() {
        let colour = COLOURS
            .iter()
            .find(|(server, _)| *server == curve.server)
            .map_or(OTHER_COLOUR, |(_, colour)| colour);
        let placed: Vec<_> =
            curve.points.iter().map(|(_, figures)| (x(figures.per_second), y(figures.p99_ms))).collect();
        let line: Vec<_> = placed.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            line.join(" ")
        );
        for ((x, y), (connections, _)) in placed.iter().zip(&curve.points) {
            let _ = writeln!(
                svg,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{colour}\"><title>{}, {connections} \
                 connections</title></circle>",
                curve.server
            );
        }
        let (key_x, key_y) = (LEFT + at as f64 * 82.0, TOP - 10.0);
        let _ = writeln!(
            svg,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\" fill=\"{colour}\"/><text x=\"{:.1}\" y=\"{key_y}\">{}</text>",
            key_x + 4.0,
            key_y - 4.0,
            key_x + 12.0,
            curve.server
        );
    }
}

/// A power of ten.
fn short(value: f64) -> String {
    if value >= 1e6 {
        format!("{:.0}M", value / 1e6)
    } else if value >= 1e3 {
        format!("{:.0}k", value / 1e3)
    } else {
        format!("{value}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::figures;
    use super::*;

    #[test]
    fn more_throughput_lies_to_the_right_and_more_latency_above() {
        let axis = Axis::over([150.0, 40_000.0].into_iter());
        assert_eq!((axis.place(100.0), axis.place(100_000.0)), (0.0, 1.0));
        assert_eq!(axis.ticks().count(), 4);
        let curve = Curve {
            workload: "get".to_owned(),
            title: "GetItem".to_owned(),
            server: "ours".to_owned(),
            points: vec![(1, figures(1_000.0, 5.0)), (64, figures(50_000.0, 5.0))],
        };
        let mut results = Results::default();
        results.memory.curves.push(curve);
        let svg = render(&results);
        assert_eq!(svg.matches("<circle").count(), 3, "two points and a key:\n{svg}");
        assert!(svg.contains("GetItem, memory") && svg.ends_with("</svg>\n"), "{svg}");
    }
}
