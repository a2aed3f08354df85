//! What only this server is measured with, and what is counted once: starting, growing, more data than cache.

use std::{
    fs,
    rc::Rc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    Plan,
    cases::{Case, TableSpec},
    choose::Distribution,
    client::Share,
    kinds::Kind,
    products::{Mode, Product},
    results::{MORE_THAN_CACHE, Reopened, Results, Row, Start, median},
    running::Running,
    shapes::Shape,
    signer::Signer,
    template::{Body, Template},
};
use crate::{
    accounting::{bytes_on_disk, memory_of},
    control::{REGION, call},
    http::{Connection, Endpoint, exchange_in_time},
};

/// How long a server is left alone before its memory is looked at.
const IDLE: Duration = Duration::from_millis(500);
/// A cache that holds everything that the tables that grow have.
const GROWTH_CACHE_MIB: &str = "6144";

/// Whether the server looks at signatures: it is sent one that is none.
pub(super) async fn signatures(plan: &Plan, results: &mut Results) -> Result<(), String> {
    if !plan.has(Product::Ours) {
        return Ok(());
    }
    let Some(server) = Running::start(&plan.programs, Product::Ours, Mode::Memory, &[]).await? else {
        return Ok(());
    };
    let endpoint = server.process.endpoint();
    let mut body = Body::default();
    body.raw("{}");
    let mut request = Template::new(endpoint, REGION, "ListTables", body);
    // Right in all but the signature.
    request.finish(&mut Signer::new(REGION), false, Instant::now());
    let mut connection = Connection::open(endpoint).await?;
    let answer = exchange_in_time(&mut connection, request.bytes()).await?;
    let found = if answer.status == 200 {
        "Graticule took a request with a wrong one: as it was started, it does not verify them"
    } else {
        "Graticule refused a request with a wrong one: every one that is counted for it was verified; peers look at none"
    };
    results.about.push(("signatures".to_owned(), found.to_owned()));
    server.process.stop().await
}

/// Starts every server in each of its modes several times.
pub(super) async fn starts(plan: &Plan, results: &mut Results) -> Result<(), String> {
    let times = if plan.quick { 3 } else { 10 };
    for product in &plan.products {
        if *product == Product::NullUnread {
            continue;
        }
        for mode in [Mode::Memory, Mode::Durable].into_iter().filter(|mode| product.has(*mode)) {
            let mut first_answers = Vec::new();
            let mut idle_bytes = None;
            for time in 0..=times {
                let Some(server) = Running::start(&plan.programs, *product, mode, &[]).await? else { break };
                // The first time reads the program from disk.
                if time > 0 {
                    first_answers.push(server.process.start_time().as_secs_f64() * 1e3);
                } else {
                    tokio::time::sleep(IDLE).await;
                    idle_bytes = memory_of(server.process.pid()).map(|(now, _)| now);
                }
                server.process.stop().await?;
            }
            let Some(first_answer_ms) = median(first_answers) else { continue };
            let program = plan.programs.program(*product).filter(|_| *product != Product::Dynalite);
            results.starts.push(Start {
                server: product.name().to_owned(),
                mode: mode.name().to_owned(),
                first_answer_ms,
                idle_bytes,
                program_bytes: program
                    .and_then(|path| fs::metadata(path).ok())
                    .map(|metadata| metadata.len()),
            });
        }
    }
    Ok(())
}

/// Reads a whole table, so that everything of it is in the cache.
async fn read_all(endpoint: &Endpoint, table: &TableSpec) -> Result<(), String> {
    let mut connection = Connection::open(endpoint).await?;
    let mut scan = json!({"TableName": table.name, "Select": "COUNT"});
    let mut items = 0;
    loop {
        let mut page = call(&mut connection, endpoint, REGION, "Scan", &scan).await?;
        items += page["Count"].as_u64().unwrap_or_default();
        match page["LastEvaluatedKey"].take() {
            Value::Null => break,
            last => scan["ExclusiveStartKey"] = last,
        }
    }
    if items == table.items { Ok(()) } else { Err(format!("table {} has {items} items", table.name)) }
}

