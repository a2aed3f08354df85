//! `graticule replicas`: links and replicas, once or again and again.

use std::{
    io::{self, IsTerminal, Write},
    time::Duration,
};

use clap::Args;
use graticule_env::Env;
use graticule_model::{RegionName, TableName};
use graticule_replication::{PeerStatus, RegionStatus, ReplicaStatus};
use hyper::Method;
use serde::Deserialize;

use super::{ClientError, Format, ServerFlags, moment, table::table};

pub(crate) const EXAMPLES: &str = concat!(
    "\
Examples:
  Everything that a server knows of its links and replicas:
    graticule replicas

  One table, again every two seconds:
    graticule replicas --table entity --watch

  How many changes are pending towards each Region, for a script:
    graticule replicas --format json | jq '.Regions[].Tables[].Peers[] | {Region, PendingChanges}'

A server tells of the Regions that it hosts; ask each of several servers with --endpoint.

",
    super::exit_codes!()
);

/// How often `--watch` looks.
const WATCH_INTERVAL: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub(crate) struct ReplicasFlags {
    #[command(flatten)]
    server: ServerFlags,

    /// Only this table
    #[arg(long, value_name = "TABLE")]
    table: Option<TableName>,

    /// Only what this Region knows
    #[arg(long, value_name = "REGION")]
    region: Option<RegionName>,

    /// Look again every two seconds until Ctrl-C
    #[arg(long)]
    watch: bool,

    /// Form of the output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    regions: Vec<RegionStatus>,
}

/// Shows what is asked for.
pub(crate) async fn run(flags: ReplicasFlags) -> Result<(), ClientError> {
    let env = Env::real();
    let client = flags.server.client(&env)?;
    let parameter =
        |name: &str, value: Option<&str>| value.map_or_else(String::new, |v| format!("{name}={v}&"));
    let path = format!(
        "/_graticule/replication?{}{}",
        parameter("region", flags.region.as_ref().map(RegionName::as_str)),
        parameter("table", flags.table.as_ref().map(TableName::as_str)),
    );
    loop {
        let value = client.call(Method::GET, &path, None).await?;
        let text = match flags.format {
            Format::Json => format!("{value}\n"),
            Format::Text => {
                let answer: Answer = serde_json::from_value(value).map_err(|error| ClientError::Garbled {
                    endpoint: flags.server.endpoint.clone(),
                    reason: error.to_string(),
                })?;
                render(&answer.regions)
            }
        };
        let mut out = io::stdout().lock();
        if flags.watch && flags.format == Format::Text {
            // On a terminal the new picture takes the place of the old one.
            let between = if io::stdout().is_terminal() { "\x1b[H\x1b[2J" } else { "" };
            write!(out, "{between}{}\n\n", moment(env.unix_ms()))?;
        }
        out.write_all(text.as_bytes())?;
        out.flush()?;
        drop(out);
        if !flags.watch {
            return Ok(());
        }
        env.sleep(WATCH_INTERVAL).await;
    }
}

fn render(regions: &[RegionStatus]) -> String {
    let mut links = Vec::new();
    let mut replicas = Vec::new();
    for region in regions {
        for link in &region.links {
            let state =
                link.reason.as_ref().map_or(link.state.clone(), |reason| format!("{}: {reason}", link.state));
            links.push(vec![
                region.region.clone(),
                link.region.clone(),
                link.address.clone().unwrap_or_else(|| "this process".to_owned()),
                moment(link.since_ms),
                link.connects.to_string(),
                state,
            ]);
        }
        for table in &region.tables {
            replicas.extend(table.peers.iter().map(|peer| replica(region, table, peer)));
        }
    }
    if links.is_empty() && replicas.is_empty() {
        return "There are no replicas here. Add one: aws dynamodb update-table --table-name TABLE --replica-updates \
                '[{\"Create\":{\"RegionName\":\"REGION\"}}]'\n"
            .to_owned();
    }
    let head = ["REGION", "LINK TO", "AT", "SINCE", "CONNECTS", "STATE"];
    let mut text = table(&head, &[false, false, false, false, true, false], &links);
    text.push('\n');
    let head = [
        "TABLE",
        "REGION",
        "REPLICA",
        "STATUS",
        "PENDING",
        "BYTES",
        "LATENCY MS P50/P99",
        "WATERMARK AGE MS",
        "CONFLICTS",
        "KEEPS",
    ];
    text += &table(&head, &[false, false, false, false, true, true, true, true, true, false], &replicas);
    text
}

fn replica(region: &RegionStatus, table: &ReplicaStatus, peer: &PeerStatus) -> Vec<String> {
    let mut keeps = Vec::new();
    if table.log_kept_for.as_ref() == Some(&peer.region) {
        keeps.push(format!("log from {} to {}", table.log_first, table.log_next));
    }
    if table.tombstones_kept_for.as_ref() == Some(&peer.region) {
        keeps.push(format!("{} tombstones", table.tombstones_held));
    }
    let latency = peer.replication_latency.as_ref();
    vec![
        table.table_name.clone(),
        region.region.clone(),
        peer.region.clone(),
        match (peer.join_percent, peer.resync_since_ms) {
            (Some(percent), _) => format!("{} {percent} %", peer.member_status),
            (None, Some(_)) => format!("{}, compared anew", peer.member_status),
            (None, None) => peer.member_status.clone(),
        },
        peer.pending_changes.to_string(),
        peer.pending_bytes.to_string(),
        latency.map_or_else(|| "-".to_owned(), |latency| format!("{}/{}", latency.p50_ms, latency.p99_ms)),
        peer.watermark_age_ms.map_or_else(|| "-".to_owned(), |age_ms| age_ms.to_string()),
        table.conflicts_counted.to_string(),
        if keeps.is_empty() { "-".to_owned() } else { keeps.join(", ") },
    ]
}
