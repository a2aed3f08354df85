//! All workloads on all servers of one kind of durability, in rounds.
//!
//! Within a round one server is measured after the other, and every round begins with another one, so that whatever else
//! the machine does meets all of them alike; ratios are taken within rounds. A server that fails in a workload has no
//! figures for it, and the run goes on.

use std::{collections::BTreeMap, process::Command, rc::Rc};

use super::{
    Plan,
    cases::{self, Case, TableSpec},
    client::Context,
    drive,
    products::{Mode, Product},
    results::{Curve, Missing, OpenRow, Row, Section, median},
    running::Running,
};

/// Connections of the curves.
const CURVE_CONNECTIONS: [u64; 5] = [1, 4, 16, 64, 256];
/// Those of a short run.
const FEW_CONNECTIONS: [u64; 3] = [1, 16, 256];
/// Percent of the closed loop's throughput that are offered in the open loop.
const OPEN_PERCENTS: [u32; 2] = [50, 80];
/// The workload beside which the engine is measured alone.
const ENGINE_BESIDE: &str = "put";

/// Servers with the contexts in which a workload is run on them.
type Contestants = Vec<(usize, Rc<Context>)>;

/// Runs everything and puts it into `section`.
pub(crate) async fn run(plan: &Plan, mode: Mode, section: &mut Section) -> Result<(), String> {
    let mut servers = Vec::new();
    for product in plan.products.iter().filter(|product| product.has(mode)) {
        if mode == Mode::Durable && product.is_null() {
            continue;
        }
        match Running::start(&plan.programs, *product, mode, &[]).await? {
            Some(server) => servers.push(server),
            None => eprintln!("{} is not installed and left out", product.name()),
        }
    }
    let cases: Vec<Case> = plan.cases(mode);
    for (at, case) in cases.iter().enumerate() {
        run_case(plan, mode, &mut servers, case, section).await?;
        if cases[at + 1..].iter().all(|later| later.table != case.table) {
            for server in &mut servers {
                server.drop_table(case.table).await?;
            }
        }
    }
    for server in servers {
        server.process.stop().await?;
    }
    Ok(())
}

async fn run_case(
    plan: &Plan,
    mode: Mode,
    servers: &mut [Running],
    case: &Case,
    section: &mut Section,
) -> Result<(), String> {
    let table = cases::table(case.table, plan.quick, mode);
    let contestants = prepare(plan, servers, case, &table, section).await?;
    let mut rounds: BTreeMap<usize, Vec<_>> =
        contestants.iter().map(|(server, _)| (*server, Vec::new())).collect();
    let engine = case.name == ENGINE_BESIDE && mode == Mode::Durable;
    for round in 0..plan.rounds {
        if engine {
            section.engine.extend(engine_alone(plan)?);
        }
        for turn in 0..contestants.len() {
            let (at, context) = &contestants[(turn + round) % contestants.len()];
            let Some(done) = rounds.get_mut(at) else { continue };
            let measured =
                drive::measure(context, &servers[*at].subject(), plan.window, round as u64, None).await;
            match measured {
                Ok(figures) => done.push(figures),
                Err(reason) => {
                    rounds.remove(at);
                    miss(section, case, servers[*at].product, reason);
                }
            }
        }
    }
    let mut rows = Vec::new();
    for (at, rounds) in rounds {
        let row = Row {
            workload: case.name.to_owned(),
            title: case.title.to_owned(),
            server: servers[at].product.name().to_owned(),
            connections: case.connections,
            rounds,
        };
        let per_second = row.median(|figures| Some(figures.per_second)).unwrap_or_default();
        let cpu = row.median(|figures| figures.server_us).unwrap_or_default();
        eprintln!(
            "{:<8} {:<54} {:<12} {per_second:>9.0}/s {cpu:>8.1} us",
            mode.name(),
            case.title,
            row.server
        );
        rows.push((at, row));
    }
    if case.latency {
        for (at, row) in &rows {
            let Some((_, context)) = contestants.iter().find(|(server, _)| server == at) else { continue };
            let product = servers[*at].product;
            if !product.is_null() {
                open_loop(plan, &servers[*at], context, case, row, section).await?;
            }
            if product != Product::NullUnread {
                curve(plan, &servers[*at], context, case, section).await?;
            }
        }
    }
    section.rows.extend(rows.into_iter().map(|(_, row)| row));
    Ok(())
}

