//! What happens around measurements: tables are made and awaited, replicas added, workers joined.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    http::{Connection, Endpoint, exchange_in_time},
    requests::{KEY_DIGITS, KEY_SLOT},
    suite::{
        signer::Signer,
        template::{Body, Template},
    },
};

/// The Region that all workloads write to.
pub const REGION: &str = "us-east-1";
/// The Region that has a replica where there is one.
pub const REPLICA_REGION: &str = "eu-west-1";
const TABLE_WAIT: Duration = Duration::from_secs(60);

/// Waits for all workers; an error if one is still waiting for its answer at `limit`.
pub(crate) async fn join_before(mut workers: JoinSet<()>, limit: Instant) -> Result<(), String> {
    let all = async {
        while let Some(joined) = workers.join_next().await {
            joined.map_err(|error| format!("a worker of the benchmark failed: {error}"))?;
        }
        Ok(())
    };
    match tokio::time::timeout_at(limit.into(), all).await {
        Ok(result) => result,
        Err(_) => {
            Err("the server hangs: requests are unanswered long after the end of the workload".to_owned())
        }
    }
}

/// CreateTable's input for a table with the partition key `pk`.
pub(crate) fn simple_schema(table: &str) -> Value {
    json!({
        "TableName": table,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    })
}

/// An item of `item_bytes` with slots for its key and its payload.
pub(crate) fn simple_item(item_bytes: usize) -> String {
    let payload = "*".repeat(item_bytes - "pk".len() - KEY_DIGITS - "payload".len());
    format!(r#"{{"pk":{{"S":"{KEY_SLOT}"}},"payload":{{"S":"{payload}"}}}}"#)
}

/// Creates a table and waits until it is ACTIVE.
pub(crate) async fn create_table(
    connection: &mut Connection,
    endpoint: &Endpoint,
    schema: &Value,
) -> Result<(), String> {
    call(connection, endpoint, REGION, "CreateTable", schema).await?;
    let table = schema["TableName"].as_str().unwrap_or_default();
    wait_for_table(connection, endpoint, REGION, table, |_| true).await
}

/// Polls DescribeTable until the table is ACTIVE and `ready` agrees.
pub(crate) async fn wait_for_table(
    connection: &mut Connection,
    endpoint: &Endpoint,
    region: &str,
    table: &str,
    ready: impl Fn(&Value) -> bool,
) -> Result<(), String> {
    let limit = Instant::now() + TABLE_WAIT;
    loop {
        let input = json!({"TableName": table});
        let state = match call(connection, endpoint, region, "DescribeTable", &input).await {
            Ok(output) => {
                let description = &output["Table"];
                if description["TableStatus"] == "ACTIVE" && ready(description) {
                    return Ok(());
                }
                description.to_string()
            }
            Err(error) => error,
        };
        if Instant::now() > limit {
            let waited = TABLE_WAIT.as_secs();
            return Err(format!("table {table} in {region} was not ready after {waited} s: {state}"));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Makes `region`, served at `replica`, a member of a table and waits until it is active in both.
pub(crate) async fn add_replica(
    connection: &mut Connection,
    endpoint: &Endpoint,
    region: &str,
    replica: &Endpoint,
    table: &str,
) -> Result<(), String> {
    let input = json!({"TableName": table, "ReplicaUpdates": [{"Create": {"RegionName": region}}]});
    call(connection, endpoint, REGION, "UpdateTable", &input).await?;
    let active = |description: &Value| {
        description["Replicas"].as_array().is_some_and(|replicas| {
            replicas
                .iter()
                .any(|replica| replica["RegionName"] == region && replica["ReplicaStatus"] == "ACTIVE")
        })
    };
    wait_for_table(connection, endpoint, REGION, table, active).await?;
    let mut there = Connection::open(replica).await?;
    wait_for_table(&mut there, replica, region, table, |_| true).await
}

/// One operation outside the measurements, signed.
pub(crate) async fn call(
    connection: &mut Connection,
    endpoint: &Endpoint,
    region: &str,
    operation: &str,
    input: &Value,
) -> Result<Value, String> {
    let mut body = Body::default();
    body.raw(&input.to_string());
    let mut request = Template::new(endpoint, region, operation, body);
    request.finish(&mut Signer::new(region), true, Instant::now());
    let answer = exchange_in_time(connection, request.bytes()).await?;
    if answer.status != 200 {
        return Err(format!("{operation} in {region}: {}", answer.describe()));
    }
    serde_json::from_slice(answer.body).map_err(|error| format!("{operation}: not JSON: {error}"))
}
