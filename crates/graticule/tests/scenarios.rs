//! Plays the scenario files over HTTP against the program, on the embedded engine.
//!
//! `SCENARIO=part/of/path` selects files.

use std::{env, path::Path, thread, time::Duration};

use graticule_scenario::{Service, Target, play};
use serde_json::Value;

use crate::program::Running;

/// A server with a data directory of its own.
struct OverHttp {
    server: Running,
    _directory: tempfile::TempDir,
}

impl OverHttp {
    fn start() -> OverHttp {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_str().unwrap();
        OverHttp { server: Running::start(&["--data-dir", path]), _directory: directory }
    }
}

impl Target for OverHttp {
    fn call(&mut self, region: &str, service: Service, operation: &str, body: &str) -> (u16, Value) {
        let service = match service {
            Service::DynamoDb => "DynamoDB_20120810",
            Service::Streams => "DynamoDBStreams_20120810",
        };
        let (status, body) = self.server.call_target(region, &format!("{service}.{operation}"), body);
        let status = status.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(&body).unwrap())
    }

    #[allow(clippy::disallowed_methods)] // the program is another process, on the clock of the machine
    fn pause(&mut self) {
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn scenarios() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops/tests/scenarios");
    let only = env::var("SCENARIO").unwrap_or_default();
    match play(&folder, &only, false, OverHttp::start) {
        Ok(steps) => println!("{steps} requests answered as the scenarios say"),
        Err(report) => panic!("answers differ from the scenarios\n\n{report}"),
    }
}
