//! Links over TCP: both ends prove that they know a shared secret, then every frame carries a tag made with it.
//!
//! ```text
//! source -> target   "GRATICULE LINK\n" version from to nonce
//! target -> source   "ok" nonce proof          or a refusal in words
//! source -> target   proof
//! then frames both ways: length (4 bytes, big-endian) tag (16 bytes) payload (postcard)
//! ```
//!
//! The tag is an HMAC over direction, frame number and payload with a key that only this connection has, so frames can be
//! neither forged, changed, repeated nor left out. They can be read by whoever sees the traffic.

use std::{collections::HashMap, io, net::SocketAddr, sync::Arc, time::Duration};

use graticule_env::Env;
use graticule_model::RegionName;
use graticule_tables::BoxFuture;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use crate::{
    message::{Frame, PROTOCOL_VERSION},
    replicator::Replicator,
    transport::{LinkError, Transport, WIRE_FRAMES, Wire},
};

const GREETING: &[u8] = b"GRATICULE LINK\n";
/// Longest frame: a batch of about a megabyte and one more item, with room to spare.
const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;
const HANDSHAKE_BYTES_MAX: usize = 1024;
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
const TAG_BYTES: usize = 16;
/// A connection is given up when the other end's machine has not answered for this long.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// Knows the Regions that are here.
pub type Find = dyn Fn(&str) -> Option<Arc<Replicator>> + Send + Sync;

/// What both ends of every link know.
#[derive(Clone)]
pub struct Secret(Arc<[u8]>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// A secret from its bytes.
    pub fn new(bytes: &[u8]) -> Secret {
        Secret(Arc::from(bytes))
    }

    fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        mac(&self.0, parts)
    }
}

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Compares without telling by its duration how much was right.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

#[derive(Debug, Serialize, Deserialize)]
struct Hello {
    version: u16,
    from: String,
    to: String,
    nonce: [u8; 32],
}

#[derive(Debug, Serialize, Deserialize)]
enum Welcome {
    Ok { nonce: [u8; 32], proof: [u8; 32] },
    Refused(String),
}

fn nonce(env: &Env) -> [u8; 32] {
    let mut nonce = [0; 32];
    for chunk in nonce.chunks_exact_mut(8) {
        chunk.copy_from_slice(&env.random_u64().to_be_bytes());
    }
    nonce
}

fn broken(error: impl std::fmt::Display) -> LinkError {
    LinkError::Broken(error.to_string())
}

async fn write_plain(stream: &mut TcpStream, message: &impl Serialize) -> Result<(), LinkError> {
    let bytes = postcard::to_stdvec(message).map_err(broken)?;
    let length = u32::try_from(bytes.len()).map_err(broken)?;
    stream.write_all(&length.to_be_bytes()).await.map_err(broken)?;
    stream.write_all(&bytes).await.map_err(broken)
}

async fn read_plain<T: for<'a> Deserialize<'a>>(stream: &mut TcpStream) -> Result<T, LinkError> {
    let length = stream.read_u32().await.map_err(broken)? as usize;
    if length > HANDSHAKE_BYTES_MAX {
        return Err(LinkError::Broken("the other end does not speak the link protocol".to_owned()));
    }
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await.map_err(broken)?;
    postcard::from_bytes(&bytes).map_err(broken)
}

/// What both ends of a connection have agreed on.
struct Agreed {
    key: [u8; 32],
}

async fn greet(
    env: &Env,
    secret: &Secret,
    stream: &mut TcpStream,
    from: &RegionName,
    to: &RegionName,
) -> Result<Agreed, LinkError> {
    let hello =
        Hello { version: PROTOCOL_VERSION, from: from.to_string(), to: to.to_string(), nonce: nonce(env) };
    stream.write_all(GREETING).await.map_err(broken)?;
    write_plain(stream, &hello).await?;
    match read_plain(stream).await? {
        Welcome::Refused(reason) => Err(LinkError::Refused(reason)),
        Welcome::Ok { nonce, proof } => {
            let transcript = postcard::to_stdvec(&(&hello, nonce)).map_err(broken)?;
            if !same(&proof, &secret.mac(&[b"target", &transcript])) {
                return Err(LinkError::Secret);
            }
            write_plain(stream, &secret.mac(&[b"source", &transcript])).await?;
            Ok(Agreed { key: secret.mac(&[b"session", &transcript]) })
        }
    }
}

