//! The least HTTP/1.1 client that can load a server: one request, one answer, framed by Content-Length.
//!
//! It deliberately knows no pipelining, chunked bodies, redirects or TLS; an answer that needs them is an
//! error that says so.

use std::{fmt, io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// No head of an answer is longer than this.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// No body of an answer is longer than this; DynamoDB's largest is 16 MB.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;
const ANSWER_WAIT: Duration = Duration::from_secs(60);
const BUFFER_BYTES: usize = 16 * 1024;

/// Where a server listens, from a URL like `http://127.0.0.1:8000`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    authority: String,
}

impl Endpoint {
    /// Reads `http://host[:port][/]`.
    pub fn parse(url: &str) -> Result<Self, String> {
        let rest = url
            .strip_prefix("http://")
            .ok_or_else(|| format!("{url:?} is not an http:// URL; only plain HTTP is spoken here"))?;
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.is_empty() || authority.contains(['/', '?', '#', '@', ' ']) {
            return Err(format!("{url:?} is not of the form http://host:port"));
        }
        let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        Ok(Self { authority: if has_port { authority.to_owned() } else { format!("{authority}:80") } })
    }

    /// `host:port`, as the Host header carries it.
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.authority)
    }
}

/// What the head of an answer says about the bytes around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The status code.
    pub status: u16,
    /// Offset of the first byte of the body.
    pub body_start: usize,
    /// Length of the body in bytes.
    pub body_len: usize,
    /// Whether the server keeps the connection open after this answer.
    pub keep_alive: bool,
}

/// Reads the head of an answer; `Ok(None)` as long as it has not arrived completely.
pub fn parse_head(bytes: &[u8]) -> Result<Option<Head>, String> {
    let Some(head_len) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return if bytes.len() > HEAD_BYTES_MAX {
            Err(format!("the head of an answer is longer than {HEAD_BYTES_MAX} bytes"))
        } else {
            Ok(None)
        };
    };
    let text = std::str::from_utf8(&bytes[..head_len]).map_err(|_| "a head is not UTF-8".to_owned())?;
    let mut lines = text.split("\r\n");
    let status_line = lines.next().unwrap_or_default();
    let (minor_version, status) = parse_status_line(status_line)
        .ok_or_else(|| format!("{status_line:?} is not the status line of HTTP/1.1"))?;
    if status < 200 {
        return Err(format!("an interim answer ({status}) nobody asked for"));
    }

    let mut keep_alive = minor_version >= 1;
    let mut body_len = if matches!(status, 204 | 304) { Some(0) } else { None };
    for line in lines {
        let (name, value) =
            line.split_once(':').ok_or_else(|| format!("{line:?} is not a header of an answer"))?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            let length = value.parse().ok().filter(|length| *length <= BODY_BYTES_MAX);
            body_len = Some(length.ok_or_else(|| format!("Content-Length {value:?} is not usable"))?);
        } else if name.eq_ignore_ascii_case("connection") {
            keep_alive = !value.eq_ignore_ascii_case("close")
                && (keep_alive || value.eq_ignore_ascii_case("keep-alive"));
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(format!("Transfer-Encoding {value:?} is not understood here"));
        }
    }
    let body_len = body_len.ok_or_else(|| "an answer without Content-Length".to_owned())?;
    Ok(Some(Head { status, body_start: head_len + 4, body_len, keep_alive }))
}

/// The minor version and the status of `HTTP/1.x NNN reason`.
fn parse_status_line(line: &str) -> Option<(u8, u16)> {
    let rest = line.strip_prefix("HTTP/1.")?;
    let (version, rest) = rest.split_once(' ')?;
    let status = rest.split(' ').next()?;
    if status.len() != 3 {
        return None;
    }
    Some((version.parse().ok()?, status.parse().ok()?))
}

/// An answer, borrowed from the connection's buffer.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: &'a [u8],
}

impl Answer<'_> {
    /// Status and the beginning of the body, for an error message.
    pub fn describe(&self) -> String {
        let shown = &self.body[..self.body.len().min(500)];
        format!("{} {}", self.status, String::from_utf8_lossy(shown).trim_end())
    }
}

/// One keep-alive connection.
#[derive(Debug)]
pub struct Connection {
    endpoint: Endpoint,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub async fn open(endpoint: &Endpoint) -> Result<Self, String> {
        let mut connection = Self { endpoint: endpoint.clone(), stream: None, buffer: vec![0; BUFFER_BYTES] };
        connection.reopen().await?;
        Ok(connection)
    }

    /// Drops what there is and connects again.
    pub async fn reopen(&mut self) -> Result<(), String> {
        self.stream = None;
        let failed = |error: io::Error| format!("no connection to {}: {error}", self.endpoint);
        let stream = TcpStream::connect(self.endpoint.authority()).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        self.stream = Some(stream);
        Ok(())
    }

    /// Whether the next request finds the connection open.
    pub fn is_open(&self) -> bool {
        self.stream.is_some()
    }

    /// Sends a complete request and waits for its complete answer. After an error, and after an answer with
    /// which the server closed the connection, the next call connects again.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>, String> {
        if self.stream.is_none() {
            self.reopen().await?;
        }
        // Taken out, so that a connection in an unknown state is not used again after an error.
        let mut stream = self.stream.take().expect("opened above");
        stream.write_all(request).await.map_err(|error| format!("could not send: {error}"))?;
        let head = read_answer(&mut stream, &mut self.buffer).await?;
        if head.keep_alive {
            self.stream = Some(stream);
        }
        Ok(Answer {
            status: head.status,
            body: &self.buffer[head.body_start..head.body_start + head.body_len],
        })
    }
}

/// An exchange outside the measurements, where a timer per request costs nothing that counts.
pub async fn exchange_in_time<'a>(
    connection: &'a mut Connection,
    request: &[u8],
) -> Result<Answer<'a>, String> {
    match tokio::time::timeout(ANSWER_WAIT, connection.exchange(request)).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("no answer within {} s: the server hangs", ANSWER_WAIT.as_secs())),
    }
}

/// Fills `buffer` from its start with exactly one answer.
async fn read_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<Head, String> {
    let mut filled = 0;
    let mut head: Option<Head> = None;
    loop {
        if filled == buffer.len() {
            buffer.resize(buffer.len() * 2, 0);
        }
        let count = stream
            .read(&mut buffer[filled..])
            .await
            .map_err(|error| format!("could not read the answer: {error}"))?;
        if count == 0 {
            return Err(format!("the server closed the connection {filled} bytes into its answer"));
        }
        filled += count;
        if head.is_none() {
            head = parse_head(&buffer[..filled])?;
            if let Some(head) = head {
                // One byte more than needed, so that a read is never cut short and the kernel not asked twice.
                let needed = head.body_start + head.body_len + 1;
                if buffer.len() < needed {
                    buffer.resize(needed, 0);
                }
            }
        }
        if let Some(head) = head {
            let end = head.body_start + head.body_len;
            match filled.cmp(&end) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => return Ok(head),
                std::cmp::Ordering::Greater => return Err("more bytes than the answer has".to_owned()),
            }
        }
    }
}
