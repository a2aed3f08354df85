//! The `graticule` program: reads the command line, puts the layers together, runs until it is told to stop.
//!
//! Data for people and scripts goes to standard output, logs to standard error.

mod certificates;
mod cli;
mod handler;
mod node;
mod serve;

use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match cli.command {
        cli::Command::Serve(flags) => match serve::run(flags) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("graticule: {error}");
                ExitCode::from(error.exit_code())
            }
        },
        cli::Command::Certificates(flags) => match certificates::run(&flags) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("graticule: {error}");
                ExitCode::from(5)
            }
        },
    }
}
