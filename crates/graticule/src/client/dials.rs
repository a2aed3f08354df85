//! `graticule dials`: shows, turns and resets the dials of a running server.

use std::io::{self, Write};

use clap::{Args, Subcommand};
use graticule_env::Env;
use hyper::Method;
use serde_json::{Value, json};

use super::{ClientError, Format, ServerFlags};
use crate::dials::{DialState, spec};

pub(crate) const EXAMPLES: &str = concat!(
    "\
Dials, for set and for serve --dial:
  delay=A:B:MS[:JITTER_MS][:one-way]  What travels between the Regions A and B takes MS longer, and up to JITTER_MS more
  cut=A:B[:one-way]                   The link breaks and cannot be opened; with one-way, B's changes still reach A
  pause=A:B[:one-way]                 The link stays open, changes wait
  heal=A:B[:one-way]                  Neither cut nor paused
  clock=REGION:MS                     The Region's clock is MS ahead; behind, if negative
  error=NAME:PROBABILITY[:table=T][:operation=O][:region=R]
                                      Requests fail with ThrottlingException, RequestLimitExceeded,
                                      ProvisionedThroughputExceededException or InternalServerError;
                                      with probability 0 no more

Examples:
  A round trip of 80 ms between two Regions:
    graticule dials set delay=us-east-1:eu-west-1:40

  Cut them off from each other, and bring them together again:
    graticule dials set cut=us-east-1:eu-west-1
    graticule dials set heal=us-east-1:eu-west-1

  Throttle a fifth of all writes to one table:
    graticule dials set error=ThrottlingException:0.2:table=entity:operation=PutItem

  Everything off:
    graticule dials reset

A server delays what it sends and cuts and pauses what it sends and receives. Where each Region has a server of its own, a
delay is set on both (--endpoint), anything else on either.

",
    super::exit_codes!()
);

const PATH: &str = "/_graticule/dials";

#[derive(Debug, Args)]
pub(crate) struct DialsFlags {
    #[command(subcommand)]
    command: DialsCommand,
}

#[derive(Debug, Subcommand)]
enum DialsCommand {
    /// Show the dials that are set, as the words that set them
    Show(ShowFlags),
    /// Turn dials; those that are not named stay as they are
    #[command(after_help = EXAMPLES)]
    Set {
        /// What to set, for example cut=us-east-1:eu-west-1 (see below)
        #[arg(value_name = "DIAL", required = true, value_parser = spec::parse)]
        dials: Vec<DialState>,

        #[command(flatten)]
        show: ShowFlags,
    },
    /// Turn all dials off
    Reset(ShowFlags),
}

#[derive(Debug, Clone, Args)]
struct ShowFlags {
    #[command(flatten)]
    server: ServerFlags,

    /// Form of the output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Does what is asked for, then shows what is set.
pub(crate) async fn run(flags: DialsFlags) -> Result<(), ClientError> {
    let env = Env::real();
    let (flags, method, body) = match flags.command {
        DialsCommand::Show(flags) => (flags, Method::GET, None),
        DialsCommand::Set { dials, show } => (show, Method::POST, Some(json!(spec::together(dials)))),
        DialsCommand::Reset(flags) => (flags, Method::DELETE, None),
    };
    let answer = flags.server.client(&env)?.call(method, PATH, body.as_ref()).await?;
    let text = render(answer, &flags)?;
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}

fn render(answer: Value, flags: &ShowFlags) -> Result<String, ClientError> {
    if flags.format == Format::Json {
        return Ok(format!("{answer}\n"));
    }
    let state: DialState = serde_json::from_value(answer).map_err(|error| ClientError::Garbled {
        endpoint: flags.server.endpoint.clone(),
        reason: error.to_string(),
    })?;
    if state == DialState::default() {
        return Ok("no dial is set\n".to_owned());
    }
    Ok(spec::words(&state).into_iter().map(|word| word + "\n").collect())
}
