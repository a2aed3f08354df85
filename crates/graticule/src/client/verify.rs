//! `graticule verify`: proves replicas equal while they run, or names the keys in which they differ. And `graticule expel`,
//! for a member that will not come back.

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use clap::Args;
use graticule_env::Env;
use graticule_model::{RegionName, TableName};
use graticule_replication::{RegionStatus, Verified};
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Client, ClientError, Format, ServerFlags, table::table};

pub(crate) const EXAMPLES: &str = concat!(
    "\
Examples:
  Compare the replicas that this server hosts with all others of their global tables:
    graticule verify

  One table, and bring in line what differs (each side takes what is later on the other):
    graticule verify --table entity --repair

Both replicas go on taking reads and writes. A key counts as different only if it still is when neither Region can be
about to hear of a change.

",
    super::exit_codes!(),
    " 8 replicas differ."
);

pub(crate) const EXPEL_EXAMPLES: &str = concat!(
    "\
A member that is taken out of a global table while it cannot be reached is waited for: it may have writes that nobody
else has, and tombstones are kept for it. If it will not come back, or should not be waited for:

    graticule expel --table entity --member eu-west-1

What it still has is refused from then on, and it drops its replica when it is back.

",
    super::exit_codes!()
);

#[derive(Debug, Args)]
pub(crate) struct VerifyFlags {
    #[command(flatten)]
    server: ServerFlags,

    /// Only this table
    #[arg(long, value_name = "TABLE")]
    table: Option<TableName>,

    /// Only the replica of this Region, with all others
    #[arg(long, value_name = "REGION")]
    region: Option<RegionName>,

    /// Bring in line what differs
    #[arg(long)]
    repair: bool,

    /// Form of the output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct ExpelFlags {
    #[command(flatten)]
    server: ServerFlags,

    /// The global table
    #[arg(long, value_name = "TABLE")]
    table: TableName,

    /// The Region that was taken out
    #[arg(long, value_name = "REGION")]
    member: RegionName,

