//! Why a request ends before a handler sees it, and how that is said.
//!
//! What the model has an error for travels as that error; the rest is the edge's own and is worded here.

use graticule_model::Error;
use serde_json::{Value, json};

/// A request that goes no further.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Refusal {
    /// For a reason that the model knows.
    Api(Error),
    /// The body did not arrive in time.
    BodyTimeout,
    /// The body broke off or its framing is wrong.
    BodyBroken,
    /// The body is compressed in a way that is not known here.
    EncodingUnknown,
    /// The body is not what its `Content-Encoding` says.
    EncodingBroken,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal::Api(error)
    }
}

impl Refusal {
    /// HTTP status and body.
    pub(crate) fn render(&self) -> (u16, Value) {
        let (status, name, message) = match self {
            Refusal::Api(error) => return (error.envelope().status, error.to_json()),
            Refusal::BodyTimeout => {
                (408, "RequestTimeoutException", "The request body did not arrive in time")
            }
            Refusal::BodyBroken => (400, "SerializationException", "The request body could not be read"),
            Refusal::EncodingUnknown => {
                (415, "UnsupportedEncodingException", "The Content-Encoding of a request is gzip or deflate")
            }
            Refusal::EncodingBroken => {
                (400, "SerializationException", "The request body is not what its Content-Encoding says")
            }
        };
        (status, json!({"__type": format!("com.amazon.coral.service#{name}"), "message": message}))
    }

    /// Whether a part of the request may be left unread, so that the connection cannot be used again.
    pub(crate) fn ends_connection(&self) -> bool {
        matches!(
            self,
            Refusal::Api(Error::RequestTooLarge { .. }) | Refusal::BodyTimeout | Refusal::BodyBroken
        )
    }
}
