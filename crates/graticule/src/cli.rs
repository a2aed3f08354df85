//! The command line: one list of flags from which parser and help come.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use graticule_model::RegionName;
use graticule_tables::LogLimits;

use crate::{
    client::{
        conflicts::ConflictsFlags,
        dials::DialsFlags,
        replicas::ReplicasFlags,
        verify::{ExpelFlags, VerifyFlags},
    },
    dials::{DialState, spec},
};

const ABOUT: &str = "A DynamoDB-compatible database with real multi-Region, active-active global tables.";

const SERVE_EXAMPLES: &str = "\
Examples:
  One process, every Region that a client names (the Region comes from each request's signature):
    graticule serve
    AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:8000 aws dynamodb list-tables --region eu-west-1

  Nothing on disk, for tests:
    graticule serve --in-memory

  One Region of three, linked with the other two over the network (graticule certificates makes the files):
    graticule serve --region us-east-1 --data-dir /var/lib/graticule --link-listen 10.0.1.1:9000 \\
      --link-ca ca.pem --link-certificate us-east-1.pem --link-key us-east-1-key.pem \\
      --peer eu-west-1=10.0.2.1:9000,10.0.2.2:9000 --peer ap-northeast-1=10.0.3.1:9000

  For clients on other machines, which prove with a secret who they are:
    (umask 077; echo $AWS_ACCESS_KEY_ID $AWS_SECRET_ACCESS_KEY >keys)
    graticule serve --listen 10.0.1.1:8000 --credentials-file keys

  For tests, with 80 ms to another Region and a fifth of all writes throttled (graticule dials --help):
    graticule serve --in-memory --dial delay=us-east-1:eu-west-1:40 \\
      --dial error=ThrottlingException:0.2:operation=PutItem

Exit codes: 0 stopped as asked, 2 wrong flags, 3 an address cannot be used, 4 the data cannot be used.";

const CERTIFICATES_EXAMPLES: &str = "\
Examples:
  A CA and a certificate for each of three servers with one Region each:
    graticule certificates --out links --region us-east-1 --region eu-west-1 --region ap-northeast-1

  One server with two Regions, named after the first:
    graticule certificates --out links --region us-east-1,us-west-2

  New certificates of the same CA, before the old ones end (servers take new files without a restart):
    graticule certificates --out links --region us-east-1 --region eu-west-1

  A new CA: copy the new ca.pem, which holds the old CA as well, to all servers first, then the new certificates.
    graticule certificates --out links --new-ca --region us-east-1 --region eu-west-1

Keep ca-key.pem off the servers: whoever has it can make certificates that every server believes.
Exit codes: 0 made, 2 wrong flags, 5 a file cannot be used.";

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "graticule", version, about = ABOUT, max_term_width = 110, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a server until SIGTERM or Ctrl-C
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(Box<ServeFlags>),
    /// Make the certificates with which servers of different Regions prove themselves to each other
    #[command(after_help = CERTIFICATES_EXAMPLES)]
    Certificates(CertificatesFlags),
    /// Show links and replicas: what is pending, how long it takes, what keeps logs and tombstones
    #[command(after_help = crate::client::replicas::EXAMPLES)]
    Replicas(ReplicasFlags),
    /// List the writes that the last writer won against
    #[command(after_help = crate::client::conflicts::EXAMPLES)]
    Conflicts(ConflictsFlags),
    /// Prove replicas equal while they run, or name the keys in which they differ
    #[command(after_help = crate::client::verify::EXAMPLES)]
    Verify(VerifyFlags),
    /// Stop waiting for a member that was taken out of a global table and cannot be reached
    #[command(after_help = crate::client::verify::EXPEL_EXAMPLES)]
    Expel(ExpelFlags),
    /// Turn dials for testing applications: lag, cut links, wrong clocks, errors
    #[command(after_help = crate::client::dials::EXAMPLES)]
    Dials(DialsFlags),
}

#[derive(Debug, Args)]
pub(crate) struct CertificatesFlags {
    /// Directory for ca.pem, ca-key.pem and, per server, REGION.pem and REGION-key.pem; a CA that is there is used
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,

    /// Region, or Regions, of one server; given once per server
    #[arg(long = "region", value_name = "REGION[,REGION...]", value_parser = server_regions, required = true)]
    pub(crate) servers: Vec<ServerRegions>,

    /// How long the certificates are valid
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub(crate) days: u32,

    /// Make a new CA; ca.pem goes on to hold the old ones, behind it
    #[arg(long)]
    pub(crate) new_ca: bool,
}

/// The Regions of one server, which share a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerRegions(pub(crate) Vec<RegionName>);

#[derive(Debug, Args)]
pub(crate) struct ServeFlags {
    /// Address on which clients are served; port 0 picks a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8000", value_parser = address)]
    pub(crate) listen: SocketAddr,

    /// Directory that holds the data; made if it is missing
    #[arg(long, value_name = "DIR", default_value = "./graticule-data", conflicts_with = "in_memory")]
    pub(crate) data_dir: PathBuf,

    /// Keep everything in memory: nothing is read from disk or written to it
    #[arg(long)]
    pub(crate) in_memory: bool,

