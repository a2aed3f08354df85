//! How many changes a second, and what each costs the two servers; and the table of it.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// Some changes that were written or shipped.
#[derive(Clone, Debug)]
pub struct Rate {
    /// What happened to them.
    pub name: String,
    /// How many.
    pub changes: u64,
    /// How long it took.
    pub seconds: f64,
    /// CPU microseconds per change of the first Region's server.
    pub source_us: Option<f64>,
    /// Of the second Region's, if that is another one.
    pub target_us: Option<f64>,
    /// This rate by that of local writes of the same items.
    pub to_local: Option<f64>,
}

impl Rate {
    /// Changes per second.
    pub fn per_second(&self) -> f64 {
        self.changes as f64 / self.seconds
    }

    /// One object.
    pub fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "changes": self.changes,
            "seconds": self.seconds,
            "changes_per_second": self.per_second(),
            "source_cpu_us_per_change": self.source_us,
            "target_cpu_us_per_change": self.target_us,
            "to_local_writes": self.to_local,
        })
    }
}

/// Adds the table to `text`.
pub fn to_text(rates: &[Rate], text: &mut String) {
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "\n{:<34}{:>10}{:>10}{:>11}{:>10}{:>10}{:>10}",
        "changes", "count", "seconds", "changes/s", "source", "target", "to local"
    );
    let figure = |value: Option<f64>, digits: usize| {
        value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
    };
    for rate in rates {
        let _ = writeln!(
            text,
            "{:<34}{:>10}{:>10.2}{:>11.0}{:>10}{:>10}{:>10}",
            rate.name,
            rate.changes,
            rate.seconds,
            rate.per_second(),
            figure(rate.source_us, 1),
            figure(rate.target_us, 1),
            figure(rate.to_local, 2)
        );
    }
    text.push_str(
        "source and target: CPU microseconds per change of the server that was written to and of the other one\n",
    );
}
