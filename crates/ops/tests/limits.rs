//! Every limit of the service is tested: some scenario or test says so with a comment `limit: NAME`.

use std::{collections::BTreeSet, fs, path::Path};

/// The limits that the service has, by name. Those marked `[G]` are Graticule's own, those marked `[quota]` bound an
/// account, not a table, and are only described.
fn limits() -> Vec<&'static str> {
    let mut limits = Vec::new();
    let mut comment = String::new();
    for line in include_str!("../../model/src/limits.rs").lines() {
        if let Some(text) = line.strip_prefix("///") {
            comment += text;
        } else if let Some(rest) = line.strip_prefix("pub const ") {
            if !comment.contains("[G]") && !comment.contains("[quota]") {
                limits.push(rest.split(':').next().unwrap_or_default());
            }
            comment.clear();
        }
    }
    limits
}

fn collect(folder: &Path, tested: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("the tests can be read") {
        let path = entry.expect("the tests can be read").path();
        if path.is_dir() {
            collect(&path, tested);
            continue;
        }
        let text = fs::read_to_string(&path).expect("tests are text");
        for names in
            text.lines().filter_map(|line| line.trim().split_once(" limit: ")).map(|(_, names)| names)
        {
            tested.extend(names.split(", ").map(str::to_owned));
        }
    }
}

#[test]
fn every_limit_is_tested() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut tested = BTreeSet::new();
    for name in ["ops", "expr", "server"] {
        collect(&crates.join(name).join("tests"), &mut tested);
    }
    let limits = limits();
    assert!(limits.len() > 40);
    let untested: Vec<&&str> = limits.iter().filter(|limit| !tested.contains(**limit)).collect();
    assert!(untested.is_empty(), "no test names {untested:?}");
}
