//! `graticule conflicts`: the conflict journal of a table, page by page.

use std::{
    io::{self, Write},
    time::{Duration, UNIX_EPOCH},
};

use clap::Args;
use graticule_env::Env;
use graticule_model::{RegionName, TableName};
use hyper::Method;
use serde_json::Value;

use super::{Client, ClientError, Format, ServerFlags, moment, table::table};

pub(crate) const EXAMPLES: &str = concat!(
    "\
A write is listed in the Region where it lost on arrival: the one whose own, later write stood there already. Without
--region every Region of the server is asked.

Examples:
  What was discarded in the last ten minutes:
    graticule conflicts --table entity --since 10m

  The items that were discarded, for a script:
    graticule conflicts --table entity --region eu-west-1 --format json | jq .Discarded

Times are 2026-11-27T10:00:00Z, or so long ago: 90s, 10m, 2h, 3days.

",
    super::exit_codes!()
);

/// Longest key or item that a line shows.
const SHOWN_CHARS_MAX: usize = 120;
/// Entries asked for at once.
const PAGE: u64 = 500;

#[derive(Debug, Args)]
pub(crate) struct ConflictsFlags {
    #[command(flatten)]
    server: ServerFlags,

    /// The table
    #[arg(long, value_name = "TABLE")]
    table: TableName,

    /// Only what was discarded in this Region
    #[arg(long, value_name = "REGION")]
    region: Option<RegionName>,

    /// Only what was discarded at this time or later
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Time>,

    /// Only what was discarded before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Time>,

    /// Most entries, oldest first, of each Region
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u64,

    /// Form of the output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// A moment, or how long ago one was.
#[derive(Debug, Clone, Copy)]
enum Time {
    AtMs(u64),
    Ago(Duration),
}

impl Time {
    fn unix_ms(self, now_ms: u64) -> u64 {
        match self {
            Time::AtMs(at_ms) => at_ms,
            Time::Ago(ago) => now_ms.saturating_sub(u64::try_from(ago.as_millis()).unwrap_or(u64::MAX)),
        }
    }
}

fn time(text: &str) -> Result<Time, String> {
    if let Ok(ago) = humantime::parse_duration(text) {
        return Ok(Time::Ago(ago));
    }
    let at = humantime::parse_rfc3339_weak(text).ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let at_ms = at.and_then(|at| u64::try_from(at.as_millis()).ok());
    at_ms.map(Time::AtMs).ok_or_else(|| "expected 2026-11-27T10:00:00Z, or how long ago: 10m, 2h".to_owned())
}

/// Lists what is asked for.
pub(crate) async fn run(flags: ConflictsFlags) -> Result<(), ClientError> {
    let env = Env::real();
    let client = flags.server.client(&env)?;
    let regions = match &flags.region {
        Some(region) => vec![region.to_string()],
        None => regions_with(&client, &flags).await?,
    };
    for region in regions {
        list(&client, &flags, &region, env.unix_ms()).await?;
    }
    Ok(())
}

/// The Regions of the server in which the table is replicated.
async fn regions_with(client: &Client, flags: &ConflictsFlags) -> Result<Vec<String>, ClientError> {
    let path = format!("/_graticule/replication?table={}", flags.table);
    let answer = client.call(Method::GET, &path, None).await?;
    let regions = answer["Regions"].as_array().into_iter().flatten();
    let with = regions.filter(|region| region["Tables"].as_array().is_some_and(|tables| !tables.is_empty()));
    let names: Vec<String> = with.filter_map(|region| region["Region"].as_str().map(str::to_owned)).collect();
    if names.is_empty() {
        return Err(ClientError::Refused {
            endpoint: flags.server.endpoint.clone(),
            message: format!("no Region here has a replica of a global table {}; try --region", flags.table),
        });
    }
    Ok(names)
}

async fn list(client: &Client, flags: &ConflictsFlags, region: &str, now_ms: u64) -> Result<(), ClientError> {
    let mut path = format!("/_graticule/conflicts?region={region}&table={}", flags.table);
    for (name, time) in [("since", flags.since), ("until", flags.until)] {
        if let Some(time) = time {
            path += &format!("&{name}={}", time.unix_ms(now_ms));
        }
    }
    let mut rows = Vec::new();
    let (mut left, mut after) = (flags.limit, String::new());
    let counts = loop {
        let page = format!("{path}&limit={}&after={after}", left.clamp(1, PAGE));
        let answer = client.call(Method::GET, &page, None).await?;
        let conflicts = answer["Conflicts"].as_array().into_iter().flatten();
        for conflict in conflicts.take(usize::try_from(left).unwrap_or(usize::MAX)) {
            left -= 1;
            match flags.format {
                Format::Json => writeln!(io::stdout(), "{}", with_region(conflict, region))?,
                Format::Text => rows.push(row(conflict)),
            }
        }
        match answer["Next"].as_str() {
            Some(next) if left > 0 => next.clone_into(&mut after),
            more => {
                break (
                    answer["ConflictsCounted"].clone(),
                    answer["ConflictsForgotten"].clone(),
                    more.is_some(),
                );
            }
        }
    };
    if flags.format == Format::Text {
        let head = ["DISCARDED AT", "KEY", "WINNER", "LOSER", "DISCARDED"];
        let mut out = io::stdout().lock();
        let (counted, forgotten, more) = counts;
        writeln!(
            out,
            "{region}: {} listed, {counted} counted ever, {forgotten} of them forgotten",
            rows.len()
        )?;
        if !rows.is_empty() {
            out.write_all(table(&head, &[false; 5], &rows).as_bytes())?;
        }
        if more {
            eprintln!(
                "graticule: there may be more in {region}; raise --limit, or narrow the time with --since"
            );
        }
    }
    Ok(())
}

/// The entry, saying where it is listed.
fn with_region(conflict: &Value, region: &str) -> Value {
    let mut conflict = conflict.clone();
    conflict["ListedIn"] = Value::from(region);
    conflict
}

fn row(conflict: &Value) -> Vec<String> {
    let discarded = match &conflict["Discarded"] {
        Value::Null if conflict["Loser"]["Operation"] == "DELETE" => "(a delete)".to_owned(),
        Value::Null => "(too long to be kept)".to_owned(),
        item => shortened(item),
    };
    let version = |side: &str| {
        let side = &conflict[side];
        let deletes = if side["Operation"] == "DELETE" { " (a delete)" } else { "" };
        format!("{}{deletes}", side["Version"].as_str().unwrap_or("?"))
    };
    vec![
        conflict["AtMs"].as_u64().map_or_else(|| "?".to_owned(), moment),
        shortened(&conflict["Key"]),
        version("Winner"),
        version("Loser"),
        discarded,
    ]
}

fn shortened(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
