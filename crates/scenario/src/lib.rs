//! Tests as data: a scenario file holds requests and the exact answers; one runner plays it against any target.
//!
//! ```text
//! # What is shown here, for people.
//! > CreateTable {"TableName": "t", ...}
//! ---
//! 200
//!
//! >* DescribeTable {"TableName": "t"}
//! ---
//! 200 {"Table": {"TableStatus": "ACTIVE", "TableArn": "<any:arn>", ...}}
//!
//! > PutItem {"TableName": "<arn>", "Item": {"pk": {"S": "<fill 2049 a>"}}}
//! ---
//! 400 ValidationException: One or more parameter values were invalid: ...
//! ```
//!
//! - `>*` asks again until the answer is the expected one, for ten seconds at most.
//! - `200` alone takes any answer. After an error's line, the other members of its body may follow as JSON.
//! - `<any>` stands for anything inside an expected string, or for any value if it is the whole string; `<any:name>`
//!   also remembers what it stood for, and `<name>` in a later request gives it back.
//! - `<fill N text>` is the text N times over; `<list N text>` is the text N times with commas between, `#` counting from 1.
//! - `Streams.GetRecords` is an operation of DynamoDB Streams.
//! - `DescribeTable@us-east-1` asks that Region rather than the one that every other step asks.
//!
//! It knows neither a transport nor the operations.

mod expand;
mod file;
mod matching;

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;

use expand::expand;
use file::{Step, parse};
use matching::matches;

/// Times that `>*` asks, with a [`Target::pause`] of ten milliseconds between.
const ATTEMPTS: usize = 1000;

/// The Region that is asked where a step names none.
pub const HOME: &str = "eu-west-1";

/// What a scenario is played against: a server without tables.
pub trait Target {
    /// Calls an operation in [`HOME`], or in another Region; gives the HTTP status and the body of the answer.
    fn call(&mut self, region: &str, service: Service, operation: &str, body: &str) -> (u16, Value);

    /// Waits for ten milliseconds.
    fn pause(&mut self);
}

/// The service that an operation belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// DynamoDB
    DynamoDb,
    /// DynamoDB Streams
    Streams,
}

/// Plays all scenario files below `folder` whose path contains `only`, each against a target of its own. With
/// `rewrite`, expected answers that differ are replaced in the files.
///
/// # Errors
/// The report of what differed.
///
/// # Panics
/// If a file cannot be read, parsed or written.
pub fn play<T: Target>(
    folder: &Path,
    only: &str,
    rewrite: bool,
    mut target: impl FnMut() -> T,
) -> Result<usize, String> {
    let mut files = Vec::new();
    collect(folder, &mut files);
    files.retain(|path| path.contains(only));
    files.sort();
    assert!(!files.is_empty(), "no scenario below {} has {only:?} in its path", folder.display());
    let mut report = String::new();
    let mut steps_played = 0;
    for path in files {
        let text = fs::read_to_string(&path).expect("a scenario file can be read");
        let shown = Path::new(&path).strip_prefix(folder).expect("it lies in the folder").display();
        let steps = parse(&text).unwrap_or_else(|error| panic!("{shown}: {error}"));
        steps_played += steps.len();
        let differences = play_file(&steps, &mut target());
        for Difference { step, got, why } in &differences {
            let Step { line, operation, request, expected, .. } = &steps[*step];
            report += &format!(
                "{shown}:{line}: {why}\n> {operation} {}\nexpected {}\ngot      {}\n\n",
                cut(request),
                cut(expected),
                cut(got)
            );
        }
        if rewrite && !differences.is_empty() {
            let lines: Vec<&str> = text.lines().collect();
            fs::write(&path, rewritten(&lines, &steps, &differences))
                .expect("a scenario file can be written");
        }
    }
    if report.is_empty() { Ok(steps_played) } else { Err(report) }
}

/// Every request of the scenario files below `folder` whose body is JSON: service, operation, body.
///
/// # Panics
/// If a file cannot be read or parsed.
pub fn requests(folder: &Path) -> Vec<(Service, String, Value)> {
    let mut files = Vec::new();
    collect(folder, &mut files);
    let mut requests = Vec::new();
    for path in files {
        let text = fs::read_to_string(&path).expect("a scenario file can be read");
        for step in parse(&text).unwrap_or_else(|error| panic!("{path}: {error}")) {
            if let Ok(body) = serde_json::from_str(&expand(&step.request, &BTreeMap::new())) {
                requests.push((step.service, step.name().to_owned(), body));
            }
        }
    }
    requests
}

fn collect(folder: &Path, files: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("the folder of scenarios can be read") {
        let path = entry.expect("the folder of scenarios can be read").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "scenario") {
            files.push(path.to_string_lossy().into_owned());
        }
    }
}

/// A step whose answer was not the expected one.
struct Difference {
    step: usize,
    got: String,
    why: String,
}

fn play_file(steps: &[Step], target: &mut impl Target) -> Vec<Difference> {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    let mut differences = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let request = expand(&step.request, &known);
        let attempts = if step.until { ATTEMPTS } else { 1 };
        let mut difference = None;
        for attempt in 0..attempts {
            if attempt > 0 {
                target.pause();
            }
            let region = step.region.as_deref().unwrap_or(HOME);
            let (status, body) = target.call(region, step.service, step.name(), &request);
            match matches(&expand(&step.expected, &BTreeMap::new()), status, &body, &mut known) {
                Ok(()) => {
                    difference = None;
                    break;
                }
                Err(why) => {
                    difference = Some(Difference { step: number, got: matching::shown(status, &body), why });
                }
            }
        }
        differences.extend(difference);
    }
    differences
}

fn rewritten(lines: &[&str], steps: &[Step], differences: &[Difference]) -> String {
    let mut text = String::new();
    let mut next = 0;
    for Difference { step, got, .. } in differences {
        let (start, end) = steps[*step].expected_lines;
        lines[next..start].iter().for_each(|line| text += &format!("{line}\n"));
        text += &format!("{got}\n");
        next = end;
    }
    lines[next..].iter().for_each(|line| text += &format!("{line}\n"));
    text
}

fn cut(text: &str) -> String {
    const SHOWN: usize = 2000;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}... ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}
