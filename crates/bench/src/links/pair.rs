//! Two linked Regions that this process started: as one process, or as two on loopback.
//!
//! Knows how servers are made to know each other, how their dials are turned, and how one asks them what is still to be
//! shipped. Knows nothing of what is measured.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use clap::ValueEnum;
use serde_json::{Value, json};

use super::files::LinkFiles;
use crate::{
    control::{REGION, REPLICA_REGION, add_replica, create_table, simple_schema},
    http::{Connection, Endpoint, exchange_in_time},
    process::free_address,
    server::{OwnServer, Signatures},
};

/// What is pending may take this long without getting less.
const PROGRESS_WAIT: Duration = Duration::from_secs(60);
const PENDING_EVERY: Duration = Duration::from_millis(20);

/// How the two Regions are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// One server with both Regions.
    OneProcess,
    /// A server for each, linked over loopback.
    TwoProcesses,
}

/// The two Regions. Dropping it kills the servers and removes all files.
#[derive(Debug)]
pub(super) struct Pair {
    source: OwnServer,
    /// In the form with two processes.
    target: Option<OwnServer>,
    _links: Option<LinkFiles>,
}

impl Pair {
    /// Starts the servers; `extra` are further arguments for each.
    pub(super) async fn start(binary: &Path, form: Form, extra: &[String]) -> Result<Self, String> {
        if form == Form::OneProcess {
            let source = OwnServer::start(binary, "regions", Signatures::Believed, extra).await?;
            return Ok(Self { source, target: None, _links: None });
        }
        let links = LinkFiles::make(binary, &[REGION, REPLICA_REGION])?;
        let address = || free_address().map(|address| address.to_string());
        let (here, there) = (
            address().map_err(|error| format!("no free port: {error}"))?,
            address().map_err(|error| format!("no free port: {error}"))?,
        );
        let with = |flags: Vec<String>| [&flags[..], extra].concat();
        let source_flags = with(links.flags(REGION, &here, &[(REPLICA_REGION, &there)]));
        let target_flags = with(links.flags(REPLICA_REGION, &there, &[(REGION, &here)]));
        let source = OwnServer::start(binary, REGION, Signatures::Believed, &source_flags).await?;
        let target = OwnServer::start(binary, REPLICA_REGION, Signatures::Believed, &target_flags).await?;
        Ok(Self { source, target: Some(target), _links: Some(links) })
    }

    /// Where the Region that is written to is served.
    pub(super) fn source(&self) -> &Endpoint {
        self.source.endpoint()
    }

    /// Where the Region that is read is served.
    pub(super) fn target(&self) -> &Endpoint {
        self.target.as_ref().unwrap_or(&self.source).endpoint()
    }

    /// The process of the first Region.
    pub(super) fn source_pid(&self) -> u32 {
        self.source.pid()
    }

    /// The process of the second, if it is another one.
    pub(super) fn target_pid(&self) -> Option<u32> {
        self.target.as_ref().map(OwnServer::pid)
    }

    /// All processes.
    pub(super) fn pids(&self) -> Vec<u32> {
        std::iter::once(self.source_pid()).chain(self.target_pid()).collect()
    }

    /// The directory of the first Region's server, on the disk that all share.
    pub(super) fn directory(&self) -> &Path {
        self.source.directory()
    }

    /// What an acknowledged write means, and the disk below.
    pub(super) fn describe(&self) -> [(&'static str, String); 2] {
        [("durability", self.source.durability().to_owned()), ("storage", self.source.storage())]
    }

    /// Creates a table, in both Regions or in the first one alone.
    pub(super) async fn create_table(&self, table: &str, replicated: bool) -> Result<(), String> {
        let mut connection = Connection::open(self.source()).await?;
        let mut schema = simple_schema(table);
        if replicated {
            schema["StreamSpecification"] =
                json!({"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"});
        }
        create_table(&mut connection, self.source(), &schema).await?;
        if replicated {
            add_replica(&mut connection, self.source(), REPLICA_REGION, self.target(), table).await?;
        }
        Ok(())
    }

    /// Holds up whatever travels between the Regions, in each direction.
    pub(super) async fn delay(&self, one_way: Duration) -> Result<(), String> {
        let delay_ms = u64::try_from(one_way.as_millis()).unwrap_or(u64::MAX);
        for endpoint in std::iter::once(self.source()).chain(self.target.as_ref().map(OwnServer::endpoint)) {
            dial(endpoint, &json!({"DelayMs": delay_ms, "JitterMs": 0})).await?;
        }
        Ok(())
    }

    /// Breaks the link between the Regions, or lets it be opened again.
    pub(super) async fn cut(&self, cut: bool) -> Result<(), String> {
        dial(self.source(), &json!({"Cut": cut})).await
    }

    /// How many changes of a table the second Region has not acknowledged yet.
    async fn pending(&self, table: &str) -> Result<u64, String> {
        let path = format!("/_graticule/replication?region={REGION}&table={table}");
        let status = admin(self.source(), "GET", &path, None).await?;
        let peers = &status["Regions"][0]["Tables"][0]["Peers"];
        let peer = peers
            .as_array()
            .and_then(|peers| peers.iter().find(|peer| peer["Region"] == REPLICA_REGION))
            .ok_or_else(|| format!("{path} does not know {REPLICA_REGION}: {status}"))?;
        peer["PendingChanges"].as_u64().ok_or_else(|| format!("{path} has no PendingChanges: {status}"))
    }

    /// Waits until the second Region has acknowledged everything.
    pub(super) async fn wait_shipped(&self, table: &str) -> Result<(), String> {
        let (mut least, mut since) = (u64::MAX, Instant::now());
        loop {
            let pending = self.pending(table).await?;
            if pending == 0 {
                return Ok(());
            }
            if pending < least {
                (least, since) = (pending, Instant::now());
            }
            if since.elapsed() > PROGRESS_WAIT {
                let waited = PROGRESS_WAIT.as_secs();
                return Err(format!("{pending} changes of {table} are pending and have been for {waited} s"));
            }
            tokio::time::sleep(PENDING_EVERY).await;
        }
    }

    /// Stops the servers in order.
    pub(super) async fn stop(self) -> Result<(), String> {
        let target = match self.target {
            Some(target) => target.stop().await,
            None => Ok(()),
        };
        self.source.stop().await.and(target)
    }
}

/// Turns a dial of the way between the two Regions, there and back.
async fn dial(endpoint: &Endpoint, setting: &Value) -> Result<(), String> {
    let mut link = setting.clone();
    link["From"] = json!(REGION);
    link["To"] = json!(REPLICA_REGION);
    link["Both"] = json!(true);
    let change = json!({ "Links": [link] }).to_string();
    admin(endpoint, "POST", "/_graticule/dials", Some(&change)).await.map(drop)
}

/// One of Graticule's own requests.
async fn admin(endpoint: &Endpoint, method: &str, path: &str, body: Option<&str>) -> Result<Value, String> {
    let body = body.unwrap_or_default();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        endpoint.authority(),
        body.len()
    );
    let mut connection = Connection::open(endpoint).await?;
    let answer = exchange_in_time(&mut connection, request.as_bytes()).await?;
    if answer.status != 200 {
        return Err(format!("{method} {path}: {}", answer.describe()));
    }
    serde_json::from_slice(answer.body).map_err(|error| format!("{method} {path}: not JSON: {error}"))
}
