//! DescribeEndpoints: where this server listens, for SDKs that discover endpoints.

use graticule_model::Error;
use serde::Deserialize;
use serde_json::json;

use crate::{Context, parameters::parse, reply::Reply};

/// How long a client may go by the answer.
const CACHE_MINUTES: u32 = 1440;

#[derive(Debug, Deserialize)]
struct Request {}

/// Answers the request.
///
/// # Errors
/// If the body is not JSON.
pub(crate) async fn call(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let Request {} = parse(body)?;
    let endpoint = json!({"Address": &*context.endpoint, "CachePeriodInMinutes": CACHE_MINUTES});
    let mut reply = Reply::new();
    reply.value("Endpoints", &[endpoint]);
    Ok(reply.finish())
}
