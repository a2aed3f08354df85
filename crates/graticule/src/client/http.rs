//! One request to a server's own endpoint, one connection each. Knows plain HTTP only, as the server's client port does.

use std::time::Duration;

use bytes::Bytes;
use graticule_env::Env;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request, StatusCode, Uri,
    client::conn::http1,
    header::{AUTHORIZATION, HOST},
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use super::ClientError;

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest answer that is taken.
const ANSWER_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Asks one server.
pub(crate) struct Client {
    env: Env,
    endpoint: String,
    authority: String,
    address: (String, u16),
    token: Option<String>,
}

impl Client {
    /// A client of the server at `endpoint`.
    pub(crate) fn new(env: Env, endpoint: &str, token: Option<String>) -> Result<Client, ClientError> {
        let wrong = || ClientError::Endpoint(endpoint.to_owned());
        let uri: Uri = endpoint.parse().map_err(|_| wrong())?;
        let authority = uri.authority().filter(|_| uri.scheme_str() == Some("http")).ok_or_else(wrong)?;
        // An address in brackets is resolved without them.
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let address = (host, authority.port_u16().unwrap_or(80));
        let endpoint = format!("http://{authority}");
        Ok(Client { env, endpoint, authority: authority.to_string(), address, token })
    }

    /// The JSON that the server answers a request with.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, ClientError> {
        let answered = self.env.timeout(PATIENCE, self.call_patiently(method, path, body)).await;
        answered.unwrap_or_else(|| Err(self.unreachable("it did not answer in time")))
    }

    /// The same for what may take as long as it takes.
    pub(crate) async fn call_patiently(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, ClientError> {
        let (status, body) = self.exchange(method, path, body).await?;
        let garbled = |reason: String| ClientError::Garbled { endpoint: self.endpoint.clone(), reason };
        let value = serde_json::from_slice::<Value>(&body).map_err(|error| garbled(error.to_string()))?;
        if status.is_success() {
            return Ok(value);
        }
        let message = ["message", "Message"].iter().find_map(|member| value[*member].as_str());
        let message = message.map_or_else(|| status.to_string(), str::to_owned);
        let endpoint = self.endpoint.clone();
        Err(match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ClientError::Denied { endpoint, message },
            _ => ClientError::Refused { endpoint, message },
        })
    }

    fn unreachable(&self, reason: impl ToString) -> ClientError {
        ClientError::Unreachable { endpoint: self.endpoint.clone(), reason: reason.to_string() }
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Bytes), ClientError> {
        let failed = |error: &dyn std::fmt::Display| self.unreachable(error);
        let (host, port) = &self.address;
        let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(|error| failed(&error))?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error))?;
        self.env.spawn("http client", async move { drop(connection.await) });
        let mut request = Request::builder().method(method).uri(path).header(HOST, &self.authority);
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
        let request = request.body(Full::new(body)).map_err(|error| ClientError::Flags(error.to_string()))?;
        let answer = sender.send_request(request).await.map_err(|error| failed(&error))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
        Ok((status, body.map_err(|error| failed(&error))?.to_bytes()))
    }
}