async fn welcome(
    env: &Env,
    secret: &Secret,
    stream: &mut TcpStream,
    find: &Find,
) -> Result<(Agreed, RegionName, Arc<Replicator>), LinkError> {
    let mut greeting = [0; GREETING.len()];
    stream.read_exact(&mut greeting).await.map_err(broken)?;
    if greeting != *GREETING {
        return Err(LinkError::Broken("the other end does not speak the link protocol".to_owned()));
    }
    let hello: Hello = read_plain(stream).await?;
    let refusal = if hello.version != PROTOCOL_VERSION {
        Some(format!(
            "this end speaks version {PROTOCOL_VERSION} of the link protocol, not {}",
            hello.version
        ))
    } else if hello.from == hello.to {
        Some(format!("{} cannot be linked with itself", hello.to))
    } else if find(&hello.to).is_none() {
        Some(format!("Region {} is not here", hello.to))
    } else {
        None
    };
    if let Some(reason) = refusal {
        write_plain(stream, &Welcome::Refused(reason.clone())).await?;
        return Err(LinkError::Broken(reason));
    }
    let from: RegionName = hello.from.parse().map_err(broken)?;
    let target = find(&hello.to).ok_or_else(|| broken("the Region is not here"))?;
    let nonce = nonce(env);
    let transcript = postcard::to_stdvec(&(&hello, nonce)).map_err(broken)?;
    let proof = secret.mac(&[b"target", &transcript]);
    write_plain(stream, &Welcome::Ok { nonce, proof }).await?;
    // The source that does not find the proof right hangs up.
    let answer: [u8; 32] = read_plain(stream).await.map_err(|_| LinkError::Secret)?;
    if !same(&answer, &secret.mac(&[b"source", &transcript])) {
        return Err(LinkError::Secret);
    }
    Ok((Agreed { key: secret.mac(&[b"session", &transcript]) }, from, target))
}

/// Sends at once, and notices a peer that has silently gone: sent data or a sign of life must be acknowledged in time.
fn tune(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    socket
        .set_tcp_keepalive(&TcpKeepalive::new().with_time(SILENCE_MAX / 2).with_interval(SILENCE_MAX / 4))?;
    socket.set_tcp_user_timeout(Some(SILENCE_MAX))
}

/// Turns an agreed connection into a wire. `outward` and `inward` name the directions.
fn carry(env: &Env, stream: TcpStream, agreed: &Agreed, outward: u8, inward: u8) -> Wire {
    let (mut reader, mut writer) = stream.into_split();
    let (sender, mut outgoing) = mpsc::channel::<Frame>(WIRE_FRAMES);
    let (incoming, receiver) = mpsc::channel::<Frame>(WIRE_FRAMES);
    let key = agreed.key;
    env.spawn("link writer", async move {
        let mut number: u64 = 0;
        while let Some(frame) = outgoing.recv().await {
            let Ok(payload) = postcard::to_stdvec(&frame) else { return };
            let Ok(length) = u32::try_from(payload.len()) else { return };
            let tag = mac(&key, &[&[outward], &number.to_be_bytes(), &payload]);
            let mut bytes = Vec::with_capacity(payload.len() + 4 + TAG_BYTES);
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(&tag[..TAG_BYTES]);
            bytes.extend_from_slice(&payload);
            if writer.write_all(&bytes).await.is_err() {
                return;
            }
            number += 1;
        }
    });
    env.spawn("link reader", async move {
        let mut number: u64 = 0;
        loop {
            let Ok(length) = reader.read_u32().await else { return };
            if length as usize > FRAME_BYTES_MAX {
                tracing::warn!(length, "a link frame is too long; the connection is closed");
                return;
            }
            let mut tag = [0; TAG_BYTES];
            let mut payload = vec![0; length as usize];
            if reader.read_exact(&mut tag).await.is_err() || reader.read_exact(&mut payload).await.is_err() {
                return;
            }
            let expected = mac(&key, &[&[inward], &number.to_be_bytes(), &payload]);
            let frame = postcard::from_bytes::<Frame>(&payload);
            let (true, Ok(frame)) = (same(&tag, &expected[..TAG_BYTES]), frame) else {
                tracing::warn!("a link frame was not made by the other end; the connection is closed");
                return;
            };
            if incoming.send(frame).await.is_err() {
                return;
            }
            number += 1;
        }
    });
    Wire { sender, receiver }
}

