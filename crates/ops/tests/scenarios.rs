//! Plays the scenario files in process, on the memory engine.
//!
//! `SCENARIO=part/of/path` selects files, `SCENARIOS_REWRITE=1` replaces the expected answers that differ.

use std::{env, path::Path, sync::Arc, time::Duration};

use graticule_ops::dispatch;
use graticule_scenario::{HOME, Service, Target, play};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::support::regions::Regions;

/// Empty Regions with their jobs at work, linked with each other.
struct InProcess {
    runtime: Runtime,
    regions: Arc<Regions>,
}

impl InProcess {
    fn start() -> InProcess {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime can be made");
        InProcess { runtime, regions: Regions::start() }
    }
}

impl Target for InProcess {
    fn call(&mut self, region: &str, service: Service, operation: &str, body: &str) -> (u16, Value) {
        let service = match service {
            Service::DynamoDb => graticule_ops::Service::DynamoDb,
            Service::Streams => graticule_ops::Service::Streams,
        };
        let answer = self.runtime.block_on(async {
            let server = self.regions.server(region).await;
            dispatch(&server.context, service, operation, body.as_bytes()).await
        });
        match answer {
            Ok(body) => (200, serde_json::from_slice(&body).expect("answers are JSON")),
            Err(error) => (error.envelope().status, error.to_json()),
        }
    }

    fn pause(&mut self) {
        self.runtime.block_on(async {
            let server = self.regions.server(HOME).await;
            server.context.region.env().sleep(Duration::from_millis(10)).await;
        });
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
