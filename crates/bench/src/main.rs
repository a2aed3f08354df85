//! `graticule-bench`: the arguments, and the order of one run.
//!
//! Results go to standard output, progress to standard error. Exit codes: 0 all answers were right, 1 some were
//! not, 2 bad arguments, 3 the run could not be done or finished.

#![allow(clippy::disallowed_methods)] // a load generator measures real time

use std::{
    io::Write as _,
    path::PathBuf,
    process::ExitCode,
    rc::Rc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use clap::{Args, Parser, Subcommand, ValueEnum};
use graticule_bench::{
    http::Endpoint,
    links::{self, ReplicationArguments},
    replication,
    report::Report,
    requests::PayloadPool,
    server::{self, OwnServer},
    workloads::{self, ClosedLoop, Plan},
};
use tokio::signal::unix::{SignalKind, signal};

const WARM_UP: Duration = Duration::from_secs(1);

/// Loads a Graticule server over HTTP and prints throughput, latency and CPU time per request.
///
/// Without --endpoint it starts a server of its own on a free port, with its data in a new directory under
/// TMPDIR (point that at a real disk), and removes both afterwards. The workloads run one after the other in the
/// order put, get, update, query, replication, each after a warm-up of one second that is not counted.
///
/// The command `replication` measures what links between two Regions do, with servers of its own.
#[derive(Debug, Parser)]
#[command(name = "graticule-bench", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    arguments: Arguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lag under load, near and far; backlogs drained; what a replica costs
    Replication(ReplicationArguments),
}

