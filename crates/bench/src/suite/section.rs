//! All workloads on all servers of one kind of durability, in rounds.
//!
//! Within a round one server is measured after the other, and every round begins with another one, so that whatever else
//! the machine does meets all of them alike; ratios are taken within rounds. Workloads that are compared with each other
//! are a group and share their rounds. A server that fails in a workload has no figures for it, and the run goes on.

use std::{process::Command, rc::Rc};

use super::{
    Plan,
    cases::{self, Case},
    client::Context,
    products::{Mode, Product},
    results::{Curve, Figures, Missing, OpenRow, Row, Section, median},
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

/// A workload on a server.
struct Contestant<'a> {
    case: &'a Case,
    server: usize,
    context: Rc<Context>,
    rounds: Vec<Figures>,
    failed: bool,
}

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
    let mut done = 0;
    for group in cases.chunk_by(|one, next| one.group == next.group) {
        run_group(plan, mode, &mut servers, group, section).await?;
        done += group.len();
        for case in group.iter().filter(|case| cases[done..].iter().all(|later| later.table != case.table)) {
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

async fn run_group(
    plan: &Plan,
    mode: Mode,
    servers: &mut [Running],
    group: &[Case],
    section: &mut Section,
) -> Result<(), String> {
    let mut contestants = Vec::new();
    for case in group {
        contestants.extend(prepare(plan, mode, servers, case, section).await?);
    }
    let engine = mode == Mode::Durable && group.iter().any(|case| case.name == ENGINE_BESIDE);
    for round in 0..plan.rounds {
        if engine {
            section.engine.extend(engine_alone(plan)?);
        }
        for turn in 0..servers.len() {
            let at = (turn + round) % servers.len();
            // All of the group, one right after the other.
            for contestant in contestants.iter_mut().filter(|one| one.server == at && !one.failed) {
                match servers[at].measure(&contestant.context, plan.window, round as u64, None).await {
                    Ok(figures) => contestant.rounds.push(figures),
                    Err(reason) => {
                        contestant.failed = true;
                        miss(section, contestant.case, servers[at].product, reason);
                    }
                }
            }
        }
    }
    contestants.retain(|contestant| !contestant.failed);
    for Contestant { case, server, context, rounds, .. } in contestants {
        let server = &servers[server];
        let row = Row {
            workload: case.name.to_owned(),
            title: case.title.to_owned(),
            server: server.product.name().to_owned(),
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
        if case.latency && server.product != Product::NullUnread {
            open_loop(plan, server, &context, case, &row, section).await?;
            curve(plan, server, &context, case, section).await?;
        }
        section.rows.push(row);
    }
    Ok(())
}

/// Gives every server the table of a workload and asks it for one operation.
async fn prepare<'a>(
    plan: &Plan,
    mode: Mode,
    servers: &mut [Running],
    case: &'a Case,
    section: &mut Section,
) -> Result<Vec<Contestant<'a>>, String> {
    let table = cases::table(case.table, plan.quick, mode);
    let mut contestants = Vec::new();
    // Until something real has answered: the least that it could have.
    let mut null_bytes = case.mix[0].steps[0].answer_bytes_min(&table.shape, 1);
    for (at, server) in servers.iter_mut().enumerate() {
        let product = server.product;
        if !product.can(case, table.stream) {
            continue;
        }
        match server.ensure(&table, &plan.pool).await {
            Ok(loaded) => section.loaded.extend(loaded.filter(|_| case.table == "items")),
            Err(reason) => {
                miss(section, case, product, reason);
                continue;
            }
        }
        let context = Rc::new(server.context(case, &table, &plan.pool, plan.sign, null_bytes));
        match server.probe(&context).await {
            Ok(bytes) => {
                if product == Product::Ours {
                    null_bytes = bytes;
                }
                let (rounds, failed) = (Vec::new(), false);
                contestants.push(Contestant { case, server: at, context, rounds, failed });
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
        match server.measure(context, plan.open_window, u64::from(percent), Some(rate)).await {
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
        match server.measure(&context, plan.window, connections, None).await {
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
