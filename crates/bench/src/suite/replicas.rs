//! What replicas cost the server that is written to: PutItem on a table with none, one and two, in three processes, and on
//! one that has only the stream that comes with them.
//!
//! A measurement ends when everything has arrived, so that what is shipped late is counted as well.

use std::{
    rc::Rc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    Plan,
    choose::{Chooser, Distribution, Keys},
    client::{Context, Expect, Share},
    drive::{self, Subject, Window},
    kinds::Kind,
    products::Product,
    results::{Results, Row},
    shapes::Shape,
};
use crate::{
    accounting::CpuReading,
    control::{REGION, REPLICA_REGION, add_replica, call, create_table},
    http::{Connection, exchange_in_time},
    links::files::LinkFiles,
    process::free_address,
    server::OwnServer,
};

const REGIONS: [&str; 3] = [REGION, REPLICA_REGION, "ap-northeast-1"];
/// The workload of the table without a replica.
pub(super) const ALONE: &str = "alone";
/// Of the one with one.
pub(super) const ONE: &str = "one";
/// Of the one that all have.
const ALL: &str = "two";

/// A table that is compared with the others.
struct Table {
    name: &'static str,
    title: &'static str,
    stream: bool,
    replicas: usize,
}

const TABLES: [Table; 4] = [
    Table { name: ALONE, title: "PutItem, no replica", stream: false, replicas: 0 },
    Table { name: "stream", title: "PutItem, no replica, with a stream", stream: true, replicas: 0 },
    Table { name: ONE, title: "PutItem, one replica", stream: true, replicas: 1 },
    Table { name: ALL, title: "PutItem, two replicas", stream: true, replicas: 2 },
];
const ITEMS: u64 = 10_000;
/// Items that are compared at the end.
const SAMPLES: usize = 50;
const SHIPPED_WAIT: Duration = Duration::from_secs(120);
const PENDING_EVERY: Duration = Duration::from_millis(5);

/// Measures it.
pub(super) async fn run(plan: &Plan, results: &mut Results) -> Result<(), String> {
    if !plan.has(Product::Ours) {
        return Ok(());
    }
    let binary = &plan.programs.graticule;
    let files = LinkFiles::make(binary, &REGIONS)?;
    let mut listens = Vec::new();
    for _ in REGIONS {
        listens.push(free_address().map_err(|error| format!("no free port: {error}"))?.to_string());
    }
    let mut servers = Vec::new();
    for (at, region) in REGIONS.iter().enumerate() {
        let all = REGIONS.iter().zip(&listens).map(|(region, listen)| (*region, listen.as_str()));
        let peers: Vec<_> = all.filter(|(peer, _)| peer != region).collect();
        let flags = files.flags(region, &listens[at], &peers);
        servers.push(OwnServer::start(binary, region, plan.programs.signatures, &flags).await?);
    }
    results.replicas = measure(plan, &servers).await?;
    for server in servers {
        server.stop().await?;
    }
    Ok(())
}

async fn measure(plan: &Plan, servers: &[OwnServer]) -> Result<Vec<Row>, String> {
    let source = &servers[0];
    let mut connection = Connection::open(source.endpoint()).await?;
    let mut contexts = Vec::new();
    let mut rows = Vec::new();
    for Table { name: table, title, stream, replicas } in TABLES {
        let shape = Shape::simple(1024);
        create_table(&mut connection, source.endpoint(), &shape.schema(table, stream)).await?;
        for (region, server) in REGIONS.iter().zip(servers).skip(1).take(replicas) {
            add_replica(&mut connection, source.endpoint(), region, server.endpoint(), table).await?;
        }
        contexts.push(Rc::new(Context {
            endpoint: source.endpoint().clone(),
            table: table.to_owned(),
            shape,
            mix: vec![Share { percent: 100, steps: vec![Kind::Put] }],
            keys: Keys::new(ITEMS),
            chooser: Chooser::new(Distribution::Uniform, ITEMS),
            pool: Rc::clone(&plan.pool),
            sign: plan.sign,
            expect: Expect::Items,
            clients: 64,
        }));
        rows.push(Row {
            workload: table.to_owned(),
            title: title.to_owned(),
            server: Product::Ours.name().to_owned(),
            connections: 64,
            rounds: Vec::new(),
        });
    }
    // Once for nothing: tables, links and caches warm up. A warm-up within a measurement would be shipped within it too.
    let window = Window { warm_up: Duration::ZERO, ..plan.window };
    for round in 0..=plan.rounds {
        for (context, row) in contexts.iter().zip(&mut rows) {
            let subject = Subject { pid: source.pid(), directory: None };
            let before = CpuReading::take(&[source.pid()]);
            let mut figures = drive::measure(context, &subject, window, round as u64, None).await?;
            wait_shipped(source, &context.table).await?;
            let used = CpuReading::take(&[source.pid()]).since(&before).server;
            figures.server_us = used.map(|used| used.as_secs_f64() * 1e6 / figures.operations as f64);
            if round > 0 {
                row.rounds.push(figures);
            }
        }
    }
    for (server, region) in servers.iter().zip(REGIONS).skip(1) {
        same_items(source, server, region).await?;
    }
    Ok(rows)
}

/// An error if a replica of the table that all have differs from the source in any of some items.
async fn same_items(source: &OwnServer, replica: &OwnServer, region: &str) -> Result<(), String> {
    let mut here = Connection::open(source.endpoint()).await?;
    let mut there = Connection::open(replica.endpoint()).await?;
    for key in (0..ITEMS).step_by(ITEMS as usize / SAMPLES) {
        let input = json!({"TableName": ALL, "Key": {"pk": {"S": format!("{key:010}")}}});
        let written = call(&mut here, source.endpoint(), REGION, "GetItem", &input).await?;
        let shipped = call(&mut there, replica.endpoint(), region, "GetItem", &input).await?;
        if written != shipped {
            return Err(format!("item {key} in {region} is {shipped} instead of {written}"));
        }
    }
    Ok(())
}

/// Waits until every replica of a table has acknowledged everything.
async fn wait_shipped(source: &OwnServer, table: &str) -> Result<(), String> {
    let limit = Instant::now() + SHIPPED_WAIT;
    let request = format!(
        "GET /_graticule/replication?region={REGION}&table={table} HTTP/1.1\r\nHost: {}\r\n\r\n",
        source.endpoint().authority()
    );
    let mut connection = Connection::open(source.endpoint()).await?;
    loop {
        let answer = exchange_in_time(&mut connection, request.as_bytes()).await?;
        let status: Value = serde_json::from_slice(answer.body).map_err(|_| answer.describe())?;
        let peers = status["Regions"][0]["Tables"][0]["Peers"].as_array().cloned().unwrap_or_default();
        if peers.iter().all(|peer| peer["PendingChanges"] == json!(0)) {
            return Ok(());
        }
        if Instant::now() > limit {
            return Err(format!("changes of {table} are still pending: {status}"));
        }
        tokio::time::sleep(PENDING_EVERY).await;
    }
}