#[derive(Debug, Args)]
struct Arguments {
    /// The server to start [default: `graticule` beside this program]
    #[arg(long, value_name = "PATH", conflicts_with = "endpoint")]
    binary: Option<PathBuf>,
    /// Load a server that is already running; tables made there are deleted at the end
    #[arg(long, value_name = "URL", value_parser = Endpoint::parse)]
    endpoint: Option<Endpoint>,
    /// The process whose CPU time is read, with --endpoint
    #[arg(long, value_name = "PID", requires = "endpoint")]
    pid: Option<u32>,
    /// Where eu-west-1 is served, if not by the same endpoint (replication)
    #[arg(long, value_name = "URL", value_parser = Endpoint::parse)]
    replica_endpoint: Option<Endpoint>,
    /// Connections, each with one request at a time
    #[arg(long, value_name = "COUNT", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
    connections: u16,
    /// Measured seconds per workload [default: 10, or 2 with --quick]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: Option<u64>,
    /// Size of an item, names and values
    #[arg(long, value_name = "BYTES", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(64..=400_000))]
    item_bytes: u32,
    /// Items loaded into a table first [default: 100000, or 5000 with --quick]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(100..=1_000_000_000))]
    keys: Option<u64>,
    /// A short run to see that everything works
    #[arg(long)]
    quick: bool,
    /// Only these workloads
    #[arg(long, value_name = "LIST", value_enum, value_delimiter = ',')]
    only: Vec<Workload>,
    /// How the results are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Further arguments for the server that is started
    #[arg(last = true, value_name = "SERVER ARGUMENTS", conflicts_with = "endpoint")]
    server_arguments: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Workload {
    Put,
    Get,
    Update,
    Query,
    Replication,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

impl Arguments {
    fn wants(&self, workload: Workload) -> bool {
        self.only.is_empty() || self.only.contains(&workload)
    }

    fn plan(&self, endpoint: Endpoint, server_pid: Option<u32>) -> Plan {
        let (seconds, keys) = if self.quick { (2, 5_000) } else { (10, 100_000) };
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Plan {
            endpoint,
            server_pid,
            connections: usize::from(self.connections),
            duration: Duration::from_secs(self.seconds.unwrap_or(seconds)),
            warm_up: WARM_UP,
            item_bytes: self.item_bytes as usize,
            keys: self.keys.unwrap_or(keys),
            table_prefix: format!("graticule_bench_{}", since_epoch.as_millis()),
            pool: Rc::new(PayloadPool::new(self.item_bytes as usize)),
        }
    }
}

/// The server to start: the one that is named, or the one beside this program.
fn own_binary(named: Option<&PathBuf>) -> Result<PathBuf, String> {
    if let Some(binary) = named {
        return Ok(binary.clone());
    }
    let this = std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
    Ok(this.with_file_name("graticule"))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Cli { command, arguments } = Cli::parse();
    let json = match &command {
        Some(Command::Replication(replication)) => replication.json,
        None => arguments.format == Format::Json,
    };
    let mut report = Report::default();
    let local = tokio::task::LocalSet::new();
    let result = tokio::select! {
        result = local.run_until(dispatch(command.as_ref(), &arguments, &mut report)) => result,
        () = interrupted() => Err(match &arguments.endpoint {
            Some(_) => "interrupted; tables named graticule_bench_* may be left behind".to_owned(),
            None => "interrupted".to_owned(),
        }),
    };
    report.aborted = result.err();
    if report.aborted.is_none() || !report.is_empty() {
        let text = if json { format!("{:#}\n", report.to_json()) } else { report.to_text() };
        if let Err(error) = std::io::stdout().write_all(text.as_bytes()) {
            eprintln!("graticule-bench: the results could not be written: {error}");
            return ExitCode::from(3);
        }
    }
    if let Some(reason) = &report.aborted {
        eprintln!("graticule-bench: {reason}");
        return ExitCode::from(3);
    }
    ExitCode::from(u8::from(report.errors() > 0))
}

/// Returns on SIGINT or SIGTERM, so that a server started here never outlives the run.
async fn interrupted() {
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! { _ = terminate.recv() => {}, _ = tokio::signal::ctrl_c() => {} }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

async fn dispatch(
    command: Option<&Command>,
    arguments: &Arguments,
    report: &mut Report,
) -> Result<(), String> {
    report.header.push(("machine", server::machine()));
    match command {
        Some(Command::Replication(replication)) => {
            links::run(replication, &own_binary(replication.binary.as_ref())?, report).await
        }
        None => run(arguments, report).await,
    }
}

/// Finds or starts the server, runs the workloads, stops what was started.
async fn run(arguments: &Arguments, report: &mut Report) -> Result<(), String> {
    if let Some(endpoint) = &arguments.endpoint {
        let plan = arguments.plan(endpoint.clone(), arguments.pid);
        let command_line = arguments.pid.and_then(server::command_line_of);
        let pid = arguments.pid.map_or_else(String::new, |pid| format!(", process {pid}"));
        report.header.push(("server", format!("{endpoint}{pid}, already running")));
        report.header.push((
            "durability",
            command_line.map_or_else(
                || "as the server was started; not visible from here".to_owned(),
                |command_line| format!("as the server was started: {command_line}"),
            ),
        ));
        return run_workloads(arguments, &plan, true, report).await;
    }
    let own =
        OwnServer::start(&own_binary(arguments.binary.as_ref())?, "server", &arguments.server_arguments)
            .await?;
    let plan = arguments.plan(own.endpoint().clone(), Some(own.pid()));
    report.header.push(("server", own.command_line().to_owned()));
    report.header.push(("durability", own.durability().to_owned()));
    report.header.push(("storage", own.storage()));
    let ran = run_workloads(arguments, &plan, false, report).await;
    let stopped = own.stop().await;
    match (ran, stopped) {
        (Err(ran), Err(stopped)) => Err(format!("{ran}\n{stopped}")),
        (ran, stopped) => ran.and(stopped),
    }
}

async fn run_workloads(
    arguments: &Arguments,
    plan: &Plan,
    clean_up: bool,
    report: &mut Report,
) -> Result<(), String> {
    report.header.push((
        "load",
        format!(
            "{} connections, closed loop, {} s per workload after {} s of warm-up, {} items of {} bytes",
            plan.connections,
            plan.duration.as_secs(),
            plan.warm_up.as_secs(),
            plan.keys,
            plan.item_bytes
        ),
    ));
    let simple = [
        (Workload::Put, ClosedLoop::Put),
        (Workload::Get, ClosedLoop::Get),
        (Workload::Update, ClosedLoop::Update),
    ];
    let simple: Vec<_> = simple.into_iter().filter(|(name, _)| arguments.wants(*name)).collect();
    if !simple.is_empty() {
        let table = workloads::create_simple_table(plan).await?;
        let ran = async {
            for (_, workload) in simple {
                report.measurements.push(workloads::run(plan, workload, &table).await?);
            }
            Ok::<_, String>(())
        };
        let ran = ran.await;
        if clean_up {
            workloads::delete_table(plan, &table).await;
        }
        ran?;
    }
    if arguments.wants(Workload::Query) {
        let table = workloads::create_query_table(plan).await?;
        let measured = workloads::run(plan, ClosedLoop::Query, &table).await;
        if clean_up {
            workloads::delete_table(plan, &table).await;
        }
        report.measurements.push(measured?);
    }
    if arguments.wants(Workload::Replication) {
        report.header.push((
            "replication",
            format!(
                "{} items/s in {}, each read in {} until it is there; latency is the lag, round trip of the read included",
                replication::RATE,
                workloads::REGION,
                replication::REPLICA_REGION
            ),
        ));
        let replica = arguments.replica_endpoint.as_ref().unwrap_or(&plan.endpoint);
        report.measurements.extend(replication::run(plan, replica, clean_up).await?);
    }
    Ok(())
}
