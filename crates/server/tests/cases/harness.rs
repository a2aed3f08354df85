//! A dummy handler, a server around it on a free port, and a client that speaks raw bytes.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use graticule_env::Env;
use graticule_model::Error;
use graticule_server::{
    AdminAnswer, AdminRequest, BoxFuture, Caller, Handler, Options, Server, Service, Target,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
};

/// How long anything in these tests may take.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) const AUTH: &str = "AWS4-HMAC-SHA256 Credential=AKID/20260102/eu-west-1/dynamodb/aws4_request, SignedHeaders=host, Signature=abc";
pub(super) const DATE: &str = "20260102T030405Z";

/// Knows a handful of operations, each a way in which a real handler may behave.
struct Dummy {
    env: Env,
    calls: Arc<AtomicU64>,
}

impl Handler for Dummy {
    fn knows(&self, target: Target<'_>) -> bool {
        ["Echo", "Size", "Slow", "Missing", "Broken", "Panic"].contains(&target.operation)
    }

    fn call<'a>(
        &'a self,
        caller: Caller,
        target: Target<'a>,
        body: Bytes,
    ) -> BoxFuture<'a, Result<Bytes, Error>> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            match target.operation {
                "Echo" => {
                    let echo = json!({
                        "region": caller.region,
                        "access_key": caller.access_key,
                        "streams": target.service == Service::Streams,
                        "body": String::from_utf8_lossy(&body),
                    });
                    Ok(Bytes::from(echo.to_string()))
                }
                "Size" => Ok(Bytes::from(body.len().to_string())),
                "Slow" => {
                    self.env.sleep(Duration::from_millis(400)).await;
                    Ok(Bytes::from_static(b"{\"slow\":true}"))
                }
                "Missing" => Err(Error::TableNotFound("t".to_owned())),
                "Broken" => Err(Error::Internal("the disk is full".to_owned())),
                _ => panic!("as asked"),
            }
        })
    }

    fn health(&self) -> Value {
        json!({"status": "healthy"})
    }

    fn admin<'a>(&'a self, request: AdminRequest<'a>) -> BoxFuture<'a, Option<AdminAnswer>> {
        Box::pin(async move {
            let AdminRequest { method, path, query, body } = request;
            let body = String::from_utf8_lossy(&body);
            match path {
                "/_graticule/links" => {
                    Some(AdminAnswer::Json(202, json!({"method": method, "query": query, "body": body})))
                }
                "/metrics" => Some(AdminAnswer::Text("text/plain; version=0.0.4", "up 1\n".to_owned())),
                _ => None,
            }
        })
    }
}

/// A running server. Dropping it does not wait for anything.
pub(super) struct Running {
    pub(super) addr: SocketAddr,
    pub(super) env: Env,
    /// How many requests have reached the handler.
    pub(super) calls: Arc<AtomicU64>,
    stop: Option<oneshot::Sender<()>>,
    stopped: oneshot::Receiver<()>,
}

pub(super) fn start(options: Options) -> Running {
    start_on([127, 0, 0, 1], options)
}

/// A server on any free port of an address.
pub(super) fn start_on(address: [u8; 4], options: Options) -> Running {
    start_in(Env::real(), address, options)
}

/// The same in an environment.
pub(super) fn start_in(env: Env, address: [u8; 4], options: Options) -> Running {
    let calls = Arc::new(AtomicU64::new(0));
    let handler = Arc::new(Dummy { env: env.clone(), calls: Arc::clone(&calls) });
    let any_port = SocketAddr::from((address, 0));
    let server = Server::bind(any_port, handler, env.clone(), options).unwrap();
    let addr = SocketAddr::from(([127, 0, 0, 1], server.local_addr().port()));
    let (stop, stopping) = oneshot::channel::<()>();
    let (ended, stopped) = oneshot::channel();
    env.spawn("server", async move {
        server.serve(async move { drop(stopping.await) }).await;
        let _ = ended.send(());
    });
    Running { addr, env, calls, stop: Some(stop), stopped }
}

impl Running {
    pub(super) async fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.addr).await.unwrap();
        Client { stream, env: self.env.clone(), buffer: Vec::new() }
    }

    /// One request on a connection of its own.
    pub(super) async fn ask(&self, request: impl AsRef<[u8]>) -> Answer {
        let mut client = self.connect().await;
        client.send(request).await;
        client.answer().await
    }

    /// Begins the shutdown.
    pub(super) fn stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }

    /// Waits for the end of the shutdown.
    pub(super) async fn stopped(self) {
        self.env.timeout(PATIENCE, self.stopped).await.expect("the server should stop").unwrap();
    }
}

/// A connection.
pub(super) struct Client {
    stream: TcpStream,
    env: Env,
    buffer: Vec<u8>,
}

/// An answer, with lower-case header names.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HashMap<String, String>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The exception's name and its message.
    pub(super) fn error(&self) -> (String, String) {
        let json = self.json();
        let text = |member: &str| json[member].as_str().unwrap_or_default().to_owned();
        // Some exceptions spell this member with a capital.
        (text("__type").rsplit('#').next().unwrap().to_owned(), text("message") + &text("Message"))
    }
}

impl Client {
    pub(super) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let sending = self.stream.write_all(bytes.as_ref());
        self.env.timeout(PATIENCE, sending).await.expect("sending takes too long").unwrap();
    }

    /// The next bytes up to and with `end`; everything there is if the connection ends first.
    async fn read_through(&mut self, end: &[u8]) -> Vec<u8> {
        loop {
            if let Some(at) = self.buffer.windows(end.len()).position(|window| window == end) {
                return self.buffer.drain(..at + end.len()).collect();
            }
            if self.fill().await == 0 {
                return std::mem::take(&mut self.buffer);
            }
        }
    }

    async fn fill(&mut self) -> usize {
        let reading = self.stream.read_buf(&mut self.buffer);
        self.env.timeout(PATIENCE, reading).await.expect("no answer").unwrap()
    }

    /// The next answer, whose head must be whole.
    pub(super) async fn answer(&mut self) -> Answer {
        let head = String::from_utf8(self.read_through(b"\r\n\r\n").await).unwrap();
        let mut lines = head.strip_suffix("\r\n\r\n").expect("a whole head").split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: HashMap<String, String> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        while self.buffer.len() < length {
            assert!(self.fill().await > 0, "the body breaks off");
        }
        Answer { status, headers, body: self.buffer.drain(..length).collect() }
    }

    /// Whether the server has ended the connection without a further byte.
    pub(super) async fn is_ended(&mut self) -> bool {
        self.buffer.is_empty() && self.fill().await == 0
    }
}

/// The head of a signed request, without the empty line.
pub(super) fn head(target: &str) -> String {
    format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: {target}\r\nX-Amz-Date: {DATE}\r\n\
         Authorization: {AUTH}\r\n"
    )
}

/// A whole signed request.
pub(super) fn request(operation: &str, body: &str) -> String {
    let head = head(&format!("DynamoDB_20120810.{operation}"));
    format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())
}
