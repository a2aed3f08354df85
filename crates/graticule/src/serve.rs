//! `graticule serve`: from flags to a running server, and back to an orderly end.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use graticule_env::Env;
use graticule_kv::embedded::Memory;
use graticule_model::{Error, RegionName};
use graticule_replication::{
    Policy,
    tcp::{CredentialFiles, Credentials, CredentialsError, TcpLinks, TcpTransport, serve_links},
};
use graticule_server::{BindError, Options, Server};
use graticule_tables::LogLimits;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use crate::{
    admin::Admin,
    cli::{LogFormat, ServeFlags},
    dials::{DialError, Dials, spec},
    handler::NodeHandler,
    keys::{KeyFile, KeysError},
    node::{Node, Settings, Storage, StorageError},
    requests::Requests,
    tokens::{self, TokenError},
};

const HOUR_MS: u64 = 60 * 60 * 1000;

/// Why the server did not start. Every message ends with what to do next.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    #[error("--log {filter:?} is no filter: {reason}; try --log info")]
    Log { filter: String, reason: String },
    #[error(
        "{0} can be reached from other machines, and without --credentials-file signatures are not verified; give that \
         file, listen on 127.0.0.1, or add --insecure-listen if the network is trusted"
    )]
    Insecure(SocketAddr),
    #[error("a Region cannot be hosted here and be a peer: {0}; remove one of --region and --peer")]
    PeerHosted(RegionName),
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error("cannot listen on {}: {}; choose another address with --listen", .0.addr, .0.source)]
    Bind(#[from] BindError),
    #[error("cannot listen for links on {addr}: {source}; choose another address with --link-listen")]
    LinkBind { addr: SocketAddr, source: io::Error },
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error("--dial: {0}")]
    Dial(#[from] DialError),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("{0}")]
    Regions(Error),
    #[error("the runtime cannot start: {0}")]
    Runtime(io::Error),
}

impl ServeError {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            ServeError::Log { .. } | ServeError::Insecure(_) => 2,
            ServeError::PeerHosted(_) | ServeError::Credentials(_) => 2,
            ServeError::Token(_) | ServeError::Keys(_) | ServeError::Dial(_) => 2,
            ServeError::Bind(_) | ServeError::LinkBind { .. } => 3,
            ServeError::Storage(_) | ServeError::Regions(_) => 4,
            ServeError::Runtime(_) => 1,
        }
    }
}

/// Serves until SIGTERM or Ctrl-C.
pub(crate) fn run(flags: ServeFlags) -> Result<(), ServeError> {
    start_logs(&flags)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(ServeError::Runtime)?;
    runtime.block_on(serve(flags))
}

fn start_logs(flags: &ServeFlags) -> Result<(), ServeError> {
    let filter = EnvFilter::try_new(&flags.log)
        .map_err(|error| ServeError::Log { filter: flags.log.clone(), reason: error.to_string() })?;
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match flags.log_format {
        LogFormat::Text => {
            logs.with_target(false).with_ansi(io::IsTerminal::is_terminal(&io::stderr())).init()
        }
        LogFormat::Json => logs.json().init(),
    }
    Ok(())
}

