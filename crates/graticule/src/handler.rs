//! What stands behind the HTTP server: finds the Region of a request and lets the operations answer.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use graticule_model::{Error, TableName};
use graticule_ops::{Context, DYNAMODB_OPERATIONS, STREAMS_OPERATIONS};
use graticule_server::{BoxFuture, Caller, Handler, Service, Target};
use serde_json::{Value, json};

use crate::node::Node;

/// Most conflicts in one answer of the admin endpoint.
const CONFLICTS_LISTED_MAX: usize = 1000;

/// The requests of one server.
#[derive(Debug)]
pub(crate) struct NodeHandler {
    pub(crate) node: Arc<Node>,
    /// `host:port`, once it is known.
    pub(crate) endpoint: OnceLock<Arc<str>>,
}

impl NodeHandler {
    async fn answer(&self, caller: &Caller, target: Target<'_>, body: &[u8]) -> Result<Bytes, Error> {
        let replicator = self.node.region(&caller.region).await?;
        let endpoint = self.endpoint.get().cloned().unwrap_or_else(|| Arc::from(""));
        let context = Context { region: Arc::clone(replicator.region()), endpoint };
        let service = match target.service {
            Service::DynamoDb => graticule_ops::Service::DynamoDb,
            Service::Streams => graticule_ops::Service::Streams,
        };
        graticule_ops::dispatch(&context, service, target.operation, body).await.map(Bytes::from)
    }

    async fn replication(&self) -> Result<Value, Error> {
        let mut regions = Vec::new();
        for replicator in self.node.all() {
            regions.push(replicator.status().await?);
        }
        Ok(json!({ "Regions": regions }))
    }

    async fn conflicts(&self, query: &str) -> Result<Value, Error> {
        let parameter = |name: &str| {
            query
                .split('&')
                .find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name))
                .map(|(_, v)| v)
        };
        let (Some(region), Some(table)) = (parameter("region"), parameter("table")) else {
            return Err(Error::Validation("conflicts are listed by ?region=REGION&table=TABLE".to_owned()));
        };
        let replicator =
            self.node.find(region).ok_or_else(|| Error::OtherNotFound(format!("no Region {region}")))?;
        let table = replicator.region().table(&table.parse::<TableName>()?).await?;
        let (conflicts, total) = replicator.region().conflicts(&table, CONFLICTS_LISTED_MAX).await?;
        Ok(json!({ "Total": total, "Conflicts": conflicts }))
    }
}

impl Handler for NodeHandler {
    fn knows(&self, target: Target<'_>) -> bool {
        match target.service {
            Service::DynamoDb => DYNAMODB_OPERATIONS.contains(&target.operation),
            Service::Streams => STREAMS_OPERATIONS.contains(&target.operation),
        }
    }

    fn call<'a>(
        &'a self,
        caller: Caller,
        target: Target<'a>,
        body: Bytes,
    ) -> BoxFuture<'a, Result<Bytes, Error>> {
        Box::pin(async move { self.answer(&caller, target, &body).await })
    }

    fn health(&self) -> Value {
        let regions: Vec<String> = self.node.all().iter().map(|r| r.region().name().to_string()).collect();
        json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION"), "regions": regions })
    }

    fn admin<'a>(
        &'a self,
        method: &'a str,
        path: &'a str,
        query: &'a str,
    ) -> BoxFuture<'a, Option<(u16, Value)>> {
        Box::pin(async move {
            let answer = match (method, path) {
                ("GET", "/_graticule/replication") => self.replication().await,
                ("GET", "/_graticule/conflicts") => self.conflicts(query).await,
                _ => return None,
            };
            Some(match answer {
                Ok(value) => (200, value),
                Err(error) => (error.envelope().status, error.to_json()),
            })
        })
    }
}