/// Reaches Regions at configured addresses.
#[derive(Debug)]
pub struct TcpTransport {
    env: Env,
    secret: Secret,
    /// `host:port` by Region. Names are resolved at every connection.
    peers: HashMap<RegionName, String>,
}

impl TcpTransport {
    /// A transport to `peers`.
    pub fn new(env: Env, secret: Secret, peers: HashMap<RegionName, String>) -> TcpTransport {
        TcpTransport { env, secret, peers }
    }
}

impl Transport for TcpTransport {
    fn known(&self) -> Option<Vec<RegionName>> {
        let mut known: Vec<RegionName> = self.peers.keys().cloned().collect();
        known.sort();
        Some(known)
    }

    fn address(&self, to: &RegionName) -> Option<String> {
        self.peers.get(to).cloned()
    }

    fn connect<'a>(
        &'a self,
        from: &'a RegionName,
        to: &'a RegionName,
    ) -> BoxFuture<'a, Result<Wire, LinkError>> {
        Box::pin(async move {
            let address = self.peers.get(to).ok_or_else(|| LinkError::Unknown(to.clone()))?;
            let open = async {
                let mut stream = TcpStream::connect(address)
                    .await
                    .map_err(|error| LinkError::Broken(format!("cannot connect to {address}: {error}")))?;
                tune(&stream).map_err(broken)?;
                let agreed = greet(&self.env, &self.secret, &mut stream, from, to).await?;
                Ok(carry(&self.env, stream, &agreed, b's', b't'))
            };
            let timed_out = || LinkError::Broken(format!("{address} did not answer in time"));
            self.env.timeout(HANDSHAKE_TIMEOUT, open).await.unwrap_or_else(|| Err(timed_out()))
        })
    }
}

/// Serves links from other Regions on `listener` for as long as the process lives. `find` knows the Regions here.
pub async fn serve_links(env: Env, secret: Secret, listener: TcpListener, find: Arc<Find>) {
    loop {
        let (mut stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a link could not be accepted");
                env.sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (env_inside, secret, find) = (env.clone(), secret.clone(), Arc::clone(&find));
        env.spawn("link in", async move {
            if let Err(error) = tune(&stream) {
                tracing::warn!(%address, %error, "a link's connection cannot be tuned");
            }
            let greeted = welcome(&env_inside, &secret, &mut stream, &*find);
            let refused = |address: SocketAddr, error: &LinkError| {
                tracing::warn!(%address, %error, "a link from another Region was not opened");
            };
            match env_inside.timeout(HANDSHAKE_TIMEOUT, greeted).await {
                Some(Ok((agreed, from, target))) => {
                    let wire = carry(&env_inside, stream, &agreed, b't', b's');
                    target.serve(from, wire).await;
                }
                Some(Err(error)) => refused(address, &error),
                None => refused(address, &LinkError::Broken("no greeting in time".to_owned())),
            }
        });
    }
}
