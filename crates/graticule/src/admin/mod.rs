//! Graticule's own requests: what replication is doing, what was discarded, dials, metrics. One file each.
//!
//! Who may make them is decided by the server, before anything here runs. Errors have the envelope of the API's.

mod conflicts;
mod dials;
mod metrics;
mod query;
mod replication;
mod verify;

use std::sync::Arc;

use graticule_model::Error;
use graticule_server::{AdminAnswer, AdminRequest};
use serde_json::Value;

use crate::{dials::Dials, node::Node, requests::Requests};

/// What the requests are about.
#[derive(Debug)]
pub(crate) struct Admin {
    pub(crate) node: Arc<Node>,
    pub(crate) dials: Arc<Dials>,
    pub(crate) requests: Requests,
}

impl Admin {
    /// Answers a request; `None` if there is nothing at its path.
    pub(crate) async fn answer(&self, request: AdminRequest<'_>) -> Option<AdminAnswer> {
        let AdminRequest { method, path, query, body } = request;
        let answer = match (method, path) {
            ("GET", "/metrics") => metrics::text(self).await,
            ("GET", "/_graticule/replication") => json(replication::status(&self.node, query).await),
            ("GET", "/_graticule/conflicts") => json(conflicts::page(&self.node, query).await),
            ("POST", "/_graticule/verify") => json(verify::verify(&self.node, query).await),
            ("POST", "/_graticule/expel") => json(verify::expel(&self.node, query).await),
            ("GET", "/_graticule/dials") => json(dials::show(&self.dials)),
            ("POST", "/_graticule/dials") => json(dials::change(&self.dials, &body)),
            ("DELETE", "/_graticule/dials") => json(dials::reset(&self.dials)),
            _ => return None,
        };
        Some(answer.unwrap_or_else(|error| AdminAnswer::Json(error.envelope().status, error.to_json())))
    }
}

fn json(answer: Result<Value, Error>) -> Result<AdminAnswer, Error> {
    answer.map(|value| AdminAnswer::Json(200, value))
}
