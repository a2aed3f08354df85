//! What stands behind the HTTP server: finds the Region of a request and lets the operations answer.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use graticule_env::Env;
use graticule_model::Error;
use graticule_ops::{Context, DYNAMODB_OPERATIONS, STREAMS_OPERATIONS};
use graticule_server::{AdminAnswer, AdminRequest, BoxFuture, Caller, Handler, Service, Target};
use serde_json::{Value, json};

use crate::admin::Admin;

/// The requests of one server.
#[derive(Debug)]
pub(crate) struct NodeHandler {
    pub(crate) admin: Admin,
    pub(crate) env: Env,
    /// `host:port`, once it is known.
    pub(crate) endpoint: OnceLock<Arc<str>>,
}

impl NodeHandler {
    async fn answer(&self, caller: &Caller, target: Target<'_>, body: &[u8]) -> Result<Bytes, Error> {
        let replicator = self.admin.node.region(&caller.region).await?;
        let region = replicator.region();
        if let Some(struck) = self.admin.dials.faults.strike(&self.env, region.name(), target.operation, body)
        {
            return Err(struck);
        }
        let endpoint = self.endpoint.get().cloned().unwrap_or_else(|| Arc::from(""));
        let context = Context { region: Arc::clone(region), endpoint };
        let service = match target.service {
            Service::DynamoDb => graticule_ops::Service::DynamoDb,
            Service::Streams => graticule_ops::Service::Streams,
        };
        graticule_ops::dispatch(&context, service, target.operation, body).await.map(Bytes::from)
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
        Box::pin(async move {
            let answer = self.answer(&caller, target, &body).await;
            self.admin.requests.count(target, answer.as_ref().err());
            answer
        })
    }

    fn health(&self) -> Value {
        let regions = self.admin.node.all();
        let regions: Vec<String> = regions.iter().map(|region| region.region().name().to_string()).collect();
        json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION"), "regions": regions })
    }

    fn admin<'a>(&'a self, request: AdminRequest<'a>) -> BoxFuture<'a, Option<AdminAnswer>> {
        Box::pin(self.admin.answer(request))
    }
}
