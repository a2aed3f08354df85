//! What a run measures and for how long: the flags, and what follows from them.

use std::{
    path::{Path, PathBuf},
    rc::Rc,
    time::{Duration, SystemTime},
};

use clap::{Args, ValueEnum};

use super::{
    cases::{self, Case},
    drive::Window,
    products::{Mode, Product, Programs},
};
use crate::{machine, requests::PayloadPool, server::Signatures};

/// The longest text of an item.
const TEXT_BYTES_MAX: usize = 256 << 10;

/// A part of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Start-up time, idle memory, size of programs
    Starts,
    /// All workloads, memory against memory
    Memory,
    /// All workloads, durable against durable
    Durable,
    /// Cost as a table grows
    Growth,
    /// More data than cache
    Cache,
    /// PutItem with no, one and two replicas, and with a stream alone
    Replicas,
}

/// Ours, the peers and a server that does nothing, side by side.
#[derive(Clone, Debug, Args)]
pub struct SuiteArguments {
    /// The server to start [default: `graticule` beside this program]
    #[arg(long, value_name = "PATH")]
    pub binary: Option<PathBuf>,
    /// A short run to see that everything works and nothing has become much slower
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// With what takes an hour: ten million items, 10 GB on disk
    #[arg(long)]
    full: bool,
    /// Only these parts
    #[arg(long, value_name = "LIST", value_enum, value_delimiter = ',')]
    parts: Vec<Part>,
    /// Only these workloads, by the names that results have
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = case_name)]
    workloads: Vec<String>,
    /// Only these servers
    #[arg(long, value_name = "LIST", value_enum, value_delimiter = ',')]
    servers: Vec<Product>,
    /// How often every server is measured with every workload [default: 3, or 2 with --quick]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(1..=100))]
    rounds: Option<u8>,
    /// Measured seconds each time [default: 1.5, or 0.5 with --quick]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    seconds: Option<f64>,
    /// Send requests whose signatures are none, and start Graticule so that it takes them
    #[arg(long)]
    unsigned: bool,
    /// Where peers are installed (scripts/bench does that)
    #[arg(long, value_name = "DIR")]
    peers: Option<PathBuf>,
    /// The program that measures the engine alone
    #[arg(long, value_name = "PATH")]
    engine: Option<PathBuf>,
    /// Where JSON, picture and page are written [default: docs for a whole run, the temporary directory for a part]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Measure nothing, and show what an earlier run has written; of further files, what parts they have instead
    #[arg(long, value_name = "JSON FILES", value_delimiter = ',')]
    pub(crate) from: Vec<PathBuf>,
    /// Ratios to the null server that were recorded
    #[arg(long, value_name = "FILE", default_value = "bench/ratios.json")]
    pub(crate) ratios: PathBuf,
    /// Record this run's ratios instead of comparing them
    #[arg(long)]
    pub(crate) record: bool,
    /// Which state of the source the server was built from, for whoever reads the results
    #[arg(long, value_name = "NAME", default_value = "not told")]
    revision: String,
    /// Further arguments for Graticule's server
    #[arg(last = true, value_name = "SERVER ARGUMENTS")]
    server_arguments: Vec<String>,
}

impl SuiteArguments {
    /// Whether everything that makes up the published results is measured.
    fn is_whole(&self) -> bool {
        !self.quick && self.parts.is_empty() && self.workloads.is_empty() && self.servers.is_empty()
    }

    /// Where files go.
    pub(crate) fn out(&self) -> PathBuf {
        self.out.clone().unwrap_or_else(|| if self.is_whole() { "docs".into() } else { scratch() })
    }
}

/// What a run does.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) programs: Programs,
    pub(crate) products: Vec<Product>,
    pub(crate) rounds: usize,
    pub(crate) window: Window,
    pub(crate) open_window: Window,
    pub(crate) quick: bool,
    pub(crate) full: bool,
    pub(crate) sign: bool,
    pub(crate) pool: Rc<PayloadPool>,
    parts: Vec<Part>,
    workloads: Vec<String>,
    revision: String,
}

