//! The closed-loop workloads and the tables they run on.
//!
//! Every answer is checked for status 200 and for carrying as much data as was asked for; anything else is an
//! error and never counts as an operation. What is sent during the warm-up is not measured, but its errors are.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    http::{Connection, Endpoint, exchange_in_time},
    report::{Measurement, Recorder},
    requests::{KEY_DIGITS, KEY_SLOT, PayloadPool, Random, Request},
    server::CpuReading,
};

/// The Region that all workloads write to.
pub const REGION: &str = "us-east-1";
/// Items in one partition of the table that Query reads.
const QUERY_ITEMS: u64 = 10;
/// Items in one BatchWriteItem while loading; the API's limit.
const BATCH_ITEMS: u64 = 25;
/// How often a batch may come back with unprocessed items before loading gives up.
const BATCH_ATTEMPTS_MAX: usize = 100;
const LOAD_CONNECTIONS_MAX: usize = 32;
/// How long an answer may take after the end of a workload before the server counts as hanging.
const LAST_ANSWER_WAIT: Duration = Duration::from_secs(30);
const TABLE_WAIT: Duration = Duration::from_secs(60);

/// What to run against, and how much.
#[derive(Debug)]
pub struct Plan {
    /// The server.
    pub endpoint: Endpoint,
    /// The process whose CPU time is read.
    pub server_pid: Option<u32>,
    /// Concurrent connections.
    pub connections: usize,
    /// Measured time of one workload, after the warm-up.
    pub duration: Duration,
    /// Time before the measurement starts.
    pub warm_up: Duration,
    /// Size of an item as DynamoDB counts it: names and values.
    pub item_bytes: usize,
    /// Items loaded per table.
    pub keys: u64,
    /// Prefix of the names of the tables of this run.
    pub table_prefix: String,
    /// Text that payloads are cut from.
    pub pool: Rc<PayloadPool>,
}

/// A workload in which every connection repeats one kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClosedLoop {
    /// PutItem over random loaded keys, which replaces whole items.
    Put,
    /// Eventually consistent GetItem of random loaded keys.
    Get,
    /// UpdateItem that adds 1 to a counter of a random loaded item.
    Update,
    /// Query of one partition of ten items.
    Query,
}

