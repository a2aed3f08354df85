//! The `graticule` program: reads the command line, puts the layers together, runs until it is told to stop.
//!
//! Data for people and scripts goes to standard output, logs to standard error.

mod admin;
mod certificates;
mod cli;
mod client;
mod dials;
mod handler;
mod keys;
mod node;
mod requests;
mod serve;
mod tokens;

use std::{fmt::Display, process::ExitCode};

use clap::Parser;

use crate::{client::ClientError, serve::ServeError};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match cli.command {
        cli::Command::Serve(flags) => ended(serve::run(*flags), ServeError::exit_code),
        cli::Command::Certificates(flags) => ended(certificates::run(&flags), |_| 5),
        cli::Command::Replicas(flags) => {
            ended(client::run(client::replicas::run(flags)), ClientError::exit_code)
        }
        cli::Command::Conflicts(flags) => {
            ended(client::run(client::conflicts::run(flags)), ClientError::exit_code)
        }
        cli::Command::Verify(flags) => ended(client::run(client::verify::run(flags)), ClientError::exit_code),
        cli::Command::Expel(flags) => {
            ended(client::run(client::verify::expel(flags)), ClientError::exit_code)
        }
        cli::Command::Dials(flags) => ended(client::run(client::dials::run(flags)), ClientError::exit_code),
    }
}

fn ended<E: Display>(outcome: Result<(), E>, exit_code: impl Fn(&E) -> u8) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("graticule: {error}");
            ExitCode::from(exit_code(&error))
        }
    }
}