/// Gives every server its table and asks it for one operation.
async fn prepare(
    plan: &Plan,
    servers: &mut [Running],
    case: &Case,
    table: &TableSpec,
    section: &mut Section,
) -> Result<Contestants, String> {
    let mut contestants = Vec::new();
    // Until something real has answered: the least that it could have.
    let mut null_bytes = case.mix[0].steps[0].answer_bytes_min(&table.shape, 1);
    for (at, server) in servers.iter_mut().enumerate() {
        let product = server.product;
        if !product.can(case, table.stream) {
            continue;
        }
        match server.ensure(table, &plan.pool).await {
            Ok(loaded) => section.loaded.extend(loaded.filter(|_| case.table == "items")),
            Err(reason) => {
                miss(section, case, product, reason);
                continue;
            }
        }
        if product.is_null() {
            server.tell_answer_bytes(null_bytes).await?;
        }
        let context = Rc::new(server.context(case, table, &plan.pool, plan.sign, null_bytes));
        match server.probe(&context).await {
            Ok(bytes) => {
                if product == Product::Ours {
                    null_bytes = bytes;
                }
                contestants.push((at, context));
            }
            Err(reason) => miss(section, case, product, reason),
        }
    }
    Ok(contestants)
}

async fn open_loop(
    plan: &Plan,
    server: &Running,
    context: &Rc<Context>,
    case: &Case,
    row: &Row,
    section: &mut Section,
) -> Result<(), String> {
    let most = row.median(|figures| Some(figures.per_second)).unwrap_or_default();
    for percent in OPEN_PERCENTS {
        let rate = most * f64::from(percent) / 100.0;
        match drive::measure(context, &server.subject(), plan.open_window, u64::from(percent), Some(rate))
            .await
        {
            Ok(figures) => section.open.push(OpenRow {
                workload: case.name.to_owned(),
                title: case.title.to_owned(),
                server: row.server.clone(),
                percent,
                rate,
                figures,
            }),
            Err(reason) => miss(section, case, server.product, format!("open loop: {reason}")),
        }
    }
    Ok(())
}

async fn curve(
    plan: &Plan,
    server: &Running,
    context: &Rc<Context>,
    case: &Case,
    section: &mut Section,
) -> Result<(), String> {
    let mut points = Vec::new();
    let counts = if plan.quick { &FEW_CONNECTIONS[..] } else { &CURVE_CONNECTIONS };
    for &connections in counts {
        let context = Rc::new(Context { clients: connections, ..context.as_ref().clone() });
        match drive::measure(&context, &server.subject(), plan.window, connections, None).await {
            Ok(figures) => points.push((connections, figures)),
            Err(reason) => {
                miss(section, case, server.product, format!("{connections} connections: {reason}"))
            }
        }
    }
    section.curves.push(Curve {
        workload: case.name.to_owned(),
        title: case.title.to_owned(),
        server: server.product.name().to_owned(),
        points,
    });
    Ok(())
}

/// Writes per second of the engine without a server around it; `None` if the program for that is not there.
fn engine_alone(plan: &Plan) -> Result<Option<f64>, String> {
    let Some(program) = &plan.programs.engine else { return Ok(None) };
    let failed = |what: String| format!("{}: {what}", program.display());
    let output = Command::new(program)
        .args(["--seconds", &plan.window.measured.as_secs_f64().to_string()])
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let said = String::from_utf8_lossy(&output.stdout);
    said.trim().parse().map(Some).map_err(|_| failed(format!("said {said:?} instead of a number")))
}

fn miss(section: &mut Section, case: &Case, product: Product, reason: String) {
    eprintln!("{}: {} is left out: {reason}", case.name, product.name());
    section.missing.push(Missing {
        workload: case.name.to_owned(),
        server: product.name().to_owned(),
        reason,
    });
}

/// The rate of the engine alone.
pub(crate) fn engine_rate(section: &Section) -> Option<f64> {
    median(section.engine.clone())
}
