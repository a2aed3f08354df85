//! Commands that ask a running server: flags that they share, one small HTTP client, what can go wrong.
//!
//! What was asked for goes to standard output, everything else to standard error, with what to do next.

pub(crate) mod conflicts;
pub(crate) mod dials;
mod http;
pub(crate) mod replicas;
mod table;
pub(crate) mod verify;

use std::{io, path::PathBuf};

use clap::{Args, ValueEnum};
use graticule_env::Env;

use crate::tokens::{self, TokenError};

pub(crate) use http::Client;

/// How the exit codes of all of these commands read in their help.
macro_rules! exit_codes {
    () => {
        "Exit codes: 0 done, 1 the answer was not understood or could not be shown, 2 wrong flags,
5 the server cannot be reached, 6 it refuses, for want of the token, 7 it has not what was asked for."
    };
}
pub(crate) use exit_codes;

/// Which server, and by what right.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServerFlags {
    /// Where the server answers clients
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8000")]
    pub(crate) endpoint: String,

    /// File with the server's token (its --admin-token-file); not needed on loopback unless the server has one
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For machines, one JSON object a line
    Json,
}

/// Why a command failed. Every message ends with what to do next.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    #[error("{0} is no endpoint; give one like http://127.0.0.1:8000 with --endpoint")]
    Endpoint(String),
    #[error("{0}")]
    Flags(String),
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error("{endpoint} cannot be reached: {reason}; start the server, or say where it is with --endpoint")]
    Unreachable { endpoint: String, reason: String },
    #[error("{endpoint} refuses: {message}")]
    Denied { endpoint: String, message: String },
    #[error("{endpoint} answers: {message}")]
    Refused { endpoint: String, message: String },
    #[error(
        "{endpoint} gave an answer that is not understood ({reason}); is it a graticule of this version?"
    )]
    Garbled { endpoint: String, reason: String },
    #[error("replicas differ; bring them in line with graticule verify --repair")]
    Different,
    #[error("the output cannot be written: {0}")]
    Output(#[from] io::Error),
    #[error("the runtime cannot start: {0}")]
    Runtime(io::Error),
}

impl ClientError {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            ClientError::Garbled { .. } | ClientError::Output(_) | ClientError::Runtime(_) => 1,
            ClientError::Endpoint(_) | ClientError::Flags(_) | ClientError::Token(_) => 2,
            ClientError::Unreachable { .. } => 5,
            ClientError::Denied { .. } => 6,
            ClientError::Refused { .. } => 7,
            ClientError::Different => 8,
        }
    }
}

/// Runs a command to its end.
pub(crate) fn run(command: impl Future<Output = Result<(), ClientError>>) -> Result<(), ClientError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.map_err(ClientError::Runtime)?.block_on(command) {
        // Whoever read the output has seen enough.
        Err(ClientError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

impl ServerFlags {
    fn client(&self, env: &Env) -> Result<Client, ClientError> {
        let token = self.token_file.as_ref().map(|path| tokens::read(path, "--token-file")).transpose()?;
        Client::new(env.clone(), &self.endpoint, token)
    }
}

/// A moment as people write it.
fn moment(unix_ms: u64) -> String {
    let at = std::time::UNIX_EPOCH.checked_add(std::time::Duration::from_millis(unix_ms));
    // Years beyond 9999 have no such form.
    at.filter(|_| unix_ms < 253_402_300_800_000)
        .map_or_else(|| format!("{unix_ms} ms"), |at| humantime::format_rfc3339_millis(at).to_string())
}