    /// Host this Region only (may be given several times); without it, any Region that a client names
    #[arg(long = "region", value_name = "REGION", value_parser = region)]
    pub(crate) regions: Vec<RegionName>,

    /// Where another Region's links are served: addresses that are tried in turn (may be given several times)
    #[arg(long = "peer", value_name = "REGION=HOST:PORT[,HOST:PORT...]", value_parser = peer,
        requires_all = ["regions", "link_listen", "link_certificate", "link_key", "link_ca"])]
    pub(crate) peers: Vec<Peer>,

    /// Address on which links from other Regions are served; needs --region
    #[arg(long, value_name = "ADDR:PORT", value_parser = address,
        requires_all = ["regions", "link_certificate", "link_key", "link_ca"])]
    pub(crate) link_listen: Option<SocketAddr>,

    /// Certificate of this server for links (PEM), which names every Region that it hosts; read again when it changes
    #[arg(long, value_name = "FILE", requires_all = ["regions", "link_key", "link_ca"])]
    pub(crate) link_certificate: Option<PathBuf>,

    /// Private key of the certificate (PEM); read again when it changes
    #[arg(long, value_name = "FILE", requires = "link_certificate")]
    pub(crate) link_key: Option<PathBuf>,

    /// CAs whose certificates are believed on links (PEM, one or several); read again when it changes
    #[arg(long, value_name = "FILE", requires = "link_certificate")]
    pub(crate) link_ca: Option<PathBuf>,

    /// How far ahead of our clock another Region's writes may be; beyond that they are held back
    #[arg(long, value_name = "MS", default_value_t = 500)]
    pub(crate) clock_ahead_ms_max: u64,

    /// How long a replica that was taken out of a global table is waited for if its Region cannot be reached; what only it
    /// has is refused after that
    #[arg(long, value_name = "HOURS", default_value_t = 20)]
    pub(crate) departure_hours_max: u64,

    /// Most changes of a table that are kept for a Region that cannot be reached; one that lacks more is compared with
    /// when it is back
    #[arg(long, value_name = "CHANGES", default_value_t = LogLimits::default().changes)]
    pub(crate) log_changes_max: u64,

    /// The same in mebibytes
    #[arg(long, value_name = "MIB", default_value_t = LogLimits::default().bytes >> 20)]
    pub(crate) log_mib_max: u64,

    /// How often replicas are compared in the background; 0 for never
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    pub(crate) verify_hours: u64,

    /// How many discarded writes the conflict journal lists per table; the oldest go first
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(..=1_000_000))]
    pub(crate) conflict_journal_max: u64,

    /// File with access keys, one a line: ACCESS_KEY_ID SECRET_ACCESS_KEY. With it only requests with a signature of one of
    /// them are answered; read again when it changes
    #[arg(long, value_name = "FILE")]
    pub(crate) credentials_file: Option<PathBuf>,

    /// File with the token that metrics and requests under /_graticule/ need; without it they are answered on loopback only
    #[arg(long, value_name = "FILE")]
    pub(crate) admin_token_file: Option<PathBuf>,

    /// Start with a dial turned, for testing applications (may be given several times; see graticule dials --help)
    #[arg(long = "dial", value_name = "DIAL", value_parser = spec::parse)]
    pub(crate) dials: Vec<DialState>,

    /// Memory for block cache and write buffers of all hosted Regions together
    #[arg(long, value_name = "MIB", default_value_t = 512, value_parser = clap::value_parser!(u64).range(64..=1_048_576))]
    pub(crate) cache_mib: u64,

    /// Keep a replica for 24 hours after another one was added from its Region, as DynamoDB does
    #[arg(long)]
    pub(crate) source_region_rule: bool,

    /// Serve on an address that other machines can reach without verifying signatures (without --credentials-file)
    #[arg(long)]
    pub(crate) insecure_listen: bool,

    /// Form of the logs on standard error
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,

    /// What is logged: error, warn, info, debug, or a filter such as info,graticule_replication=debug
    #[arg(long, value_name = "FILTER", default_value = "info")]
    pub(crate) log: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// Another Region and where its links are served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) region: RegionName,
    pub(crate) addresses: Vec<String>,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "expected an IP address and a port, for example 127.0.0.1:8000".to_owned())
}

fn region(text: &str) -> Result<RegionName, String> {
    text.parse().map_err(|_| "a Region's name looks like us-east-1".to_owned())
}

fn peer(text: &str) -> Result<Peer, String> {
    let hint = "expected REGION=HOST:PORT, for example eu-west-1=10.0.2.1:9000,10.0.2.2:9000";
    let (name, addresses) = text.split_once('=').ok_or(hint)?;
    let addresses: Vec<String> = addresses.split(',').map(str::to_owned).collect();
    for address in &addresses {
        let port = address.rsplit_once(':').and_then(|(host, port)| (!host.is_empty()).then_some(port));
        if port.is_none_or(|port| port.parse::<u16>().is_err()) {
            return Err(hint.to_owned());
        }
    }
    Ok(Peer { region: region(name)?, addresses })
}

fn server_regions(text: &str) -> Result<ServerRegions, String> {
    Ok(ServerRegions(text.split(',').map(region).collect::<Result<_, _>>()?))
}
