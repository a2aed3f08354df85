//! `graticule-bench`: the arguments, and how a run ends.
//!
//! Results go to standard output, progress to standard error. Exit codes: 0 all answers were right and nothing has become
//! much slower, 1 something was wrong or has, 2 bad arguments, 3 the run could not be done or finished.

#![allow(clippy::disallowed_methods)] // a load generator measures real time

use std::{io::Write as _, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use graticule_bench::{
    links::{self, ReplicationArguments},
    machine,
    report::Report,
    suite::{self, SuiteArguments, null::NullArguments},
};
use tokio::signal::unix::{SignalKind, signal};

/// Measures Graticule beside other servers that speak the DynamoDB API, and beside one that does nothing.
///
/// Servers are started on free ports, with their data in new directories under TMPDIR (point that at a real disk), and
/// both are removed afterwards. The command `replication` measures what links between two Regions do.
#[derive(Debug, Parser)]
#[command(name = "graticule-bench", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    arguments: SuiteArguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lag under load, near and far; backlogs drained; what a replica costs
    Replication(ReplicationArguments),
    /// Be the server that does nothing
    Null(NullArguments),
}

/// The server to start: the one that is named, or the one beside this program.
fn own_binary(named: Option<&PathBuf>) -> Result<PathBuf, String> {
    if let Some(binary) = named {
        return Ok(binary.clone());
    }
    let this = std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
    Ok(this.with_file_name("graticule"))
}

fn main() -> ExitCode {
    let Cli { command, arguments } = Cli::parse();
    // The null server has a runtime of its own, with as many threads as there are cores.
    let ran = match command {
        Some(Command::Null(null)) => suite::null::run(&null).map(|()| true),
        Some(Command::Replication(replication)) => on_one_thread(measure_links(&replication)),
        None => {
            on_one_thread(async { suite::run(&arguments, &own_binary(arguments.binary.as_ref())?).await })
        }
    };
    match ran {
        Ok(right) => ExitCode::from(u8::from(!right)),
        Err(error) => {
            eprintln!("graticule-bench: {error}");
            ExitCode::from(3)
        }
    }
}

/// Runs until it is done or somebody asks this process to end, so that no server started here outlives it.
fn on_one_thread(run: impl Future<Output = Result<bool, String>>) -> Result<bool, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| format!("the runtime cannot start: {error}"))?.block_on(async {
        let local = tokio::task::LocalSet::new();
        tokio::select! {
            ran = local.run_until(run) => ran,
            () = interrupted() => Err("interrupted".to_owned()),
        }
    })
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

/// Measures links; what was measured before something went wrong is told as well.
async fn measure_links(arguments: &ReplicationArguments) -> Result<bool, String> {
    let mut report = Report::default();
    report.header.push(("machine", machine::machine()));
    let binary = own_binary(arguments.binary.as_ref())?;
    report.aborted = links::run(arguments, &binary, &mut report).await.err();
    if report.aborted.is_none() || !report.is_empty() {
        let text = if arguments.json { format!("{:#}\n", report.to_json()) } else { report.to_text() };
        let written = std::io::stdout().write_all(text.as_bytes());
        written.map_err(|error| format!("the results could not be written: {error}"))?;
    }
    match report.aborted.take() {
        Some(reason) => Err(reason),
        None => Ok(report.errors() == 0),
    }
}
