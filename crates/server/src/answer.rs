//! What every answer carries: a status, JSON, a request id and the checksum of its body.

use bytes::Bytes;
use graticule_env::Env;
use http_body_util::Full;
use hyper::{
    HeaderMap, Response, StatusCode,
    header::{CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue},
};
use serde_json::Value;

use crate::{encoding, refusal::Refusal};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const CHECKSUM: HeaderName = HeaderName::from_static("x-amz-crc32");

const REQUEST_ID_CHARS: usize = 52;
const REQUEST_ID_ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHIJKLMNOPQRSTUV";

/// The protocol's own media type.
const AMAZON_JSON: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.0");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// An answer before it is given its headers.
pub(crate) struct Answer {
    /// HTTP status.
    pub(crate) status: StatusCode,
    content_type: HeaderValue,
    body: Bytes,
    gzip: bool,
    /// Whether this is the connection's last answer.
    pub(crate) last: bool,
}

impl Answer {
    /// A call that went well.
    pub(crate) fn success(body: Bytes) -> Answer {
        Answer { status: StatusCode::OK, content_type: AMAZON_JSON, body, gzip: false, last: false }
    }

    /// A call that did not.
    pub(crate) fn refused(refusal: &Refusal) -> Answer {
        let (status, body) = refusal.render();
        Answer { last: refusal.ends_connection(), content_type: AMAZON_JSON, ..Answer::json(status, &body) }
    }

    /// JSON outside DynamoDB's protocol.
    pub(crate) fn json(status: u16, body: &Value) -> Answer {
        Answer {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            content_type: JSON,
            body: Bytes::from(body.to_string()),
            gzip: false,
            last: false,
        }
    }

    /// A line for people and load balancers.
    pub(crate) fn text(body: &'static str) -> Answer {
        let body = Bytes::from_static(body.as_bytes());
        Answer { status: StatusCode::OK, content_type: TEXT, body, gzip: false, last: false }
    }

    /// Text of a media type of its own.
    pub(crate) fn typed(content_type: &'static str, body: String) -> Answer {
        let content_type = HeaderValue::from_static(content_type);
        Answer { status: StatusCode::OK, content_type, body: Bytes::from(body), gzip: false, last: false }
    }

    /// The same, compressed if a client with these headers likes that better.
    pub(crate) fn encoded_for(mut self, headers: &HeaderMap) -> Answer {
        if encoding::wanted(headers, self.body.len())
            && let Ok(body) = encoding::gzip(&self.body)
        {
            self.body = body;
            self.gzip = true;
        }
        self
    }

    /// The answer as it travels. The checksum is of the bytes that travel, compressed or not.
    pub(crate) fn into_response(self, request_id: HeaderValue) -> Response<Full<Bytes>> {
        let checksum = crc32fast::hash(&self.body);
        let mut response = Response::new(Full::new(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.reserve(6); // with content-length and date, which hyper adds
        headers.insert(REQUEST_ID, request_id);
        headers.insert(CHECKSUM, HeaderValue::from(checksum));
        headers.insert(CONTENT_TYPE, self.content_type);
        if self.gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if self.last {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// A request id in the live service's form: 52 characters of base 32.
pub(crate) fn request_id(env: &Env) -> HeaderValue {
    let mut id = [0_u8; REQUEST_ID_CHARS];
    for piece in id.chunks_mut(12) {
        let mut random = env.random_u64();
        for character in piece {
            *character = REQUEST_ID_ALPHABET[(random & 31) as usize];
            random >>= 5;
        }
    }
    HeaderValue::from_bytes(&id).expect("letters and digits make a header value")
}
