//! The servers that are measured: how each is started in which mode, and what it does about durability.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::{
    process::Launch,
    server::{self, Signatures},
};

/// A server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Product {
    /// Graticule
    Ours,
    /// HTTP and nothing else
    Null,
    /// The same, without reading what it is sent
    NullUnread,
    /// dynoxide: SQLite behind one lock
    Dynoxide,
    /// dynalite: LevelDB behind Node
    Dynalite,
}

/// What an acknowledged write is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Gone when the process is.
    Memory,
    /// On disk.
    Durable,
}

impl Mode {
    /// In words.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Durable => "durable",
        }
    }
}

/// Where programs are.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    /// Graticule's server.
    pub(crate) graticule: PathBuf,
    /// This program, which is the null server too.
    pub(crate) this: PathBuf,
    /// Where peers are installed, if they are.
    pub(crate) peers: Option<PathBuf>,
    /// What the engine does alone.
    pub(crate) engine: Option<PathBuf>,
    /// Whether Graticule verifies signatures.
    pub(crate) signatures: Signatures,
    /// Further arguments for Graticule.
    pub(crate) arguments: Vec<String>,
}

impl Product {
    /// As it is called in results.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Null => "null",
            Self::NullUnread => "null-unread",
            Self::Dynoxide => "dynoxide",
            Self::Dynalite => "dynalite",
        }
    }

    /// What it is and what it does about durability, for whoever reads the results.
    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::Ours => {
                "Graticule, this version. In memory: `--in-memory`. Durable: the default; one fsync per group of writes, \
                 before any of them is acknowledged."
            }
            Self::Null => {
                "hyper, set up like Graticule's, which reads a request and gives an answer of the size of Graticule's. It \
                 does nothing else: what it costs is what HTTP costs."
            }
            Self::NullUnread => "The same without reading the body of a request.",
            Self::Dynoxide => {
                "dynoxide-rs 3.2.0 from crates.io, one SQLite connection behind one lock, compiled with opt-level 3, fat \
                 LTO and one codegen unit. Durable: its database file, a write-ahead log with SQLite's own default \
                 `synchronous=FULL`: an fsync per transaction. It does not verify signatures."
            }
            Self::Dynalite => {
                "dynalite 4.0.0 from npm on Node. In memory only: with a path it writes to LevelDB without asking for an \
                 fsync, so it has no durable mode to compare. It does not verify signatures."
            }
        }
    }

    /// Whether there is such a mode.
    pub(crate) fn has(self, mode: Mode) -> bool {
        mode == Mode::Memory || matches!(self, Self::Ours | Self::Dynoxide)
    }

    /// Whether it is one of the null servers.
    pub(crate) fn is_null(self) -> bool {
        matches!(self, Self::Null | Self::NullUnread)
    }

    /// Whether it can be measured with a workload at all.
    pub(crate) fn can(self, case: &super::cases::Case, stream: bool) -> bool {
        match self {
            Self::Null => case.has_null(),
            // What is left unread beyond a buffer closes the connection.
            Self::NullUnread => matches!(case.name, "get" | "put"),
            Self::Dynalite => !stream,
            Self::Ours | Self::Dynoxide => true,
        }
    }
}

impl Programs {
    /// The program of a server; `None` if it is not installed.
    pub(crate) fn program(&self, product: Product) -> Option<PathBuf> {
        let peer = |path: &str| Some(self.peers.as_ref()?.join(path)).filter(|path| path.exists());
        match product {
            Product::Ours => Some(self.graticule.clone()),
            Product::Null | Product::NullUnread => Some(self.this.clone()),
            Product::Dynoxide => peer("dynoxide/graticule-bench-dynoxide"),
            Product::Dynalite => peer("dynalite/node"),
        }
    }

    /// How a server is started.
    pub(crate) fn launch(&self, product: Product, mode: Mode, extra: &[&str]) -> Option<Launch> {
        let program = self.program(product)?;
        let name = format!("{}-{}", product.name(), mode.name());
        let own = |arguments: &[&str]| arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let arguments: Vec<String> = match product {
            Product::Ours => {
                let extra: Vec<String> = extra
                    .iter()
                    .map(|argument| (*argument).to_owned())
                    .chain(self.arguments.clone())
                    .collect();
                let in_memory = mode == Mode::Memory;
                return Some(server::launch(&program, &name, in_memory, self.signatures, &extra));
            }
            Product::Null => own(&["null", "--listen", "{host}:{port}"]),
            Product::NullUnread => own(&["null", "--listen", "{host}:{port}", "--unread"]),
            Product::Dynoxide if mode == Mode::Memory => own(&["{host}", "{port}"]),
            Product::Dynoxide => own(&["{host}", "{port}", "{directory}/data"]),
            Product::Dynalite => {
                let script = self.peers.as_deref().map(dynalite_script)?.display().to_string();
                let port = ["--host", "{host}", "--port", "{port}"];
                let quick = ["--createTableMs", "0", "--deleteTableMs", "0", "--updateTableMs", "0"];
                std::iter::once(script).chain(own(&port)).chain(own(&quick)).collect()
            }
        };
        Some(Launch { name, program, arguments, files: Vec::new() })
    }
}

fn dynalite_script(peers: &Path) -> PathBuf {
    peers.join("dynalite/node_modules/dynalite/cli.js")
}
