//! Has anything become much slower? Ratios to the null server are compared with recorded ones.
//!
//! Ratios and not times, since those are the machine's; and twice as much is allowed, since machines are noisy even so.

use std::{collections::BTreeMap, fs, path::Path};

use super::{products::Product, results::Results, targets::cpu_ratio};

/// How many times the recorded ratio is still well.
const ALLOWED: f64 = 2.0;
const WORKLOADS: [&str; 4] = ["get", "put", "update", "query"];

/// Compares, or records. Whether nothing is wrong.
pub(super) fn check(file: &Path, record: bool, results: &Results) -> Result<bool, String> {
    let failed = |error: String| format!("{}: {error}", file.display());
    let measured: BTreeMap<String, f64> = WORKLOADS
        .into_iter()
        .filter_map(|workload| {
            let ratio = cpu_ratio(&results.memory, workload, Product::Ours, Product::Null)?;
            Some((workload.to_owned(), (ratio * 100.0).round() / 100.0))
        })
        .collect();
    if record {
        let text = serde_json::to_string_pretty(&measured).map_err(|error| failed(error.to_string()))?;
        fs::write(file, format!("{text}\n")).map_err(|error| failed(error.to_string()))?;
        eprintln!("recorded: {}", file.display());
        return Ok(true);
    }
    if measured.is_empty() || !file.exists() {
        return Ok(true);
    }
    let text = fs::read(file).map_err(|error| failed(error.to_string()))?;
    let recorded = serde_json::from_slice(&text).map_err(|error| failed(error.to_string()))?;
    let (said, held) = compare(&measured, &recorded);
    print!("{said}");
    Ok(held)
}

fn compare(measured: &BTreeMap<String, f64>, recorded: &BTreeMap<String, f64>) -> (String, bool) {
    let mut said = String::from("\nCPU against the null server, with what was recorded:\n");
    let mut held = true;
    for (workload, ratio) in measured {
        let Some(before) = recorded.get(workload) else { continue };
        let verdict = if *ratio > before * ALLOWED { "MUCH SLOWER" } else { "ok" };
        held &= verdict == "ok";
        said += &format!("  {workload:<10}{ratio:>8.2} times, recorded {before:>8.2}   {verdict}\n");
    }
    (said, held)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_much_slower_fails() {
        let ratios = |get: f64| BTreeMap::from([("get".to_owned(), get), ("other".to_owned(), 1.0)]);
        assert!(compare(&ratios(3.9), &ratios(2.0)).1);
        let (said, held) = compare(&ratios(4.1), &ratios(2.0));
        assert!(!held && said.contains("MUCH SLOWER"), "{said}");
        assert!(compare(&ratios(4.1), &BTreeMap::new()).1);
    }
}
