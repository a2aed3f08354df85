//! Plays the scenario files in process, on the memory engine.
//!
//! `SCENARIO=part/of/path` selects files, `SCENARIOS_REWRITE=1` replaces the expected answers that differ.

use std::{env, path::Path, time::Duration};

use graticule_ops::dispatch;
use graticule_scenario::{Service, Target, play};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::support::Server;

/// An empty Region with its jobs at work.
struct InProcess {
    runtime: Runtime,
    server: Server,
}

impl InProcess {
    fn start() -> InProcess {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime can be made");
        let server = runtime.block_on(async {
            let server = Server::start().await;
            server.context.region.start_jobs();
            server
        });
        InProcess { runtime, server }
    }
}

impl Target for InProcess {
    fn call(&mut self, service: Service, operation: &str, body: &str) -> (u16, Value) {
        let service = match service {
            Service::DynamoDb => graticule_ops::Service::DynamoDb,
            Service::Streams => graticule_ops::Service::Streams,
        };
        let answer =
            self.runtime.block_on(dispatch(&self.server.context, service, operation, body.as_bytes()));
        match answer {
            Ok(body) => (200, serde_json::from_slice(&body).expect("answers are JSON")),
            Err(error) => (error.envelope().status, error.to_json()),
        }
    }

    fn pause(&mut self) {
        let sleep = self.server.context.region.env().sleep(Duration::from_millis(10));
        self.runtime.block_on(sleep);
    }
}

#[test]
fn scenarios() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let only = env::var("SCENARIO").unwrap_or_default();
    let rewrite = env::var("SCENARIOS_REWRITE").is_ok_and(|value| value == "1");
    match play(&folder, &only, rewrite, InProcess::start) {
        Ok(steps) => println!("{steps} requests answered as the scenarios say"),
        Err(report) => panic!("answers differ from the scenarios\n\n{report}"),
    }
}