async fn serve(mut flags: ServeFlags) -> Result<(), ServeError> {
    let verified = flags.credentials_file.is_some();
    if !flags.listen.ip().is_loopback() && !verified && !flags.insecure_listen {
        return Err(ServeError::Insecure(flags.listen));
    }
    if let Some(peer) = flags.peers.iter().find(|peer| flags.regions.contains(&peer.region)) {
        return Err(ServeError::PeerHosted(peer.region.clone()));
    }
    let mut peers: BTreeMap<RegionName, Vec<String>> = BTreeMap::new();
    for peer in &flags.peers {
        peers.entry(peer.region.clone()).or_default().extend(peer.addresses.iter().cloned());
    }
    flags.regions.sort();
    flags.regions.dedup();
    let env = Env::real();
    let links = tcp_links(&env, &flags)?;
    let admin_token = flags.admin_token_file.as_ref().map(tokens::read_for_server).transpose()?;
    let key_file = flags.credentials_file.as_deref().map(KeyFile::read).transpose()?;
    let dials = Arc::new(Dials::default());
    if !flags.dials.is_empty() {
        dials.change(&spec::together(std::mem::take(&mut flags.dials)))?;
    }
    let storage = if flags.in_memory {
        Storage::Memory
    } else {
        let memory = Memory::new(usize::try_from(flags.cache_mib).unwrap_or(usize::MAX >> 20) << 20);
        Storage::directory(&flags.data_dir, memory)?
    };
    let place = match &storage {
        Storage::Memory => "in memory only".to_owned(),
        Storage::Directory { path, .. } => format!("{} (every write is synced to disk)", path.display()),
    };
    let tcp = links.clone().map(|links| TcpTransport::new(links, peers));
    let policy = Policy {
        clock_ahead_ms_max: flags.clock_ahead_ms_max,
        departure_ms_max: flags.departure_hours_max.saturating_mul(HOUR_MS),
        verify_every: (flags.verify_hours > 0)
            .then(|| Duration::from_millis(flags.verify_hours.saturating_mul(HOUR_MS))),
        dials: dials.links.clone(),
    };
    let log_limits =
        LogLimits { changes: flags.log_changes_max, bytes: flags.log_mib_max.saturating_mul(1 << 20) };
    let settings = Settings {
        policy,
        log_limits,
        conflict_journal_max: flags.conflict_journal_max,
        dials: Arc::clone(&dials),
        source_region_rule: flags.source_region_rule,
    };
    let node = Node::new(env.clone(), storage, flags.regions.clone(), tcp, settings);
    let admin = Admin { node: Arc::clone(&node), dials, requests: Requests::default() };
    let handler = Arc::new(NodeHandler { admin, env: env.clone(), endpoint: OnceLock::new() });
    let access_keys = key_file.as_ref().map(KeyFile::keys);
    let options = Options { admin_token, access_keys, ..Options::default() };
    let server = Server::bind(flags.listen, Arc::clone(&handler) as _, env.clone(), options)?;
    let _ = handler.endpoint.set(Arc::from(server.local_addr().to_string()));
    let listener = match flags.link_listen {
        Some(addr) => {
            Some(TcpListener::bind(addr).await.map_err(|source| ServeError::LinkBind { addr, source })?)
        }
        None => None,
    };
    // With port 0, only the listener knows.
    let link_address = listener.as_ref().and_then(|listener| listener.local_addr().ok());
    node.open_existing().await.map_err(ServeError::Regions)?;
    if let Some(links) = &links {
        links.watch_credentials();
    }
    if let (Some(listener), Some(links)) = (listener, links) {
        let node = Arc::clone(&node);
        let find = Arc::new(move |region: &str| node.find(region));
        env.spawn("links", serve_links(links, listener, find));
    }
    if let Some(file) = key_file {
        let (file, watching) = (Arc::new(file), env.clone());
        env.supervise("access keys", move || Arc::clone(&file).watch(watching.clone()));
    }
    announce(&flags, server.local_addr(), link_address, &place);
    server.serve(stop_signal()).await;
    tracing::info!("stopped");
    Ok(())
}

fn tcp_links(env: &Env, flags: &ServeFlags) -> Result<Option<Arc<TcpLinks>>, ServeError> {
    let (Some(certificate), Some(key), Some(ca)) = (&flags.link_certificate, &flags.link_key, &flags.link_ca)
    else {
        return Ok(None);
    };
    let files = CredentialFiles { certificate: certificate.clone(), key: key.clone(), ca: ca.clone() };
    let credentials = Credentials::load(env.clone(), files, flags.regions.clone())?;
    Ok(Some(Arc::new(TcpLinks::new(env.clone(), credentials))))
}

fn announce(flags: &ServeFlags, address: SocketAddr, link_address: Option<SocketAddr>, place: &str) {
    let regions = if flags.regions.is_empty() {
        "any that a client names".to_owned()
    } else {
        flags.regions.iter().map(RegionName::as_str).collect::<Vec<_>>().join(", ")
    };
    let signatures = if flags.credentials_file.is_some() { " | signatures: verified" } else { "" };
    let mut out = io::stdout().lock();
    // Nobody may be reading; the server serves all the same.
    let _ = writeln!(
        out,
        "graticule {} listening on http://{address} | Regions: {regions} | data: {place}{signatures}",
        env!("CARGO_PKG_VERSION")
    );
    if let Some(link) = link_address {
        let peers: Vec<String> = flags
            .peers
            .iter()
            .map(|peer| format!("{} at {}", peer.region, peer.addresses.join(" or ")))
            .collect();
        let _ = writeln!(out, "links on {link} | peers: {}", peers.join(", "));
    }
    let _ = out.flush();
}

async fn stop_signal() {
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => _ = signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = terminate => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    tracing::info!("stopping: requests under way are finished first");
}
