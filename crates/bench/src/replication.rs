//! Replication lag between two Regions: how long after its acknowledgement an item is first read elsewhere.
//!
//! Each worker writes one fresh item in the first Region and then reads it in the second, back to back, until it
//! is there. Nothing is subtracted: the last read's own round trip is part of the lag.

use std::{
    cell::RefCell,
    rc::Rc,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    http::{Connection, Endpoint},
    report::{Measurement, Recorder},
    requests::{KEY_SLOT, PayloadPool, Random, Request},
    server::CpuReading,
    workloads::{
        Plan, REGION, call, create_table, delete_table, join_before, simple_item, simple_schema,
        wait_for_table,
    },
};

/// The Region that reads.
pub const REPLICA_REGION: &str = "eu-west-1";
const WORKERS: u32 = 4;
/// Items per second over all workers.
pub const RATE: u32 = 200;
/// An item that is not there after this long is an error.
const SEEN_WAIT: Duration = Duration::from_secs(10);

struct Lag {
    from_ack: Recorder,
    from_send: Recorder,
}

/// Creates the table, adds the replica, measures; the lag from the acknowledgement and the lag from sending.
pub async fn run(plan: &Plan, replica: &Endpoint, clean_up: bool) -> Result<Vec<Measurement>, String> {
    let table = format!("{}_global", plan.table_prefix);
    let mut connection = Connection::open(&plan.endpoint).await?;
    let mut schema = simple_schema(&table);
    schema["StreamSpecification"] = json!({"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"});
    create_table(&mut connection, &plan.endpoint, &schema).await?;
    let result = match add_replica(&mut connection, &plan.endpoint, replica, &table).await {
        Ok(()) => measure(plan, replica, &table).await,
        Err(error) => Err(error),
    };
    if clean_up {
        remove_replica(&mut connection, plan, &table).await;
        delete_table(plan, &table).await;
    }
    result
}

/// Makes the Region that reads a member of a table and waits until it is active in both.
pub(crate) async fn add_replica(
    connection: &mut Connection,
    endpoint: &Endpoint,
    replica: &Endpoint,
    table: &str,
) -> Result<(), String> {
    let input = json!({"TableName": table, "ReplicaUpdates": [{"Create": {"RegionName": REPLICA_REGION}}]});
    call(connection, endpoint, REGION, "UpdateTable", &input).await?;
    let active = |description: &serde_json::Value| {
        description["Replicas"].as_array().is_some_and(|replicas| {
            replicas.iter().any(|replica| {
                replica["RegionName"] == REPLICA_REGION && replica["ReplicaStatus"] == "ACTIVE"
            })
        })
    };
    wait_for_table(connection, endpoint, REGION, table, active).await?;
    let mut there = Connection::open(replica).await?;
    wait_for_table(&mut there, replica, REPLICA_REGION, table, |_| true).await
}

async fn remove_replica(connection: &mut Connection, plan: &Plan, table: &str) {
    let input = json!({"TableName": table, "ReplicaUpdates": [{"Delete": {"RegionName": REPLICA_REGION}}]});
    let removed = async {
        call(connection, &plan.endpoint, REGION, "UpdateTable", &input).await?;
        let gone = |description: &serde_json::Value| {
            description["Replicas"]
                .as_array()
                .is_none_or(|replicas| replicas.iter().all(|replica| replica["RegionName"] != REPLICA_REGION))
        };
        wait_for_table(connection, &plan.endpoint, REGION, table, gone).await
    };
    if let Err(error) = removed.await {
        eprintln!("the replica of {table} in {REPLICA_REGION} is left behind: {error}");
    }
}