/// Ten thousand items and more, in tables beside each other; everything is in the cache.
pub(super) async fn growth(plan: &Plan, results: &mut Results) -> Result<(), String> {
    if !plan.has(Product::Ours) {
        return Ok(());
    }
    let sizes = [("growth4", 10_000), ("growth5", 100_000), ("growth6", 1_000_000), ("growth7", 10_000_000)];
    let sizes = if plan.full { &sizes[..] } else { &sizes[..3] };
    let tables: Vec<TableSpec> = sizes
        .iter()
        .map(|(name, items)| TableSpec { name, shape: Shape::simple(100), items: *items, stream: false })
        .collect();
    let mut server = started(plan, &["--cache-mib", GROWTH_CACHE_MIB]).await?;
    for table in &tables {
        server.ensure(table, &plan.pool).await?;
    }
    for table in &tables {
        read_all(server.process.endpoint(), table).await?;
    }
    for (name, kind) in [("get", Kind::Get), ("put", Kind::Put)] {
        let cases: Vec<_> = tables
            .iter()
            .map(|table| {
                let case = alone(name, kind, Distribution::Uniform);
                (format!("{name} {}", table.items), case, table)
            })
            .collect();
        results.growth.extend(in_rounds(plan, &server, &cases).await?);
    }
    server.process.stop().await
}

/// More items than the cache has room for.
pub(super) async fn cache(plan: &Plan, results: &mut Results) -> Result<(), String> {
    if !plan.has(Product::Ours) {
        return Ok(());
    }
    let (items, mib) = if plan.full { (10_000_000, "512") } else { (500_000, "64") };
    let table = TableSpec { name: "larger", shape: Shape::simple(1024), items, stream: false };
    let mut server = started(plan, &["--cache-mib", mib]).await?;
    server.ensure(&table, &plan.pool).await?;
    results.about.push((MORE_THAN_CACHE.to_owned(), format!("{items} items of 1 KB, cache of {mib} MiB")));
    let workloads = [
        ("GetItem, uniform", alone("get", Kind::Get, Distribution::Uniform)),
        ("GetItem, zipfian", alone("get", Kind::Get, Distribution::Zipfian)),
        ("PutItem, uniform", alone("put", Kind::Put, Distribution::Uniform)),
        ("PutItem, zipfian", alone("put", Kind::Put, Distribution::Zipfian)),
    ];
    let cases: Vec<_> = workloads.into_iter().map(|(title, case)| (title.to_owned(), case, &table)).collect();
    results.cache = in_rounds(plan, &server, &cases).await?;
    if plan.full {
        let disk_bytes = bytes_on_disk(server.process.directory());
        let first_answer_ms = server.process.restart().await?.as_secs_f64() * 1e3;
        results.reopened = Some(Reopened { disk_bytes, items, first_answer_ms });
    }
    server.process.stop().await
}

async fn started(plan: &Plan, extra: &[&str]) -> Result<Running, String> {
    let server = Running::start(&plan.programs, Product::Ours, Mode::Durable, extra).await?;
    server.ok_or_else(|| "the server is not there".to_owned())
}

/// A workload outside the list.
pub(super) fn alone(name: &'static str, kind: Kind, distribution: Distribution) -> Case {
    Case {
        name,
        title: name,
        group: name,
        table: "",
        mix: vec![Share { percent: 100, steps: vec![kind] }],
        distribution,
        connections: 64,
        quick: false,
        durable: true,
        latency: false,
    }
}

/// Workloads in turn, as often as there are rounds.
async fn in_rounds(
    plan: &Plan,
    server: &Running,
    cases: &[(String, Case, &TableSpec)],
) -> Result<Vec<Row>, String> {
    let mut rows: Vec<Row> = Vec::new();
    let mut contexts = Vec::new();
    for (title, case, table) in cases {
        contexts.push(Rc::new(server.context(case, table, &plan.pool, plan.sign, 0)));
        rows.push(Row {
            workload: title.clone(),
            title: title.clone(),
            server: Product::Ours.name().to_owned(),
            connections: case.connections,
            rounds: Vec::new(),
        });
    }
    for round in 0..plan.rounds {
        for (row, context) in rows.iter_mut().zip(&contexts) {
            let figures = server.measure(context, plan.window, round as u64, None).await?;
            row.rounds.push(figures);
        }
    }
    for row in &rows {
        let per_second = row.median(|figures| Some(figures.per_second)).unwrap_or_default();
        eprintln!("durable  {:<40} {per_second:>9.0}/s", row.title);
    }
    Ok(rows)
}
