//! The seam between HTTP and the operations: who asks, what for, and who answers.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use graticule_model::Error;

/// Who asks, as read from the request's signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The Region of the credential scope: never empty, otherwise as the client wrote it.
    pub region: String,
    /// The access key id: never empty, otherwise as the client wrote it.
    pub access_key: String,
}

/// The two APIs that share the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// `DynamoDB_20120810`.
    DynamoDb,
    /// `DynamoDBStreams_20120810`.
    Streams,
}

/// What a request asks for: the parsed `X-Amz-Target` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Target<'a> {
    /// The API.
    pub service: Service,
    /// The operation's name, for example `PutItem`; one or more ASCII letters and digits.
    pub operation: &'a str,
}

impl<'a> Target<'a> {
    /// Reads the value of `X-Amz-Target`; `None` if no API of ours is named in it.
    pub fn parse(header: &'a str) -> Option<Target<'a>> {
        let (api, operation) = header.split_once('.')?;
        let service = match api {
            "DynamoDB_20120810" => Service::DynamoDb,
            "DynamoDBStreams_20120810" => Service::Streams,
            _ => return None,
        };
        let named = !operation.is_empty() && operation.bytes().all(|byte| byte.is_ascii_alphanumeric());
        named.then_some(Target { service, operation })
    }
}

/// What stands behind the server.
///
/// A panic in any of these becomes a 500 for that one request and is logged. The future of a request is dropped,
/// at whichever await it has reached, when its client goes away.
pub trait Handler: Send + Sync + 'static {
    /// Whether there is such an operation. Asked before the signature is looked at, so that an unknown operation
    /// is called so whoever asks, as the live service does.
    fn knows(&self, target: Target<'_>) -> bool {
        let _ = target;
        true
    }

    /// Answers one API call. `body` is the request's body as it came, perhaps empty or no JSON at all; the result
    /// is the JSON of the answer.
    fn call<'a>(
        &'a self,
        caller: Caller,
        target: Target<'a>,
        body: Bytes,
    ) -> BoxFuture<'a, Result<Bytes, Error>>;

    /// One line of JSON for `GET /health`.
    fn health(&self) -> serde_json::Value;

    /// Answers Graticule's own requests, those whose `path` begins with `/_graticule/` or is `/metrics`; `None` if there
    /// is nothing at that path. `query` is raw and empty if there was none. Asked only for those who may.
    fn admin<'a>(&'a self, request: AdminRequest<'a>) -> BoxFuture<'a, Option<AdminAnswer>>;
}

/// A request to Graticule itself.
#[derive(Debug, Clone)]
pub struct AdminRequest<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The path.
    pub path: &'a str,
    /// The query string, raw; empty if there was none.
    pub query: &'a str,
    /// The body, of at most 64 KiB.
    pub body: Bytes,
}

/// What Graticule answers of itself.
#[derive(Debug, Clone, PartialEq)]
pub enum AdminAnswer {
    /// HTTP status and JSON.
    Json(u16, serde_json::Value),
    /// Text of a media type of its own, with status 200.
    Text(&'static str, String),
}
