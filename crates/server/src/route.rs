//! From a request to its answer: which door it came to, in which order it is checked, what is logged about it.

use std::{any::Any, convert::Infallible, panic::AssertUnwindSafe};

use bytes::Bytes;
use futures_util::FutureExt;
use graticule_model::Error;
use http_body_util::Full;
use hyper::{
    Method, Request, Response,
    body::Incoming,
    header::{HeaderName, HeaderValue},
    http::request::Parts,
};
use serde_json::json;

use crate::{
    AdminAnswer, AdminRequest, Target, answer,
    answer::Answer,
    authority,
    encoding::{self, Coding},
    keys::SigningKey,
    refusal::Refusal,
    server::Shared,
    signature::{self, Claim},
    stream::Unread,
    verify,
};

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
const ADMIN_PREFIX: &str = "/_graticule/";
const METRICS: &str = "/metrics";
/// Largest body of one of Graticule's own requests.
const ADMIN_BODY_BYTES_MAX: usize = 64 * 1024;

/// Answers one request. Cannot fail: whatever goes wrong is an answer too.
pub(crate) async fn respond(
    shared: &Shared,
    unread: &Unread,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let request_id = answer::request_id(&shared.env);
    let (parts, body) = request.into_parts();
    let routed = AssertUnwindSafe(route(shared, &parts, body, &request_id)).catch_unwind().await;
    let answer = routed.unwrap_or_else(|panic| {
        let (operation, region) = (operation_of(&parts), region_of(&parts));
        let reason = panic_reason(panic.as_ref());
        tracing::error!(operation, region, ?request_id, reason, "a request panicked");
        Answer::refused(&Error::Internal("Internal server error".to_owned()).into())
    });
    if answer.last {
        unread.mark();
    }
    Ok(answer.into_response(request_id))
}

async fn route(shared: &Shared, parts: &Parts, mut body: Incoming, request_id: &HeaderValue) -> Answer {
    let path = parts.uri.path();
    if path == "/" && parts.method == Method::POST {
        return call_and_log(shared, parts, body, request_id).await;
    }
    if path.starts_with(ADMIN_PREFIX) || path == METRICS {
        return admin(shared, parts, body).await;
    }
    let body_unread = shared.bodies.discard(&mut body).await.is_err();
    let reading = parts.method == Method::GET || parts.method == Method::HEAD;
    let mut answer = match path {
        "/" if reading => Answer::text("healthy: graticule"),
        "/health" if reading => health(shared),
        _ => not_found(parts),
    };
    answer.last |= body_unread;
    answer
}

async fn call_and_log(
    shared: &Shared,
    parts: &Parts,
    mut body: Incoming,
    request_id: &HeaderValue,
) -> Answer {
    let started = tracing::enabled!(tracing::Level::DEBUG).then(|| shared.env.monotonic());
    let outcome = call(shared, parts, &mut body).await;
    if let Err(Refusal::Api(error)) = &outcome
        && error.envelope().status >= 500
    {
        let (operation, region) = (operation_of(parts), region_of(parts));
        tracing::error!(operation, region, ?request_id, %error, "a request failed");
    }
    let answer = match outcome {
        Ok(body) => Answer::success(body).encoded_for(&parts.headers),
        Err(refusal) => Answer::refused(&refusal),
    };
    if let Some(started) = started {
        let micros = (shared.env.monotonic() - started).as_micros();
        let (operation, region) = (operation_of(parts), region_of(parts));
        let status = answer.status.as_u16();
        tracing::debug!(operation, region, status, micros, ?request_id, "request");
    }
    answer
}

/// One API call. The precedence of its checks is the order of the lines.
async fn call(shared: &Shared, parts: &Parts, body: &mut Incoming) -> Result<Bytes, Refusal> {
    shared.bodies.admit(body)?;
    let Inspected { target, claim, key, coding } = match inspect(shared, parts) {
        Ok(inspected) => inspected,
        Err(refusal) => {
            shared.bodies.discard(body).await?;
            return Err(refusal);
        }
    };
    let (body, _share_of_memory) = shared.bodies.read(body, coding).await?;
    if let (Some(keys), Some(key)) = (&shared.options.access_keys, key) {
        verify::verify(&claim, &key, parts, &body)?;
        keys.keep(&claim, key);
    }
    let body = shared.bodies.decode(body, coding)?;
    Ok(shared.handler.call(claim.caller(), target, body).await?)
}

/// What the head of a request says.
struct Inspected<'a> {
    target: Target<'a>,
    claim: Claim<'a>,
    /// What the claim is to be measured by, if it is.
    key: Option<SigningKey>,
    coding: Option<Coding>,
}

fn inspect<'a>(shared: &Shared, parts: &'a Parts) -> Result<Inspected<'a>, Refusal> {
    let target = target_of(parts).and_then(Target::parse).filter(|target| shared.handler.knows(*target));
    let target = target.ok_or(Error::UnknownOperation)?;
    let keys = shared.options.access_keys.as_ref();
    let now = keys.map(|_| shared.env.unix_time());
    let claim = signature::read(&parts.headers, parts.uri.query(), now)?;
    // Before the body: whoever has no key is not to fill memory with one.
    let key = match keys {
        Some(keys) => Some(keys.find(&claim).ok_or(Error::UnrecognizedClient)?),
        None => None,
    };
    Ok(Inspected { target, claim, key, coding: encoding::of_request(&parts.headers)? })
}

fn health(shared: &Shared) -> Answer {
    if shared.is_serving() {
        Answer::json(200, &shared.handler.health())
    } else {
        Answer::json(503, &json!({"status": "stopping"}))
    }
}

async fn admin(shared: &Shared, parts: &Parts, mut body: Incoming) -> Answer {
    let token = shared.options.admin_token.as_ref();
    if let Err(denied) = authority::admit(token, shared.listening, &parts.headers) {
        let (status, reason) = denied.render();
        let mut answer = Answer::json(status, &json!({"message": reason}));
        answer.last = shared.bodies.discard(&mut body).await.is_err();
        return answer;
    }
    let body = match shared.bodies.read_short(&mut body, ADMIN_BODY_BYTES_MAX).await {
        Ok(body) => body,
        Err(refusal) => return Answer::refused(&refusal),
    };
    let query = parts.uri.query().unwrap_or("");
    let request = AdminRequest { method: parts.method.as_str(), path: parts.uri.path(), query, body };
    match shared.handler.admin(request).await {
        Some(AdminAnswer::Json(status, body)) => Answer::json(status, &body),
        Some(AdminAnswer::Text(content_type, text)) => Answer::typed(content_type, text),
        None => not_found(parts),
    }
}

fn not_found(parts: &Parts) -> Answer {
    let message = format!(
        "There is no {} {} here. The DynamoDB API is POST /, the state of the server is GET /health.",
        parts.method,
        parts.uri.path()
    );
    Answer::json(404, &json!({"message": message}))
}

fn target_of(parts: &Parts) -> Option<&str> {
    parts.headers.get(TARGET)?.to_str().ok()
}

fn operation_of(parts: &Parts) -> &str {
    target_of(parts).and_then(Target::parse).map_or(parts.uri.path(), |target| target.operation)
}

fn region_of(parts: &Parts) -> String {
    let claim = signature::read(&parts.headers, parts.uri.query(), None);
    claim.map(|claim| claim.region().to_owned()).unwrap_or_default()
}

fn panic_reason(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("unknown")
}
