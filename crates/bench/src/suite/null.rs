//! The null server: the HTTP stack that Graticule stands on, set up in the same way, with an answer that never changes.
//!
//! What a request costs here is what HTTP costs. `POST /answer` says how long answers are from now on; everything else
//! gets such an answer, with the headers that DynamoDB's answers have.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, RwLock},
};

use bytes::Bytes;
use clap::Args;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const CHECKSUM: HeaderName = HeaderName::from_static("x-amz-crc32");
/// The longest answer that it can be told to give.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// The null server's flags.
#[derive(Clone, Debug, Args)]
pub struct NullArguments {
    /// Where to listen
    #[arg(long, value_name = "ADDR:PORT")]
    listen: SocketAddr,
    /// Answer without reading the body of a request
    #[arg(long)]
    unread: bool,
}

struct Null {
    unread: bool,
    answer: RwLock<Bytes>,
}

/// Serves until the process is ended.
pub fn run(arguments: &NullArguments) -> Result<(), String> {
    // The runtime that Graticule has.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| format!("the runtime cannot start: {error}"))?.block_on(serve(arguments))
}

async fn serve(arguments: &NullArguments) -> Result<(), String> {
    let listen = arguments.listen;
    let listener = TcpListener::bind(listen).await.map_err(|error| format!("{listen}: {error}"))?;
    let null = Arc::new(Null { unread: arguments.unread, answer: RwLock::new(Bytes::from_static(b"{}")) });
    let mut protocol = http1::Builder::new();
    protocol.writev(false).half_close(false).keep_alive(true);
    loop {
        let (stream, _) = listener.accept().await.map_err(|error| format!("cannot accept: {error}"))?;
        stream.set_nodelay(true).map_err(|error| format!("cannot accept: {error}"))?;
        let (null, protocol) = (Arc::clone(&null), protocol.clone());
        tokio::spawn(async move {
            let service = service_fn(|request| respond(&null, request));
            // A client that goes away is no concern of anybody here.
            let _ = protocol.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn respond(null: &Null, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let told = request.uri().path() == "/answer";
    if told || !null.unread {
        let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        if told
            && let Some(bytes) = std::str::from_utf8(&body).ok().and_then(|text| text.parse::<usize>().ok())
            && let Ok(mut answer) = null.answer.write()
        {
            *answer = Bytes::from(vec![b' '; bytes.min(ANSWER_BYTES_MAX)]);
        }
    }
    let answer = null.answer.read().map(|answer| answer.clone()).unwrap_or_default();
    let mut response = Response::new(Full::new(answer));
    let headers = response.headers_mut();
    headers.reserve(6); // with content-length and date, which hyper adds
    let id = "0000000000000000000000000000000000000000000000000000";
    headers.insert(REQUEST_ID, HeaderValue::from_static(id));
    headers.insert(CHECKSUM, HeaderValue::from_static("1234567890"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
    Ok(response)
}
