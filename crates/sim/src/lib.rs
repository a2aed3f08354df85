//! Deterministic simulation: several Regions of the real code in one thread, under a seed.
//!
//! [`run`] plays one seed: Regions on simulated disks, clocks and a simulated network, clients that write, trouble of every
//! kind, then rest and checks against what was written. The same seed does the same again, event by event; [`Report::trace`]
//! proves it. [`play`] acts out what rarely happens by chance, step by step.
//!
//! This crate knows what global tables promise. It takes part in nothing that ships.

mod checks;
mod clock;
mod disk;
mod executor;
mod faults;
mod feuds;
mod indexes;
mod layout;
mod locks;
mod membership;
mod model;
mod network;
mod node;
mod panics;
mod plan;
mod pump;
mod random;
mod reader;
mod replicas;
mod run;
mod scenes;
mod store;
mod streams;
mod trace;
mod workload;
mod world;

pub use disk::{Disk, DiskEngine, Health};
pub use plan::Profile;
pub use run::{Options, Report, run};
pub use scenes::{Scene, play};
