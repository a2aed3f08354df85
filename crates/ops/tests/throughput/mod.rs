//! Capacity that runs out and comes back, under a clock that the tests move by hand.

#![allow(clippy::unwrap_used)] // the lint's own exception stops at helper functions

mod changes;
mod conflicts;
mod limits;
mod overrides;

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
use graticule_ops::Context;
use graticule_tables::Region;
use serde_json::{Value, json};

use crate::support::{Server, s};

/// The real environment with a clock that stands still.
struct Still {
    real: Env,
    now_ms: Arc<AtomicU64>,
}

impl Environment for Still {
    fn unix_time(&self) -> Duration {
        Duration::from_millis(self.now_ms.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        self.unix_time()
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

/// A Region and its clock.
struct Clocked {
    server: Server,
    now_ms: Arc<AtomicU64>,
}

/// A Sunday, 10 in the morning, UTC.
const MORNING_MS: u64 = 1_795_341_600_000;

impl Clocked {
    async fn start() -> Clocked {
        let now_ms = Arc::new(AtomicU64::new(MORNING_MS));
        let env = Env::new(Still { real: Env::real(), now_ms: Arc::clone(&now_ms) });
        let name = "eu-west-1".parse().unwrap();
        let region = Region::open(name, Arc::new(MemoryEngine::new()), env).await.unwrap();
        let server = Server { context: Context { region, endpoint: "localhost:8000".into() } };
        Clocked { server, now_ms }
    }

    fn advance_seconds(&self, seconds: u64) {
        self.now_ms.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    async fn ok(&self, operation: &str, request: Value) -> Value {
        self.server.ok(operation, request).await
    }

    /// The body of the error that an operation must end with, without the namespace of its type.
    async fn fails(&self, operation: &str, request: Value) -> Value {
        let mut body = self.server.call_raw(operation, &request.to_string()).await.unwrap_err();
        body["__type"] = body["__type"].as_str().unwrap().rsplit('#').next().unwrap().into();
        body
    }

    /// Writes items of one kilobyte until one is refused; how many were taken.
    async fn writes_until_refused(&self, table: &str) -> u64 {
        for written in 0..100_000 {
            if self.server.call("PutItem", &put(table, 1024)).await.is_err() {
                return written;
            }
        }
        panic!("nothing is ever refused");
    }
}

/// A table with the key `pk`, and the global index `by-g` on `g` if it is given capacity.
fn table(name: &str, members: Value, index: Option<Value>) -> Value {
    let mut request = json!({
        "TableName": name,
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    });
    if let Some(capacity) = index {
        request["AttributeDefinitions"]
            .as_array_mut()
            .unwrap()
            .push(json!({"AttributeName": "g", "AttributeType": "S"}));
        request["GlobalSecondaryIndexes"] = json!([{
            "IndexName": "by-g",
            "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }]);
        merge(&mut request["GlobalSecondaryIndexes"][0], &capacity);
    }
    merge(&mut request, &members);
    request
}

fn merge(into: &mut Value, members: &Value) {
    for (name, value) in members.as_object().unwrap() {
        into[name] = value.clone();
    }
}

fn provisioned(read: u64, write: u64) -> Value {
    json!({"ProvisionedThroughput": {"ReadCapacityUnits": read, "WriteCapacityUnits": write}})
}

/// Puts an item of exactly this size.
fn put(table: &str, size_bytes: usize) -> Value {
    json!({"TableName": table, "Item": {"pk": s("a"), "v": s(&"x".repeat(size_bytes - 4))}})
}

fn get(table: &str) -> Value {
    json!({"TableName": table, "Key": {"pk": s("a")}, "ConsistentRead": true})
}

/// Seconds of capacity that a table starts with.
const START_SECONDS: u64 = 300;