impl ClosedLoop {
    fn name(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Get => "get",
            Self::Update => "update",
            Self::Query => "query",
        }
    }

    fn request(self, plan: &Plan, table: &str) -> Request {
        let key = format!(r#"{{"pk":{{"S":"{KEY_SLOT}"}}}}"#);
        let (operation, body) = match self {
            Self::Put => {
                ("PutItem", format!(r#"{{"TableName":"{table}","Item":{}}}"#, simple_item(plan.item_bytes)))
            }
            Self::Get => ("GetItem", format!(r#"{{"TableName":"{table}","Key":{key}}}"#)),
            Self::Update => (
                "UpdateItem",
                format!(
                    r#"{{"TableName":"{table}","Key":{key},"UpdateExpression":"ADD hit_count :one","ExpressionAttributeValues":{{":one":{{"N":"1"}}}}}}"#
                ),
            ),
            Self::Query => (
                "Query",
                format!(
                    r#"{{"TableName":"{table}","KeyConditionExpression":"pk = :pk","ExpressionAttributeValues":{{":pk":{{"S":"{KEY_SLOT}"}}}}}}"#
                ),
            ),
        };
        Request::new(&plan.endpoint, REGION, operation, &body)
    }

    /// The least an honest answer can have.
    fn body_bytes_min(self, plan: &Plan) -> usize {
        match self {
            Self::Put | Self::Update => 0,
            Self::Get => plan.item_bytes,
            Self::Query => plan.item_bytes * QUERY_ITEMS as usize,
        }
    }

    fn key_count(self, plan: &Plan) -> u64 {
        if self == Self::Query { query_partitions(plan) } else { plan.keys }
    }
}

/// Runs one workload on a loaded table.
pub async fn run(plan: &Plan, workload: ClosedLoop, table: &str) -> Result<Measurement, String> {
    let mut connections = Vec::with_capacity(plan.connections);
    for _ in 0..plan.connections {
        connections.push(Connection::open(&plan.endpoint).await?);
    }

    let started = Instant::now();
    let measured_from = started + plan.warm_up;
    let end = measured_from + plan.duration;
    let recorder = Rc::new(RefCell::new(Recorder::new()));
    let mut workers = JoinSet::new();
    for (index, mut connection) in connections.into_iter().enumerate() {
        let mut request = workload.request(plan, table);
        let mut random = Random::new(index as u64);
        let recorder = Rc::clone(&recorder);
        let pool = Rc::clone(&plan.pool);
        let (key_count, body_bytes_min) = (workload.key_count(plan), workload.body_bytes_min(plan));
        workers.spawn_local(async move {
            loop {
                request.set_keys(random.below(key_count), 1);
                request.set_payloads(&pool, &mut random);
                let sent = Instant::now();
                if sent >= end {
                    return;
                }
                let failure = match connection.exchange(request.bytes()).await {
                    Ok(answer) if answer.status == 200 && answer.body.len() >= body_bytes_min => {
                        if sent >= measured_from {
                            let done = Instant::now();
                            recorder.borrow_mut().success(done - sent);
                        }
                        continue;
                    }
                    Ok(answer) => answer.describe(),
                    Err(error) => error,
                };
                recorder.borrow_mut().failure(failure);
                if !connection.is_open() && connection.reopen().await.is_err() {
                    return;
                }
            }
        });
    }

    tokio::time::sleep_until(measured_from.into()).await;
    let cpu_before = CpuReading::take(plan.server_pid.as_slice());
    join_before(workers, end + LAST_ANSWER_WAIT).await?;
    let cpu = CpuReading::take(plan.server_pid.as_slice()).since(&cpu_before);
    let recorder = recorder.take();
    Ok(recorder.finish(workload.name(), measured_from.elapsed(), None, cpu))
}

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

/// Creates the table with a partition key only and loads it.
pub async fn create_simple_table(plan: &Plan) -> Result<String, String> {
    let table = format!("{}_simple", plan.table_prefix);
    let mut connection = Connection::open(&plan.endpoint).await?;
    create_table(&mut connection, &plan.endpoint, &simple_schema(&table)).await?;
    let put = format!(r#"{{"PutRequest":{{"Item":{}}}}}"#, simple_item(plan.item_bytes));
    let puts = vec![put; BATCH_ITEMS as usize].join(",");
    // The last batch is moved back so that it is full too; it then replaces items of the one before.
    let batches = plan.keys.div_ceil(BATCH_ITEMS);
    let last_start = plan.keys.saturating_sub(BATCH_ITEMS);
    load(plan, &table, &puts, batches, 1, move |batch| (batch * BATCH_ITEMS).min(last_start)).await?;
    Ok(table)
}

/// Creates the table with a sort key and loads partitions of ten items.
pub async fn create_query_table(plan: &Plan) -> Result<String, String> {
    let table = format!("{}_query", plan.table_prefix);
    let mut connection = Connection::open(&plan.endpoint).await?;
    let mut schema = simple_schema(&table);
    schema["AttributeDefinitions"] =
        json!([{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"}]);
    schema["KeySchema"] =
        json!([{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]);
    create_table(&mut connection, &plan.endpoint, &schema).await?;
    let named = "pk".len() + KEY_DIGITS + "sk".len() + 1 + "payload".len();
    let payload = "*".repeat(plan.item_bytes - named);
    let puts: Vec<_> = (0..QUERY_ITEMS)
        .map(|sort_key| {
            format!(
                r#"{{"PutRequest":{{"Item":{{"pk":{{"S":"{KEY_SLOT}"}},"sk":{{"S":"{sort_key}"}},"payload":{{"S":"{payload}"}}}}}}}}"#
            )
        })
        .collect();
    load(plan, &table, &puts.join(","), query_partitions(plan), 0, |batch| batch).await?;
    Ok(table)
}

fn query_partitions(plan: &Plan) -> u64 {
    (plan.keys / QUERY_ITEMS).max(1)
}

/// Sends `batches` BatchWriteItem requests; `first_key` gives the first key of each.
async fn load(
    plan: &Plan,
    table: &str,
    puts: &str,
    batches: u64,
    key_step: u64,
    first_key: impl Fn(u64) -> u64 + Copy + 'static,
) -> Result<(), String> {
    let started = Instant::now();
    let body = format!(r#"{{"RequestItems":{{"{table}":[{puts}]}}}}"#);
    let template = Request::new(&plan.endpoint, REGION, "BatchWriteItem", &body);
    let next_batch = Rc::new(Cell::new(0));
    let mut workers = JoinSet::new();
    for index in 0..plan.connections.min(LOAD_CONNECTIONS_MAX) {
        let mut connection = Connection::open(&plan.endpoint).await?;
        let (mut request, pool, next_batch) =
            (template.clone(), Rc::clone(&plan.pool), Rc::clone(&next_batch));
        let mut random = Random::new(u64::MAX - 1 - index as u64);
        workers.spawn_local(async move {
            while next_batch.get() < batches {
                let batch = next_batch.replace(next_batch.get() + 1);
                request.set_keys(first_key(batch), key_step);
                request.set_payloads(&pool, &mut random);
                write_batch(&mut connection, &request).await?;
            }
            Ok::<_, String>(())
        });
    }
    while let Some(joined) = workers.join_next().await {
        joined
            .map_err(|error| format!("a worker of the benchmark failed: {error}"))?
            .map_err(|error| format!("could not load table {table}: {error}"))?;
    }
    eprintln!("loaded {table} in {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}

/// Repeats a batch until nothing of it is left unprocessed.
async fn write_batch(connection: &mut Connection, request: &Request) -> Result<(), String> {
    for _ in 0..BATCH_ATTEMPTS_MAX {
        let answer = exchange_in_time(connection, request.bytes()).await?;
        if answer.status != 200 {
            return Err(answer.describe());
        }
        let value: Value = serde_json::from_slice(answer.body).map_err(|error| error.to_string())?;
        if value["UnprocessedItems"].as_object().is_none_or(|tables| tables.is_empty()) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err(format!("a batch still had unprocessed items after {BATCH_ATTEMPTS_MAX} attempts"))
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

/// DeleteTable, for a server that outlives this run; a failure is only told.
pub async fn delete_table(plan: &Plan, table: &str) {
    let deleted = async {
        let mut connection = Connection::open(&plan.endpoint).await?;
        call(&mut connection, &plan.endpoint, REGION, "DeleteTable", &json!({"TableName": table})).await
    };
    if let Err(error) = deleted.await {
        eprintln!("table {table} is left behind: {error}");
    }
}

/// One operation outside the measurements.
pub(crate) async fn call(
    connection: &mut Connection,
    endpoint: &Endpoint,
    region: &str,
    operation: &str,
    input: &Value,
) -> Result<Value, String> {
    let request = Request::new(endpoint, region, operation, &input.to_string());
    let answer = exchange_in_time(connection, request.bytes()).await?;
    if answer.status != 200 {
        return Err(format!("{operation} in {region}: {}", answer.describe()));
    }
    serde_json::from_slice(answer.body).map_err(|error| format!("{operation}: not JSON: {error}"))
}