    /// A Region of this server that has a replica; the first one if it is not given
    #[arg(long, value_name = "REGION")]
    region: Option<RegionName>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Regions {
    regions: Vec<RegionStatus>,
}

/// One pair of replicas.
struct Pair {
    table: String,
    here: String,
    there: String,
}

/// Compares what is asked for.
pub(crate) async fn run(flags: VerifyFlags) -> Result<(), ClientError> {
    let client = flags.server.client(&Env::real())?;
    let garbled = |error: serde_json::Error| ClientError::Garbled {
        endpoint: flags.server.endpoint.clone(),
        reason: error.to_string(),
    };
    let pairs = pairs(&client, &flags).await?;
    let (mut rows, mut names, mut all_equal) = (Vec::new(), String::new(), true);
    for pair in &pairs {
        let path = format!(
            "/_graticule/verify?table={}&region={}&peer={}&repair={}",
            pair.table, pair.here, pair.there, flags.repair
        );
        let answer = client.call_patiently(Method::POST, &path, None).await?;
        let verified: Verified = serde_json::from_value(answer["Result"].clone()).map_err(garbled)?;
        all_equal &= verified.is_equal();
        if flags.format == Format::Json {
            let line = json!({
                "TableName": pair.table, "Region": pair.here, "Peer": pair.there, "Equal": verified.is_equal(),
                "Result": answer["Result"],
            });
            writeln!(io::stdout().lock(), "{line}")?;
            continue;
        }
        let none = || "no item".to_owned();
        for difference in &verified.differences {
            names += &format!(
                "{} {}: {} here, {} in {}\n",
                pair.table,
                difference.key,
                difference.here.clone().unwrap_or_else(none),
                difference.there.clone().unwrap_or_else(none),
                pair.there
            );
        }
        rows.push(row(pair, &verified));
    }
    if flags.format == Format::Text {
        let head = ["TABLE", "REGION", "WITH", "ITEMS", "DIFFERING", "REPAIRED", "UNSETTLED", "MS", "RESULT"];
        let right = [false, false, false, true, true, true, true, true, false];
        let text = if rows.is_empty() {
            "there is no pair of replicas to compare\n".to_owned()
        } else {
            table(&head, &right, &rows)
        };
        io::stdout().lock().write_all((text + &names).as_bytes())?;
    }
    if all_equal { Ok(()) } else { Err(ClientError::Different) }
}

fn row(pair: &Pair, verified: &Verified) -> Vec<String> {
    vec![
        pair.table.clone(),
        pair.here.clone(),
        pair.there.clone(),
        verified.items.to_string(),
        verified.differing.to_string(),
        verified.repaired.to_string(),
        verified.unsettled.to_string(),
        verified.took_ms.to_string(),
        if verified.is_equal() { "equal" } else { "DIFFERENT" }.to_owned(),
    ]
}

/// The pairs of replicas of which one is here, each once.
async fn pairs(client: &Client, flags: &VerifyFlags) -> Result<Vec<Pair>, ClientError> {
    let value = client.call(Method::GET, "/_graticule/replication", None).await?;
    let answer: Regions = serde_json::from_value(value).map_err(|error| ClientError::Garbled {
        endpoint: flags.server.endpoint.clone(),
        reason: error.to_string(),
    })?;
    let mut seen = BTreeSet::new();
    let mut pairs = Vec::new();
    for region in &answer.regions {
        if flags.region.as_ref().is_some_and(|wanted| wanted.as_str() != region.region) {
            continue;
        }
        for table in &region.tables {
            if flags.table.as_ref().is_some_and(|wanted| wanted.as_str() != table.table_name) {
                continue;
            }
            for peer in table.peers.iter().filter(|peer| peer.member_status == "ACTIVE") {
                let both = (
                    region.region.clone().min(peer.region.clone()),
                    region.region.clone().max(peer.region.clone()),
                );
                if seen.insert((table.table_name.clone(), both)) {
                    pairs.push(Pair {
                        table: table.table_name.clone(),
                        here: region.region.clone(),
                        there: peer.region.clone(),
                    });
                }
            }
        }
    }
    if let Some(wanted) = flags.table.as_ref().filter(|_| pairs.is_empty()) {
        return Err(ClientError::Refused {
            endpoint: flags.server.endpoint.clone(),
            message: format!(
                "there is no other complete replica of a table {wanted} to compare with; see graticule replicas"
            ),
        });
    }
    Ok(pairs)
}

/// Stops waiting for a member.
pub(crate) async fn expel(flags: ExpelFlags) -> Result<(), ClientError> {
    let client = flags.server.client(&Env::real())?;
    let region = match &flags.region {
        Some(region) => region.to_string(),
        None => first_region(&client, &flags).await?,
    };
    let path = format!("/_graticule/expel?table={}&region={region}&member={}", flags.table, flags.member);
    client.call(Method::POST, &path, None).await?;
    let member = &flags.member;
    writeln!(io::stdout().lock(), "{member} is not waited for any longer; what it still has is refused")?;
    Ok(())
}

/// A Region of the server that has a replica of the table.
async fn first_region(client: &Client, flags: &ExpelFlags) -> Result<String, ClientError> {
    let path = format!("/_graticule/replication?table={}", flags.table);
    let answer: Value = client.call(Method::GET, &path, None).await?;
    let regions = answer["Regions"].as_array().into_iter().flatten();
    let mut having =
        regions.filter(|region| region["Tables"].as_array().is_some_and(|tables| !tables.is_empty()));
    having.next().and_then(|region| region["Region"].as_str()).map(str::to_owned).ok_or_else(|| {
        ClientError::Refused {
            endpoint: flags.server.endpoint.clone(),
            message: format!(
                "no Region here has a replica of {} with others; say which with --region",
                flags.table
            ),
        }
    })
}
