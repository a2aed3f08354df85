//! The operations on tables and streams.

#![allow(clippy::unwrap_used)] // the lint's own exception stops at helper functions

mod absent;
mod auto_scaling;
mod consumer;
mod create;
mod indexes;
mod lineage;
mod list;
mod refusals;
mod replicas;
mod streams;
mod tags;
mod time_to_live;
mod update;

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use graticule_env::{BoxTask, Env, Environment};
use graticule_kv::memory::MemoryEngine;
use graticule_ops::{Context, Service, dispatch};
use graticule_tables::Region;
use serde_json::{Value, json};

use crate::support::{Answer, Server};

/// The real environment with a clock that can be put forward.
struct Shifted {
    real: Env,
    ahead_ms: Arc<AtomicU64>,
}

impl Environment for Shifted {
    fn unix_time(&self) -> Duration {
        self.real.unix_time() + Duration::from_millis(self.ahead_ms.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        self.real.monotonic()
    }

    fn random_u64(&self) -> u64 {
        self.real.random_u64()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let real = self.real.clone();
        Box::pin(async move { real.sleep(duration).await })
    }

    fn spawn(&self, name: &'static str, task: BoxTask) {
        self.real.spawn(name, task);
    }
}

/// A Region whose clock can be put forward by the milliseconds of the number.
async fn shifted() -> (Server, Arc<AtomicU64>) {
    let ahead_ms = Arc::new(AtomicU64::new(0));
    let env = Env::new(Shifted { real: Env::real(), ahead_ms: Arc::clone(&ahead_ms) });
    let name = "eu-west-1".parse().unwrap();
    let region = Region::open(name, Arc::new(MemoryEngine::new()), env).await.unwrap();
    (Server { context: Context { region, endpoint: "localhost:8000".into() } }, ahead_ms)
}

/// Calls an operation of DynamoDB Streams.
async fn stream_call(server: &Server, operation: &str, request: Value) -> Answer {
    match dispatch(&server.context, Service::Streams, operation, request.to_string().as_bytes()).await {
        Ok(answer) => Ok(serde_json::from_slice(&answer).unwrap()),
        Err(error) => Err((error.envelope().name.to_owned(), error.to_string())),
    }
}

/// Calls an operation of DynamoDB Streams that must succeed.
async fn stream_ok(server: &Server, operation: &str, request: Value) -> Value {
    stream_call(server, operation, request).await.unwrap()
}

/// The smallest CreateTable.
fn plain(name: &str) -> Value {
    json!({
        "TableName": name,
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    })
}

/// A request with other members.
fn with(mut request: Value, members: Value) -> Value {
    for (name, value) in members.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

/// DescribeTable.
async fn describe(server: &Server, name: &str) -> Value {
    server.ok("DescribeTable", json!({"TableName": name})).await["Table"].clone()
}

/// Waits until a description of a table fits.
async fn wait_for(server: &Server, name: &str, fits: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..500 {
        let table = describe(server, name).await;
        if fits(&table) {
            return table;
        }
        server.context.region.env().sleep(Duration::from_millis(10)).await;
    }
    panic!("{name} never got there: {}", describe(server, name).await);
}

/// A description whose times and ids are there, but say nothing.
fn normalised(mut table: Value) -> Value {
    assert!(table["CreationDateTime"].as_f64().unwrap() > 1.7e9);
    table["CreationDateTime"] = json!("time");
    assert_eq!(table["TableId"].as_str().unwrap().len(), 36);
    table["TableId"] = json!("id");
    if let Some(since) = table.pointer_mut("/BillingModeSummary/LastUpdateToPayPerRequestDateTime") {
        assert!(since.as_f64().unwrap() > 1.7e9);
        *since = json!("time");
    }
    for (member, shown) in [("LatestStreamLabel", "label"), ("LatestStreamArn", "arn")] {
        if table[member].is_string() {
            table[member] = json!(shown);
        }
    }
    table
}
