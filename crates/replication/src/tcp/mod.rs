//! Links over TCP: mutual TLS, then a hello, then frames in chunks.
//!
//! Both ends show a certificate of a CA that the other one believes, and the certificate names the Region that the end
//! claims to be: `us-east-1.link.graticule` for us-east-1, several names for a process with several Regions. Only
//! TLS 1.3 is spoken and no session is resumed.
//!
//! [`credentials`] has the files, [`dial`] opens connections, [`serve`] takes them, [`hello`] agrees on a version,
//! [`carry`] moves frames and [`codec`] encodes them.

mod addresses;
mod carry;
mod codec;
mod credentials;
mod dial;
mod hello;
mod names;
mod serve;
mod version1;

use std::{fmt, io, ops::RangeInclusive, sync::Arc, time::Duration};

use graticule_env::Env;
use graticule_model::RegionName;
use serde_json::{Value, json};
use socket2::{SockRef, TcpKeepalive};
use tokio::{net::TcpStream, sync::watch};

pub use self::{
    addresses::Resolve,
    codec::{CodecError, FRAME_BYTES_MAX, PROTOCOL_VERSIONS, decode, encode},
    credentials::{CredentialFiles, Credentials, CredentialsError},
    dial::TcpTransport,
    names::link_name,
    serve::{Find, serve_links},
};
use self::{addresses::SystemResolver, credentials::Material, names::date};
use crate::traffic::TrafficBook;

/// A connection is given up when the other end's machine has not answered for this long.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// Bytes that wait in the kernel: what is queued there can no longer be overtaken by another table.
const UNSENT_BYTES_MAX: u32 = 128 * 1024;

/// Bounds of the links of a process.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Handshakes in progress that others began.
    pub handshakes_max: usize,
    /// The same from one address.
    pub handshakes_per_address_max: usize,
    /// Connections from one Region to one here: its link, joins, questions.
    pub connections_per_peer_max: usize,
    /// How long it may take to connect to one address.
    pub connect_timeout: Duration,
    /// How long TLS and hello may take.
    pub handshake_timeout: Duration,
    /// How old a connection may be before it is opened anew. Long, since a join that is interrupted starts over; new
    /// certificates and the end of a certificate do not wait for it.
    pub connection_age_max: Duration,
    /// Connections are opened anew at different moments within this time after certificates have changed.
    pub renewal_spread: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            handshakes_max: 64,
            handshakes_per_address_max: 16,
            connections_per_peer_max: 64,
            connect_timeout: Duration::from_secs(2),
            handshake_timeout: Duration::from_secs(5),
            connection_age_max: Duration::from_secs(12 * 3600),
            renewal_spread: Duration::from_secs(5),
        }
    }
}

/// What all links of a process share.
pub struct TcpLinks {
    env: Env,
    credentials: Arc<Credentials>,
    limits: Limits,
    versions: RangeInclusive<u16>,
    resolver: Arc<dyn Resolve>,
    traffic: TrafficBook,
}

impl fmt::Debug for TcpLinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpLinks").field("credentials", &self.credentials).finish_non_exhaustive()
    }
}

impl TcpLinks {
    /// Links with these credentials, the usual bounds and all versions of the protocol.
    pub fn new(env: Env, credentials: Arc<Credentials>) -> TcpLinks {
        TcpLinks {
            env,
            credentials,
            limits: Limits::default(),
            versions: PROTOCOL_VERSIONS,
            resolver: Arc::new(SystemResolver),
            traffic: TrafficBook::default(),
        }
    }

    /// With other bounds.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> TcpLinks {
        TcpLinks { limits, ..self }
    }

    /// With some versions only.
    #[must_use]
    pub fn with_versions(self, versions: RangeInclusive<u16>) -> TcpLinks {
        TcpLinks { versions, ..self }
    }

    /// With another way to find the addresses of names.
    #[must_use]
    pub fn with_resolver(self, resolver: Arc<dyn Resolve>) -> TcpLinks {
        TcpLinks { resolver, ..self }
    }

    /// Keeps an eye on the files of the credentials from now on.
    pub fn watch_credentials(&self) {
        let credentials = Arc::clone(&self.credentials);
        self.env.supervise("link certificates", move || Arc::clone(&credentials).watch());
    }

    /// What went over the links.
    pub fn traffic(&self) -> &TrafficBook {
        &self.traffic
    }

    fn ca(&self) -> String {
        self.credentials.files().ca.display().to_string()
    }

    /// What there is to know of the certificate in use, for people.
    fn certificate_status(&self) -> Value {
        let (material, _) = self.credentials.current();
        json!({
            "Regions": material.regions,
            "ValidUntil": date(material.ends_unix_s),
            "Problem": self.credentials.trouble(),
        })
    }

    /// Resolves when a connection is to be opened anew: it is old, one of its certificates has ended, or there are new
    /// ones. The target waits a little longer than the source, so that it is the source that starts.
    fn stale(
        &self,
        mut changed: watch::Receiver<Arc<Material>>,
        ends_unix_s: u64,
        patience: u32,
    ) -> impl Future<Output = ()> + Send + use<> {
        let env = self.env.clone();
        let jitter = move |most: Duration| {
            let most = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
            Duration::from_millis(env.random_u64() % most.saturating_add(1))
        };
        let age = self.limits.connection_age_max;
        let old = (age * 9 / 10 + jitter(age / 10)) * patience;
        let ended = Duration::from_secs(ends_unix_s.saturating_sub(self.env.unix_time().as_secs()));
        let spread = jitter(self.limits.renewal_spread) * patience;
        let env = self.env.clone();
        async move {
            tokio::select! {
                () = env.sleep(old.min(ended)) => {}
                // Without a sender there are no new certificates any more.
                Ok(()) = changed.changed() => env.sleep(spread).await,
            }
        }
    }
}

/// Sends at once, keeps little in the kernel, and notices a peer that has silently gone: sent data or a sign of life must
/// be acknowledged in time.
fn tune(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    socket.set_tcp_notsent_lowat(UNSENT_BYTES_MAX)?;
    socket
        .set_tcp_keepalive(&TcpKeepalive::new().with_time(SILENCE_MAX / 2).with_interval(SILENCE_MAX / 4))?;
    socket.set_tcp_user_timeout(Some(SILENCE_MAX))
}

/// `10.0.2.1:9000 (eu-west-1)`, as explanations name the other end.
fn at(region: &RegionName, address: impl fmt::Display) -> String {
    format!("{region} at {address}")
}