impl Plan {
    /// After the flags.
    pub(crate) fn new(arguments: &SuiteArguments, binary: &Path) -> Result<Self, String> {
        let this = std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
        let quick = arguments.quick;
        let measured = arguments.seconds.unwrap_or(if quick { 0.5 } else { 1.5 });
        let window = |factor: f64| Window {
            warm_up: Duration::from_secs_f64(measured / 3.0),
            measured: Duration::from_secs_f64(measured * factor),
        };
        let default =
            if quick { &[Part::Starts, Part::Memory, Part::Durable][..] } else { Part::value_variants() };
        let or_all = |named: &[Product]| {
            if named.is_empty() { Product::value_variants().to_vec() } else { named.to_vec() }
        };
        let mut products = or_all(&arguments.servers);
        products.sort_unstable();
        products.dedup();
        Ok(Self {
            programs: Programs {
                graticule: binary.to_owned(),
                this,
                peers: arguments.peers.clone(),
                engine: arguments.engine.clone().filter(|engine| engine.exists()),
                signatures: if arguments.unsigned { Signatures::Believed } else { Signatures::Verified },
                arguments: arguments.server_arguments.clone(),
            },
            products,
            rounds: usize::from(arguments.rounds.unwrap_or(if quick { 2 } else { 3 })),
            window: window(1.0),
            open_window: window(if quick { 1.0 } else { 2.0 }),
            quick,
            full: arguments.full,
            sign: !arguments.unsigned,
            pool: Rc::new(PayloadPool::new(TEXT_BYTES_MAX)),
            parts: if arguments.parts.is_empty() { default.to_vec() } else { arguments.parts.clone() },
            workloads: arguments.workloads.clone(),
            revision: arguments.revision.clone(),
        })
    }

    /// Whether a part is measured.
    pub(crate) fn wants(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }

    /// Whether a server is.
    pub(crate) fn has(&self, product: Product) -> bool {
        self.products.contains(&product)
    }

    /// The workloads.
    pub(crate) fn cases(&self, mode: Mode) -> Vec<Case> {
        let wanted = |case: &Case| {
            let named = self.workloads.iter().any(|name| name == case.name);
            (named || self.workloads.is_empty() && (case.quick || !self.quick))
                && (mode == Mode::Memory || case.durable)
        };
        cases::all().into_iter().filter(wanted).collect()
    }

    /// What the run is made on and with.
    pub(crate) fn about(&self) -> Vec<(String, String)> {
        let signed = if self.sign {
            "every request is signed (Signature Version 4)"
        } else {
            "requests carry a signature that is none"
        };
        let load = format!(
            "one load generator in one thread on the same machine; {} rounds of {:.1} s after {:.1} s of warm-up; {signed}",
            self.rounds,
            self.window.measured.as_secs_f64(),
            self.window.warm_up.as_secs_f64()
        );
        let about = [
            ("date", today()),
            ("source", self.revision.clone()),
            ("machine", machine::machine()),
            ("system", machine::system()),
            ("other programs", machine::load()),
            ("disk", machine::storage(&std::env::temp_dir())),
            ("load", load),
        ];
        about.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }

    /// What the servers are.
    pub(crate) fn servers(&self) -> Vec<(String, String)> {
        let installed = self.products.iter().filter(|product| self.programs.program(**product).is_some());
        installed.map(|product| (product.name().to_owned(), product.description().to_owned())).collect()
    }
}

/// Where files go that nobody keeps.
pub(crate) fn scratch() -> PathBuf {
    std::env::temp_dir().join("graticule-bench")
}

/// The day on which a run is made.
fn today() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()[..10].to_owned()
}

fn case_name(name: &str) -> Result<String, String> {
    let all = cases::all();
    if all.iter().any(|case| case.name == name) {
        return Ok(name.to_owned());
    }
    let names: Vec<_> = all.iter().map(|case| case.name).collect();
    Err(format!("known workloads: {}", names.join(", ")))
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.1..=600.0).contains(seconds));
    seconds.ok_or_else(|| "expected seconds between 0.1 and 600".to_owned())
}
