//! `graticule-bench replication`: what two linked Regions do under load, far from each other, and after an outage.
//!
//! Servers are started here on free ports and new directories, in one process and in two, and stopped again. Whatever
//! was shipped is compared item by item afterwards: wrong answers are errors, slow ones are figures.

mod drain;
mod equal;
pub(crate) mod files;
mod lag;
mod meter;
mod pair;
mod syncs;
mod writers;

use std::{
    path::{Path, PathBuf},
    rc::Rc,
    time::Duration,
};

use clap::{Args, ValueEnum};

pub use self::pair::Form;
use self::{
    lag::{LagNames, LagPlan},
    pair::Pair,
    writers::{Pace, Puts},
};
use crate::{report::Report, requests::PayloadPool};

/// Half of the simulated round trip.
const ONE_WAY: Duration = Duration::from_millis(40);
const ITEM_BYTES: usize = 1024;
const SMALL_ITEM_BYTES: usize = 100;
/// Of the changes of small items, this part is written again as large ones.
const LARGE_PART: u64 = 4;

/// Lag, drain and cost of replication between two Regions, in servers of its own.
#[derive(Clone, Debug, Args)]
pub struct ReplicationArguments {
    /// The server to start [default: `graticule` beside this program]
    #[arg(long, value_name = "PATH")]
    pub binary: Option<PathBuf>,
    /// A short run to see that everything works
    #[arg(long)]
    quick: bool,
    /// Only these parts
    #[arg(long, value_name = "LIST", value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// Only this form, for lag; drain and cost always take two processes
    #[arg(long, value_enum)]
    form: Option<Form>,
    /// Writes per second, for lag
    #[arg(long, value_name = "COUNT", default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: u32,
    /// Measured seconds of each run, for lag [default: 30, or 3 with --quick]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: Option<u64>,
    /// Changes in the backlog of small items; that of large ones has a quarter [default: 1000000, or 100000 with --quick]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(100..=1_000_000_000))]
    changes: Option<u64>,
    /// Connections, each with one request at a time
    #[arg(long, value_name = "COUNT", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
    connections: u16,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Further arguments for the servers
    #[arg(last = true, value_name = "SERVER ARGUMENTS")]
    server_arguments: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Lag at a steady rate of writes, without and with a delay between the Regions
    Lag,
    /// A backlog drained after the link was cut
    Drain,
    /// Puts without and with a replica
    Cost,
}

impl ReplicationArguments {
    fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    fn puts(&self, pair: &Pair, table: &str, item_bytes: usize) -> Puts {
        Puts {
            endpoint: pair.source().clone(),
            table: table.to_owned(),
            item_bytes,
            connections: self.connections,
            pool: Rc::new(PayloadPool::new(item_bytes)),
        }
    }
}

/// Runs what is asked for.
pub async fn run(arguments: &ReplicationArguments, binary: &Path, report: &mut Report) -> Result<(), String> {
    let forms = [Form::OneProcess, Form::TwoProcesses];
    let mut ran = Ok(());
    for form in forms {
        let lag = arguments.wants(Part::Lag) && arguments.form.is_none_or(|only| only == form);
        let two = form == Form::TwoProcesses && (arguments.wants(Part::Drain) || arguments.wants(Part::Cost));
        if !lag && !two {
            continue;
        }
        let pair = Pair::start(binary, form, &arguments.server_arguments).await?;
        if !report.header.iter().any(|(name, _)| *name == "storage") {
            report.header.extend(pair.describe());
        }
        ran = run_form(arguments, &pair, form, lag, report).await;
        let stopped = pair.stop().await;
        ran = match (ran, stopped) {
            (Err(ran), Err(stopped)) => Err(format!("{ran}\n{stopped}")),
            (ran, stopped) => ran.and(stopped),
        };
        if ran.is_err() {
            break;
        }
    }
    ran
}

async fn run_form(
    arguments: &ReplicationArguments,
    pair: &Pair,
    form: Form,
    lag: bool,
    report: &mut Report,
) -> Result<(), String> {
    if lag {
        run_lag(arguments, pair, form, report).await?;
    }
    if form == Form::OneProcess {
        return Ok(());
    }
    let changes = arguments.changes.unwrap_or(if arguments.quick { 100_000 } else { 1_000_000 });
    if arguments.wants(Part::Drain) {
        let small = arguments.puts(pair, "bench_small", SMALL_ITEM_BYTES);
        report.rates.extend(drain::backlog(pair, &small, changes).await?);
        let large = arguments.puts(pair, "bench_large", ITEM_BYTES);
        report.rates.extend(drain::backlog(pair, &large, changes / LARGE_PART).await?);
    }
    if arguments.wants(Part::Cost) {
        for (table, replicated) in [("bench_alone", false), ("bench_global", true)] {
            let puts = arguments.puts(pair, table, ITEM_BYTES);
            report.rates.push(drain::cost(pair, &puts, changes / LARGE_PART, replicated).await?);
        }
    }
    Ok(())
}

async fn run_lag(
    arguments: &ReplicationArguments,
    pair: &Pair,
    form: Form,
    report: &mut Report,
) -> Result<(), String> {
    let (seconds, keys) = if arguments.quick { (3, 5_000) } else { (30, 100_000) };
    let table = "bench_lag";
    let puts = arguments.puts(pair, table, ITEM_BYTES);
    pair.create_table(table, true).await?;
    let (loaded, _) = puts.run(Pace::Each(keys)).await?;
    if let Some(error) = loaded.first_error() {
        return Err(format!("could not load {table}: {error}"));
    }
    for (run, one_way) in [(0, Duration::ZERO), (1, ONE_WAY)] {
        pair.wait_shipped(table).await?;
        pair.delay(one_way).await?;
        let plan = LagPlan {
            puts: puts.clone(),
            puts_per_second: arguments.rate,
            keys,
            warm_up: Duration::from_secs(1),
            duration: Duration::from_secs(arguments.seconds.unwrap_or(seconds)),
            one_way,
            run,
        };
        report.measurements.extend(lag::run(pair, &plan, names(form, !one_way.is_zero())).await?);
    }
    pair.delay(Duration::ZERO).await?;
    pair.wait_shipped(table).await?;
    equal::check(pair, table, None).await
}

fn names(form: Form, delayed: bool) -> LagNames {
    let (lag, puts) = match (form, delayed) {
        (Form::OneProcess, false) => ("lag, one process", "  puts meanwhile"),
        (Form::OneProcess, true) => ("lag, one, 80 ms away", "  puts meanwhile"),
        (Form::TwoProcesses, false) => ("lag, two processes", "  puts meanwhile"),
        (Form::TwoProcesses, true) => ("lag, two, 80 ms away", "  puts meanwhile"),
    };
    LagNames { lag, puts }
}