async fn measure(plan: &Plan, replica: &Endpoint, table: &str) -> Result<Vec<Measurement>, String> {
    let interval = Duration::from_secs(1) * WORKERS / RATE;
    let started = Instant::now();
    let measured_from = started + plan.warm_up;
    let end = measured_from + plan.duration;
    let lag = Rc::new(RefCell::new(Lag { from_ack: Recorder::new(), from_send: Recorder::new() }));
    let mut workers = JoinSet::new();
    for index in 0..WORKERS {
        let mut worker = Worker::new(plan, replica, table, index).await?;
        let lag = Rc::clone(&lag);
        workers.spawn_local(async move {
            let mut due = started + interval * index / WORKERS;
            while due < end {
                tokio::time::sleep_until(due.into()).await;
                let measured = due >= measured_from;
                match worker.write_and_wait().await {
                    Ok((from_ack, from_send)) if measured => {
                        let mut lag = lag.borrow_mut();
                        lag.from_ack.success(from_ack);
                        lag.from_send.success(from_send);
                    }
                    Ok(_) => {}
                    Err(error) => lag.borrow_mut().from_ack.failure(error),
                }
                if measured {
                    lag.borrow_mut().from_ack.add_requests(worker.requests);
                }
                worker.requests = 0;
                // A lag longer than the interval leaves out turns: one item at a time, and no bursts after.
                let now = Instant::now();
                due += interval;
                while due < now {
                    due += interval;
                }
            }
        });
    }

    tokio::time::sleep_until(measured_from.into()).await;
    let cpu_before = CpuReading::take(plan.server_pid.as_slice());
    join_before(workers, end + SEEN_WAIT * 2).await?;
    let cpu = CpuReading::take(plan.server_pid.as_slice()).since(&cpu_before);
    let elapsed = measured_from.elapsed();
    let Lag { from_ack, from_send } =
        Rc::into_inner(lag).expect("the workers that shared it have ended").into_inner();
    let requests = from_ack.requests();
    Ok(vec![
        from_ack.finish("replication from ack", elapsed, Some(requests), cpu),
        from_send.finish("replication from send", elapsed, Some(requests), cpu),
    ])
}

struct Worker {
    here: Connection,
    there: Connection,
    put: Request,
    get: Request,
    pool: Rc<PayloadPool>,
    random: Random,
    next_key: u64,
    requests: u64,
}

impl Worker {
    async fn new(plan: &Plan, replica: &Endpoint, table: &str, index: u32) -> Result<Self, String> {
        let put = format!(r#"{{"TableName":"{table}","Item":{}}}"#, simple_item(plan.item_bytes));
        let get = format!(r#"{{"TableName":"{table}","Key":{{"pk":{{"S":"{KEY_SLOT}"}}}}}}"#);
        Ok(Self {
            here: Connection::open(&plan.endpoint).await?,
            there: Connection::open(replica).await?,
            put: Request::new(&plan.endpoint, REGION, "PutItem", &put),
            get: Request::new(replica, REPLICA_REGION, "GetItem", &get),
            pool: Rc::clone(&plan.pool),
            random: Random::new(u64::from(index)),
            next_key: u64::from(index),
            requests: 0,
        })
    }

    /// Writes an item nobody has written before and returns when the other Region has it: the time since the
    /// acknowledgement and the time since sending.
    async fn write_and_wait(&mut self) -> Result<(Duration, Duration), String> {
        self.put.set_keys(self.next_key, 0);
        self.put.set_payloads(&self.pool, &mut self.random);
        self.get.set_keys(self.next_key, 0);
        self.next_key += u64::from(WORKERS);

        let sent = Instant::now();
        self.requests += 1;
        let answer = self.here.exchange(self.put.bytes()).await?;
        if answer.status != 200 {
            return Err(answer.describe());
        }
        let acknowledged = Instant::now();
        loop {
            self.requests += 1;
            let answer = self.there.exchange(self.get.bytes()).await?;
            if answer.status != 200 {
                return Err(format!("GetItem in {REPLICA_REGION}: {}", answer.describe()));
            }
            let seen = Instant::now();
            if answer.body.starts_with(br#"{"Item":"#) {
                return Ok((seen - acknowledged, seen - sent));
            }
            if seen - acknowledged > SEEN_WAIT {
                let waited = SEEN_WAIT.as_secs();
                return Err(format!(
                    "an item was not in {REPLICA_REGION} {waited} s after its acknowledgement"
                ));
            }
        }
    }
}
